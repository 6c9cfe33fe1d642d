"""Judging and proposing for one row that a platform hands over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.actions import find
from playbook.actions._detection_fields import Columns, detection_of, flat
from playbook.config import Config, Policy
from playbook.errors import PlaybookError
from playbook.model.site import Networks
from tests.playbook.actions.world import ROW, lab, outside

WORLD = outside(lab())


@settings(deadline=None)
@given(
    connections=st.integers(1, 10**6),
    hours=st.integers(1, 24),
    port=st.integers(0, 65535),
    sent=st.none() | st.integers(0, 10**12),
    received=st.none() | st.integers(0, 10**12),
    processes=st.lists(st.sampled_from(["a.exe", "b", "c d"]), unique=True),
)
def test_a_row_that_goes_out_comes_back_as_the_same_detection(connections, hours, port, sent, received, processes):
    columns = Columns(
        **ROW
        | {
            "dst_port": port,
            "connections": connections,
            "hourly_buckets": hours,
            "total_bytes_sent": sent,
            "total_bytes_rcvd": received,
            "processes": ",".join(processes),
        }
    )
    detection, _ = detection_of(columns, "siem", "judge_detection")
    row = flat(detection)
    again, misfits = detection_of(Columns(**row.model_dump(exclude={"source"})), "siem", "judge_detection")
    assert again == detection
    assert not any("was given" in text for text in misfits)


def test_an_average_alone_is_enough_to_score_and_no_bytes_are_unknown():
    busy = ROW | {"dst_port": 443, "connections": 900, "hourly_buckets": 4}
    small, _ = detection_of(Columns(**busy, avg_bytes_per_conn=100), "s", "a")
    unknown, _ = detection_of(Columns(**busy, avg_bytes_per_conn=100, bytes_known=False), "s", "a")
    assert (small.beaconing_score, small.bytes_known, small.total_bytes_sent) == (2, True, None)
    assert (unknown.beaconing_score, unknown.avg_bytes_per_conn) == (1, None)


def test_a_conclusive_row_is_judged_and_what_is_not_known_is_said():
    result = find("judge_detection").run(ROW, outside(lab()))
    (row,) = result.rows
    assert (row.disposition, row.rung, row.status, row.beaconing_score) == ("TRUE_POSITIVE", 1, "proposed", 3)
    assert "irc_spoken" in row.evidence and row.missing and row.would_change
    assert any("nothing is measured" in warning for warning in result.warnings)


def test_a_row_seen_at_one_instant_is_judged_even_when_that_lies_ahead():
    once = ROW | {"first_seen": "2150-01-01 00:00:00", "last_seen": "2150-01-01 00:00:00"}
    assert find("judge_detection").run(once, outside(lab())).rows[0].disposition == "TRUE_POSITIVE"


def test_a_claimed_score_changes_nothing_and_is_told():
    result = find("judge_detection").run(ROW | {"beaconing_score": 1}, outside(lab()))
    assert result.rows[0].beaconing_score == 3
    assert any("beaconing_score: 1 was given" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("change", "filter", "disposition"),
    [({"dst_ip": "10.0.0.9"}, "G1", "FALSE_POSITIVE"), ({"src_ip": "8.8.4.4"}, "G2", "FALSE_POSITIVE")],
)
def test_a_gated_row_says_which_gate_and_proposes_nothing(change, filter, disposition):
    config = Config(networks=Networks(lab=("203.0.113.0/24",), home=("10.0.0.0/8", "9.9.9.0/24")))
    (row,) = find("judge_detection").run(ROW | change, outside(config)).rows
    assert (row.filter, row.disposition, row.rung, row.status) == (filter, disposition, 0, "closed")
    (proposal,) = find("propose_response").run(ROW | change, outside(config)).rows
    assert (proposal.entry, proposal.plan_id, proposal.note) == ("nothing", "", row.reasons)


def test_a_quiet_row_stays_undetermined_and_below_the_thresholds_is_said():
    quiet = ROW | {"services": "", "dst_port": 443, "connections": 5, "hourly_buckets": 2}
    result = find("judge_detection").run(quiet, outside(lab()))
    assert result.rows[0].disposition == "UNDETERMINED"
    assert any("below the detection's thresholds" in warning for warning in result.warnings)


def test_the_proposal_is_a_plan_with_its_digest_and_the_same_each_time():
    first = find("propose_response").run(ROW, outside(lab())).rows
    assert first == find("propose_response").run(ROW, outside(lab())).rows
    (step,) = first
    assert (step.entry, step.kind, step.target) == ("step", "block_pair", "10.20.0.31>203.0.113.66:6667")
    assert step.plan_id == f"P-{step.digest[:12]}" and len(step.digest) == 64 and step.ttl_s == 4 * 3600
    longer = outside(lab(policy=Policy(block_ttl_s=3600)))
    assert find("propose_response").run(ROW, longer).rows[0].digest != step.digest


def test_what_may_not_be_blocked_is_a_row_of_its_own():
    protected = Config(networks=Networks(lab=("203.0.113.0/24",), partners=("203.0.113.66",)))
    rows = find("propose_response").run(ROW, outside(protected)).rows
    assert {row.entry for row in rows} == {"not_blockable", "by_hand"}
    assert all(row.plan_id == "" for row in rows)
    assert next(row.note for row in rows if row.entry == "not_blockable") == "networks.partners names it"


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([slot.name for slot in find("judge_detection").inputs]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=50)
        | st.lists(st.text(), max_size=1),
    )
)
def test_whatever_a_platform_sends_is_judged_or_refused_by_name(sent):
    try:
        result = find("judge_detection").run(ROW | sent, WORLD)
    except PlaybookError as fault:
        assert any(slot.name in str(fault) for slot in find("judge_detection").inputs)
    else:
        assert len(result.rows) == 1
