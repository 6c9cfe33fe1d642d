"""How many of our hosts use a destination, as a Splunk search: one row a destination, whatever it is used by.

A row of a destination that is asked for counts there and among all (``*``): stats counts a row for each value of its
key. IPv6 sources come by name, because their text has many spellings and only the reader can tell whose they are.
"""

from collections.abc import Sequence

from playbook.detections.languages._answered import LEAST_RCVD, LEAST_SENT, UNANSWERED
from playbook.detections.languages._internal_networks import v4_networks, v6_patterns
from playbook.detections.languages.splunk import escaping
from playbook.model.address import Network

EVERYWHERE = "*"
V4 = "v4"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(escaping.literal(value) for value in values)


def _all(name: str, test: str) -> str:
    """Every row of the slot has this counter, and the least or most of it passes the test."""
    return f"(counted_{name}=slot_rows AND {test})"


# One event is a slot of one row. A slot of many says yes when some row of it must be a conversation, no when none can.
_NOTHING = tuple(_all(name, f"most_{name}=0") for name in ("bytes_sent", "bytes_rcvd"))
_BYTES = (
    f"({_all('bytes_sent', 'least_bytes_sent>0')} AND most_bytes_rcvd>0) OR"
    f" ({_all('bytes_rcvd', 'least_bytes_rcvd>0')} AND most_bytes_sent>0)"
)
_LEAST = (("packets_sent", LEAST_SENT), ("packets_rcvd", LEAST_RCVD))
_CONVERSATION = (
    f"eval answerless=if(in(conn_state, {_listed(UNANSWERED)}) OR (isnull(conn_state) AND {_NOTHING[1]}), 1, 0)",
    "eval reached=if(denied=0 AND answerless=0, 1, 0)",
    "eval few=if(" + " OR ".join(f"(counted_{name}>0 AND least_{name}<{least})" for name, least in _LEAST) + ", 1, 0)",
    "eval fewest=if(" + " OR ".join(_all(name, f"most_{name}<{least}") for name, least in _LEAST) + ", 1, 0)",
    "eval many=if(" + " AND ".join(f"most_{name}>={least}" for name, least in _LEAST) + ", 1, 0)",
    "eval all_many=if(few=0 AND counted_packets_sent=slot_rows AND counted_packets_rcvd=slot_rows, 1, 0)",
    f"eval one_way=if(fewest=1 OR (many=0 AND ({' OR '.join(_NOTHING)})), 1, 0)",
    f"eval both_ways=if(all_many=1 OR (one_way=0 AND few=0 AND ({_BYTES})), 1, 0)",
    'eval held=if(reached=1 AND both_ways=1 AND in(proto, "tcp", "6"), 1, 0)',
    'eval untold=if(reached=1 AND one_way=0 AND (both_ways=0 OR proto=""), 1, 0)',
)


def aggregation_stage(destinations: Sequence[str], home: Sequence[Network]) -> tuple[str, ...]:
    """The stages over slots; rows of place, source6 ("v4" for all IPv4), hosts, reached, held, untold, first_ms.

    ``reached``: hosts that were not left without an answer; ``held``: hosts with a conversation over TCP; ``untold``:
    hosts with a row that does not say.
    """
    tests = [f"cidrmatch({escaping.literal(str(network))}, src_ip)" for network in v4_networks(home)]
    tests += [f"match(src_ip, {escaping.literal(pattern)})" for pattern in v6_patterns(home)]
    return (
        f"where {' OR '.join(tests) or '1=0'}",
        *_CONVERSATION,
        f'eval place=if(in(dst_ip, {_listed(destinations)}), split("{EVERYWHERE} ".dst_ip, " "), "{EVERYWHERE}")',
        "stats max(reached) AS reached max(held) AS held max(untold) AS untold min(slot_first) AS first"
        " BY place src_ip",
        f'eval source6=if(match(src_ip, ":"), src_ip, "{V4}")',
        "stats count AS hosts sum(reached) AS reached sum(held) AS held sum(untold) AS untold min(first) AS first"
        " BY place source6",
        "eval first_ms=round(first*1000, 0)",
        "table place source6 hosts reached held untold first_ms",
    )
