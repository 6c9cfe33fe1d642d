"""Tuples of a name are left out beside it, unless they were judged worse or belong to somebody else."""

import pytest

from playbook.detections.by_name import NAME
from playbook.triage.absorb import absorb
from tests.support.builders import a_beacon, a_judged, a_verdict

POOL = ("203.0.113.66", "203.0.113.67")
_NAMED = a_beacon(rule=NAME, detection_id="0" * 64, dst_name="c2.example", destinations=POOL, destination_count=2)
WATCH, TICKET = ("UNDETERMINED", "watch"), ("UNDETERMINED", "ticket")
CONVICTED, CLOSED = ("TRUE_POSITIVE", "proposed"), ("BENIGN_POSITIVE", "closed")


def judged(detection, outcome):
    return a_judged(detection, a_verdict(disposition=outcome[0], status=outcome[1]))


@pytest.mark.parametrize(
    ("name", "other", "stays"),
    [
        (WATCH, WATCH, False),
        (WATCH, CLOSED, False),
        (CONVICTED, TICKET, False),
        (CONVICTED, CONVICTED, False),
        (WATCH, TICKET, True),
        (TICKET, CONVICTED, True),
        (CLOSED, WATCH, True),
    ],
)
def test_a_tuple_stays_when_it_was_judged_worse(name, other, stays):
    both = (judged(_NAMED, name), judged(a_beacon(dst_ip=POOL[0]), other))
    assert absorb(both) == (both if stays else both[:1])


@pytest.mark.parametrize(
    "change",
    [{"dst_ip": "203.0.113.68"}, {"dst_port": 8443}, {"src_ip": "10.9.9.9"}, {"hostname": "ws-9"}, {"rule": "other"}],
)
def test_what_is_not_of_the_name_stays(change):
    both = (judged(_NAMED, WATCH), judged(a_beacon(**({"dst_ip": POOL[0]} | change)), WATCH))
    assert absorb(both) == both


def test_without_a_name_nothing_changes():
    alone = (judged(a_beacon(dst_ip=POOL[0]), WATCH), judged(a_beacon(dst_ip=POOL[1]), WATCH))
    assert absorb(alone) == alone
