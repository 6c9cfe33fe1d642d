"""The busy quarters of an hour of some sources, as a Splunk search, and the attempts of some tuples in each.

A tuple counts among all of its source (``*``), and by itself where it is asked for or floods: stats counts a row for
each value of its key.
"""

from collections.abc import Sequence

from playbook.detections.hunts import QUARTER_S
from playbook.detections.languages._answered import ANSWERED, UNANSWERED
from playbook.detections.languages._external_addresses import (
    BROWSERS_REFUSE,
    LEAST_FLOOD,
    LEAST_PAIRS,
    NOT_FLOODED,
    V6,
    V6_NOT,
    not_global_v4,
)
from playbook.detections.languages.splunk import escaping
from playbook.model.address import Network


def _listed(values: Sequence[str]) -> str:
    return ", ".join(escaping.literal(value) for value in values)


def _inside(networks: Sequence[Network]) -> str:
    return " OR ".join(
        f"cidrmatch({escaping.literal(str(network))}, dst_ip)" for network in networks if network.version == 4
    )


def _any(patterns: Sequence[str]) -> str:
    return " OR ".join(f"match(dst_ip, {escaping.literal(pattern)})" for pattern in patterns)


def aggregation_stage(sources: Sequence[str], keys: Sequence[str], lab: Sequence[Network]) -> tuple[str, ...]:
    """The stages over slots.

    Rows of src_ip, quarter (of an hour, since 1970), place (``*`` or address/port), connections, pairs, refused_pairs,
    untold_pairs, shut_pairs, and of the connections those with a state or denied: stated, sure, failed.
    """
    exercise = f" OR {_inside(lab)}" if _inside(lab) else ""
    wide = f"(match(dst_ip, {escaping.literal(V6)}) AND NOT ({_any(V6_NOT)}))"
    return (
        f"where in(src_ip, {_listed(sources)})",
        "eval nothing=if(isnull(conn_state) AND counted_bytes_rcvd=slot_rows AND most_bytes_rcvd=0, 1, 0)",
        f"eval failed=if(denied=1 OR in(conn_state, {_listed(UNANSWERED)}), slot_conns, 0)",
        f"eval sure=if(denied=1 OR in(conn_state, {_listed((*ANSWERED, *UNANSWERED))}), slot_conns, 0)",
        "eval stated=if(denied=1 OR isnotnull(conn_state), slot_conns, 0)",
        "eval refused=if(nothing=1, slot_conns, failed), told=if(stated>0 OR counted_bytes_rcvd>0, 1, 0)",
        f"eval quarter=floor(slot_first/{QUARTER_S})",
        "stats sum(slot_conns) AS connections sum(slot_ended) AS ended sum(refused) AS refused max(told) AS told"
        " sum(stated) AS stated sum(sure) AS sure sum(failed) AS failed BY src_ip dst_ip dst_port quarter",
        f'eval pairs=if((NOT match(dst_ip, ":") AND NOT ({_inside(not_global_v4())})) OR {wide}{exercise}, 1, 0)',
        "eval refused_pairs=if(pairs=1 AND refused=connections, 1, 0), untold_pairs=if(pairs=1 AND told=0, 1, 0)",
        f"eval shut_pairs=if(refused_pairs=1 AND in(dst_port, {', '.join(map(str, BROWSERS_REFUSE))}), 1, 0)",
        # A device that logs both ends of a session: the larger of the two numbers is the number of sessions.
        "eval connections=max(connections-ended, ended)",
        'eval tuple_key=src_ip." ".dst_ip." ".tostring(dst_port), own=dst_ip."/".tostring(dst_port)',
        f"eval place=if(in(tuple_key, {_listed(keys)}) OR (connections>={LEAST_FLOOD} AND"
        f' NOT in(dst_port, {", ".join(map(str, NOT_FLOODED))})), split("* ".own, " "), "*")',
        "stats sum(connections) AS connections sum(pairs) AS pairs sum(refused_pairs) AS refused_pairs"
        " sum(untold_pairs) AS untold_pairs sum(shut_pairs) AS shut_pairs"
        " sum(stated) AS stated sum(sure) AS sure sum(failed) AS failed"
        " BY src_ip quarter place",
        f'where NOT (place="*" AND pairs<{LEAST_PAIRS})',
        "table src_ip quarter place connections pairs refused_pairs untold_pairs shut_pairs stated sure failed",
    )
