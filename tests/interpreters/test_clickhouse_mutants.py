"""Wrong ClickHouse texts: each is ours with one change that a person could make, and the engine must show it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.sources.clickhouse import mapping
from playbook.detections.beaconing import Event
from playbook.detections.languages import clickhouse
from tests.emulators.clickhouse_engine import EngineFault
from tests.interpreters import activity, users
from tests.interpreters.clickhouse import (
    WEEK,
    activity_told,
    by_clickhouse,
    detected,
    filled,
    place,
    tables,
    users_told,
)
from tests.interpreters.corpus import corpus
from tests.interpreters.telemetry import LAB, MIDNIGHT, flow
from tests.interpreters.test_clickhouse import cut_sessions
from tests.interpreters.users import HOMES, Connection, zeek

pytestmark = pytest.mark.heavy


class Mutant(NamedTuple):
    """A change of the text of ``what``: every ``old`` becomes ``new``."""

    name: str
    what: str
    old: str
    new: str


def _edges() -> list[Event]:
    """What the corpus of the other languages has no need of."""
    made = flow(101, 400, "203.0.113.80", 443, bytes=(10**15, 10**15)) + flow(
        120, 600, "203.0.113.81", 123, proto="udp"
    )
    made = [e._replace(orig_bytes=76, sent_packets=1, bytes_rcvd=90, rcvd_packets=1) for e in made[101:]] + made[:101]
    made += [e._replace(conns=3) for e in flow(10, 900, "203.0.113.82")]
    made += [e._replace(bytes_sent=2**62, bytes_total=2**62) for e in flow(30, 900, "203.0.113.83")]
    made += [e._replace(continues=True, src_port=None) for e in flow(1, 900, "203.0.113.86")]
    made += flow(19, 900, "203.0.113.86")
    made += flow(2, 900, "203.0.113.87", start=MIDNIGHT - 9000, denied=True) + flow(30, 900, "203.0.113.87")
    made += flow(30, 900, "203.0.113.88", proto="icmpv6")
    return made + flow(25, 0.01, "203.0.113.84") + flow(30, 900, "203.0.113.85", proto="6")


DETECTION = "detection"
_ZEEK_ROWS = "zeek"
MUTANTS = (
    Mutant("more than 20 connections", DETECTION, "connections >= 20", "connections > 20"),
    Mutant("19 connections are enough", DETECTION, "connections >= 20", "connections >= 19"),
    Mutant("more than 3 hours", DETECTION, "hourly_buckets >= 3", "hourly_buckets > 3"),
    Mutant("2 hours are enough", DETECTION, "hourly_buckets >= 3", "hourly_buckets >= 2"),
    Mutant("hours of a zone half an hour east", DETECTION, "start / 3600", "(start + 1800) / 3600"),
    Mutant("hours of the day", DETECTION, "toInt64(floor(start / 3600))", "toInt64(floor(start / 3600)) % 24"),
    Mutant("days instead of hours", DETECTION, "start / 3600", "start / 86400"),
    Mutant("an estimate of few buckets", DETECTION, "uniqExactIf(", "sumIf("),
    Mutant("no host name in the key", DETECTION, "GROUP BY hostname, src_ip", "GROUP BY src_ip"),
    Mutant("any host name", DETECTION, "hostname_text AS hostname", "'' AS hostname"),
    Mutant("no port in the key", DETECTION, "dst_port AS dst_port", "6667 AS dst_port"),
    Mutant("no source in the key", DETECTION, "src_ip AS src_ip", "'10.0.0.31' AS src_ip"),
    Mutant("sums of 64 bits and more than they hold", DETECTION, "toInt128(", "toUInt8("),
    Mutant("absent bytes are none", DETECTION, "isNull(bytes_sent)", "false"),
    Mutant("an absent total is none", DETECTION, "isNull(bytes_total)", "false"),
    Mutant("sent is received", DETECTION, "bytes_sent_number AS bytes_sent", "bytes_rcvd_number AS bytes_sent"),
    Mutant("the total is sent", DETECTION, "bytes_sent_number + bytes_rcvd_number", "bytes_sent_number"),
    Mutant("denied attempts are connections", DETECTION, "|denied|", "|"),
    Mutant("denied attempts are connections too", DETECTION, "sumIf(conns, NOT denied)", "sum(conns)"),
    Mutant("connections are denied attempts too", DETECTION, "sumIf(conns, denied)", "sum(conns)"),
    Mutant("the first time is the last", DETECTION, "minIf(start, NOT denied)", "maxIf(start, NOT denied)"),
    Mutant("the first time is of a denied one", DETECTION, "minIf(start, NOT denied)", "min(start)"),
    Mutant("whole seconds", DETECTION, "toFloat64(raw.`start`)", "toFloat64(toDateTime(raw.`start`))"),
    Mutant("ICMP counts", DETECTION, "'icmp', ", ""),
    Mutant("ICMP of IPv6 counts", DETECTION, "'icmpv6', ", ""),
    Mutant("172.16/12 is external", DETECTION, "dst_v4 BETWEEN 2886729728 AND 2887778303", "false"),
    Mutant("172.32 is internal", DETECTION, "AND 2887778303", "AND 2887843839"),
    Mutant("the laboratory is not external", DETECTION, "OR dst_v4 BETWEEN 3405803776 AND 3405804031)", ")"),
    Mutant("text that is no IPv4 address is internal", DETECTION, "isNull(dst_v4) OR NOT", "isNotNull(dst_v4) AND NOT"),
    Mutant("a row is a connection", DETECTION, "if(conns_number <= 1000000000, conns_number, 1)", "1"),
    Mutant("every row of a session counts", DETECTION, "FROM connections WHERE NOT continues", "FROM connections"),
    Mutant("no continuing row counts", DETECTION, "FROM resumed WHERE continues", "FROM resumed WHERE false"),
    Mutant("the first row of a session twice", DETECTION, "FROM resumed WHERE continues", "FROM resumed"),
    Mutant("the last row of a session", DETECTION, "ORDER BY start, continues LIMIT", "ORDER BY start DESC LIMIT"),
    Mutant("the continuing one of two", DETECTION, "start, continues LIMIT", "start, continues DESC LIMIT"),
    Mutant("a session is a pair of addresses", DETECTION, "BY src_ip, src_port, dst_ip", "BY src_ip, dst_ip"),
    Mutant("an unknown source port is no flow", DETECTION, "ifNull(src_port_number, -1)", "src_port_number"),
    Mutant("services are processes", DETECTION, "(process_name) AS", "(service) AS"),
    Mutant("one process of many", DETECTION, "groupUniqArray(1000)(process", "groupUniqArray(1)(process"),
    Mutant("a packet of NTP has 75 bytes", DETECTION, "BETWEEN 76 *", "BETWEEN 77 *"),
    Mutant("port 124", DETECTION, "dst_port = 123", "dst_port = 124"),
    Mutant("scores of 10 an hour are cut", DETECTION, "connections > 10 *", "connections > 11 *"),
    Mutant("scores of ports are cut", DETECTION, "6667, 6668, ", ""),
    Mutant("scores of 100 are cut", DETECTION, "connections > 100", "connections > 101"),
    Mutant("blocked ones are cut", DETECTION, "denied_hours >= 3", "denied_hours >= 300"),
    Mutant("a protocol by number", DETECTION, "['6', ", "['7', "),
    Mutant("payload instead of IP bytes", _ZEEK_ROWS, "coalesce(ip_bytes_sent_number, ", "coalesce(NULL, "),
    Mutant("an absent IP counter is unknown", _ZEEK_ROWS, "bytes_sent_number, 0))", "bytes_sent_number, NULL))"),
    Mutant("a SYN is a small s alone", _ZEEK_ROWS, "[Ss]", "[s]"),
    Mutant("UDP is joined too", _ZEEK_ROWS, "IN ('tcp', '6') AND", "IN ('tcp', '6', 'udp') AND"),
    Mutant("a refused attempt is a session", _ZEEK_ROWS, "NOT IN ('S0', 'REJ', ", "NOT IN ('S0', "),
    Mutant("all hosts use it", "users", "dst_ip IN ('203.0.113.66'", "dst_ip NOT IN ('203.0.113.66'"),
    Mutant("each connection is a host", "users", "GROUP BY place, src_ip", "GROUP BY place, src_ip, start"),
    Mutant("other networks are ours", "users", "number BETWEEN 167772160 AND 167788543", "true"),
    Mutant("our IPv6 is not ours", "users", "isNull(number) AND match", "isNotNull(number) AND match"),
    Mutant(
        "what nobody answered was reached", "users", "max(NOT (denied OR ifNull(NOT answered, false)))", "max(true)"
    ),
    Mutant("an answer is a conversation", "users", "rcvd_packets >= 2", "rcvd_packets >= 1"),
    Mutant("two packets open a conversation", "users", "sent_packets >= 3", "sent_packets >= 2"),
    Mutant("UDP is a conversation", "users", "proto IN ('tcp', '')", "proto != 'icmp'"),
    Mutant("bytes one way are a conversation", "users", "AND bytes_rcvd > 0", "AND true"),
    Mutant("unknown is no conversation", "users", "countIf(was_untold)", "0"),
    Mutant("the last is the first", "users", "min(start) AS began", "max(start) AS began"),
    Mutant("hours instead of quarters", "activity", "start / 900", "start / 3600"),
    Mutant("quarters that begin late", "activity", "start / 900", "(start + 450) / 900"),
    Mutant("private addresses are outside", "activity", "number BETWEEN 2886729728 AND 2887778303", "false"),
    Mutant("shared addresses are outside", "activity", "number BETWEEN 1681915904 AND 1686110207", "false"),
    Mutant("all IPv6 is outside", "activity", "match(dst_ip, '^[23][0-9a-fA-F]{3}:') AND", "true OR"),
    Mutant("a pair that answered once is refused", "activity", "failed_n = n", "failed_n > 0"),
    Mutant("a flood has 101", "activity", "n >= 100", "n > 100"),
    Mutant("resolvers are flooded", "activity", "dst_port NOT IN (53, 123, 853)", "true"),
    Mutant("19 pairs are a spread", "activity", "pairs < 20", "pairs < 22"),
    Mutant("refusals are answers", "activity", "sumIf(conns, (denied OR ifNull(NOT answered, false)))", "toInt64(0)"),
    Mutant("every source", "activity", "WHERE src_ip IN ('10.0.0.31', ", "WHERE src_ip NOT IN ('10.0.0.32', "),
    Mutant("tuples are not told", "activity", "(src_ip, dst_ip, toString(dst_port)) IN", "(src_ip, dst_ip, '') IN"),
    Mutant("attempts are sessions", "conversations", "sum(conns) AS attempts", "uniqExact(src_ip) AS attempts"),
    Mutant("answers are not asked for", "conversations", "ifNull(NOT answered, false)", "false"),
    Mutant("the shortest", "conversations", "max(duration)", "min(duration)"),
    Mutant("who opened it is not asked", "conversations", "(NOT continues OR", "(true OR"),
    Mutant("IRC among others", "conversations", "service IN ('irc', 'irc-base')", "service != ''"),
    Mutant("unanswered hours are quarters", "conversations", "start / 3600", "start / 900"),
)


def _zeek_events() -> list[Event]:
    """Counters on one side, and sessions in several rows."""
    made = (
        cut_sessions()
        + flow(101, 400, "203.0.113.90", bytes=(300, None))
        + flow(101, 400, "203.0.113.91", bytes=(None, 300))
    )
    again = [e._replace(continues=True, proto="udp") for e in flow(19, 900, "203.0.113.92", proto="udp")]
    return [e for e in made if e.src_port is not None] + flow(19, 900, "203.0.113.92", proto="udp") + again


def _conn(dst: str, **others: Any) -> list[dict[str, Any]]:
    """Nineteen rows of conn.log, and one more of the first flow."""
    rows = [zeek(Connection(MIDNIGHT + n * 900, users.BOT, dst, dst_port=6667)) for n in range(19)]
    return [*(row | {"id.orig_p": n} for n, row in enumerate(rows)), rows[0] | {"id.orig_p": 0, **others}]


def _rows_of_zeek(text: str) -> Any:
    """Detections of events, and of attempts on a port that was used before."""
    named = text or clickhouse.detection(*place("zeek"), lab=LAB)
    retried = _conn("203.0.113.93", history="ShR", conn_state="SF") + _conn(
        "203.0.113.94", history="^r", conn_state="REJ", ts=MIDNIGHT + 9
    )
    payload = [
        row | {"orig_bytes": 7, "resp_bytes": 7} for row in _conn("203.0.113.95", history="SAD", ts=MIDNIGHT + 9)
    ]
    rows = filled("zeek", retried + payload).rows(named, WEEK)
    return by_clickhouse("zeek", _zeek_events(), named), sorted(str(row) for row in rows)


def _conversations(text: str) -> Any:
    """What is said of a tuple whose connections are of every kind."""
    made = [zeek(c) for c in users.fixed() if c.src_ip == users.BOT]
    kinds = [zeek(c._replace(src_ip=users.BOT, dst_ip=users.C2)) for c in users.fixed()[:60]]
    made += [row | {"duration": n, "service": ("irc", "http", "")[n % 3], "ts": MIDNIGHT + n * 600}
             for n, row in enumerate(kinds)]  # fmt: skip
    made += [made[0] | {"history": "DadA", "id.orig_p": 7, "resp_ip_bytes": 70, "orig_ip_bytes": 70}]
    keys = [clickhouse.tuple_key(users.BOT, users.C2, 443)]
    rows = filled("zeek", made).rows(text or clickhouse.conversations(keys, *place("zeek")), WEEK)
    read = mapping.conversations(rows)
    assert read.rejected == 0, read.examples
    return read.values


def _texts() -> dict[str, tuple[str, Callable[[str], Any]]]:
    keys = [clickhouse.tuple_key(users.BOT, users.C2, 443)]
    events: Sequence[Event] = (*corpus(), *cut_sessions(), *_edges())
    quiet = [c._replace(packets_sent=None, packets_rcvd=None) for c in users.fixed()]
    return {
        DETECTION: (
            clickhouse.detection(*place("canonical"), lab=LAB),
            lambda text: detected("canonical", events, text),
        ),
        _ZEEK_ROWS: (clickhouse.detection(*place("zeek"), lab=LAB), _rows_of_zeek),
        "users": (
            clickhouse.popularity(users.WANTED, HOMES[1], *place("zeek")),
            lambda text: [users_told(made, HOMES[1], text) for made in (*users.datasets()[:3], quiet)],
        ),
        "activity": (
            clickhouse.activity(activity.KEYS, LAB, *place("zeek")),
            lambda text: (activity_told(activity.fixed(), text), len(tables().rows(text, WEEK))),
        ),
        "conversations": (clickhouse.conversations(keys, *place("zeek")), _conversations),
    }


TEXTS = _texts()


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """What our own texts say."""
    return {what: ask(text) for what, (text, ask) in TEXTS.items()}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.what}: {m.name}")
def test_a_wrong_text_is_noticed(mutant: Mutant, ours: dict[str, Any]) -> None:
    text, ask = TEXTS[mutant.what]
    wrong = text.replace(mutant.old, mutant.new)
    assert wrong != text, "the text that this mutant changes is gone"
    try:
        said = ask(wrong)
    except (EngineFault, AssertionError, KeyError) as fault:
        assert str(fault) != "", "refused without a reason"
        return
    assert said != ours[mutant.what]


def test_the_page_counts_them_and_no_name_stands_twice() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
    assert f"{len(MUTANTS)} wrong texts (`test_clickhouse_mutants.py`)" in page
    assert len({(m.what, m.name) for m in MUTANTS}) == len(MUTANTS)
