"""The beaconing detection over canonical connections: the raw aggregates of every tuple that could fire."""

from collections.abc import Sequence

from playbook.detections.beaconing import (
    FAST_PER_HOUR,
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
from playbook.detections.languages.clickhouse.relation import KEY, SCORED, in_v4
from playbook.model.address import NOT_GLOBAL, Network

# Hours by arithmetic: toStartOfHour would use the server's zone. No round: it is banker's on floats.
HOUR = "toInt64(floor(start / 3600))"
_MOST_NAMES = 1_000


def aggregated(profile: Profile = "default", lab: Sequence[Network] = ()) -> str:
    """A SELECT of what the scorer takes, a row a tuple; over sessions, in the seed over connections.

    Sums are 128 bits wide, so that they cannot wrap, and null when a part is unknown. IPv6 destinations pass: the
    reference scorer decides them, and every other one, again.
    """
    got = "true" if profile == "seed" else "NOT denied"
    attempts = ("toInt64(0)", "toUInt64(0)")
    if profile == "default":
        attempts = ("sumIf(conns, denied)", f"uniqExactIf({HOUR}, denied)")
    sums = ",\n".join(f"  {_sum(name, profile)} AS {alias}" for name, alias in _SUMS.items())
    return f"""\
SELECT {KEY},
  sumIf(conns, {got}) AS connections,
  uniqExactIf({HOUR}, {got}) AS hourly_buckets,
{sums},
  if(countIf({got}) > 0, minIf(start, {got}), min(start)) AS first_at,
  if(countIf({got}) > 0, maxIf(start, {got}), max(start)) AS last_at,
  {attempts[0]} AS denied_attempts, {attempts[1]} AS denied_hours,
  groupUniqArray({_MOST_NAMES})(process_name) AS process_names,
  groupUniqArray({_MOST_NAMES})(service) AS services,
  groupUniqArray({_MOST_NAMES})(proto) AS protos,
  {_ntp(got)} AS ntp
FROM (
  SELECT *, IPv4StringToNumOrNull(dst_ip) AS dst_v4 FROM {"connections" if profile == "seed" else "sessions"}
)
WHERE {_outside(profile, lab)}{"" if profile == "seed" else f" AND {SCORED}"}
GROUP BY {KEY}
HAVING connections >= {MIN_CONNECTIONS} AND hourly_buckets >= {MIN_HOURS}
    AND (dst_port IN ({", ".join(map(str, sorted(IRC_PORTS)))}) OR connections > {SOME_CONNECTIONS}
      OR connections > {FAST_PER_HOUR} * hourly_buckets)
  OR denied_attempts >= {MIN_CONNECTIONS} AND denied_hours >= {MIN_HOURS}"""


_SUMS = {"bytes_sent": "total_sent", "bytes_rcvd": "total_rcvd", "bytes_total": "total_bytes"}


def _sum(name: str, profile: Profile) -> str:
    """Absent counters: zero in the seed; in the default profile one unknown part makes the sum unknown."""
    if profile == "seed":
        absent = "ifNull(bytes_sent, 0) + ifNull(bytes_rcvd, 0)" if name == "bytes_total" else "0"
        return f"sum(toInt128(ifNull({name}, {absent})))"
    known = f"countIf(NOT denied) > 0 AND countIf(NOT denied AND isNull({name})) = 0"
    return f"if({known}, sumIf(toInt128(ifNull({name}, 0)), NOT denied), NULL)"


def _ntp(got: str) -> str:
    """Whether every packet had the size of one of NTP's; null on other ports, and where one size is unknown."""
    pairs = (("orig_bytes", "sent_packets"), ("bytes_rcvd", "rcvd_packets"))
    sized = " AND ".join(
        f"{size} BETWEEN {NTP_SMALLEST} * {packets} AND {NTP_LARGEST} * {packets}" for size, packets in pairs
    )
    unknown = " + ".join(name for pair in pairs for name in pair)
    worst = f"multiIf(isNull({unknown}), 0, {sized}, 2, 1)"
    return f"if(dst_port = {NTP_PORT} AND countIf({got}) > 0, minIf({worst}, {got}), 0)"


def _outside(profile: Profile, lab: Sequence[Network]) -> str:
    """Text that is no IPv4 address passes."""
    if profile == "seed":
        return f"(isNull(dst_v4) OR NOT {in_v4('dst_v4', SEED_INTERNAL)})"
    named = f" OR {in_v4('dst_v4', lab)}" if any(network.version == 4 for network in lab) else ""
    return f"(isNull(dst_v4) OR NOT {in_v4('dst_v4', tuple(network for network, _ in NOT_GLOBAL))}{named})"
