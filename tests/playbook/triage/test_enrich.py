"""Enriching: everybody once, under a deadline; a claimed name identifies nobody; scopes hold."""

import threading
from ipaddress import ip_network

import pytest

from playbook.errors import Unreachable
from playbook.model.detection import AddressHolder, TimeWindow
from playbook.model.enrichment import BackupSession, Enrichment, HostRecord, ListEntry
from playbook.triage.enrich import Enrichers
from tests.support.builders import a_beacon, a_record, a_session, a_site, at, named

WINDOW = TimeWindow(start=at(0), end=at(24))
SITE = a_site()


class Asked:
    """An enricher that answers from a table and remembers what it was asked."""

    def __init__(self, name, *topics, answers=(), remote=False, does=None):
        self.name, self.topics, self.remote = name, topics, remote
        self.answers, self.does = dict(answers), does
        self.calls = []

    def look_up(self, observables, window):
        self.calls.append(tuple(observables))
        if self.does is not None:
            return self.does()
        return tuple(
            Enrichment(enricher=self.name, topic=t, observable=o, answers=tuple(self.answers.get(o.value, ())))
            for t in self.topics
            for o in observables
        )

    @property
    def observables(self):
        return [o for call in self.calls for o in call]


def fail(fault):
    def look_up():
        raise fault

    return look_up


def run(*enrichers, detections=(), holders=(), site=SITE, traffic=None, deadline=2.0, hosts_in=None):
    asking = Enrichers(enrichers, deadline, hosts_in or {})
    found = asking.identify(detections or (a_beacon(),), site, WINDOW, holders)
    return asking.complete([e.replaced(traffic=traffic) for e in found], WINDOW)


def lease(name, address="10.20.0.31", since=-1, until=None):
    return AddressHolder(
        address=address, hostname=name, since=at(since), until=None if until is None else at(until), source="dhcp.log"
    )


def hang():
    threading.Event().wait(30)


FAILURES = [
    ("raises", fail(Unreachable("no route")), "no route"),
    ("has a bug", fail(ZeroDivisionError("x")), "ZeroDivision"),
    ("hangs", hang, "no answer within 2 s"),
    ("says nothing", lambda: None, "no answer"),
]


@pytest.mark.parametrize(("does", "reason"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
@pytest.mark.parametrize("remote", [False, True])
def test_an_enricher_that_fails_is_unavailable_with_the_reason_and_not_asked_again(does, reason, remote):
    broken, good = Asked("broken", "feed", does=does, remote=remote), Asked("lists", "lists")
    detections = tuple(a_beacon(detection_id=str(n), dst_ip=f"203.0.113.{n}") for n in range(20))
    found = run(broken, good, detections=detections, traffic=named("c2.example"), deadline=2)
    assert len(broken.calls) == 1
    for one in found:
        assert one.failed("feed") and reason in one.failed("feed")[0].unavailable
        assert one.configured("lists") and not one.failed("lists")
        assert {e.observable.value for e in one.failed("feed")} >= {one.detection.dst_ip, "c2.example"}


def test_a_failed_enricher_is_unavailable_only_for_what_it_speaks_of():
    (one,) = run(Asked("h", "host", does=fail(Unreachable("x"))), Asked("f", "feed", does=fail(Unreachable("x"))))
    assert {e.observable.role for e in one.failed("host")} == {"source"}
    assert {e.observable.role for e in one.failed("feed")} == {"destination"}


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("topic", ["host", "lists", "backup_sessions"])
def test_nobody_is_asked_twice_about_the_same_thing(topic, remote):
    asked = Asked("x", topic, remote=remote, answers={"10.20.0.31": (a_record(),)} if topic == "host" else {})
    detections = tuple(a_beacon(detection_id=str(n), dst_port=n) for n in range(1, 9))
    run(asked, detections=detections, traffic=named("c2.example"))
    assert asked.observables and len(asked.observables) == len(set(asked.observables))
    assert "c2.example" in {o.value for o in asked.observables}


def test_remote_enrichers_wait_until_the_gates_are_passed():
    local, remote = Asked("lists", "lists"), Asked("feed", "feed", remote=True)
    asking = Enrichers((local, remote), 1.0)
    found = asking.identify((a_beacon(),), SITE, WINDOW, ())
    assert local.calls and not remote.calls
    asking.complete(found, WINDOW)
    assert remote.calls


def test_answers_reach_the_detection_they_speak_of_and_no_other():
    cdn = (ListEntry(name="a cdn", category="cdn"),)
    found = run(
        Asked("lists", "lists", answers={"203.0.113.1": cdn}),
        detections=(a_beacon(detection_id="1", dst_ip="203.0.113.1"), a_beacon(detection_id="2", dst_ip="203.0.113.2")),
    )
    assert [bool(one.answers(ListEntry)) for one in found] == [True, False]


def test_an_answer_that_nobody_asked_for_is_dropped():
    def unasked():
        other = run(Asked("x", "lists"))[0].observables[0].model_copy(update={"value": "9.9.9.9"})
        return (Enrichment(enricher="odd", topic="lists", observable=other),)

    (one,) = run(Asked("odd", "lists", does=unasked))
    assert not one.configured("lists")


def test_a_scope_keeps_an_enricher_from_hosts_it_does_not_know():
    scoped = Asked("edr", "processes", "host", answers={"10.20.0.31": (a_record(),), "10.30.0.1": (a_record(),)})
    inside, outside = run(
        scoped,
        hosts_in={"edr": (ip_network("10.20.0.0/16"),)},
        detections=(a_beacon(detection_id="1"), a_beacon(detection_id="2", src_ip="10.30.0.1")),
    )
    assert inside.configured("processes") and inside.holder is not None
    assert not outside.enrichments
    assert not any(o.value == "10.30.0.1" for o in scoped.observables)


def test_a_scope_that_knows_nobody_asks_nobody():
    scoped = Asked("edr", "processes")
    run(scoped, hosts_in={"edr": (ip_network("192.168.0.0/16"),)})
    assert scoped.calls == []


def test_the_inventory_names_the_host_and_its_other_names_are_asked_too():
    backups = Asked("backups", "backup_sessions", answers={"ws-31": (a_session(),)})
    (one,) = run(
        Asked("inv", "host", answers={"10.20.0.31": (a_record(),)}),
        backups,
        holders=(lease("liar"),),
        detections=(a_beacon(hostname="liar"),),
    )
    assert one.host == "ws-31.corp.example" and "ws-31" in one.proven_names
    assert one.answers(BackupSession) and "liar" not in {o.value for o in backups.observables}


@pytest.mark.parametrize(
    ("detection", "holders"),
    [
        (a_beacon(), (lease("ws-31"),)),
        (a_beacon(hostname="ws-31"), ()),
        (a_beacon(hostname="WS-31."), (lease("other"),)),
    ],
    ids=["lease", "row", "both"],
)
def test_a_claimed_name_names_the_case_and_proves_nothing(detection, holders):
    inventory = Asked("inv", "host", answers={"ws-31": (a_record(),)})
    (one,) = run(inventory, detections=(detection,), holders=holders)
    assert one.host == "ws-31" and one.answers(HostRecord)
    assert one.holder is None and not one.roles and one.proven_names == {"10.20.0.31"}


@pytest.mark.parametrize(
    ("since", "until", "host"),
    [
        (-1, None, "ws-31"),
        (23.9, None, "ws-31"),
        (-5, 0.06, "ws-31"),
        (24, None, "10.20.0.31"),
        (-5, 0, "10.20.0.31"),
    ],
)
def test_a_lease_counts_while_the_detection_was_active(since, until, host):
    (one,) = run(Asked("inv", "host"), holders=(lease("ws-31", since=since, until=until),))
    assert one.host == host


def test_the_name_of_a_proven_host_cannot_be_borrowed():
    inventory = Asked("inv", "host", answers={"10.20.0.31": (a_record(hostname="dc-01"),)})
    real, thief = run(
        inventory,
        holders=(lease("dc-01", "10.20.0.66"),),
        detections=(a_beacon(detection_id="1"), a_beacon(detection_id="2", src_ip="10.20.0.66")),
    )
    assert (real.host, thief.host) == ("dc-01", "10.20.0.66")


@pytest.mark.parametrize("name", ["a'b\"c", "x\nname: y", "<script>", "*", "\x1b[31mred", "a" * 5000, "., ", "::1"])
def test_hostile_names_are_only_text(name):
    (one,) = run(Asked("inv", "host"), detections=(a_beacon(hostname=name),), holders=(lease(name),))
    assert one.host == a_beacon(hostname=name).host_text and one.proven_names == {"10.20.0.31"}
