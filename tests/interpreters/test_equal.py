"""The rendered text of every language finds what the reference scorer finds, over generated events."""

from collections import Counter

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from playbook.detections.beaconing import Event
from playbook.detections.languages import splunk
from tests.interpreters import spl, telemetry
from tests.interpreters.telemetry import HALF_HOUR_EAST, QUERIES, by_reference, by_splunk, by_sumo, events
from tests.support.examples import examples

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a failing example is readable as it is


@pytest.mark.parametrize("preset", QUERIES)
@examples(12, phases=_PHASES)
@given(found=events(), zone_s=st.sampled_from((0, HALF_HOUR_EAST, -12_600)))
def test_splunk_finds_what_the_reference_finds(preset: str, found: list[Event], zone_s: int) -> None:
    assert by_splunk(QUERIES[preset], preset, found, zone_s) == by_reference(preset, found)


@examples(20, phases=_PHASES)
@given(found=events())
def test_sumo_finds_what_the_reference_finds(found: list[Event]) -> None:
    wanted = [e for e in found if not e.denied]
    assert by_sumo(telemetry.SUMO_QUERY, wanted) == by_reference("cse", wanted)


@pytest.mark.parametrize("preset", QUERIES)
def test_the_follow_up_gives_the_start_seconds_and_the_heartbeat_the_hours(preset: str) -> None:
    found = telemetry.flow(25, 900, hostname="pc-1") + telemetry.flow(25, 60, "198.51.100.9", 443)
    source = [row for e in found for row in telemetry.WRITERS[preset](e)]
    keys = [splunk.tuple_key("10.0.0.31", "203.0.113.66", 6667)]
    starts = spl.results(spl.run(splunk.traffic(keys, preset), source))
    assert sorted(int(row["start_s"]) for row in starts) == [int(e.start) for e in found[:25]]
    assert {(row["hostname"], row["start_conns"], row["row_count"]) for row in starts} == {("pc-1", "1", "1")}
    beats = spl.results(spl.run(splunk.heartbeat(preset), source, HALF_HOUR_EAST))
    assert sum(int(beat["row_count"]) for beat in beats) == len(source)
    assert {int(beat["hour"]) for beat in beats} == {int(e.start // 3600) for e in found}
    assert len(spl.run(splunk.probe(preset), source)) == 1


@pytest.mark.parametrize("preset", QUERIES)
def test_the_follow_up_of_a_busy_tuple_gives_its_newest_seconds_and_its_hours(preset: str) -> None:
    found = telemetry.flow(25, 900, hostname="pc-1") + telemetry.flow(25, 60, "198.51.100.9", 443)
    source = [row for e in found for row in telemetry.WRITERS[preset](e)]
    keys = [splunk.tuple_key("10.0.0.31", "203.0.113.66", 6667), splunk.tuple_key("10.0.0.31", "198.51.100.9", 443)]
    since = int(found[10].start)
    newest = spl.results(spl.run(splunk.traffic(keys, preset, since={keys[0]: since}), source))
    assert sorted((int(row["dst_port"]), int(row["start_s"])) for row in newest) == sorted(
        (e.dst_port, int(e.start)) for e in found if e.dst_port == 443 or e.start >= since
    )
    hourly = spl.results(spl.run(splunk.traffic(keys[:1], preset, step_s=3600), source, HALF_HOUR_EAST))
    wanted = Counter(int(e.start) // 3600 * 3600 for e in found[:25])
    assert {int(row["start_s"]): int(row["start_conns"]) for row in hourly} == dict(wanted)
