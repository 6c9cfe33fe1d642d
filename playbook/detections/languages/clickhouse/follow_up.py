"""What is asked about detections: start times, users of destinations, busy quarters of an hour, conversations."""

from collections.abc import Mapping, Sequence

from playbook.detections.hunts import QUARTER_S
from playbook.detections.languages._external_addresses import (
    BROWSERS_REFUSE,
    LEAST_FLOOD,
    LEAST_PAIRS,
    NOT_FLOODED,
    V6,
    V6_NOT,
)
from playbook.detections.languages._internal_networks import v4_networks, v6_patterns
from playbook.detections.languages.clickhouse import escaping
from playbook.detections.languages.clickhouse.escaping import literal
from playbook.detections.languages.clickhouse.relation import HELD, KEY, REFUSED, UNTOLD, in_v4
from playbook.model.address import NOT_GLOBAL, Network

EVERYWHERE = "*"
# More bytes than the headers of so many packets have.
_HEADERS = 60
_OPENED = f"(NOT continues OR ifNull(bytes_rcvd > {_HEADERS} * rcvd_packets, false))"
_NUMBERED = "SELECT *, IPv4StringToNumOrNull({0}) AS number FROM connections"


def tuple_key(src_ip: str, dst_ip: str, dst_port: int) -> str:
    """How a tuple is named; the host name is no part of it, so that no host can write into a query."""
    return f"{src_ip} {dst_ip} {dst_port}"


def starts(keys: Sequence[str], since: Mapping[str, int], step_s: int) -> str:
    """One row for each ``step_s`` seconds in which a tuple of ``keys`` began a connection."""
    late = "".join(f"\n  AND NOT (({_TUPLE}) = {_key(key)} AND start < {second})" for key, second in since.items())
    return f"""\
SELECT toInt64(floor(start / {step_s})) * {step_s} AS start_s, {KEY},
  sum(conns) AS start_conns, count() AS row_count, count(orig_bytes) AS sent_known,
  sum(toInt128(ifNull(orig_bytes, 0))) AS start_sent
FROM sessions
WHERE {_of(keys)} AND NOT denied{late}
GROUP BY start_s, {KEY}"""


def users(destinations: Sequence[str], home: Sequence[Network]) -> str:
    """How many of our hosts sent anything (place ``*``), and how many used each destination.

    IPv6 sources come by name, because their text has many spellings and only the reader can tell whose they are.
    """
    ours = [in_v4("number", v4_networks(home))]
    ours += [f"isNull(number) AND match(src_ip, {literal(pattern)})" for pattern in v6_patterns(home)]
    return f"""\
SELECT place, if(position(src_ip, ':') > 0, src_ip, '') AS source6, count() AS hosts,
  countIf(was_reached) AS reached, countIf(was_held) AS held, countIf(was_untold) AS untold,
  toInt64(floor(min(began) * 1000)) AS first_ms
FROM (
  SELECT place, src_ip, max(NOT {REFUSED}) AS was_reached, max({HELD}) AS was_held, max({UNTOLD}) AS was_untold,
    min(start) AS began
  FROM (
    SELECT *, arrayJoin({_places(f"dst_ip IN {escaping.listed(destinations)}", "dst_ip")}) AS place
    FROM ({_NUMBERED.format("src_ip")})
    WHERE ifNull({" OR ".join(ours)}, false)
  )
  GROUP BY place, src_ip
)
GROUP BY place, source6"""


def quarters(keys: Sequence[str], lab: Sequence[Network]) -> str:
    """The busy quarters of an hour of the sources in ``keys``, and each of these tuples in each of its quarters."""
    sources = escaping.listed(dict.fromkeys(key.partition(" ")[0] for key in keys))
    busy = f"n >= {LEAST_FLOOD} AND dst_port NOT IN {NOT_FLOODED}"
    places = _places(f"{busy} OR ({_TUPLE}) IN {_keys(keys)}", "concat(dst_ip, '/', toString(dst_port))")
    return f"""\
SELECT src_ip, quarter, place, sum(n) AS connections, countIf(outside) AS pairs,
  countIf(outside AND failed_n = n) AS refused_pairs, countIf(outside AND NOT answers_known) AS untold_pairs,
  countIf(outside AND failed_n = n AND dst_port IN {BROWSERS_REFUSE}) AS shut_pairs,
  sum(n) AS stated, sum(sure_n) AS sure, sum(failed_n) AS failed
FROM (
  SELECT *, arrayJoin({places}) AS place
  FROM (
    SELECT src_ip, toInt64(floor(start / {QUARTER_S})) AS quarter, dst_ip, dst_port, sum(conns) AS n,
      sumIf(conns, {REFUSED}) AS failed_n, sumIf(conns, denied OR isNotNull(answered)) AS sure_n,
      max(denied OR isNotNull(answered) OR isNotNull(bytes_rcvd)) AS answers_known, any({_outside(lab)}) AS outside
    FROM ({_NUMBERED.format("dst_ip")})
    WHERE src_ip IN {sources}
    GROUP BY src_ip, quarter, dst_ip, dst_port
  )
)
GROUP BY src_ip, quarter, place
HAVING NOT (place = '{EVERYWHERE}' AND pairs < {LEAST_PAIRS})"""


def conversations(keys: Sequence[str]) -> str:
    """For each tuple of ``keys``: attempts, those unanswered and their hours, the longest, and the conversations."""
    tcp = "proto IN ('tcp', '')"
    return f"""\
SELECT {KEY}, sum(conns) AS attempts, sumIf(conns, {REFUSED}) AS unanswered,
  uniqExactIf(toInt64(floor(start / 3600)), {REFUSED}) AS unanswered_hours,
  countIf(denied OR isNotNull(answered)) AS sure, max(duration) AS longest_s,
  sumIf(conns, {HELD} AND {_OPENED}) AS established, sumIf(conns, {HELD}) AS both_sided,
  sumIf(conns, {HELD} AND service IN ('irc', 'irc-base')) AS irc_alone, countIf({UNTOLD} AND {tcp}) AS untold
FROM sessions
WHERE {_of(keys)}
GROUP BY {KEY}"""


def outside_addresses(sources: Sequence[str], lab: Sequence[Network]) -> str:
    """How many distinct outside addresses each source called."""
    return f"""\
SELECT src_ip, uniqExact(dst_ip) AS addresses
FROM ({_NUMBERED.format("dst_ip")})
WHERE src_ip IN {escaping.listed(sources)} AND {_outside(lab)}
GROUP BY src_ip"""


def _places(condition: str, own: str) -> str:
    """A row counts among all, and where the condition holds by itself too."""
    return f"if({condition}, ['{EVERYWHERE}', {own}], ['{EVERYWHERE}'])"


_TUPLE = "src_ip, dst_ip, toString(dst_port)"


def _key(key: str) -> str:
    return "(" + ", ".join(map(literal, key.split(" "))) + ")"


def _keys(keys: Sequence[str]) -> str:
    return "(" + ", ".join(map(_key, keys)) + ("," if len(keys) == 1 else "") + ")"


def _of(keys: Sequence[str]) -> str:
    """The rows of these tuples; their destinations first, which an index may know."""
    return (
        f"dst_ip IN {escaping.listed(dict.fromkeys(key.split(' ')[1] for key in keys))} AND ({_TUPLE}) IN {_keys(keys)}"
    )


def _outside(lab: Sequence[Network]) -> str:
    """Whether ``number`` (of dst_ip; null: no IPv4) or the text of an IPv6 address is global."""
    v6 = f"match(dst_ip, {literal(V6)})" + "".join(f" AND NOT match(dst_ip, {literal(not_)})" for not_ in V6_NOT)
    inside = in_v4("number", tuple(network for network, _ in NOT_GLOBAL))
    return f"if(isNull(number), {v6}, ifNull(NOT {inside} OR {in_v4('number', lab)}, false))"
