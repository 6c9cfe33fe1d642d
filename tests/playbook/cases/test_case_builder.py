"""Filing: one case a host, the worst detection speaks, and it closes only when all do."""

import hashlib
from datetime import timedelta, timezone

import pytest
import rfc8785

from playbook.cases.case_builder import case_id, file_cases
from playbook.response.guardrails import NeverBlockPolicy
from playbook.response.plan import ResponseCapabilities
from tests.playbook.triage.test_enrich import lease
from tests.support.builders import DESTINATION, a_beacon, a_judged, a_record, a_verdict, an_enriched, at, said

MEANS = ResponseCapabilities(
    block_ttl_s=14400, isolate_ttl_s=28800, policy_version=1, barriers=NeverBlockPolicy(), offers={}
)
RUNG = {
    1: ("TRUE_POSITIVE", "proposed"),
    3: ("BENIGN_POSITIVE", "closed"),
    4: ("TRUE_POSITIVE", "proposed"),
    5: ("UNDETERMINED", "ticket"),
    6: ("UNDETERMINED", "watch"),
}
ASKED = (said("lists", about=DESTINATION), said("operator", about=DESTINATION))


def judged(rung, host="ws-31", *, words=ASKED, number=0, **change):
    disposition, status = RUNG[rung]
    verdict = a_verdict(disposition=disposition, status=status, rung=rung, reasons=(f"rung {rung}",))
    detection = a_beacon(detection_id=f"{rung}{number}", **change)
    enriched = an_enriched(*words, detection=detection, host=host)
    return a_judged().model_copy(update={"enriched": enriched, "verdict": verdict})


def filed(*ones, holders=()):
    return file_cases(ones, MEANS, holders)


@pytest.mark.parametrize(
    ("rungs", "disposition", "status"),
    [
        ((3, 3), "BENIGN_POSITIVE", "closed"),
        ((3, 6), "UNDETERMINED", "watch"),
        ((6, 5, 3), "UNDETERMINED", "ticket"),
        ((3, 4), "TRUE_POSITIVE", "proposed"),
        ((5, 1, 3), "TRUE_POSITIVE", "proposed"),
    ],
)
def test_the_worst_detection_speaks_and_a_case_closes_only_when_all_do(rungs, disposition, status):
    for order in (rungs, rungs[::-1]):
        (case,) = filed(*(judged(r, number=n) for n, r in enumerate(order)))
        assert (case.verdict.disposition, case.status) == (disposition, status)
        assert len(case.detections) == len(rungs) and case.verdict.reasons == case.detections[0].verdict.reasons


def test_an_honest_backup_beside_a_bot_is_not_in_the_plan():
    (case,) = filed(judged(3, dst_ip="203.0.113.70"), judged(4))
    assert [s.target for s in case.plan.steps] == [f"10.20.0.31>{DESTINATION}:443"]


def test_a_true_positive_that_nothing_may_contain_becomes_a_ticket_to_do_by_hand():
    (case,) = filed(judged(4, words=()))
    assert (case.verdict.disposition, case.status, case.plan) == ("TRUE_POSITIVE", "ticket", None)
    assert case.by_hand


def test_cases_come_worst_first_and_one_a_host():
    ones = (judged(6, "a"), judged(3, "b"), judged(4, "c"), judged(5, "d"), judged(1, "e"), judged(4, "a", number=2))
    assert [c.host for c in filed(*ones)] == ["e", "c", "a", "d", "b"]


def test_a_case_id_is_of_host_and_first_sight_in_any_time_zone():
    expected = hashlib.sha256(rfc8785.dumps(["ws-31", at(1).isoformat()])).hexdigest()[:12]
    assert case_id("ws-31", at(1)) == f"C-{expected}"
    assert case_id("ws-31", at(1).astimezone(timezone(timedelta(hours=5)))) == f"C-{expected}"
    assert len({case_id("ws-31", at(1)), case_id("ws-32", at(1)), case_id("ws-31", at(2))}) == 3


def test_the_earliest_detection_names_the_case():
    (case,) = filed(judged(4, first_seen=at(3)), judged(6, first_seen=at(1)))
    assert case.case_id == case_id("ws-31", at(1))


def test_the_record_is_the_proven_one_and_holders_are_those_of_its_addresses():
    by_claim = said("host", a_record(hostname="other"), about="ws-31")
    (case,) = filed(judged(4, words=(*ASKED, by_claim)), holders=(lease("ws-31"), lease("x", "10.20.0.99")))
    assert case.record is None and [h.hostname for h in case.holders] == ["ws-31"]
    (case,) = filed(judged(4, words=(*ASKED, said("host", a_record()))))
    assert case.record.host_id == "H-31"


def test_nothing_judged_is_no_case():
    assert filed() == ()
