"""Evasions in pairs: a forgery gets what the same traffic gets without it, and its honest twin is closed.

So neither a name that anybody can choose closes anything, nor does answering UNDETERMINED to everything pass.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from playbook.model.case import JudgedDetection, Run
from playbook.simulate import scenarios
from playbook.simulate.scenario import Scenario
from tests.support.processes import case_of, run_scenario, subject_of

Make = Callable[[], Scenario]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    @cache
    def play(key: str) -> tuple[Scenario, Run, JudgedDetection]:
        scenario = CAST[key]()
        run = run_scenario(scenario, Path(tmp_path_factory.mktemp("scenario")))
        return scenario, run, subject_of(run, scenario)

    return play


CAST: dict[str, Make] = {
    "plain": scenarios.beacon,
    "by night": lambda: scenarios.beacon(night_only=True),
    "plain to resolver": lambda: scenarios.beacon(destination="8.8.8.8", backed=True, sni="dns.google"),
    "renamed veeam-01": lambda: scenarios.beacon(host="veeam-01"),
    "bztransmit.exe": lambda: scenarios.beacon(program=scenarios.UPDATER.model_copy(update={"name": "bztransmit.exe"})),
    "watched": lambda: scenarios.beacon(watched=True),
    "in backup window": lambda: scenarios.beacon(night_only=True, backup_window=True),
    "bucket alone": lambda: scenarios.c2_in_bucket(beside=False),
    "bucket beside backup": scenarios.c2_in_bucket,
    "jittered": lambda: scenarios.beacon(jitter=0.5),
    "nameless to 8.8.8.8": lambda: scenarios.beacon(destination="8.8.8.8"),
    "p2p name, single peer": lambda: scenarios.beacon(program=scenarios.TORRENT),
    "runner outside job": lambda: scenarios.load_test(in_job=False),
    "workstation then": lambda: scenarios.load_test(in_job=False, role="workstation"),
    "declared restic": scenarios.declared_backup,
    "undeclared restic": lambda: scenarios.declared_backup(declared=False),
    "managed backup": scenarios.managed_backup,
    "approved p2p": scenarios.approved_peer_to_peer,
    "runner in job": scenarios.load_test,
}

FORGERIES = [
    ("renamed veeam-01", "plain"),
    ("bztransmit.exe", "plain"),
    ("in backup window", "by night"),
    ("bucket beside backup", "bucket alone"),
    ("jittered", "plain"),
    ("p2p name, single peer", "plain"),
    ("runner outside job", "workstation then"),
]


@pytest.mark.parametrize(("forgery", "without"), FORGERIES, ids=[f for f, _ in FORGERIES])
def test_a_forgery_changes_nothing(outcome, forgery, without):
    forged, same = outcome(forgery)[2].verdict, outcome(without)[2].verdict
    assert forged.disposition == same.disposition, (forged.reasons, same.reasons)
    assert forged.disposition in ("TRUE_POSITIVE", "UNDETERMINED")


@pytest.mark.parametrize("honest", ["declared restic", "managed backup", "approved p2p", "runner in job"])
def test_its_honest_twin_is_closed(outcome, honest):
    verdict = outcome(honest)[2].verdict
    assert (verdict.disposition, verdict.status, verdict.rung) == ("BENIGN_POSITIVE", "closed", 3), verdict.reasons


def test_443_to_a_public_resolver_is_no_dns(outcome):
    _, run, one = outcome("nameless to 8.8.8.8")
    assert one.verdict.disposition == outcome("plain")[2].verdict.disposition
    assert all(g.dst_port in (53, 853) for g in run.filtered if g.dst_ip == "8.8.8.8")
    case = case_of(run, one.enriched.host)
    assert [n.address for n in case.not_blockable] == ["8.8.8.8"]


def test_the_same_client_undeclared_is_not_closed(outcome):
    assert outcome("undeclared restic")[2].verdict.disposition != "BENIGN_POSITIVE"
