"""Evasions that add noise: more calls, more names or forged senders must not take evidence away."""

from pathlib import Path
from random import Random

import pytest

from playbook.simulate import scenarios
from playbook.simulate.flows import DAY, HOUR, tcp, uid, unanswered
from playbook.simulate.malicious_hosts import handshake, https_beacon
from playbook.simulate.records import Connection, Handshake
from playbook.simulate.sample_day import START
from playbook.simulate.scenario import Scenario
from tests.support.processes import run_scenario, subject_of

BOT, C2 = "10.1.2.60", scenarios.C2
LISTED = "zz.evil.example"


def with_more(
    scenario: Scenario, connections: tuple[Connection, ...], handshakes: tuple[Handshake, ...] = ()
) -> Scenario:
    """The scenario with further rows, in order of time."""
    return scenario.model_copy(
        update={
            "connections": tuple(sorted((*scenario.connections, *connections), key=lambda c: (c.ts, c.uid))),
            "handshakes": tuple(sorted((*scenario.handshakes, *handshakes), key=lambda h: (h.ts, h.uid))),
        }
    )


def last_hours_full() -> Scenario:
    """The beacon, and in the last six hours more calls than are kept of one tuple."""
    burst = https_beacon(Random(1), BOT, C2, START + 18 * HOUR, end=START + DAY, interval=4.2, jitter=0.0, kind="z")
    return with_more(scenarios.beacon(), burst.connections, burst.handshakes)


def forged_senders(count: int = 14) -> Scenario:
    """The beacon, and one packet to its server from each of more than a fifth of the site's addresses."""
    rng, senders = Random(1), [f"10.1.2.{100 + n}" for n in range(count)]
    rows = (unanswered(rng, uid(src, "w", 0), START + 1000 + n, (src, C2, 443)) for n, src in enumerate(senders))
    return with_more(scenarios.beacon(), tuple(rows))


def many_names(claimed: int) -> Scenario:
    """A listed name, and others that the same client claims at the same address; the rhythm is hidden."""
    listed = scenarios.beacon(sni=LISTED, jitter=0.9, feed=((LISTED, "domain"),))
    rng = Random(1)
    rows = [tcp(rng, uid(BOT, "y", n), START + n * 600, (BOT, C2, 443), 400, 700, 0.4, "ssl") for n in range(claimed)]
    return with_more(listed, tuple(rows), tuple(handshake(r, f"a{n:03d}.example") for n, r in enumerate(rows)))


CASES = {
    "a call every four seconds": (lambda: scenarios.beacon(interval=4.0), 4),
    "the last hours full of calls": (last_hours_full, 4),
    "forged senders make it popular": (forged_senders, 4),
    "sixty other names claimed": (lambda: many_names(60), 1),
}


@pytest.mark.parametrize("case", CASES)
def test_noise_takes_no_evidence_away(tmp_path, case):
    make, rung = CASES[case]
    scenario = make()
    verdict = subject_of(run_scenario(scenario, Path(tmp_path)), scenario).verdict
    assert (verdict.disposition, verdict.rung) == ("TRUE_POSITIVE", rung), verdict.reasons
