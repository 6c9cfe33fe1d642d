"""Microsoft Defender: the process behind exactly the sockets in question, by a query that an interpreter runs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.enrichers import defender
from connectors.enrichers._live.owners import Question
from playbook.errors import BadAnswer
from playbook.model.enrichment import SocketOwner
from tests.emulators.defender import CLIENT, TENANT, Graph, connection, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import (
    HERE,
    NOW,
    SITE,
    WINDOW,
    FakeTime,
    address,
    answers,
    at,
    failures,
    host,
    reasons,
    recorded,
)

API, LOGIN = "https://graph.microsoft.com", "https://login.microsoftonline.com"
SECRET, TOKEN = "DEFENDER_CLIENT_SECRET", "DEFENDER_TOKEN"
C2 = "203.0.113.9"
BOT, TOOL = r"C:\Users\ann\AppData\Local\Temp\a.exe", r"C:\Program Files\Vendor\agent.exe"
ROWS = [
    connection("2026-11-01 10:00:00", "ws-1.corp.example", C2, 443, BOT, "a"),
    connection("2026-11-01 11:00:00", "ws-1.corp.example", C2, 443, BOT, "a"),
    connection("2026-11-01 11:30:00", "WS-1.corp.example", f"::ffff:{C2}", 8443, TOOL, "b"),
    connection("2026-11-01 11:00:00", "ws-1.corp.example", "203.0.113.10", 443, TOOL, "b"),
    connection("2026-11-01 11:00:00", "ws-10.corp.example", C2, 443, BOT, "a"),
    connection("2026-11-01 11:00:00", "ws-2", C2, 443, TOOL, "c"),
    connection("2026-11-01 11:00:00", "ws-1.corp.example", C2, 443, TOOL, "b", ActionType="InboundConnectionAccepted"),
    connection("2026-10-30 11:00:00", "ws-1.corp.example", C2, 443, TOOL, "b"),
]
CERTIFICATES = [
    {"SHA1": "a", "IsSigned": False, "IsTrusted": False, "Signer": ""},
    {"SHA1": "b", "IsSigned": True, "IsTrusted": True, "Signer": "Vendor Inc."},
    {"SHA1": "b", "IsSigned": True, "IsTrusted": True, "Signer": "Vendor Inc."},
]
ASKED = [host("ws-1"), host("ws-2"), address("10.1.2.3"), address(C2, "destination")]


def connected(api, login, clocks, secret=SecretStr("right")):  # noqa: B008
    given = {"base_url": api, "login_url": login, "tenant": TENANT, "client_id": CLIENT, "client_secret": secret}
    return defender.connect("edr", defender.Settings.model_validate(given), SITE, HERE, clocks)


@pytest.fixture
def graph():
    return Graph("right", "token-1", list(ROWS), list(CERTIFICATES))


@pytest.fixture
def edr(graph):
    with site(graph) as url:
        yield connected(url, url, FakeTime().clocks)


def owner(path: str, port: int, sha1: str, when: str, signed: bool | None, signer: str = "") -> SocketOwner:
    return SocketOwner(
        process_name=path.rpartition("\\")[2],
        path=path,
        signer=signer,
        signed=signed,
        sha256=(sha1 * 64)[:64],
        command_line=path,
        dst_ip=C2,
        dst_port=port,
        seen=at(when),
    )


def test_who_owns_these_sockets(cassette):
    graph = Graph(canary(SECRET), canary(TOKEN), ROWS, CERTIFICATES)
    api, login = cassette.site(API, serving(graph)), cassette.site(LOGIN, serving(graph))
    secret = cassette.secret(SECRET)
    cassette.secret(TOKEN)
    edr = connected(api, login, recorded(cassette), secret)
    words = edr.look_up(ASKED, WINDOW)
    assert [(word.observable.value, word.written_by, word.as_of, word.warning) for word in words] == [
        ("ws-1", "us", NOW, ""),
        ("ws-2", "us", NOW, ""),
    ]
    assert sorted(answers(words, "ws-1"), key=lambda one: one.dst_port) == [
        owner(BOT, 443, "a", "11-01 11:00", signed=False),
        owner(TOOL, 8443, "b", "11-01 11:30", signed=True, signer="Vendor Inc."),
    ]
    assert answers(words, "ws-2") == (owner(TOOL, 443, "c", "11-01 11:00", signed=None),)
    assert edr.look_up(ASKED, WINDOW) == words, "the second time from memory"


def test_a_wrong_secret(cassette):
    graph = Graph("another", canary(TOKEN), ROWS)
    api, login = cassette.site(API, serving(graph)), cassette.site(LOGIN, serving(graph))
    words = connected(api, login, recorded(cassette), cassette.secret(SECRET)).look_up(ASKED, WINDOW)
    assert all("the log-in was refused (401): client_secret" in (word.unavailable or "") for word in words)


@pytest.mark.loopback
def test_one_search_for_all_hosts_and_one_log_in(edr, graph):
    hosts = [host(f"pc-{n}") for n in range(100)]
    edr.look_up([*hosts, *(address(f"203.0.113.{n}", "destination") for n in range(1, 250))], WINDOW)
    assert len(graph.queries) == 1 and len(graph.seen) == 2


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (Answer(403, {"error": {"code": "Forbidden", "message": "Missing scopes"}}), "Forbidden: Missing scopes"),
        (
            Answer(429, {"error": {"code": "TooManyRequests", "message": "exceeded the allocated CPU quota"}}),
            "allocated CPU quota",
        ),
        (Answer(400, {"error": {"code": "BadRequest", "message": "Failed to resolve table"}}), "resolve table"),
        (Answer(200, {"results": None}), "without the list 'results'"),
    ],
)
def test_a_refusal_is_told_with_its_reason(edr, graph, instead, words):
    graph.instead = instead
    found = edr.look_up(ASKED, WINDOW)
    assert len(found) == 2 and all(words in (word.unavailable or "") for word in found)
    assert words in failures(edr.check())[0].message


@pytest.mark.loopback
def test_a_token_that_ended_is_taken_anew_once(edr, graph):
    edr.check()
    graph.ended = 1
    assert len(answers(edr.look_up(ASKED, WINDOW), "ws-1")) == 2


@pytest.mark.loopback
def test_more_sockets_than_are_taken_are_no_answer(edr, graph, monkeypatch):
    monkeypatch.setattr(defender, "_MOST_ROWS", 2)
    assert all("more than 2 sockets" in (reason or "") for reason in reasons(edr.look_up(ASKED, WINDOW)))


@pytest.mark.loopback
def test_text_that_the_host_chose_takes_no_evidence_away(edr, graph):
    graph.rows["DeviceNetworkEvents"][:] = [
        connection(
            "2026-11-01 10:00:00", "ws-1", C2, 443, BOT, "a", InitiatingProcessCommandLine='x\r\n\x1b[31m"' + "y" * 9000
        )
    ]
    (found,) = answers(edr.look_up(ASKED, WINDOW), "ws-1")
    assert found.path == BOT and found.command_line.isprintable() and len(found.command_line) <= 4096


@pytest.mark.loopback
def test_rows_about_others_are_nobodys_evidence(edr, graph):
    other = {"DeviceName": "ws-9", "RemoteIP": C2, "RemotePort": 1, "Seen": "2026-11-01T10:00:00Z"}
    elsewhere = other | {"DeviceName": "ws-1", "RemoteIP": "198.51.100.1"}
    graph.instead = Answer(200, {"results": [other, elsewhere, {"DeviceName": "ws-1"}, 7]})
    words = edr.look_up(ASKED, WINDOW)
    assert answers(words, "ws-1") == answers(words, "ws-2") == () and "2 sockets left out" in words[0].warning


@pytest.mark.loopback
def test_a_name_that_could_leave_a_query_is_not_asked_about(edr, graph):
    hostile = host('ws-1" or 1==1 //')
    (word,) = edr.look_up([hostile, address(C2, "destination")], WINDOW)
    assert word.unavailable == "not asked: no name of a host" and not graph.seen


@pytest.mark.loopback
def test_check_reads_one_row_and_fails_for_an_empty_table(edr, graph):
    assert not failures(edr.check())
    graph.rows["DeviceNetworkEvents"].clear()
    assert "ThreatHunting.Read.All" in failures(edr.check())[0].message


@given(st.lists(st.text(max_size=30), max_size=4))
def test_a_list_of_literals_holds_nothing_else(texts):
    try:
        sent = defender.listed(tuple(texts))
    except BadAnswer:
        return
    assert re.findall(r'"([^"\\\n]*)"', sent) == texts


def test_the_hosts_of_the_services_are_told_as_places():
    given = {"tenant": TENANT, "client_id": CLIENT, "client_secret": "x"}
    places = defender.Settings.model_validate(given).places(HERE)
    assert places == ("graph.microsoft.com", "login.microsoftonline.com")
    assert Question((), (), NOW, NOW).hosts == ()
