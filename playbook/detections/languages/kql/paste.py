"""The beaconing detection in Kusto's language: outside addresses, exact hours, the score, and the seed's columns.

All in whole numbers, so that no rounding of the engine decides: more than 10.0 an hour after rounding to one decimal
is 20 * connections >= 201 * hours.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network

from playbook.detections.beaconing import (
    COLUMNS,
    FAST_PER_HOUR,
    ICMP_NAMES,
    IRC_PORTS,
    MANY_CONNECTIONS,
    MANY_HOURS,
    MIN_CONNECTIONS,
    MIN_HOURS,
    SEED_INTERNAL,
    SMALL_BYTES,
    SOME_CONNECTIONS,
    Profile,
)
from playbook.detections.languages._external_addresses import V4, V6, V6_NOT, not_global_v4
from playbook.detections.languages.kql.presets import KqlPreset, listed
from playbook.detections.layout import Part
from playbook.model.address import Network

_KEY = "hostname, src_ip, dst_ip, dst_port"
_ICMP = listed((*sorted(ICMP_NAMES), "1", "58"))
_IRC = ", ".join(map(str, sorted(IRC_PORTS)))
_UTC = "'yyyy-MM-dd HH:mm:ss'"
_FIRES = f"connections >= {MIN_CONNECTIONS} and hourly_buckets >= {MIN_HOURS}"
_TRIED = f"denied >= {MIN_CONNECTIONS} and denied_hours >= {MIN_HOURS}"


def parts(chosen: KqlPreset, profile: Profile, lab: Sequence[Network]) -> tuple[Part, ...]:
    """The detection over the table of a preset, with a heading for each step; ``lab`` counts as outside."""
    named = f"Botnet beaconing (T1584.005), profile {profile}, preset {chosen.name}, over the last 24 hours."
    # The seed knows no denied attempts and counts every protocol.
    seed = profile == "seed"
    scored = (*chosen.stages, "extend denied = false") if seed else chosen.stages
    icmp = () if seed else (f"where proto !in ({_ICMP})",)
    bytes_of_seed = " Bytes that a row does not tell count as 0." if seed else ""
    return (
        Part(f"{named} {chosen.caveat}", scored),
        Part("Destinations outside.", (f"where {_outside(profile, lab)}", *icmp)),
        Part(
            "Per UTC hour and tuple, then per tuple: hours are counted, not estimated. What was denied is apart.",
            _counted(),
        ),
        Part(f"The score, in whole numbers, so that no rounding decides.{bytes_of_seed}", _scored(profile)),
        Part("The columns, times in UTC.", _shown(profile)),
    )


def _outside(profile: Profile, lab: Sequence[Network]) -> str:
    """The condition that leaves what the profile scores; ``lab`` counts as outside, of IPv4 alone.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is taken for not global.
    """
    if profile == "seed":
        # Null for an address of IPv6, which then counts as external.
        return f"not(coalesce({_inside(SEED_INTERNAL)}, false))"
    not_wide = " or ".join(f"dst_ip matches regex @'{pattern}'" for pattern in V6_NOT)
    exercise = [network for network in lab if isinstance(network, IPv4Network)]
    return (
        f"(dst_ip matches regex @'{V4}' and not({_inside(not_global_v4())}))"
        f" or (dst_ip matches regex @'{V6}' and not({not_wide}))"
        + (f" or coalesce({_inside(exercise)}, false)" if exercise else "")
    )


def _inside(networks: Sequence[Network]) -> str:
    return f"ipv4_is_in_any_range(dst_ip, {listed(tuple(map(str, networks)))})"


def _counted() -> tuple[str, ...]:
    """Hours first: dcount() is an estimate. Absent byte counters are told by the number of rows that had them."""
    sums = ("sent_known", "rcvd_known", "both_known", "bytes_sent", "bytes_rcvd")
    return (
        "summarize conns = sumif(conns, not(denied)), denied_conns = sumif(conns, denied),"
        " counted = countif(not(denied)),"
        " sent_known = countif(not(denied) and isnotnull(bytes_sent)),"
        " rcvd_known = countif(not(denied) and isnotnull(bytes_rcvd)),"
        " both_known = countif(not(denied) and isnotnull(bytes_sent) and isnotnull(bytes_rcvd)),"
        " bytes_sent = sumif(coalesce(bytes_sent, 0), not(denied)),"
        " bytes_rcvd = sumif(coalesce(bytes_rcvd, 0), not(denied)),"
        " oldest = min(iff(denied, datetime(null), start)), newest = max(iff(denied, datetime(null), start)),"
        " any_oldest = min(start),"
        f" any_newest = max(start), names = make_set(process_name)"
        f" by hour = bin(start, 1h), {_KEY}",
        "summarize connections = sum(conns), hourly_buckets = countif(counted > 0), denied = sum(denied_conns),"
        " denied_hours = countif(denied_conns > 0), counted = sum(counted), "
        + ", ".join(f"{name} = sum({name})" for name in sums)
        + ", first_seen = coalesce(min(oldest), min(any_oldest)), last_seen = coalesce(max(newest), max(any_newest)),"
        f" processes = array_sort_asc(make_set(names)) by {_KEY}",
        f"where ({_FIRES}) or ({_TRIED})",
    )


def _scored(profile: Profile) -> tuple[str, ...]:
    """The score in whole numbers; 20 denied attempts in 3 hours are shown too, with their own hours and rate."""
    known = "true" if profile == "seed" else "counted > 0 and both_known == counted"
    fast = f"20 * connections >= {int(20 * FAST_PER_HOUR) + 1} * hourly_buckets"
    small = f"bytes_known and 2 * total_bytes < {2 * SMALL_BYTES - 1} * connections"
    many, some = f"> {MANY_CONNECTIONS} and hourly_buckets >= {MANY_HOURS}, 2", f"> {SOME_CONNECTIONS}, 1, 0)"
    return (
        f"extend total_bytes = bytes_sent + bytes_rcvd, bytes_known = {known}, irc_port = toint(dst_port in ({_IRC}))",
        f"extend beaconing_score = case(irc_port == 1, 3, {fast} and {small}, 2, connections {many},"
        f" connections {some}",
        f"extend fires = {_FIRES} and beaconing_score >= 1",
        f"where fires or ({_TRIED})",
        "extend attempts = iff(fires, connections, denied), hourly_buckets = iff(fires, hourly_buckets, denied_hours),"
        " bytes_known = fires and bytes_known",
        f"extend beaconing_score = iff(fires, beaconing_score, case(irc_port == 1, 3, attempts {many},"
        f" attempts {some})",
    )


def _shown(profile: Profile) -> tuple[str, ...]:
    """The columns; averages half away from zero, unknown bytes null, times as text in UTC."""
    own = {side: "bytes_known" if profile == "seed" else f"{side}_known == counted" for side in ("sent", "rcvd")}
    totals = ", ".join(
        f"total_bytes_{side} = iff(bytes_known and {also}, bytes_{side}, long(null))" for side, also in own.items()
    )
    times = ", ".join(f"{name} = format_datetime({name}, {_UTC})" for name in ("first_seen", "last_seen"))
    return (
        "extend avg_per_hour = ((20 * attempts + hourly_buckets) / (2 * hourly_buckets)) / 10.0,"
        " avg_bytes_per_conn = iff(bytes_known, (2 * total_bytes + connections) / (2 * connections), long(null)),"
        f" {totals}, {times}",
        f"order by beaconing_score desc, connections desc, {', '.join(f'{name} asc' for name in _KEY.split(', '))}",
        f"project {', '.join(COLUMNS)}" + ("" if profile == "seed" else ", denied"),
    )
