"""The busy quarters of an hour of some sources, in Sumo Logic's language, and the attempts of some tuples in each.

Rows are grouped by tuple and quarter first, because count_distinct() is exact below 100 only; then a tuple counts
among all of its source (``*``), and by itself where it is asked for or floods.
"""

from collections.abc import Sequence

from playbook.detections.hunts import QUARTER_S
from playbook.detections.languages._answered import ANSWERED, UNANSWERED
from playbook.detections.languages._external_addresses import (
    BROWSERS_REFUSE,
    LEAST_FLOOD,
    LEAST_PAIRS,
    NOT_FLOODED,
    V4,
    V6,
    V6_NOT,
    v4_not,
)
from playbook.detections.languages._internal_networks import v4_patterns
from playbook.detections.languages.sumo import escaping
from playbook.model.address import Network


def _listed(values: Sequence[str]) -> str:
    return ", ".join(escaping.literal(value) for value in values)


def _any(patterns: Sequence[str]) -> str:
    return " or ".join(f"dst_ip matches /{pattern}/" for pattern in patterns)


def of(sources: Sequence[str]) -> tuple[str, ...]:
    """The stage that leaves these sources."""
    return (f"where src_ip in ({_listed(sources)})",)


def aggregation_stage(keys: Sequence[str], lab: Sequence[Network]) -> tuple[str, ...]:
    """The stages after our columns.

    Records of src_ip, quarter (of an hour, since 1970), place (``*`` or address/port), connections, pairs,
    refused_pairs, untold_pairs, shut_pairs, and of the connections those with a state: stated, sure, failed.
    """
    exercise = f" or {_any(v4_patterns(lab))}" if v4_patterns(lab) else ""
    return (
        'concat(conn_state, "") as conn_state',
        f"if(conn_state in ({_listed(UNANSWERED)}) or (isBlank(conn_state) and rcvd_known = 1 and bytes_rcvd = 0),"
        " conns, 0) as refused",
        "if(isBlank(conn_state) and rcvd_known = 0, 0, 1) as told",
        "if(isBlank(conn_state), 0, conns) as stated",
        f"if(conn_state in ({_listed((*ANSWERED, *UNANSWERED))}), conns, 0) as sure",
        f"if(conn_state in ({_listed(UNANSWERED)}), conns, 0) as failed",
        f"floor(start_ms / {QUARTER_S * 1000}) as quarter",
        "sum(conns) as connections, sum(refused) as refused, max(told) as told, sum(stated) as stated,"
        " sum(sure) as sure, sum(failed) as failed by src_ip, dst_ip, dst_port, quarter",
        f"if((dst_ip matches /{V4}/ and !({_any(v4_not())})) or (dst_ip matches /{V6}/ and !({_any(V6_NOT)}))"
        f"{exercise}, 1, 0) as pairs",
        "if(pairs = 1 and refused = connections, 1, 0) as refused_pairs",
        "if(pairs = 1 and told = 0, 1, 0) as untold_pairs",
        f"if(refused_pairs = 1 and dst_port in ({_listed(tuple(map(str, BROWSERS_REFUSE)))}), 1, 0) as shut_pairs",
        'concat(src_ip, " ", dst_ip, " ", dst_port) as tuple_key',
        'concat("* ", dst_ip, "/", dst_port) as both',
        f"if(tuple_key in ({_listed(keys)}) or (connections >= {LEAST_FLOOD} and"
        f' !(dst_port in ({_listed(tuple(map(str, NOT_FLOODED)))}))), both, "*") as places',
        'parse regex field=places "(?<place>[^ ]+)" multi',
        "sum(connections) as connections, sum(pairs) as pairs, sum(refused_pairs) as refused_pairs,"
        " sum(untold_pairs) as untold_pairs, sum(shut_pairs) as shut_pairs,"
        " sum(stated) as stated, sum(sure) as sure, sum(failed) as failed"
        " by src_ip, quarter, place",
        f'where !(place = "*" and pairs < {LEAST_PAIRS})',
        "fields src_ip, quarter, place, connections, pairs, refused_pairs, untold_pairs, shut_pairs,"
        " stated, sure, failed",
    )
