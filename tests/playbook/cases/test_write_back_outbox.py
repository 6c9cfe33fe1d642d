"""Outcomes on their way back to a SIEM: said once, after the case is stored, again only when the verdict is another."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from playbook.cases import audit, case_rows, repository, write_back_outbox
from playbook.cases.write_back import MOST_PER_RUN, write_back
from playbook.errors import BadAnswer, ConfigError, Unauthorized, Unreachable
from playbook.model.detection import Finding
from playbook.model.finding_update import FindingUpdate
from playbook.model.verdict import FilteredDetection
from tests.playbook.cases.runs import FILING, file, judged, run_of
from tests.support.builders import NOW


@dataclass
class Siem:
    """A source that keeps what it is told; ``faults`` are raised in turn, before anything is taken."""

    name: str = "sample"
    said: list[tuple[str, FindingUpdate, bool]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def write_back(self, reference: str, outcome: FindingUpdate, may_change: bool) -> str:
        """Take it, or the next fault."""
        if self.faults:
            raise self.faults.pop(0)
        self.said.append((reference, outcome, may_change))
        return ""


def finding(host="ws-31", number=0, name="F-1", whole=True):
    return Finding(detection_id=f"{host}-{number}", finding_id=name, reference=f"reference of {name}", whole=whole)


def told(store, siem, hours=0.0, may_change=False):
    return write_back(store, siem, may_change, lambda: NOW + timedelta(hours=hours))


def dispositions(siem):
    return [(reference, outcome.disposition) for reference, outcome, _ in siem.said]


def resolve(store, case_id, disposition, hours=2, fault="query"):
    with store.change() as conn:
        at = NOW + timedelta(hours=hours)
        assert case_rows.resolve(conn, case_id, disposition, "anna", "known scanner", at, fault) is None


def test_an_outcome_is_said_once_however_often_it_is_found(store):
    siem = Siem()
    (filed,) = file(store, judged(4), findings=(finding(),)).cases
    assert told(store, siem).number == 1
    file(store, judged(4, day=1), findings=(finding(),), hours=24)
    assert told(store, siem, 24) == (0, ())
    ((reference, outcome, may_change),) = siem.said
    assert (reference, outcome.case_id, outcome.disposition, outcome.reason, may_change) == (
        "reference of F-1",
        filed.case_id,
        "TRUE_POSITIVE",
        "rung 4",
        False,
    )
    with store.reading() as conn:
        assert [line.case_id for line in audit.lines(conn) if line.kind == "outcome written"] == [filed.case_id]


def test_another_verdict_is_one_more_outcome_and_the_way_back_a_third(store):
    siem = Siem()
    for hours, rung in ((0, 5), (24, 4), (48, 4), (72, 5)):
        file(store, judged(rung, day=hours // 24), findings=(finding(),), hours=hours)
        told(store, siem, hours)
    words = [(outcome.disposition, outcome.reason) for _, outcome, _ in siem.said]
    assert words == [
        ("UNDETERMINED", "rung 5"),
        ("TRUE_POSITIVE", "rung 4 | no longer UNDETERMINED since 2026-11-25 06:00 UTC"),
        ("UNDETERMINED", "rung 5 | no longer TRUE_POSITIVE since 2026-11-27 06:00 UTC"),
    ]


def test_nothing_is_said_before_the_case_is_stored(store):
    siem = Siem()
    with pytest.raises(RuntimeError), store.change() as conn:
        repository.file_run(conn, run_of(judged(4), findings=(finding(),)), FILING, NOW)
        raise RuntimeError
    assert told(store, siem) == (0, ()) and siem.said == []


def test_a_person_is_heard_and_heard_again_when_the_case_is_opened_again(store):
    siem = Siem()
    (filed,) = file(store, judged(4), findings=(finding(),)).cases
    told(store, siem)
    resolve(store, filed.case_id, "FALSE_POSITIVE")
    told(store, siem, 3)
    assert dispositions(siem)[-1] == ("reference of F-1", "FALSE_POSITIVE")
    assert siem.said[-1][1].reason.startswith("anna: known scanner | no longer TRUE_POSITIVE since ")
    file(store, judged(4), findings=(finding(),), hours=4)
    assert told(store, siem, 4).number == 0, "the same traffic after a person closed the case is no news"
    with store.change() as conn:
        assert case_rows.reopen(conn, filed.case_id, "anna", NOW + timedelta(hours=5)) is None
    assert told(store, siem, 5).number == 1 and dispositions(siem)[-1][1] == "TRUE_POSITIVE"


@pytest.mark.parametrize(
    ("disposition", "fault", "heard"),
    [
        ("FALSE_POSITIVE", "query", "query"),
        ("FALSE_POSITIVE", "data", "data"),
        ("BENIGN_POSITIVE", "data", "query"),
    ],
)
def test_what_a_person_says_was_wrong_is_heard_and_stays(store, disposition, fault, heard):
    siem = Siem()
    (filed,) = file(store, judged(4), findings=(finding(),)).cases
    resolve(store, filed.case_id, disposition, fault=fault)
    told(store, siem, 3)
    file(store, judged(4), findings=(finding(), finding(name="F-2")), hours=4)
    told(store, siem, 4)
    assert [(reference, said.disposition, said.fault) for reference, said, _ in siem.said] == [
        ("reference of F-1", disposition, heard),
        ("reference of F-2", disposition, heard),
    ]


def test_the_data_instead_of_the_query_is_news_of_the_same_disposition(store):
    siem = Siem()
    (filed,) = file(store, judged(4), findings=(finding(),)).cases
    resolve(store, filed.case_id, "FALSE_POSITIVE")
    told(store, siem, 3)
    with store.change() as conn:
        assert case_rows.reopen(conn, filed.case_id, "anna", NOW + timedelta(hours=4)) is None
    resolve(store, filed.case_id, "FALSE_POSITIVE", 5, "data")
    told(store, siem, 6)
    assert [said.fault for _, said, _ in siem.said] == ["query", "data"]


def test_a_benign_case_that_is_seen_again_answers_the_new_finding_too(store):
    siem = Siem()
    file(store, judged(3), findings=(finding(),))
    file(store, judged(3, day=1), findings=(finding(), finding(name="F-2")), hours=24)
    told(store, siem, 24)
    assert dispositions(siem) == [("reference of F-1", "BENIGN_POSITIVE"), ("reference of F-2", "BENIGN_POSITIVE")]
    assert len({outcome.case_id for _, outcome, _ in siem.said}) == 1


def test_the_worst_case_speaks_for_a_finding_that_several_share_also_of_an_earlier_run(store):
    siem = Siem()
    file(store, judged(3), judged(4, "ws-32"), findings=(finding(), finding("ws-32")))
    told(store, siem)
    file(store, judged(3, "ws-33"), findings=(finding("ws-33"),), hours=1)
    told(store, siem, 1)
    assert dispositions(siem) == [("reference of F-1", "TRUE_POSITIVE")]
    assert "other cases of it: " in siem.said[0][1].reason and "BENIGN_POSITIVE" in siem.said[0][1].reason


def test_a_case_judged_anew_over_another_source_corrects_what_was_said(store):
    siem = Siem()
    file(store, judged(5), findings=(finding(),))
    told(store, siem)
    file(store, judged(1, number=7), source="other", hours=1)
    assert told(store, siem, 1).number == 1 and dispositions(siem)[-1][1] == "TRUE_POSITIVE"


@pytest.mark.parametrize(
    ("filter", "disposition", "fault"),
    [("G1", "FALSE_POSITIVE", "query"), ("G2", "FALSE_POSITIVE", "data"), ("G3", "BENIGN_POSITIVE", "query")],
)
def test_what_a_gate_took_out_is_answered_too(store, filter, disposition, fault):
    siem = Siem()
    filtered = FilteredDetection(
        host="ws-31",
        dst_ip="10.0.0.1",
        dst_port=53,
        filter=filter,
        disposition=disposition,
        reason="not global",
        detection_id="ws-31-0",
    )
    file(store, filtered=(filtered,), findings=(finding(),))
    told(store, siem)
    ((_, outcome, _),) = siem.said
    assert (outcome.case_id, outcome.disposition, outcome.fault) == ("D-ws-31-0", disposition, fault)


def test_a_status_is_changed_only_where_policy_lets_and_the_finding_speaks_of_nothing_else(store):
    siem = Siem()
    file(
        store,
        judged(3),
        judged(3, "ws-32"),
        judged(4, "ws-33"),
        findings=(
            finding(name="F-1"),
            finding("ws-32", name="F-2", whole=False),
            finding("ws-33", name="F-3", whole=False),
        ),
    )
    told(store, siem, may_change=True)
    assert {reference: may_change for reference, _, may_change in siem.said} == {
        "reference of F-1": True,
        "reference of F-2": False,
        "reference of F-3": True,
    }


def test_a_failure_is_a_warning_and_is_tried_again_by_the_next_run(store):
    siem = Siem(faults=[Unreachable("no answer")])
    file(store, judged(3), judged(4, "ws-32"), findings=(finding(), finding("ws-32", name="F-2")))
    first = told(store, siem)
    assert first.number == 0 and len(first.warnings) == 1, "a SIEM that is down is asked once"
    assert "the next run tries again" in first.warnings[0] and first.warnings[0].endswith(": no answer")
    assert told(store, siem, 1) == (2, ()) and len(siem.said) == 2


@pytest.mark.parametrize("fault", [BadAnswer("gone"), ConfigError("no 'False Positive' among Resolved")])
def test_one_finding_that_refuses_holds_no_other_up_and_is_given_up_in_the_end(store, fault):
    siem = Siem()
    file(store, judged(4), findings=(finding(),))
    for tries in range(1, 21):
        siem.faults = [fault]
        (warning,) = told(store, siem, tries).warnings
        assert ("given up" in warning) is (tries == 20)
    file(store, judged(4, "ws-32"), findings=(finding("ws-32", name="F-2"),), hours=30)
    assert told(store, siem, 30) == (1, ()) and dispositions(siem) == [("reference of F-2", "TRUE_POSITIVE")]
    with store.reading() as conn:
        assert write_back_outbox.pending_count(conn) == 1


def test_a_siem_that_is_down_for_long_is_never_given_up(store):
    siem = Siem()
    file(store, judged(4), findings=(finding(),))
    for hours in range(30):
        siem.faults = [Unauthorized("token refused")]
        told(store, siem, hours)
    assert told(store, siem, 31).number == 1


def test_a_writer_that_died_holds_its_outcome_for_a_while_only(store):
    siem = Siem(faults=[KeyboardInterrupt()])
    file(store, judged(4), findings=(finding(),))
    with pytest.raises(KeyboardInterrupt):
        told(store, siem)
    assert told(store, siem, 0.1) == (0, ()) and told(store, siem, 0.2).number == 1


def test_a_verdict_that_changes_while_it_is_written_is_said_next(store):
    class Slow(Siem):
        def write_back(self, reference, outcome, may_change):
            if not self.said:
                file(store, judged(1, day=1), findings=(finding(),), hours=24)
            return super().write_back(reference, outcome, may_change)

    siem = Slow()
    file(store, judged(5), findings=(finding(),))
    assert told(store, siem).number == 1 and told(store, siem, 25).number == 1
    assert [d for _, d in dispositions(siem)] == ["UNDETERMINED", "TRUE_POSITIVE"]


def test_more_than_one_run_may_write_is_left_to_the_next(store):
    siem = Siem()
    file(store, judged(4), findings=tuple(finding(name=f"F-{n}") for n in range(MOST_PER_RUN + 3)))
    first = told(store, siem)
    assert first.number == MOST_PER_RUN and "the rest follows" in first.warnings[0]
    assert told(store, siem, 1) == (3, ())


def test_only_its_own_source_is_told_and_one_that_takes_nothing_is_left_alone(store):
    file(store, judged(4), findings=(finding(),))
    assert told(store, Siem(name="another")) == (0, ()) and told(store, object()) == (0, ())
