"""The beaconing detection as DuckDB SQL over a relation of canonical connections (sources/logs/schema.py)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from textwrap import indent
from typing import Literal

from playbook.detections.beaconing import (
    FAST_PER_HOUR,
    ICMP_NAMES,
    IRC_PORTS,
    MIN_CONNECTIONS,
    MIN_HOURS,
    NTP_LARGEST,
    NTP_PORT,
    NTP_SMALLEST,
    SEED_INTERNAL,
    SOME_CONNECTIONS,
    Profile,
)
from playbook.detections.hunts import HUNTS
from playbook.detections.languages.duckdb.hunts import hunt_query
from playbook.detections.languages.duckdb.paste import pasted
from playbook.detections.long_connection import UNUSUAL_S
from playbook.model.address import NOT_GLOBAL, Network

Purpose = Literal["paste", "fetch"]
DAY_S = 86400
WEEK_S = 7 * DAY_S
# Distinct hours as bits of three BIGINTs: exact while a window is shorter than this many hours, and a third of the
# time of count(DISTINCT hour), whose hash table holds every (tuple, hour).
_BITS, _WORDS = 60, 3
MASK_HOURS = _BITS * _WORDS
HOUR_WORDS = ", ".join(f"hours_{number}" for number in range(_WORDS))

# Bits again: the least and greatest of a text cost several times as much.
_TRANSPORTS = {"tcp": 1, "udp": 2}
_OTHER_TRANSPORT = 4

_KEY = "hostname, src_ip, dst_ip, dst_port"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
ADDRESS = rf"({_OCTET}\.){{3}}{_OCTET}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%.*)?"


@dataclass(frozen=True)
class Windows:
    """Which rows form a window: between ``start`` and ``end`` (epoch seconds, half open), cut every ``every`` seconds.

    All null: one window over everything.
    """

    start: float | None = None
    end: float | None = None
    every: int | None = None


def query(
    profile: Profile = "default", hunt: str | None = None, purpose: Purpose = "paste", lab: tuple[Network, ...] = ()
) -> str:
    """The text that ``query duckdb`` prints: the detection, or one of the hunts, over a relation named ``conn``.

    ``purpose`` paste: with the seed's columns and score; fetch: the aggregates that the log connector scores.
    """
    if hunt is not None:
        return hunt_query(HUNTS[hunt])
    if purpose == "fetch":
        return aggregation(profile, lab=lab) + "ORDER BY connections DESC, hostname, src_ip, dst_ip, dst_port;\n"
    return pasted(aggregation(profile, lab=lab), profile)


def aggregation(
    profile: Profile,
    relation: str = "conn",
    windows: Windows | None = None,
    only: str = "",
    lab: tuple[Network, ...] = (),
) -> str:
    """SELECT of the raw aggregates (``Aggregate``, led by ``window_no``) of every tuple that could fire.

    ``only`` names a relation of (window_no, hostname, src_ip, dst_ip, dst_port) to confine it to. Addresses with a
    colon pass: the reference scorer decides them, and every other one, again.
    """
    chosen = f"\n  SEMI JOIN {only} USING (window_no, {_KEY})" if only else ""
    return f"""\
WITH events AS (
  SELECT *, floor(start / 3600)::BIGINT AS hour_no,
    {windows_column(windows)} AS window_no
  FROM {relation}
  WHERE start IS NOT NULL{scored(profile)}
), counted AS (
  SELECT * FROM events{chosen}
  WHERE window_no IS NOT NULL{once(profile)}
), tuples AS MATERIALIZED (
  SELECT *, {v4("dst_ip")} AS dst_v4
  FROM (
    SELECT window_no, {_KEY},
{indent(measures(profile), "  ")}
    FROM counted
    GROUP BY ALL
  )
  WHERE connections >= {MIN_CONNECTIONS} AND hourly_buckets >= {MIN_HOURS}
    OR denied >= {MIN_CONNECTIONS} AND denied_hours >= {MIN_HOURS}
)
SELECT * EXCLUDE (dst_v4) FROM tuples
WHERE dst_v4 IS NULL OR {external(profile, lab)}
"""


def fast_path(profile: Profile, relation: str = "conn", windows: Windows | None = None) -> str:
    """The same in one pass with flat memory, for logs without host, process and denied attempts.

    In such a log ``bytes_total`` must be the sum of the two sides, so that it need not be read. Columns as in
    ``aggregation``, then ``usable``, ``doubtful`` and the hours as bits. A ``doubtful`` tuple (a session may be several
    rows, it carried several services, or another transport than TCP and UDP) must be aggregated again; one that
    is not ``usable`` has text for an address, and is listed so that its rows can be rejected. Others that can have no
    point are left out, but for those with long connections: the last two columns are their rows ([start, end,
    bytes_sent, bytes_rcvd]), and whether a session cut into rows may be as long. The rows whose ``dst_ip`` is null sum
    up each window, and what lies in none. Windows must be shorter than ``MASK_HOURS``.
    """
    words = ", ".join(f"{_word(number)} AS hours_{number}" for number in range(_WORDS))
    bits = " + ".join(f"bit_count(hours_{number})::BIGINT" for number in range(_WORDS))
    seed = profile == "seed"
    scored = "true" if seed else f"coalesce(proto, '') NOT IN ({_icmp()})"
    usable = " AND ".join(f"regexp_full_match({side}, '{ADDRESS}')" for side in ("src_ip", "dst_ip"))
    return f"""\
SELECT * EXCLUDE ({HOUR_WORDS}, long_rows, long_if_joined) REPLACE (
  bytes_sent + bytes_rcvd AS bytes_total, [{_names_of("transports")}] AS transports
), {HOUR_WORDS}, long_rows, long_if_joined FROM (
SELECT window_no, '' AS hostname, src_ip, dst_ip, dst_port, count(*) AS connections, {words},
  {bits} AS hourly_buckets,
{_sums(profile, "", ("bytes_sent", "bytes_rcvd"))},
  NULL AS bytes_total, min(start) AS first_seen, max(start) AS last_seen, 0 AS denied, 0 AS denied_hours,
  []::VARCHAR[] AS processes, [min(service), max(service)] AS services, {_transports()} AS transports,
  {_ntp()} AS ntp_sized,
  {usable} AS usable,
  {"false" if seed else "bool_or(continues)"} OR transports >= {_OTHER_TRANSPORT}
    OR coalesce(min(service) != max(service), false) AS doubtful, {_long_rows(seed)}
FROM (
  SELECT start, src_ip, dst_ip, dst_port, proto, bytes_sent, bytes_rcvd, orig_bytes, sent_packets, rcvd_packets,
    continues, CASE WHEN proto = 'tcp' THEN start + duration END AS tcp_end, nullif(service, '') AS service,
    floor(start / 3600)::BIGINT % {MASK_HOURS} AS hour_no,
    {scored} AS scored, {windows_column(windows)} AS window_no
  FROM {relation}
  WHERE start IS NOT NULL
)
GROUP BY GROUPING SETS ((window_no, scored, src_ip, dst_ip, dst_port), (window_no))
HAVING grouping(dst_ip) = 1 OR NOT usable OR window_no IS NOT NULL AND (long_if_joined OR long_rows IS NOT NULL)
  OR window_no IS NOT NULL AND scored AND connections >= {MIN_CONNECTIONS} AND hourly_buckets >= {MIN_HOURS}
    AND (doubtful OR connections > {SOME_CONNECTIONS} OR connections > {FAST_PER_HOUR} * hourly_buckets
      OR dst_port IN ({", ".join(map(str, sorted(IRC_PORTS)))}))
)
"""


def _long_rows(seed: bool) -> str:
    if seed:
        return "NULL AS long_rows, false AS long_if_joined"
    return f"""list([start, tcp_end, bytes_sent, bytes_rcvd]::DOUBLE[])
    FILTER (tcp_end >= start + {UNUSUAL_S}) AS long_rows,
  coalesce(bool_or(continues) AND max(tcp_end) >= min(start) + {UNUSUAL_S}, false) AS long_if_joined"""


def v4(column: str) -> str:
    """SQL number of a dotted IPv4 address; null for any other text."""
    # One byte each: a larger number would overflow in the multiplication, which ends the whole query.
    octets = (
        f"try_cast(split_part({column}, '.', {place}) AS UTINYINT)::BIGINT * {256 ** (4 - place)}"
        for place in range(1, 5)
    )
    return " + ".join(octets)


def within(number: str, networks: Iterable[Network]) -> str:
    """SQL condition: the IPv4 ``number`` (see ``v4``) lies in one of the IPv4 networks; the others are left out."""
    tests = [
        f"{number} BETWEEN {int(network[0])} AND {int(network[-1])}"
        for network in networks
        if isinstance(network, IPv4Network)
    ]
    return "(" + "\n    OR ".join(tests or ["false"]) + ")"


def windows_column(windows: Windows | None) -> str:
    """The SQL expression that numbers the window an event lies in; null outside all of them."""
    if windows is None or windows.start is None:
        return "0"
    number = f"floor((start - {windows.start!r}) / {windows.every})::INTEGER" if windows.every else "0"
    if windows.end is None:
        return f"CASE WHEN start >= {windows.start!r} THEN {number} END"
    return f"CASE WHEN start >= {windows.start!r} AND start < {windows.end!r} THEN {number} END"


def _icmp() -> str:
    return ", ".join(f"'{name}'" for name in sorted(ICMP_NAMES))


def scored(profile: Profile) -> str:
    """The condition, after others, that leaves out what the profile never counts."""
    return "" if profile == "seed" else f"\n    AND coalesce(proto, '') NOT IN ({_icmp()})"


def once(profile: Profile) -> str:
    """One session that the log cut into several rows counts once."""
    if profile == "seed":
        return ""
    return """
  QUALIFY NOT continues OR row_number() OVER (
    PARTITION BY window_no, src_ip, src_port, dst_ip, dst_port, proto ORDER BY start, continues) = 1"""


def measures(profile: Profile) -> str:
    """The aggregates of a group, in the order of ``Aggregate`` after its key."""
    counted, attempts = ("", "") if profile == "seed" else (" FILTER (NOT denied)", " FILTER (denied)")
    denied = "0" if profile == "seed" else f"coalesce(sum(conns){attempts}, 0)::BIGINT"
    hours = "0" if profile == "seed" else f"count(DISTINCT hour_no){attempts}"
    return f"""\
    coalesce(sum(conns){counted}, 0)::BIGINT AS connections,
    count(DISTINCT hour_no){counted} AS hourly_buckets,
{_sums(profile, counted)},
    coalesce(min(start){counted}, min(start)) AS first_seen, coalesce(max(start){counted}, max(start)) AS last_seen,
    {denied} AS denied, {hours} AS denied_hours,
    list(DISTINCT process_name) AS processes, list(DISTINCT service) AS services, list(DISTINCT proto) AS transports,
    {_ntp(counted)} AS ntp_sized"""


def _sums(profile: Profile, counted: str, names: Sequence[str] = ("bytes_sent", "bytes_rcvd", "bytes_total")) -> str:
    """Absent counters: zero in the seed; in the default profile one unknown part makes the sum unknown."""
    if profile == "seed":
        absent = {name: f"coalesce({name}, 0)" for name in ("bytes_sent", "bytes_rcvd")}
        values = absent | {"bytes_total": f"coalesce(bytes_total, {' + '.join(absent.values())})"}
        return ",\n".join(f"    sum({values[name]}) AS {name}" for name in names)
    return ",\n".join(
        f"    CASE WHEN count(*){counted} = count({name}){counted} THEN sum({name}){counted} END AS {name}"
        for name in names
    )


def _ntp(counted: str = "") -> str:
    """Whether every packet had the size of one of NTP's; null on other ports, and where one size is unknown."""
    pairs = (("orig_bytes", "sent_packets"), ("bytes_rcvd", "rcvd_packets"))
    sized = " AND ".join(
        f"{size} BETWEEN {NTP_SMALLEST} * {packets} AND {NTP_LARGEST} * {packets}" for size, packets in pairs
    )
    unknown = " + ".join(name for pair in pairs for name in pair)
    worst = f"CASE WHEN {unknown} IS NULL THEN 0 WHEN {sized} THEN 2 ELSE 1 END"
    return f"CASE min(CASE WHEN dst_port = {NTP_PORT} THEN {worst} END){counted} WHEN 2 THEN true WHEN 1 THEN false END"


def hours_of(words: Sequence[int], first: float) -> tuple[int, ...]:
    """The hours (since 1970) whose bits are set, from the words of ``lean``; none lies before ``first`` (epoch s)."""
    origin = int(first // 3600)
    numbers = (origin + offset for offset in range(MASK_HOURS))
    bit = {number: number % MASK_HOURS for number in numbers}
    return tuple(number for number, place in bit.items() if words[place // _BITS] >> place % _BITS & 1)


def _transports() -> str:
    known = " ".join(f"WHEN '{name}' THEN {bit}" for name, bit in _TRANSPORTS.items())
    return f"bit_or(CASE proto {known} WHEN '' THEN 0 ELSE {_OTHER_TRANSPORT} END)"


def _names_of(bits: str) -> str:
    return ", ".join(f"CASE WHEN {bits} & {bit} > 0 THEN '{name}' END" for name, bit in _TRANSPORTS.items())


def _word(number: int) -> str:
    low = number * _BITS
    return (
        f"bit_or(CASE WHEN hour_no BETWEEN {low} AND {low + _BITS - 1} THEN 1::BIGINT << (hour_no - {low})::INTEGER "
        "ELSE 0::BIGINT END)"
    )


def external(profile: Profile, lab: tuple[Network, ...]) -> str:
    """SQL condition: the profile scores connections to the IPv4 number ``dst_v4``."""
    if profile == "seed":
        return f"NOT {within('dst_v4', SEED_INTERNAL)}"
    named = f" OR {within('dst_v4', lab)}" if lab else ""
    return f"(NOT {within('dst_v4', (network for network, _ in NOT_GLOBAL))}{named})"


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": ("yes", "engine", "engine (`tests/connectors/sources/logs`)"),
    "ddos-burst": ("yes", "engine", "engine"),
    "dga-burst": ("yes", "engine", "engine"),
    "irc": ("yes", "engine", "engine"),
}
