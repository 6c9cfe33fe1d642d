"""What a pasted search adds to the one that connectors send: outside addresses, the score, and the seed's columns.

All in whole numbers, so that no rounding of the engine decides: more than 10.0 an hour after rounding to one decimal
is 20 * connections >= 201 * hours.
"""

from collections.abc import Sequence

from playbook.detections.beaconing import (
    COLUMNS,
    FAST_PER_HOUR,
    IRC_PORTS,
    MANY_CONNECTIONS,
    MANY_HOURS,
    SMALL_BYTES,
    SOME_CONNECTIONS,
    Profile,
)
from playbook.detections.languages._external_addresses import V4, V6, V6_NOT, v4_not
from playbook.detections.languages._internal_networks import v4_patterns
from playbook.detections.languages.sumo import escaping
from playbook.detections.languages.sumo.presets import NOT_EXTERNAL
from playbook.model.address import Network

_UTC = '"yyyy-MM-dd HH:mm:ss", "UTC"'


def outside(profile: Profile, lab: Sequence[Network]) -> tuple[str, ...]:
    """The stage that leaves what the profile scores: the seed's "not private", or globally routable addresses.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is taken for not global.
    """
    if profile == "seed":
        return (f"where !{NOT_EXTERNAL}",)
    exercise = f" or {_any(v4_patterns(lab))}" if v4_patterns(lab) else ""
    return (
        f"where (dst_ip matches /{V4}/ and !({_any(v4_not())})) or (dst_ip matches /{V6}/ and !({_any(V6_NOT)}))"
        f"{exercise}",
    )


def _any(patterns: Sequence[str]) -> str:
    return " or ".join(f"dst_ip matches /{pattern}/" for pattern in patterns)


def scored(profile: Profile) -> tuple[str, ...]:
    """The stages from the counts of a tuple to its score; only what scores at least 1 is left."""
    ports = ", ".join(escaping.literal(str(port)) for port in sorted(IRC_PORTS))
    known = "1" if profile == "seed" else "if(total_known = row_count, 1, 0)"
    return (
        f"{known} as bytes_known",
        f"if(dst_port in ({ports}), 1, 0) as irc_port",
        f"if(20 * connections >= {int(20 * FAST_PER_HOUR) + 1} * hourly_buckets, 1, 0) as is_fast",
        f"if(bytes_known = 1 and 2 * total_bytes < {2 * SMALL_BYTES - 1} * connections, 1, 0) as is_small",
        "if(irc_port = 1, 3, if(is_fast = 1 and is_small = 1, 2,"
        f" if(connections > {MANY_CONNECTIONS} and hourly_buckets >= {MANY_HOURS}, 2,"
        f" if(connections > {SOME_CONNECTIONS}, 1, 0)))) as beaconing_score",
        "where beaconing_score >= 1",
    )


def shown(profile: Profile, destination: str = "dst_ip", beside: Sequence[str] = ()) -> tuple[str, ...]:
    """The stages to the seed's columns, with ``destination`` for the address, and those ``beside``.

    Averages half away from zero, unknown bytes blank.
    """
    columns = (destination if name == "dst_ip" else name for name in COLUMNS)
    known = {
        "avg_bytes_per_conn": "bytes_known = 1",
        "total_bytes_sent": "bytes_known = 1 and sent_known = row_count",
        "total_bytes_rcvd": "bytes_known = 1 and rcvd_known = row_count",
    }
    return (
        "floor((20 * connections + hourly_buckets) / (2 * hourly_buckets)) / 10 as avg_per_hour",
        "floor((2 * total_bytes + connections) / (2 * connections)) as avg_bytes_per_conn",
        *(
            stage
            for name, condition in known.items()
            for stage in (
                f"toLong({name}) as {name}",
                *((f'if({condition}, concat({name}, ""), "") as {name}',) if profile == "default" else ()),
            )
        ),
        f"formatDate(first_ms, {_UTC}) as first_seen",
        f"formatDate(last_ms, {_UTC}) as last_seen",
        f"sort by beaconing_score desc, connections desc, hostname asc, src_ip asc, {destination} asc, dst_port asc",
        f"fields {', '.join((*columns, *beside))}",
    )


def comment(line: str) -> str:
    """A remark of its own line."""
    return f"// {line}"
