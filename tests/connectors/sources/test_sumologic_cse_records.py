"""Records and answers of Cloud SIEM as values: times, both entity shapes, starts and ends of sessions, real bodies."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.sumologic_cse.check import vocabulary, word
from connectors.sources.sumologic_cse.normalize import connections, event_of, seconds
from connectors.sources.sumologic_cse.schemas import Entity, Insight, InsightComment, Signal, utc
from connectors.sources.sumologic_cse.settings import Settings
from playbook.detections.beaconing import Event, score_events
from tests.emulators.cse_objects import record_of, signal_of
from tests.support.cse_fixtures import SCOPE, START, a_day, reference
from tests.support.examples import examples
from tests.support.public_data import DATA

REAL = DATA / "sumo"
TYPES: tuple[str, ...] = Settings.model_fields["object_types"].default
PLAIN = Event(START, "10.0.0.1", "203.0.113.5", 443, "pc", 50000, "tcp", 1, 10, 20, 30)
captured = pytest.mark.skipif(not REAL.is_dir(), reason="the captured bodies are not here")


def read(*records: dict[str, Any]) -> tuple[Event, ...]:
    """The connections of one signal with these records."""
    return connections([Signal.model_validate(signal_of("s", records, START))], TYPES).events


def record(**more: Any) -> dict[str, Any]:
    return record_of(PLAIN, "u", **more)


@pytest.fixture()
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own zone is not UTC."""
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2022-03-28T09:27:11", 0),
        ("2022-03-28T09:27:11.557000", 557_000),
        ("2022-03-28T09:27:11.557", 557_000),
        ("2022-03-28T09:27:11Z", 0),
        ("2022-03-28T11:27:11+02:00", 0),
    ],
)
@pytest.mark.usefixtures("new_york")
def test_times_without_a_zone_are_utc(text: str, microsecond: int) -> None:
    assert datetime.fromtimestamp(1_648_459_631).hour == 5
    assert utc(text) == datetime(2022, 3, 28, 9, 27, 11, microsecond, UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1646994592000, 1646994592.0),
        (1646994592, 1646994592.0),
        ("1646994592123", 1646994592.123),
        ("1.646994592E12", 1646994592.0),
        (0, 0.0),
        (None, None),
        ("yesterday", None),
        (-1, None),
        (1e17, None),
        ("NaN", None),
    ],
)
def test_times_of_records_in_milliseconds_and_seconds(value: Any, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="timestamp"):
            seconds({"timestamp": value}, "timestamp")
    else:
        assert seconds({"timestamp": value}, "timestamp") == expected


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ({"id": "_ip-lab-1.2.3.4", "name": "1.2.3.4", "ip": {"address": "1.2.3.4"}, "ipHostname": None}, "_ip 1.2.3.4"),
        ({"id": "_hostname-win10--admin", "name": "win10-admin", "hostname": "win10-admin"}, "_hostname win10-admin"),
        ({"id": "_username-a--b", "name": "a-b", "username": "a-b"}, "_username a-b"),
        ({"id": "_ip-1.2.3.4", "entityType": "_ip", "value": "1.2.3.4", "hostname": "x", "name": "n"}, "_ip 1.2.3.4"),
        ({"id": "_mac-1", "entityType": "_mac", "name": "00:11"}, "_mac 00:11"),
        ({"id": "x", "name": "n"}, "n"),
        ({}, ""),
    ],
)
def test_both_shapes_of_an_entity(shape: dict, text: str) -> None:
    assert Entity.model_validate(shape).text == text


def test_a_record_as_a_connection() -> None:
    made = event_of(record(baseImage="a.exe", application="SSL", ipProtocol="17", packetsOut=3), TYPES)
    assert made == PLAIN._replace(process_name="a.exe", service="ssl", proto="udp", sent_packets=3)
    assert event_of(record(device_hostname="fw-9"), TYPES) == PLAIN, "the firewall is not the host"
    zeek = record(bro_flow_outIpBytes=7, bro_flow_service=["ssl", "http"], bytesOut=1)
    assert event_of(zeek, TYPES) == PLAIN._replace(
        bytes_sent=7, bytes_rcvd=0, bytes_total=7, orig_bytes=7, service="ssl,http"
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"bytesIn": None}, (10, None, None)),
        ({"bytesOut": None, "bytesIn": None}, (None, None, None)),
        ({"bytesIn": ""}, (10, None, None)),
        ({"bytesIn": "0"}, (10, 0, 10)),
        ({"bytesOut": "null"}, (None, 20, None)),
    ],
)
def test_an_absent_counter_is_unknown_and_not_zero(more: dict, expected: tuple) -> None:
    made = event_of(record() | more, TYPES)
    assert made is not None and (made.bytes_sent, made.bytes_rcvd, made.bytes_total) == expected


@pytest.mark.parametrize(
    ("action", "denied"),
    [
        ("allow", False),
        ("deny", True),
        ("Denied", True),
        ("DROP", True),
        ("reset-both", True),
        ("blocked", True),
        ("REJECT", True),
        ("", False),
        ("failed password attempt", False),
    ],
)
def test_what_a_device_refused_is_an_attempt(action: str, denied: bool) -> None:
    made = event_of(record(action=action), TYPES)
    assert made is not None and made.denied is denied


@pytest.mark.parametrize(
    "more",
    [
        {"objectType": "NetworkDNS"},
        {"objectType": "Authentication"},
        {"dstDevice_ip": ""},
        {"dstPort": ""},
        {"srcDevice_ip": "unknown"},
    ],
)
def test_what_is_no_connection_is_counted_apart(more: dict) -> None:
    got = connections([Signal.model_validate(signal_of("s", [record(**more)], START))], TYPES)
    assert (got.events, got.passed, got.rejected, got.rows) == ((), 1, 0, 1)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"dstPort": 70000}, "dstPort"),
        ({"dstPort": "https"}, "dstPort"),
        ({"srcDevice_ip": "a laptop"}, "srcDevice_ip"),
        ({"dstDevice_ip": "1.2.3"}, "dstDevice_ip"),
        ({"bytesOut": -1}, "bytesOut"),
        ({"bytesIn": 10**30}, "bytesIn"),
        ({"timestamp": ""}, "timestamp"),
        ({"srcDevice_hostname": "h" * 1001}, "srcDevice_hostname"),
        ({"dstPort": True}, "dstPort"),
    ],
)
def test_a_record_that_cannot_be_read_is_counted_and_named(more: dict, field: str) -> None:
    got = connections([Signal.model_validate(signal_of("s", [record(**more)], START))], TYPES)
    assert (got.events, got.passed, got.rejected) == ((), 0, 1) and f"signal s: {field}" in got.examples[0]


def test_start_and_end_of_a_session_are_one_connection_and_a_lone_start_is_one_too() -> None:
    begun = record(flowState="begin", timestamp=(START - 60) * 1000) | {"uid": "b"}
    assert [e.start for e in read(begun, record(flowState="end"))] == [START]
    assert [e.start for e in read(begun)] == [START - 60]
    assert len(read(record(flowState="end"), begun | {"timestamp": (START + 60) * 1000})) == 2, "the end was another's"
    unknown = {name: value for name, value in begun.items() if name != "srcPort"}
    assert len(read(unknown, {n: v for n, v in record(flowState="end").items() if n != "srcPort"})) == 2


@pytest.mark.parametrize("more", [{"flowState": "continue"}, {"bro_flow_history": "DadA"}])
def test_further_rows_of_one_session_are_one_connection(more: dict) -> None:
    later = [record(**more) | {"uid": f"c{n}", "timestamp": (START + n) * 1000} for n in (1, 2)]
    assert len(read(record(), *later)) == 1
    assert len(read(*later)) == 1, "the first row may lie before the window"


def test_icmp_is_no_connection() -> None:
    assert read(record(ipProtocol="1"), record(ipProtocol="ICMP") | {"uid": "2"}) == ()


def test_equal_records_without_a_uid_count_as_often_as_one_signal_has_them() -> None:
    bare = {name: value for name, value in record().items() if name != "uid"}
    signals = [Signal.model_validate(signal_of(name, [bare] * n, START)) for name, n in (("a", 2), ("b", 3))]
    got = connections(signals, TYPES)
    assert len(got.events) == 3 == got.rows and got.signals[("pc", "10.0.0.1", "203.0.113.5", 443)] == ("a", "b")


SHUFFLES = st.tuples(st.permutations(range(12)), st.integers(1, 40), st.integers(0, 3))


@examples(8)
@given(SHUFFLES)
def test_order_and_cut_and_repetition_of_signals_do_not_matter(made: tuple[list[int], int, int]) -> None:
    order, each, repeated = made
    records = [record_of(event, f"r{n}") for n, event in enumerate(a_day())]
    chunks = [records[n::12] for n in order] + [records[: each * 5]] * repeated
    got = connections([Signal.model_validate(signal_of(f"s{n}", c, START)) for n, c in enumerate(chunks)], TYPES)
    assert score_events(got.events, SCOPE) == reference()


@examples(60)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "srcDevice_ip",
                "dstDevice_ip",
                "dstPort",
                "srcPort",
                "timestamp",
                "bytesOut",
                "flowState",
                "uid",
                "objectType",
                "ipProtocol",
                "bro_flow_service",
                "action",
                "srcDevice_hostname",
            ]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=9)
        | st.lists(st.integers(), max_size=2),
    )
)
def test_any_record_is_a_connection_or_passed_or_rejected(more: dict[str, Any]) -> None:
    got = connections([Signal(id="s", allRecords=[record() | more])], TYPES)
    assert len(got.events) + got.passed + got.rejected <= 1 == got.rows


def body(name: str) -> Any:
    """The data of one captured answer."""
    return json.loads((REAL / name).read_bytes())["data"]


@pytest.mark.parametrize("name", ["chronicle_cse_update_insight.json", "chronicle_cse_add_tags_to_insight.json"])
@pytest.mark.real_data
@captured
def test_real_insights(name: str) -> None:
    insight = Insight.model_validate(body(name))
    assert insight.created.tzinfo is UTC and insight.created.year == 2022
    assert insight.status in ("new", "inprogress"), "one is in progress and yet has a time of closing"
    assert insight.entity is not None and insight.entity.text.startswith("_")
    for one in body(name).get("signals", ()):
        got = connections([Signal.model_validate(one)], TYPES)
        assert got.passed == got.rows > 0 and not got.rejected, "authentication is no connection"


@pytest.mark.real_data
@captured
def test_real_lists_and_details() -> None:
    (insight,) = (Insight.model_validate(one) for one in body("demisto_insight_list_page1.TRIMMED.json")["objects"])
    assert (insight.readableId, insight.signals[0].id[:8]) == ("INSIGHT-231", "b4709a3c")
    assert insight.entity is not None and insight.entity.text.startswith("_username service-1243")
    detail = Signal.model_validate(body("demisto_signal_details.json"))
    assert detail.lacking == 1 and detail.entity is not None
    assert detail.entity.text == "_hostname testcomputer.somedomain.net"
    (listed,) = body("demisto_signal_list_ip_entity.TRIMMED.json")["objects"]
    assert Signal.model_validate(listed).entity == Entity(name="1.2.3.4", ip={"address": "1.2.3.4"})
    assert InsightComment.model_validate(body("demisto_insight_add_comment.json")).body == "Test adding comment via API"
    for wrapped in json.loads((REAL / "chronicle_cse_search_entity_signals.json").read_bytes()):
        signals = [Signal.model_validate(one) for one in wrapped["EntityResult"]]
        got = connections(signals, TYPES)
        assert got.passed == got.rows and not got.rejected
        assert all(
            2000 < datetime.fromtimestamp(seconds(r, key), UTC).year < 2030
            for s in signals
            for r in s.allRecords
            for key in ("timestamp", "metadata_receiptTime", "metadata_parseTime")
        )


@pytest.mark.real_data
@captured
def test_real_vocabularies(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = {"/insight-status": "cse_insight_statuses.json", "/insight-resolutions": "cse_insight_resolutions.json"}
    monkeypatch.setattr("connectors.sources.sumologic_cse.check.ask", lambda wire, path, deadline: body(bodies[path]))
    statuses, resolutions = (vocabulary(None, path, None) for path in bodies)  # type: ignore[arg-type]
    assert [word(statuses, name) for name in ("new", "In Progress", "CLOSED", "x")] == [
        "new",
        "inprogress",
        "closed",
        None,
    ]
    assert word(resolutions, "false positive") == "False Positive"


@pytest.mark.real_data
@captured
def test_every_field_that_we_read_is_in_the_published_schema() -> None:
    schema = json.loads((REAL / "cse_normalized_schema_build.json").read_bytes())
    text = (Path(event_of.__code__.co_filename)).read_text(encoding="utf-8")
    names = {
        n
        for n in record(
            flowState="x",
            bro_flow_history="S",
            bro_flow_outIpBytes=1,
            bro_flow_inIpBytes=1,
            packetsOut=1,
            packetsIn=1,
            baseImage="x",
            application="x",
        )
        if f'"{n}"' in text
    }
    assert len(names) >= 15 and names <= set(schema)
