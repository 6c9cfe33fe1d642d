"""Noise over a SIEM: decoys and fast calls take no rhythm away, and add none to people's traffic."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.clients.splunk import search_job as splunk_job
from connectors.sources._siem import connection_times, coverage
from connectors.sources.sumologic import search_job as sumo_job
from playbook.detections.beaconing import Event
from playbook.errors import Unreachable
from playbook.model.detection import Detection
from tests.support.builders import a_beacon
from tests.support.siem_fixtures import SIEMS, calls, every, judged
from tests.support.sumo_fixtures import DAY

BUDGET = 3_000  # rows of an answer, for 100,000


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both SIEMs give at most ``BUDGET`` rows."""
    for job in (sumo_job, splunk_job):
        monkeypatch.setattr(job, "MAX_ROWS", BUDGET)


def by_people() -> list[float]:
    """Bursts at odd hours, as a person causes them: often enough to fire, with no rhythm."""
    rng = Random(2)
    return sorted(hour * 3600 + 60 * rng.paretovariate(0.4) % 3000 for hour in (8, 9, 13, 16) for _ in range(150))


def decoys() -> list[Event]:
    """Four more destinations of the same host, each a little less busy than the beacon and with no rhythm."""
    rng = Random(3)
    return [e for n in range(4) for e in calls([rng.uniform(0, 86_000) for _ in range(2_000)], f"198.51.100.{n}", 80)]


CASES: dict[str, Callable[[], list[Event]]] = {
    "nothing added": list,
    "decoys that use up the rows": decoys,
    "as many calls in the last hour as there are rows": lambda: calls([82_000 + n for n in range(3_500)]),
}


@pytest.mark.loopback
@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("kind", SIEMS)
@pytest.mark.parametrize("case", CASES)
def test_noise_takes_no_rhythm_away(kind: str, case: str, tmp_path: Path) -> None:
    verdict = judged(kind, calls(every(40.0)) + CASES[case](), tmp_path).verdict
    assert (verdict.disposition, verdict.rung) == ("TRUE_POSITIVE", 4), verdict.reasons


@pytest.mark.loopback
@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("kind", SIEMS)
@pytest.mark.parametrize("seconds", [20.0, 6.0])
def test_a_beacon_too_fast_for_its_rows_keeps_its_rhythm(kind: str, seconds: float, tmp_path: Path) -> None:
    verdict = judged(kind, calls(every(seconds)), tmp_path).verdict
    assert (verdict.disposition, verdict.rung) == ("TRUE_POSITIVE", 4), verdict.reasons


@pytest.mark.loopback
@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("kind", SIEMS)
@pytest.mark.parametrize("case", ["nothing added", "decoys that use up the rows"])
def test_people_get_no_rhythm_from_a_part_of_their_traffic(kind: str, case: str, tmp_path: Path) -> None:
    verdict = judged(kind, calls(by_people()) + CASES[case](), tmp_path).verdict
    assert verdict.disposition == "UNDETERMINED", verdict.reasons


def busy(name: int, connections: int, hours: float = 24.0) -> Detection:
    """A detection with so many connections in so many hours."""
    return a_beacon(
        dst_port=name,
        detection_id=f"d{name}",
        connections=connections,
        first_seen=DAY.end - timedelta(hours=hours),
        last_seen=DAY.end,
    )


def by_port(src_ip: str, dst_ip: str, dst_port: int) -> str:
    """The key of a tuple in these tests."""
    return str(dst_port)


DETECTIONS = st.lists(
    st.tuples(st.integers(20, 10**7), st.floats(2.1, 168.0)),
    min_size=1,
    max_size=250,
).map(lambda many: [busy(n, connections, hours) for n, (connections, hours) in enumerate(many, start=1)])


@given(found=DETECTIONS, budget=st.integers(1, 100_000))
def test_rows_are_shared_out_and_never_more_than_there_are(found: list[Detection], budget: int) -> None:
    asked, rest = connection_times.shares(found, budget)
    assert len(asked) + rest == len(found)
    most = {d.detection_id: min(d.connections, int((d.last_seen - d.first_seen).total_seconds()) + 1) for d in found}
    given_rows = {
        share.detection.detection_id: most[share.detection.detection_id]
        if share.since is None
        else int(share.detection.last_seen.timestamp()) - share.since + 1
        for share in asked
    }
    assert sum(given_rows.values()) <= budget
    if sum(most.values()) <= budget:
        assert [share.since for share in asked] == [None] * len(found)
    # Whoever is cut or left out got no less than an even share would have been.
    for share in asked:
        assert share.since is None or given_rows[share.detection.detection_id] >= budget // len(found)


def test_a_host_that_claims_many_names_leaves_the_others_their_traffic() -> None:
    """Its address stands in one search with theirs; the search gives too many rows and is asked again in halves."""
    loud, quiet = busy(1, 100), busy(2, 100)
    said: list[tuple[str, ...]] = []

    def ask(keys: Sequence[str], since: Mapping[str, int], step_s: int) -> coverage.Read:
        said.append(tuple(keys))
        if "1" in keys:
            raise connection_times.BudgetExceeded("siem: 100000 rows are taken")
        second = int(quiet.last_seen.timestamp())
        return coverage.Read((coverage.Start(coverage.key_of(quiet), second, 1, 40),), 0, ())

    got = connection_times.followed([loud, quiet], 1_000, by_port, ask)
    assert [t.detection_id for t in got.tuples] == ["d2"] and got.unknown == ("siem: 100000 rows are taken",)
    assert sorted(said) == [("1",), ("1", "2"), ("2",)]


def test_a_search_that_fails_leaves_only_its_own_tuples_unknown() -> None:
    found = [busy(n, 20, 4.0) for n in range(1, connection_times.KEYS_PER_QUERY + 2)]

    def ask(keys: Sequence[str], since: Mapping[str, int], step_s: int) -> coverage.Read:
        if len(keys) > 1:
            raise Unreachable("siem: no answer")
        last = found[-1]
        return coverage.Read((coverage.Start(coverage.key_of(last), int(last.last_seen.timestamp()), 1, 40),), 0, ())

    got = connection_times.followed(found, 100_000, by_port, ask)
    assert len(got.tuples) == 1
    assert got.unknown == ("the traffic of 200 detections could not be asked for: siem: no answer",)
