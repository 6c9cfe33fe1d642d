"""A listed name that its owner points at an innocent address convicts the name, and blocks nobody's address."""

from pathlib import Path
from random import Random

import pytest

from playbook.model.case import Case
from playbook.simulate import scenarios
from playbook.simulate.flows import question, tcp, uid
from playbook.simulate.malicious_hosts import handshake
from playbook.simulate.records import Telemetry, together
from playbook.simulate.sample_day import START
from playbook.simulate.scenario import RESOLVER
from tests.support.processes import case_of, run_scenario

HOST, ADDRESS = "10.1.2.60", scenarios.C2
LISTED, HONEST = "zz.evil.example", "shop.partner.example"


def visits(name: str, times: int, answered: bool = True) -> Telemetry:
    """So many TLS connections to the address under this name, and the look-up that gave it."""
    rng = Random(times)
    rows = [
        tcp(rng, uid(HOST, "v", n), START + 3000 + n * 700, (HOST, ADDRESS, 443), 700, 5000, 0.6, "ssl")
        for n in range(times)
    ]
    asked = question(rng, "Cvisit", START + 2990, HOST, RESOLVER, name, (ADDRESS,))
    return Telemetry(
        connections=tuple(rows),
        handshakes=tuple(handshake(row, name) for row in rows),
        questions=(asked,) if answered else (),
    )


def case(folder: Path, feed: tuple[tuple[str, str], ...], polled: str, *more: Telemetry) -> Case:
    """The case of a host that polls the address under one name, and did this besides."""
    poll = scenarios.beacon(sni=polled, backed=True, jitter=0.9, feed=feed)
    rows = together([poll, *more])
    logged = {name: getattr(rows, name) for name in ("connections", "questions", "handshakes")}
    scenario = poll.model_copy(update=logged)
    found = case_of(run_scenario(scenario, folder), scenario.host)
    assert found is not None and found.verdict.disposition == "TRUE_POSITIVE", found
    return found


def blocked(case: Case) -> set[str]:
    """The kinds of steps that would keep anybody from the address."""
    kinds = {step.kind for step in case.plan.steps} if case.plan else set()
    return kinds & {"block_pair", "block_address"}


FRAMES = {
    "a page that loads one picture": (HONEST, visits(LISTED, 1)),
    "a page that loads many": (HONEST, visits(LISTED, 40)),
    "a name in the handshake alone": (HONEST, visits(LISTED, 3, answered=False)),
    "polled under the listed name": (LISTED, visits(HONEST, 5)),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_listed_name_at_a_shared_address_blocks_no_address(tmp_path: Path, frame: tuple[str, Telemetry]) -> None:
    found = case(tmp_path, ((LISTED, "domain"),), *frame)
    assert not blocked(found) and found.detections[0].verdict.about == "name"


@pytest.mark.parametrize("feed", [((LISTED, "domain"),), ((LISTED, "domain"), (ADDRESS, "address"))], ids=len)
def test_the_address_is_blocked_where_nothing_else_leads_there_or_it_is_listed_itself(tmp_path: Path, feed) -> None:
    beside = (visits(HONEST, 5),) if len(feed) > 1 else ()
    assert blocked(case(tmp_path, feed, LISTED, *beside)) == {"block_pair"}
