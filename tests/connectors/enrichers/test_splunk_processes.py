"""Sysmon in Splunk: the posted search is run over events in Splunk's own fields; a neighbour's events count nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.enrichers import splunk_processes
from connectors.enrichers._live.owners import Question
from playbook.detections.languages.splunk import lint
from playbook.model.enrichment import SocketOwner
from tests.emulators.splunk import Behaviour, Server, running
from tests.support.live_fixtures import HERE, SITE, WINDOW, FakeTime, address, answers, failures, host, reasons
from tests.support.splunk_fixtures import ids

pytestmark = pytest.mark.loopback
C2, C2_V6 = "203.0.113.9", "2001:db8::9"
BOT = r"C:\Users\ann\AppData\Local\Temp\a.exe"
START = WINDOW.start.timestamp()
HASHES = f"SHA1={'1' * 40},MD5={'2' * 32},SHA256={'AB' * 32}"
READY = Behaviour(states=())


def opened(computer: str, guid: str, to: str = C2, after_s: float = 60, **change):
    """A connection as Splunk's add-on for Sysmon gives its fields."""
    event = {
        "_time": START + after_s,
        "EventCode": "3",
        "Computer": computer,
        "ProcessGuid": guid,
        "Image": BOT,
        "Initiated": "true",
        "DestinationIp": to,
        "DestinationPort": "443",
    }
    return event | change


def started(computer: str, guid: str, after_s: float = 0, **change):
    """A process start."""
    event = {"_time": START + after_s, "EventCode": "1", "Computer": computer, "ProcessGuid": guid, "Image": BOT}
    return event | {"CommandLine": "a.exe -x", "Hashes": HASHES} | change


EVENTS = [
    started("WS-1.corp.example", "{1}", -3600 * 20),
    opened("ws-1.corp.example", "{1}"),
    opened("ws-1.corp.example", "{1}", after_s=120),
    opened("ws-1.corp.example", "{2}", "2001:db8:0:0:0:0:0:9", DestinationPort="8443", Image="/usr/bin/x"),
    opened("ws-1.corp.example", "{3}", "203.0.113.10"),
    opened("ws-1.corp.example", "{4}", Initiated="false"),
    opened("ws-10.corp.example", "{5}"),
    opened("ws-1.corp.example", "{6}", after_s=-3 * 3600),
    started("ws-2", "{7}"),
]
ASKED = [host("ws-1"), host("ws-2"), address("10.1.2.3"), address(C2, "destination"), address(C2_V6, "destination")]


def connected(url, **change):
    given = {"base_url": url, "token": SecretStr("testtoken"), "rate": 50.0} | change
    settings = splunk_processes.Settings.model_validate(given)
    return splunk_processes.connect("sysmon", settings, SITE, HERE, FakeTime().clocks, ids())


def looked_up(events=EVENTS, behaviour=READY, **change):
    server = Server(behaviour=behaviour, indexed=[dict(event) for event in events])
    with running(server) as url:
        return connected(url, **change).look_up(ASKED, WINDOW), server


def test_who_opened_these_connections_by_one_search():
    words, server = looked_up()
    assert sum(method == "POST" for method, _ in server.log) == 1 and not server.jobs
    assert {word.written_by for word in words} == {"host"}
    first = SocketOwner(
        process_name="a.exe",
        path=BOT,
        sha256="ab" * 32,
        command_line="a.exe -x",
        dst_ip=C2,
        dst_port=443,
        seen=datetime.fromtimestamp(START + 120, UTC),
    )
    second = SocketOwner(
        process_name="x", path="/usr/bin/x", dst_ip=C2_V6, dst_port=8443, seen=datetime.fromtimestamp(START + 60, UTC)
    )
    found = answers(words, "ws-1")
    assert sorted(found, key=lambda one: one.dst_port) == [first, second] and answers(words, "ws-2") == ()


def test_the_posted_text_decides_what_comes_back():
    """A wrong scope word, host or address in the search would change the answer: nothing is taken from memory."""
    assert answers(looked_up([e | {"Computer": "ws-3"} for e in EVENTS])[0], "ws-1") == ()
    assert answers(looked_up([e | {"DestinationIp": "192.0.2.1"} for e in EVENTS])[0], "ws-1") == ()
    assert answers(looked_up([e | {"Initiated": "false"} for e in EVENTS])[0], "ws-1") == ()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(states=(), messages=[("WARN", "Unable to distribute to peer named idx3")]), "idx3"),
        (Behaviour(states=(), overstated=5), "reported"),
        (Behaviour(refuse=True), "refused token"),
        (Behaviour(states=(), results="<html>"), "expected JSON"),
        (Behaviour(states=("RUNNING",) * 99), "deadline"),
    ],
)
def test_a_search_that_is_not_whole_is_no_answer(behaviour, words):
    found, _ = looked_up(behaviour=behaviour)
    assert len(found) == 2 and all(words in (reason or "") for reason in reasons(found))


def test_what_the_host_wrote_cannot_break_the_row():
    hostile = "x\n\x1b[31m" + "y" * 9000
    found = answers(looked_up([opened("ws-1", "{1}"), started("ws-1", "{1}", CommandLine=hostile)])[0], "ws-1")
    assert len(found) == 1 and found[0].command_line.isprintable() and len(found[0].command_line) <= 4096


def test_a_row_that_cannot_be_read_is_counted():
    words, _ = looked_up([*EVENTS, opened("ws-2", "{8}", DestinationPort="99999")])
    assert "1 processes left out: sockets: expected an address and a port" in words[0].warning
    assert len(answers(words, "ws-1")) == 2


def test_check_runs_the_search():
    server = Server(behaviour=Behaviour(states=()), indexed=[])
    with running(server) as url:
        assert not failures(connected(url).check())
        server.behaviour.refuse = True
        assert failures(connected(url).check())


@pytest.mark.parametrize("scope", ["", "index=a | delete", "index=a [search x]", "(index=a"])
def test_a_scope_that_could_leave_its_place_is_refused(scope):
    with pytest.raises(ValidationError):
        splunk_processes.Settings.model_validate({"base_url": "https://x.example", "token": "t", "scope": scope})


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True), min_size=1, max_size=5))
def test_the_search_stays_one_search_without_traps(hosts):
    text = splunk_processes.query(Question(tuple(hosts), (C2, C2_V6), WINDOW.start, WINDOW.end), splunk_processes.SCOPE)
    assert text.count("\n| ") == 5 and "[" not in text.replace(text.split("\n")[0], "") and not lint(text)
