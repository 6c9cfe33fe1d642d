"""What a pasted search adds to the one that connectors send: outside addresses, the score, and the seed's columns.

All in whole numbers, so that no rounding of the engine decides: more than 10.0 an hour after rounding to one decimal
is 20 * connections >= 201 * hours. Times are taken apart by arithmetic, because strftime writes the zone of the user.
"""

from collections.abc import Iterator, Sequence

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
from playbook.detections.languages._external_addresses import V4, V6, V6_NOT, not_global_v4
from playbook.detections.languages.splunk import escaping
from playbook.detections.languages.splunk.prologue import ABSENT
from playbook.model.address import Network

_ATTEMPTS = f"denied>={MIN_CONNECTIONS} AND denied_hours>={MIN_HOURS}"


def outside(profile: Profile, lab: Sequence[Network]) -> tuple[str, ...]:
    """The stage that leaves globally routable addresses; in the seed's profile the prelude has left what it scores.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is taken for not global.
    """
    if profile == "seed":
        return ()
    exercise = f" OR {_inside(lab)}" if _inside(lab) else ""
    not_wide = " OR ".join(f"match(dst_ip, {escaping.literal(pattern)})" for pattern in V6_NOT)
    return (
        f"where (match(dst_ip, {escaping.literal(V4)}) AND NOT ({_inside(not_global_v4())}))"
        f" OR (match(dst_ip, {escaping.literal(V6)}) AND NOT ({not_wide})){exercise}",
    )


def _inside(networks: Sequence[Network]) -> str:
    return " OR ".join(
        f"cidrmatch({escaping.literal(str(network))}, dst_ip)" for network in networks if network.version == 4
    )


def scored(profile: Profile) -> tuple[str, ...]:
    """The stages from the counts of a tuple to its score; 20 denied attempts in 3 hours are shown too."""
    ports = ", ".join(map(str, sorted(IRC_PORTS)))
    known = "1" if profile == "seed" else "if(row_count>0 AND total_known=row_count, 1, 0)"
    fires = f"connections>={MIN_CONNECTIONS} AND hourly_buckets>={MIN_HOURS}"
    points = (
        f"case(irc_port=1, 3, is_fast=1 AND is_small=1, 2, connections>{MANY_CONNECTIONS} AND"
        f" hourly_buckets>={MANY_HOURS}, 2, connections>{SOME_CONNECTIONS}, 1, true(), 0)"
    )
    stages = (
        f"eval bytes_known={known}, irc_port=if(in(dst_port, {ports}), 1, 0)",
        f"eval is_fast=if(20*connections>={int(20 * FAST_PER_HOUR) + 1}*hourly_buckets, 1, 0),"
        f" is_small=if(bytes_known=1 AND 2*total_bytes<{2 * SMALL_BYTES - 1}*connections, 1, 0)",
        f"eval beaconing_score={points}",
    )
    if profile == "seed":
        return (*stages, "where beaconing_score>=1")
    # Else the attempts that a device denied, whose hours and rate are then those of the attempts.
    tried = (
        f"eval fires=if({fires} AND beaconing_score>=1, 1, 0)",
        f"where fires=1 OR ({_ATTEMPTS})",
        "eval attempts=if(fires=1, connections, denied), hourly_buckets=if(fires=1, hourly_buckets, denied_hours),"
        " bytes_known=if(fires=1, bytes_known, 0)",
        f"eval beaconing_score=if(fires=1, beaconing_score, case(irc_port=1, 3, attempts>{MANY_CONNECTIONS} AND"
        f" hourly_buckets>={MANY_HOURS}, 2, attempts>{SOME_CONNECTIONS}, 1, true(), 0))",
    )
    return (*stages, *tried)


def shown(profile: Profile, destination: str = "dst_ip", beside: str = "") -> tuple[str, ...]:
    """The stages to the seed's columns, with ``destination`` for the address; averages half away from zero.

    Unknown bytes are null. ``beside`` are further columns, each after a blank.
    """
    attempts, denied = ("connections", "") if profile == "seed" else ("attempts", " denied")
    columns = " ".join(destination if name == "dst_ip" else name for name in COLUMNS)
    known = "true()" if profile == "seed" else "bytes_known=1"
    own = {side: f" AND {side}_known=row_count" if profile == "default" else "" for side in ("sent", "rcvd")}
    return (
        f"eval avg_per_hour=floor((20*{attempts}+hourly_buckets)/(2*hourly_buckets))/10,"
        f" avg_bytes_per_conn=if({known}, floor((2*total_bytes+connections)/(2*connections)), null())",
        "eval "
        + ", ".join(f"total_bytes_{side}=if({known}{also}, total_bytes_{side}, null())" for side, also in own.items()),
        "eval first_seen=floor(coalesce(counted_first, any_first)), last_seen=floor(coalesce(counted_last, any_last))",
        *_dated("first_seen"),
        *_dated("last_seen"),
        f'eval hostname=if(hostname="{ABSENT}", "", hostname)',
        f"sort 0 -beaconing_score, -connections, hostname, src_ip, {destination}, dst_port",
        f"table {columns}{denied}{beside}",
    )


def _dated(name: str) -> Iterator[str]:
    """Epoch seconds as text in UTC: the civil calendar counted from 1 March of the year 0, in cycles of 400 years."""
    yield (
        f"eval days=floor({name}/86400), s={name}-86400*days, z=days+719468, era=floor(z/146097), doe=z-146097*era,"
        " yoe=floor((doe-floor(doe/1460)+floor(doe/36524)-floor(doe/146096))/365),"
        " doy=doe-(365*yoe+floor(yoe/4)-floor(yoe/100)), mp=floor((5*doy+2)/153), d=doy-floor((153*mp+2)/5)+1,"
        " m=if(mp<10, mp+3, mp-9), y=yoe+400*era+if(m<=2, 1, 0), hh=floor(s/3600), mi=floor((s-3600*hh)/60),"
        " ss=s-3600*hh-60*mi"
    )
    yield f'eval {name}=printf("%04d-%02d-%02d %02d:%02d:%02d", y, m, d, hh, mi, ss)'


def comment(line: str) -> str:
    """A remark of its own line."""
    return f"``` {line} ```"
