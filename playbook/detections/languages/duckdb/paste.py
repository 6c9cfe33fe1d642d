"""What the printed query adds to the one that the log connector runs: the score, and the seed's columns.

All in whole numbers, so that no rounding of the engine decides: more than 10.0 an hour after rounding to one decimal
is 20 * connections >= 201 * hours.
"""

from collections.abc import Sequence
from textwrap import indent

from playbook.detections.beaconing import (
    COLUMNS,
    FAST_PER_HOUR,
    IRC_PORTS,
    MANY_CONNECTIONS,
    MANY_HOURS,
    MIN_CONNECTIONS,
    MIN_HOURS,
    SMALL_BYTES,
    SOME_CONNECTIONS,
    Profile,
)
from playbook.detections.languages._external_addresses import V6, V6_NOT

_REMARKS = {
    "default": "Destinations: globally routable. Absent byte counters are unknown: averages and totals are then null.",
    "seed": "Destinations: not RFC 1918, 127/8, 169.254/16. Absent byte counters count as 0.",
}
_COUNTED = {
    "avg_per_hour": "((20 * attempts + hours) // (2 * hours)) / 10",
    "hourly_buckets": "hours",
    "avg_bytes_per_conn": "CASE WHEN known THEN ((2 * bytes_total + connections) // (2 * connections)) END",
    "irc_port": "irc::INTEGER",
    "processes": "list_sort([name FOR name IN processes IF name != ''])",
    "total_bytes_sent": "CASE WHEN known THEN bytes_sent END",
    "total_bytes_rcvd": "CASE WHEN known THEN bytes_rcvd END",
}
_TIME = "strftime(make_timestamp((floor({0}) * 1000000)::BIGINT), '%Y-%m-%d %H:%M:%S')"


def pasted(aggregation: str, profile: Profile) -> str:
    """The whole query around ``aggregation``, the SELECT of raw aggregates of every tuple that could fire."""
    names = (*COLUMNS, *(("denied",) if profile == "default" else ()))
    shown = ",\n".join(f"  {text}" for text in shown_columns(names))
    return f"""\
-- Botnet beaconing (T1584.005), profile {profile}, over a relation named conn: start in epoch seconds, one row a
-- connection (columns: docs/logs.md). {_REMARKS[profile]}
WITH aggregates AS (
{indent(aggregation.rstrip(), "  ")}
){scoring_stages(f"NOT contains(dst_ip, ':') OR {v6_outside(profile)}")}
SELECT
{shown}
FROM counted
ORDER BY beaconing_score DESC, connections DESC, hostname, src_ip, dst_ip, dst_port;
"""


def scoring_stages(condition: str) -> str:
    """The common table expressions from ``aggregates``, where the condition holds, to ``counted``: score and firing."""
    ports = ", ".join(map(str, sorted(IRC_PORTS)))
    return f""", outside AS (
  SELECT *, dst_port IN ({ports}) AS irc FROM aggregates
  WHERE {condition}
), scored AS (
  -- In whole numbers: rounding to one decimal first, then "more than {FAST_PER_HOUR}".
  SELECT *, {_points("connections", "hourly_buckets", "bytes_total")} AS points FROM outside
), fired AS (
  SELECT *, connections >= {MIN_CONNECTIONS} AND hourly_buckets >= {MIN_HOURS} AND points >= 1 AS fires FROM scored
), counted AS (
  -- Else it is {MIN_CONNECTIONS} denied attempts in {MIN_HOURS} hours, and the hours and the rate are theirs.
  SELECT *, CASE WHEN fires THEN connections ELSE denied END AS attempts,
    CASE WHEN fires THEN hourly_buckets ELSE denied_hours END AS hours,
    fires AND bytes_total IS NOT NULL AS known,
    CASE WHEN fires THEN points ELSE {_points("denied", "denied_hours", "NULL")} END AS beaconing_score
  FROM fired WHERE fires OR denied >= {MIN_CONNECTIONS} AND denied_hours >= {MIN_HOURS}
)"""


def shown_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The expressions of these columns over ``counted``, each with its name."""
    return tuple(_shown(name) for name in names)


def _shown(name: str) -> str:
    if name in ("first_seen", "last_seen"):
        return f"{_TIME.format(name)} AS {name}"
    return f"{_COUNTED[name]} AS {name}" if name in _COUNTED else name


def _points(connections: str, hours: str, total: str) -> str:
    fast = f"20 * {connections} >= {int(20 * FAST_PER_HOUR) + 1} * {hours}"
    small = f"coalesce(2 * {total} < {2 * SMALL_BYTES - 1} * {connections}, false)"
    return (
        f"CASE WHEN irc THEN 3\n    WHEN {fast} AND {small} THEN 2\n"
        f"    WHEN {connections} > {MANY_CONNECTIONS} AND {hours} >= {MANY_HOURS} THEN 2\n"
        f"    WHEN {connections} > {SOME_CONNECTIONS} THEN 1 ELSE 0 END"
    )


def v6_outside(profile: Profile) -> str:
    """SQL condition: ``dst_ip`` is IPv6 that the profile scores.

    The default one leaves out what has an IPv4 address inside (mapped, 6to4, NAT64).
    """
    if profile == "seed":
        return "true"
    return f"regexp_matches(dst_ip, '{V6}') AND NOT regexp_matches(dst_ip, '{'|'.join(V6_NOT)}')"
