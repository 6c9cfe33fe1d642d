"""Many windows of one source become one set: each tuple once, health summed, time joined."""

import pytest

from playbook.errors import BadAnswer
from playbook.model.detection import Fetched, SourceHealth, TimeWindow
from playbook.triage.merge import merge_windows
from tests.playbook.triage.test_enrich import lease
from tests.support.builders import a_beacon, at


def fetched(*detections, start=0, end=24, holders=(), **health):
    return Fetched(
        source="s",
        window=TimeWindow(start=at(start), end=at(end)),
        detections=detections,
        holders=holders,
        health=SourceHealth(**health),
    )


@pytest.mark.parametrize(
    ("quiet", "loud"),
    [
        ({"beaconing_score": 1, "connections": 900}, {"beaconing_score": 2, "connections": 30}),
        ({"connections": 30}, {"connections": 31}),
        ({"last_seen": at(23)}, {"last_seen": at(47)}),
        ({"blocked": True, "beaconing_score": 3, "connections": 900}, {"beaconing_score": 1, "connections": 30}),
    ],
    ids=["score", "connections", "newer", "what got through"],
)
def test_a_tuple_in_two_windows_is_one_detection_the_loudest(quiet, loud):
    first, second = fetched(a_beacon(**quiet)), fetched(a_beacon(**loud), start=24, end=48)
    for order in ((first, second), (second, first)):
        assert merge_windows(order).detections == (a_beacon(**loud),)


def test_other_tuples_stay_in_their_order():
    ones = [a_beacon(detection_id=str(n)) for n in range(4)]
    assert merge_windows((fetched(*ones[:2]), fetched(*ones[1:], start=24, end=48))).detections == tuple(ones)


def test_health_is_summed_and_the_worst_counts():
    found = merge_windows(
        (
            fetched(
                rows_read=10,
                rows_rejected=1,
                rejected_examples=("a:1: x", "a:2: y"),
                newest_event=at(23),
                oldest_event=at(1),
                silent_hours=(at(5),),
                warnings=("w",),
            ),
            fetched(
                start=24,
                end=48,
                rows_read=5,
                rows_rejected=2,
                rejected_examples=tuple(f"b:{n}: z" for n in range(9)),
                newest_event=at(40),
                silent_hours=(at(30), at(5)),
                complete=False,
                warnings=("w", "v"),
            ),
        )
    )
    health = found.health
    assert (health.rows_read, health.rows_rejected, health.complete) == (15, 3, False)
    assert (health.newest_event, health.oldest_event) == (at(40), at(1))
    assert health.silent_hours == (at(5), at(30)) and health.warnings == ("w", "v")
    assert len(health.rejected_examples) == 5 and health.rejected_examples[0] == "a:1: x"
    assert (found.window.start, found.window.end) == (at(0), at(48))


def test_holders_are_kept_without_repeats():
    found = merge_windows((fetched(holders=(lease("a"),)), fetched(holders=(lease("a"), lease("b")), start=24, end=48)))
    assert [h.hostname for h in found.holders] == ["a", "b"]


def test_no_window_at_all_is_no_answer():
    with pytest.raises(BadAnswer):
        merge_windows(())
