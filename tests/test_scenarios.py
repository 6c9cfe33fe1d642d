"""Scenes that must come out right: servers, gateways, IPv6, devices, CDNs, outages, wrong feeds, denied C2."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from playbook.model.case import Run
from playbook.simulate import scenarios
from playbook.simulate.scenario import Scenario
from tests.support.processes import case_of, run_scenario, subject_of

CAST: dict[str, Callable[[], Scenario]] = {
    "domain controller": scenarios.domain_controller,
    "mail relay": scenarios.mail_server,
    "nat": scenarios.nat_source,
    "nat floods": lambda: scenarios.nat_source(floods=True),
    "ipv6": scenarios.ipv6_only,
    "iot": scenarios.iot_without_agent,
    "cdn": lambda: scenarios.beacon(destination=scenarios.CDN_EDGE),
    "outage": lambda: scenarios.managed_backup(answers=False),
    "feed lists 8.8.8.8": lambda: scenarios.beacon(destination="8.8.8.8", port=53, feed=(("8.8.8.8", "address"),)),
    "feed lists a CDN": lambda: scenarios.beacon(
        destination=scenarios.CDN_EDGE, sni="shop.example", backed=True, feed=((scenarios.CDN_EDGE, "address"),)
    ),
    "denied": lambda: scenarios.beacon(denied="REJ"),
    "score 1": lambda: scenarios.beacon(interval=700),
}


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    @cache
    def run(key: str) -> tuple[Scenario, Run]:
        scenario = CAST[key]()
        return scenario, run_scenario(scenario, Path(tmp_path_factory.mktemp("scene")))

    return run


def test_a_domain_controller_that_resolves_recursively_is_gated(play):
    scenario, run = play("domain controller")
    assert case_of(run, scenario.host) is None
    assert {g.filter for g in run.filtered if g.src_ip == scenario.src_ip} == {"G3"}


def test_a_mail_relay_is_never_contained(play):
    scenario, run = play("mail relay")
    case = case_of(run, scenario.host)
    assert case is None or (case.plan is None and case.verdict.disposition != "TRUE_POSITIVE")


@pytest.mark.parametrize("key", ["nat", "nat floods"])
def test_a_shared_source_is_never_isolated(play, key):
    scenario, run = play(key)
    case = case_of(run, scenario.host)
    assert case is not None
    assert all(step.kind != "isolate_host" for step in (case.plan.steps if case.plan else ()))
    evidence = subject_of(run, scenario).verdict.evidence
    assert not [e for e in evidence if e.rule == "host_attack"]


def test_an_ipv6_only_host_is_judged_like_any_other(play):
    scenario, run = play("ipv6")
    assert subject_of(run, scenario).verdict.disposition == "TRUE_POSITIVE"


def test_a_device_without_agent_needs_no_process_evidence(play):
    scenario, run = play("iot")
    assert subject_of(run, scenario).verdict.disposition == "TRUE_POSITIVE"


def test_c2_behind_a_cdn_is_true_and_not_blockable(play):
    scenario, run = play("cdn")
    case = case_of(run, scenario.host)
    assert case.verdict.disposition == "TRUE_POSITIVE"
    assert [n.address for n in case.not_blockable] == [scenario.dst_ip]
    assert all(step.kind == "isolate_host" for step in (case.plan.steps if case.plan else ()))


def test_an_outage_neither_closes_nor_convicts(play):
    scenario, run = play("outage")
    verdict = subject_of(run, scenario).verdict
    assert (verdict.disposition, verdict.status) == ("UNDETERMINED", "ticket")
    assert any("backup_sessions.csv" in what for what in verdict.missing)


@pytest.mark.parametrize("key", ["feed lists 8.8.8.8", "feed lists a CDN"])
def test_a_feed_that_lists_a_shared_address_convicts_nobody(play, key):
    scenario, run = play(key)
    case = case_of(run, scenario.host)
    assert case is not None, "a listed destination is never filtered"
    assert case.verdict.disposition == "UNDETERMINED", case.verdict.reasons
    assert case.plan is None


def test_c2_that_the_firewall_denies_needs_no_block(play):
    scenario, run = play("denied")
    one = subject_of(run, scenario)
    assert one.verdict.disposition == "TRUE_POSITIVE", one.verdict.reasons


def test_a_bot_of_score_1_is_convicted_by_its_evidence(play):
    scenario, run = play("score 1")
    one = subject_of(run, scenario)
    assert one.enriched.detection.beaconing_score == 1
    assert one.verdict.disposition == "TRUE_POSITIVE"
