"""An isolation near its end: kept and told about, whatever the source says; only a person ends it."""

from dataclasses import replace

import pytest

from playbook.cases import containments as kept
from playbook.cases import outbox
from playbook.errors import Unreachable
from playbook.model.detection import Fetched, SourceHealth, TimeWindow
from playbook.workflows import executor, workflows
from tests.support.builders import NOW, a_beacon, at
from tests.support.response_fixtures import EDGE, FILING, a_bot

ISOLATING = replace(FILING, means=replace(FILING.means, offers={"isolate_host": EDGE}))


class Source:
    """A source that saw these detections, in whole or in part, or does not answer."""

    name = "siem"

    def __init__(self, *found, complete=True, down=False, name="siem"):
        self.found, self.complete, self.down, self.asked, self.name = found, complete, down, 0, name

    def fetch(self, window, progress=None):
        self.asked += 1
        if self.down:
            raise Unreachable("siem: no answer")
        return (
            Fetched(
                source=self.name,
                window=TimeWindow(start=at(0), end=at(72)),
                detections=self.found,
                health=SourceHealth(complete=self.complete),
            ),
        )


def isolated(bench, source):
    sources = source if isinstance(source, dict) else {"sample": source} if source else {}
    bench.works = replace(bench.works, sources=sources)
    workflows.register_workflows(bench.works)
    (key,) = bench.approved(a_bot(), filing=ISOLATING)
    assert workflows._carried_out(key) == "done"
    with bench.store.reading() as conn:
        assert kept.find(conn, key).step.kind == "isolate_host"
    return key


def seen(**change):
    return a_beacon(src_ip="10.20.0.32", last_seen=at(72), **change)


def notices(bench):
    with bench.store.reading() as conn:
        return [n.text for n in outbox.pending_notifications(conn) if n.title.startswith("Isolation kept")]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (Source(seen()), "still beaconing"),
        (Source(a_beacon(src_ip="10.9.9.9", hostname="ws-31", last_seen=at(72))), "still beaconing"),
        (Source(), "a person decides"),
        (Source(seen().model_copy(update={"last_seen": at(1)})), "a person decides"),
        (Source(a_beacon(src_ip="10.9.9.9", last_seen=at(72))), "a person decides"),
        (Source(complete=False), "in part"),
        (Source(down=True), "did not answer"),
        (None, "no source"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_kept_for_one_more_time_and_a_person_is_told_why(bench, source, why):
    key = isolated(bench, source)
    until = bench.containment(key).until
    bench.later(hours=7, minutes=51)
    workflows.reconsider.__wrapped__(key)
    found = bench.containment(key)
    assert found.state == "active" and found.until > until and key in bench.device.state
    assert len(notices(bench)) == 1 and why in notices(bench)[0]
    workflows.reconsider.__wrapped__(key)
    assert len(notices(bench)) == 1 and bench.faults() == ()


def test_the_source_that_raised_it_is_asked_and_no_other(bench):
    raised, other = Source(seen(), name="sample"), Source(name="splunk")
    key = isolated(bench, {"splunk": other, "sample": raised})
    bench.later(hours=7, minutes=51)
    workflows.reconsider.__wrapped__(key)
    assert (raised.asked, other.asked) == (1, 0) and "still beaconing" in notices(bench)[0]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (Source(), Source(seen()), "still beaconing"),
        (Source(down=True), Source(seen()), "still beaconing"),
        (Source(down=True), Source(), "did not answer"),
        (Source(), Source(complete=False), "in part"),
        (Source(), Source(), "a person decides"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_when_the_source_that_raised_it_is_gone_every_other_is_asked(bench, first, second, why):
    key = isolated(bench, {"a": first, "b": second})
    until = bench.containment(key).until
    bench.later(hours=7, minutes=51)
    workflows.reconsider.__wrapped__(key)
    assert first.asked == second.asked == 1 and why in notices(bench)[0]
    assert bench.containment(key).state == "active" and bench.containment(key).until > until


def test_far_from_its_end_nothing_is_asked(bench):
    source = Source()
    key = isolated(bench, source)
    bench.later(hours=7)
    assert workflows.reconsider.__wrapped__(key) == "over" and source.asked == 0


def test_it_never_ends_by_time_and_ends_when_a_person_says_so(bench):
    key = isolated(bench, Source())
    bench.later(days=30)
    assert executor.claim(bench.outfit, key) == "over"
    with bench.store.change() as conn:
        kept.ask_release(conn, key, "bert", bench.now, "clean")
    assert workflows.reconsider.__wrapped__(key) == "over"
    assert workflows.release.__wrapped__(key) == "done" and bench.device.state == {}


@pytest.mark.parametrize("harm", ["switch", "device"])
def test_where_it_cannot_be_set_again_it_stays_as_it_is_and_the_notice_says_so(bench, harm):
    key = isolated(bench, Source(seen()))
    bench.later(hours=8)
    if harm == "switch":
        bench.kill_switch.touch()
    else:
        bench.device.break_down("contain")
    workflows.reconsider.__wrapped__(key)
    assert bench.containment(key).state == "active" and bench.containment(key).until > bench.now
    assert ("kill switch" if harm == "switch" else "no answer") in notices(bench)[0]
    assert bench.device.logged("set") == [key] and bench.now > NOW
