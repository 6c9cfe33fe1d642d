"""What a text to paste adds: the score, and the seed's columns, in whole numbers so that no rounding decides.

More than 10.0 an hour after rounding to one decimal is 20 * connections >= 201 * hours.
"""

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
from playbook.detections.languages.clickhouse.escaping import literal

_REMARKS = {
    "default": "Destinations: globally routable. Absent byte counters are unknown: averages and totals are then null.",
    "seed": "Destinations: not RFC 1918, 127/8, 169.254/16. Absent byte counters count as 0.",
}
_TIME = "formatDateTime(toDateTime64(floor({0}), 0, 'UTC'), '%Y-%m-%d %H:%i:%S')"
_SHOWN = {
    "hourly_buckets": "hours",
    "avg_per_hour": "intDiv(20 * attempts + hours, 2 * hours) / 10",
    "avg_bytes_per_conn": "if(is_known, intDiv(2 * total_bytes + connections, 2 * connections), NULL)",
    "irc_port": "irc",
    "beaconing_score": "points",
    "total_bytes_sent": "if(is_known, total_sent, NULL)",
    "total_bytes_rcvd": "if(is_known, total_rcvd, NULL)",
    "processes": "arraySort(arrayFilter(x -> x != '', process_names))",
    "first_seen": _TIME.format("first_at"),
    "last_seen": _TIME.format("last_at"),
}


def pasted(prologue: str, aggregates: str, profile: Profile, caveat: str) -> str:
    """The whole query around ``aggregates``, over ``prologue``, the SELECT of every tuple that could fire."""
    ports = ", ".join(map(str, sorted(IRC_PORTS)))
    shown = ",\n".join(f"  {_SHOWN.get(name, name)} AS {name}" for name in COLUMNS)
    shown += ",\n  denied_attempts AS denied" if profile == "default" else ""
    return f"""\
-- Botnet beaconing (T1584.005), profile {profile}, over the day that ended 15 minutes ago; times in UTC.
-- {" ".join((_REMARKS[profile], caveat)).strip()}
{prologue}
SELECT
{shown}
FROM (
  -- Else it is {MIN_CONNECTIONS} denied attempts in {MIN_HOURS} hours, and the hours and the rate are theirs.
  SELECT *, if(fires, connections, denied_attempts) AS attempts, if(fires, hourly_buckets, denied_hours) AS hours,
    fires AND isNotNull(total_bytes) AS is_known,
    if(fires, own_points, {_points("denied_attempts", "denied_hours", "NULL")}) AS points
  FROM (
    SELECT *, dst_port IN ({ports}) AS irc, {_points("connections", "hourly_buckets", "total_bytes")} AS own_points,
      connections >= {MIN_CONNECTIONS} AND hourly_buckets >= {MIN_HOURS} AND own_points >= 1 AS fires
    FROM (
{aggregates}
    )
    WHERE position(dst_ip, ':') = 0 OR {_v6(profile)}
  )
  WHERE fires OR denied_attempts >= {MIN_CONNECTIONS} AND denied_hours >= {MIN_HOURS}
)
ORDER BY points DESC, connections DESC, hostname, src_ip, dst_ip, dst_port"""


def _points(connections: str, hours: str, total: str) -> str:
    fast = f"20 * {connections} >= {int(20 * FAST_PER_HOUR) + 1} * {hours}"
    small = f"ifNull(2 * {total} < {2 * SMALL_BYTES - 1} * {connections}, false)"
    return (
        f"multiIf(irc, 3, {fast} AND {small}, 2, {connections} > {MANY_CONNECTIONS} AND {hours} >= {MANY_HOURS}, 2,"
        f" {connections} > {SOME_CONNECTIONS}, 1, 0)"
    )


def _v6(profile: Profile) -> str:
    """IPv6 with an IPv4 address inside (mapped, 6to4, NAT64) is left out of the default profile."""
    if profile == "seed":
        return "true"
    return " AND ".join((f"match(dst_ip, {literal(V6)})", *(f"NOT match(dst_ip, {literal(one)})" for one in V6_NOT)))
