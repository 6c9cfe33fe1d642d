"""What Splunk tells of the traffic of detections once they are found."""

import pytest

from connectors.sources._siem import coverage
from tests.emulators.splunk import Behaviour, Server
from tests.support.siem_fixtures import only_what_has_an_address_is_told
from tests.support.splunk_fixtures import DAY, EVENTS, LEAST, READY, FakeClock, talking

pytestmark = pytest.mark.loopback


def test_traffic_gives_every_start_second_with_its_size() -> None:
    server, clock = Server(EVENTS, READY), FakeClock()
    with talking(server, clock) as source:
        (got,) = source.fetch(None)
        asked = len(server.log)
        traffic = source.traffic(got.detections)
    assert len(server.log) - asked == 3 * LEAST, "one job each for start times, destinations and hosts"
    assert sum(t.start_times is not None for t in traffic.tuples) == 5 and len(traffic.coverage[0].hours) == 24
    for detection in (d for d in got.detections if not d.blocked):
        own = next(t for t in traffic.tuples if t.detection_id == detection.detection_id)
        starts = [
            e
            for e in EVENTS
            if (e.hostname, e.src_ip, e.dst_ip, e.dst_port) == coverage.key_of(detection) and not e.denied
        ]
        assert own.start_times == tuple(sorted({int(e.start) for e in starts})) and own.starts_complete
        known = all(e.bytes_sent is not None for e in starts)
        assert own.sizes == (tuple(e.bytes_sent for e in starts) if known else None)
        assert sum(h.connections for h in own.hourly) == detection.connections


def test_no_host_name_reaches_a_search() -> None:
    server, clock = Server(EVENTS, READY), FakeClock()
    with talking(server, clock) as source:
        source.traffic(source.fetch(DAY)[0].detections)
    assert not any(
        "| delete" in form["search"] or "back\\" in form["search"] for form in server.forms if "search" in form
    )


def test_a_target_that_is_no_address_is_not_asked_for_and_said_so() -> None:
    server, clock = Server(EVENTS, READY), FakeClock()
    with talking(server, clock) as source:
        found = source.fetch(DAY)[0].detections
        assert only_what_has_an_address_is_told(source, found)


def test_traffic_that_cannot_be_had_is_unknown_not_empty() -> None:
    server, clock = Server(EVENTS, READY), FakeClock()
    with talking(server, clock) as source:
        found = source.fetch(DAY)[0].detections
        server.behaviour = Behaviour(states=(), finalized=True)
        traffic = source.traffic(found)
    assert not traffic.tuples and any("finalized" in text for text in traffic.unknown)
