"""The sample day, as two SIEMs would hold it: both find what plain Python finds in the same connections."""

from collections import Counter

from playbook.detections.beaconing import Event
from playbook.simulate.sample_day import simulate
from tests.interpreters.telemetry import HALF_HOUR_EAST, QUERIES, SUMO_QUERY, by_reference, by_splunk, by_sumo

FREQUENT, OTHERS = 12, 200  # tuples that could fire, and some of those that could not: a whole day takes too long here


def the_day() -> list[Event]:
    """The day's connections; times in whole milliseconds, which is what the queries give back."""
    connections = simulate().telemetry.connections
    seen = Counter((c.src_ip, c.dst_ip, c.dst_port) for c in connections)
    often = [c for c in connections if seen[c.src_ip, c.dst_ip, c.dst_port] >= FREQUENT]
    rarely = [c for c in connections if seen[c.src_ip, c.dst_ip, c.dst_port] < FREQUENT][:OTHERS]
    return [
        Event(
            round(c.ts, 3),
            c.src_ip,
            c.dst_ip,
            c.dst_port,
            src_port=c.src_port,
            proto=c.proto,
            bytes_sent=c.orig_ip_bytes,
            bytes_rcvd=c.resp_ip_bytes,
            bytes_total=c.orig_ip_bytes + c.resp_ip_bytes,
            service=c.service or "",
        )
        for c in (*often, *rarely)
    ]


def test_two_siems_find_the_same_in_the_same_day() -> None:
    events = the_day()
    expected = by_reference("cim", events)
    assert len(expected.detections) >= 10
    assert by_splunk(QUERIES["cim"], "cim", events, HALF_HOUR_EAST) == expected
    assert by_sumo(SUMO_QUERY, events) == expected
