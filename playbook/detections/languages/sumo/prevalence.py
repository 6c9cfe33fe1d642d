"""How many of our hosts use a destination, in Sumo Logic's language: one record a destination, whatever it is used by.

count_distinct() is exact below 100 only, so that sources are grouped first and counted after. A row of a destination
that is asked for counts there and among all (``*``): parse multi makes one row of each. IPv6 sources come by name,
because their text has many spellings and only the reader can tell whose they are.
"""

from collections.abc import Sequence

from playbook.detections.languages._answered import LEAST_RCVD, LEAST_SENT, UNANSWERED
from playbook.detections.languages._internal_networks import v4_patterns, v6_patterns
from playbook.detections.languages.sumo import escaping
from playbook.model.address import Network

EVERYWHERE = "*"


def ours(home: Sequence[Network]) -> tuple[str, ...]:
    """The stage that leaves our own sources, and IPv6 sources that may be ours."""
    patterns = (*v4_patterns(home), *v6_patterns(home))
    return (
        (f"where {' or '.join(f'src_ip matches /{pattern}/' for pattern in patterns)}",)
        if patterns
        else ('where src_ip matches ""',)
    )


def _listed(values: Sequence[str]) -> str:
    return ", ".join(escaping.literal(value) for value in values)


# Both branches of an if are evaluated, so that num() only ever sees digits.
_PACKETS = tuple(
    stage
    for side in ("sent", "rcvd")
    for stage in (
        f'concat(packets_{side}, "") as packets_{side}',
        f"if(packets_{side} matches /^[0-9]+$/, 1, 0) as {side}_counted",
        f'if({side}_counted = 1, packets_{side}, "0") as packets_{side}',
        f"num(packets_{side}) as packets_{side}",
    )
)
_FEW = (f"(sent_counted = 1 and packets_sent < {LEAST_SENT})", f"(rcvd_counted = 1 and packets_rcvd < {LEAST_RCVD})")
_NO_BYTES = ("(sent_known = 1 and bytes_sent = 0)", "(rcvd_known = 1 and bytes_rcvd = 0)")
_CONVERSATION = (
    *_PACKETS,
    'concat(conn_state, "") as conn_state',
    f"if(conn_state in ({_listed(UNANSWERED)}) or (isBlank(conn_state) and {_NO_BYTES[1]}), 0, 1) as reached",
    f"if({' or '.join(_FEW)}, 1, 0) as few",
    "if(few = 0 and sent_counted + rcvd_counted = 2, 1, 0) as many",
    f"if(few = 1 or (many = 0 and ({' or '.join(_NO_BYTES)})), 1, 0) as one_way",
    "if(many = 1 or (one_way = 0 and sent_known + rcvd_known = 2), 1, 0) as both_ways",
    'if(reached = 1 and both_ways = 1 and proto in ("tcp", "6"), 1, 0) as held',
    "if(reached = 1 and one_way = 0 and (both_ways = 0 or isBlank(proto)), 1, 0) as untold",
)


def aggregation_stage(destinations: Sequence[str]) -> tuple[str, ...]:
    """The stages after our columns.

    Records of place, source6 ("" for all of IPv4), hosts, reached, held, untold, first_ms.
    ``reached``: hosts that were not left without an answer; ``held``: hosts with a conversation over TCP; ``untold``:
    hosts with a row that does not say.
    """
    return (
        *_CONVERSATION,
        f'if(dst_ip in ({_listed(destinations)}), dst_ip, "") as wanted',
        f'concat("{EVERYWHERE} ", wanted) as places',
        'parse regex field=places "(?<place>[^ ]+)" multi',
        "max(reached) as reached, max(held) as held, max(untold) as untold, min(start_ms) as first_ms by place, src_ip",
        'if(src_ip matches "*:*", src_ip, "") as source6',
        "count as hosts, sum(reached) as reached, sum(held) as held, sum(untold) as untold, min(first_ms) as first_ms"
        " by place, source6",
        "toLong(first_ms) as first_ms",
        "fields place, source6, hosts, reached, held, untold, first_ms",
    )
