"""What a web page or a neighbour can cause once frames nobody; what comes again convicts the host alone."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from playbook.model.case import JudgedDetection
from playbook.simulate import scenarios
from playbook.simulate.flows import HOUR, scattered, uid, unanswered
from playbook.simulate.malicious_hosts import dga_bursts, flooder
from playbook.simulate.records import Telemetry, together
from playbook.simulate.sample_day import START
from playbook.simulate.scenario import RESOLVER, Scenario
from tests.support.processes import run_scenario, subject_of

BROWSER, HONEST = "10.1.2.60", "updates.vendor.example"
Hours = Sequence[float]


def questions(hours: Hours, names: int = 60) -> Telemetry:
    """Names that do not exist, sixty in five minutes of each of these hours."""
    return together([dga_bursts(Random(h), BROWSER, RESOLVER, START + h * HOUR, bursts=1, names=names) for h in hours])


def dead_places(hours: Hours, ports: tuple[int, ...] = (8088, 9000, 7001)) -> Telemetry:
    """Three hundred pairs of address and port that do not answer, in ten minutes of each of these hours."""
    rows = []
    for hour in hours:
        rng, begin = Random(hour), START + hour * HOUR
        pairs = [(f"203.0.113.{n}", port) for n in range(100, 200) for port in ports]
        rows += [
            unanswered(rng, uid(BROWSER, f"p{hour}", n), moment, (BROWSER, *pair))
            for n, (moment, pair) in enumerate(zip(scattered(rng, begin, begin + 600, len(pairs)), pairs, strict=True))
        ]
    return Telemetry(connections=tuple(rows))


def images(hours: Hours, connections: int = 1200) -> Telemetry:
    """More than a thousand attempts on one other address in ten minutes of each of these hours."""
    return together(
        [flooder(Random(h), BROWSER, "203.0.113.250", START + h * HOUR, connections=connections) for h in hours]
    )


CAUSED = {
    "sixty names": questions((9,)),
    "hundreds of names": questions((9,), 400),
    "names in two hours": questions((9, 14)),
    "dead places": dead_places((9,)),
    "dead places in two hours": dead_places((9, 14)),
    "a flood": images((9,)),
    "two floods": images((9, 14)),
    "all of it at once": together([questions((9,)), dead_places((9,)), images((9,))]),
}
HABIT = {
    "names in three hours": questions((9, 12, 15)),
    "dead places in three hours": dead_places((9, 12, 15)),
    "ports that browsers refuse": dead_places((9,), (22, 25, 445)),
    "three floods": images((9, 12, 15)),
    "a flood above five thousand": images((9,), 5100),
}


def judged(folder: Path, more: Telemetry) -> JudgedDetection:
    """A regular poll of a server whose name our resolver gave, by a host that also did this."""
    poll = scenarios.beacon(sni=HONEST, backed=True)
    rows = together([poll, more])
    scenario: Scenario = poll.model_copy(update={"connections": rows.connections, "questions": rows.questions})
    return subject_of(run_scenario(scenario, folder), scenario)


@pytest.mark.parametrize("more", CAUSED.values(), ids=CAUSED)
def test_what_a_page_can_cause_convicts_no_honest_server(tmp_path: Path, more: Telemetry) -> None:
    verdict = judged(tmp_path, more).verdict
    assert verdict.disposition == "UNDETERMINED", verdict.reasons
    assert any("nothing of this destination" in one.reason for one in verdict.evidence if one.group == "host")


@pytest.mark.parametrize("more", HABIT.values(), ids=HABIT)
def test_what_comes_again_or_no_page_can_make_convicts_the_host_alone(tmp_path: Path, more: Telemetry) -> None:
    verdict = judged(tmp_path, more).verdict
    assert (verdict.disposition, verdict.about) == ("TRUE_POSITIVE", "host"), verdict.reasons
