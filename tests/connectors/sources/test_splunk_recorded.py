"""Splunk over recorded answers: offline, without a socket, under a host name like a customer's."""

from pathlib import Path

import pytest

from connectors.sources import splunk
from connectors.sources.splunk.findings import WritePolicy, write_back
from connectors.sources.splunk.notables import NotableFinding
from playbook.detections.beaconing import Event
from playbook.errors import Incomplete, RateLimited, Unauthorized
from playbook.model.finding_update import FindingUpdate
from tests.emulators.splunk import Behaviour, Server, serving
from tests.emulators.splunk_es import notable
from tests.support.splunk_fixtures import DAY, END, HOSTILE_HOST, RULE, SITE, ids, reference, settings
from tests.support.sumo_fixtures import findings_of

VENDOR = "https://splunk.example.com:8089"
START = DAY.start.timestamp()
EVENTS = [
    *(
        Event(START + n * 900 + n % 7, "10.0.0.31", "203.0.113.66", 6667, "cam-1", None, "tcp", 1, 215, 197, 412)
        for n in range(96)
    ),
    *(
        Event(
            START + n * 1800,
            "10.0.0.44",
            "203.0.113.5",
            4444,
            HOSTILE_HOST,
            None,
            "tcp",
            1,
            90_000_000,
            process_name=("svchost", "updater")[n % 2],
        )
        for n in range(48)
    ),
    *(Event(START + n * 3000, "2001:db8:1::5", "2001:db8::c2", 6697, bytes_total=400) for n in range(28)),
]


def connected(cassette, behaviour: Behaviour | None = None, events=EVENTS, stored=(), **change):
    """A source under the vendor's name, with the credential that a recording hides."""
    url = cassette.site(VENDOR, serving(Server(events, behaviour or Behaviour(states=()), stored=stored)))
    given = {"token": cassette.secret("SPLUNK_TOKEN"), "preset": "cim"} | change
    return splunk.connect("splunk", settings(url, **given), SITE, Path(), cassette.clocks, ids())


def test_fetch_and_traffic(cassette) -> None:
    source = connected(cassette, Behaviour(unready=1))
    (fetched,) = source.fetch(None)
    assert fetched.detections == reference(EVENTS) and len(fetched.detections) == 3
    assert fetched.health.complete and fetched.health.rows_read == len(EVENTS)
    traffic = source.traffic(fetched.detections)
    assert {t.detection_id for t in traffic.tuples} == {d.detection_id for d in fetched.detections}
    bot = next(d for d in fetched.detections if d.hostname == "cam-1")
    own = next(t for t in traffic.tuples if t.detection_id == bot.detection_id)
    assert own.sizes == (215,) * 96 and own.start_times[0] == START


def test_short_pages_over_tstats_without_v2(cassette) -> None:
    behaviour = Behaviour(states=(), page_cap=1, old=True, text_flags=True)
    (fetched,) = connected(cassette, behaviour, heartbeat=False, preset="tstats").fetch(DAY)
    assert fetched.detections == reference(EVENTS)


def test_quota_and_html_502_are_waited_out(cassette) -> None:
    behaviour = Behaviour(states=(), busy=2, statuses={4: (502, {"Retry-After": "9"}), 6: (503, {})})
    (fetched,) = connected(cassette, behaviour, heartbeat=False).fetch(DAY)
    assert fetched.detections == reference(EVENTS) and {2.0, 4.0, 9.0} <= set(cassette.slept)


def test_quota_past_the_deadline(cassette) -> None:
    with pytest.raises(RateLimited, match="no search slot"):
        connected(cassette, Behaviour(busy=99), deadline_s=10).fetch(DAY)


def test_a_failed_search_is_not_an_empty_one(cassette) -> None:
    said = [
        ("FATAL", "Error in 'EvalCommand': The 'nosuchfunc' function is unsupported or undefined."),
        ("INFO", "Your timerange was substituted."),
    ]
    behaviour = Behaviour(states=("RUNNING",), final="FAILED", failed=True, messages=said)
    with pytest.raises(Incomplete, match="nosuchfunc"):
        connected(cassette, behaviour, events=[]).fetch(DAY)


def test_no_rows(cassette) -> None:
    (fetched,) = connected(cassette, events=[]).fetch(DAY)
    assert not fetched.health.complete and not fetched.detections
    assert fetched.health.warnings[0].startswith("0 rows, scope unproven")


def test_a_refused_token(cassette) -> None:
    with pytest.raises(Unauthorized, match="refused token") as told:
        connected(cassette, Behaviour(refuse=True)).fetch(DAY)
    assert "canary" not in str(told.value)


def test_check(cassette) -> None:
    results = connected(cassette, scope="index IN (netfw, zeek)").check()
    assert [(r.subject, r.ok) for r in results] == [
        (name, True) for name in ("account", "query", "index", "scope", "fields")
    ]


@pytest.mark.parametrize(
    "uid", ["9F1@@notable@@a1b2c3", f"2008e99d@@notable@@time{int(END.timestamp()) - 60}"], ids=["es7", "es8"]
)
def test_write_back(cassette, uid: str) -> None:
    bot = reference(EVENTS)[0]
    stored = [notable(uid, END.timestamp() - 60, RULE, src=bot.src_ip, dest=bot.dst_ip, dest_port=str(bot.dst_port))]
    source = connected(cassette, stored=stored, rule_name=RULE, heartbeat=False)
    (got,) = source.fetch(DAY)
    (finding,) = findings_of(got, bot.detection_id, NotableFinding)
    outcome = FindingUpdate(case_id="C-0123456789ab", disposition="BENIGN_POSITIVE", reason="a backup, as measured")
    policy = WritePolicy(close_in_siem=True)
    assert write_back(source.wire, finding, outcome, policy).status == "5"
    assert write_back(source.wire, finding, outcome, policy).did == "already"
