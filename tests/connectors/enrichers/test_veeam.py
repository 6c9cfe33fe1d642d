"""Veeam: what the server recorded of each host, whole or not at all; a name that only looks alike is another host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.enrichers import veeam
from playbook.errors import ConfigError
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupSession
from tests.emulators.site import Answer, site
from tests.emulators.veeam import VeeamServer, local, s3, serving, task
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import (
    HERE,
    NOW,
    SITE,
    WINDOW,
    FakeTime,
    answers,
    at,
    failures,
    host,
    reasons,
    recorded,
)

VENDOR = "https://backup.example:9419"
PASSWORD, TOKEN = "VEEAM_PASSWORD", "VEEAM_TOKEN"
PLACES = {"Vault 01": ("vault.backup.example", "203.0.113.9")}
REPOSITORIES = [s3(1, "cloud-1", "acme-backup", "eu-central-1"), local(2, "Vault 01"), local(3, "scratch")]
TASKS = [
    task(1, "fs-01.corp.example", "2026-10-31T23:00:00+01:00", "2026-11-01T00:30:00+01:00", 5_000_000),
    task(2, "FS-01", "2026-11-01T03:00:00Z", "2026-11-01T03:10:00Z", 7, repositoryId=REPOSITORIES[1]["id"].upper()),
    task(3, "fs-010", "2026-10-31T22:00:00Z", "2026-10-31T23:00:00Z", 9),
    task(4, "fs-01", "2026-10-31T22:00:00Z", "2026-10-31T23:00:00Z", 9, type="Restore"),
    task(5, "fs-01", "2026-11-01T11:00:00Z", None, 11, state="Working"),
    task(6, "fs-01", "2026-11-01T05:00:00Z", "2026-11-01T05:10:00Z", None),
    task(
        7,
        "db-01",
        "2026-10-30T10:00:00Z",
        "2026-10-31T14:00:00Z",
        13,
        sessionType="Nobody documented this",
        result={"result": "AlmostFine"},
        state="Resting",
        repositoryId="ffffffff-0000-0000-0000-000000000000",
    ),
    task(8, "fs-01", "2026-10-31T10:00:00Z", "2026-10-31T11:00:00Z", 15),
]


def connected(url, clocks, password=SecretStr("right"), **more):  # noqa: B008
    given = veeam.Settings.model_validate(
        {"base_url": url, "user": "viewer", "password": password, "repositories": PLACES} | more
    )
    return veeam.connect("vbr", given, SITE, HERE, clocks)


@pytest.fixture
def server():
    return VeeamServer("right", "token-1", list(TASKS), list(REPOSITORIES))


@pytest.fixture
def vbr(server):
    with site(server) as url:
        yield connected(url, FakeTime().clocks)


def replayed(cassette, server):
    url, password = cassette.site(VENDOR, serving(server)), cassette.secret(PASSWORD)
    cassette.secret(TOKEN)
    return connected(url, recorded(cassette), password)


def test_sessions_of_two_hosts_in_one_reading(cassette):
    vbr = replayed(cassette, VeeamServer(canary(PASSWORD), canary(TOKEN), TASKS, REPOSITORIES, most=3))
    words = vbr.look_up([host("fs-01.corp.example"), host("db-01"), host("ws-9")], WINDOW)
    assert answers(words, "fs-01.corp.example") == (
        BackupSession(
            host="fs-01.corp.example",
            job="AgentBackup 00000000-0000-0000-0000-000000007001",
            repository="cloud-1",
            destinations=("acme-backup.s3.amazonaws.com", "acme-backup.s3.eu-central-1.amazonaws.com"),
            started=at("10-31 22:00"),
            ended=at("10-31 23:30"),
            transferred_bytes=5_000_000,
        ),
        BackupSession(
            host="fs-01",
            job="AgentBackup 00000000-0000-0000-0000-000000007002",
            repository="Vault 01",
            destinations=PLACES["Vault 01"],
            started=at("11-01 03:00"),
            ended=at("11-01 03:10"),
            transferred_bytes=7,
        ),
    )
    (ran,) = answers(words, "db-01")
    assert ran.started == at("10-30 10:00") and ran.destinations == () and ran.transferred_bytes == 13
    assert answers(words, "ws-9") == () and {word.written_by for word in words} == {"us"}
    assert {word.warning for word in words} == {
        "1 sessions still running were left out; 1 sessions without a byte count were left out"
    }
    assert {word.as_of for word in words} == {NOW}


def test_check(cassette):
    results = replayed(cassette, VeeamServer(canary(PASSWORD), canary(TOKEN), TASKS, REPOSITORIES)).check()
    assert [(one.subject, one.ok, one.message) for one in results] == [
        ("vbr: clock", True, "the server's clock differs from ours by 10 s"),
        ("vbr: sessions", True, "7 backup sessions can be read"),
        ("vbr: repositories", True, "3 repositories; no known place, so no session there explains anything: scratch"),
    ]


def test_a_wrong_password(cassette):
    vbr = replayed(cassette, VeeamServer("another", canary(TOKEN), TASKS, REPOSITORIES))
    (word,) = vbr.look_up([host("fs-01")], WINDOW)
    assert word.unavailable == "vbr: the log-in was refused (401): password"


@pytest.mark.loopback
def test_an_ended_token_is_renewed_and_one_reading_serves_all_hosts(server, vbr):
    server.expires_after = 1
    vbr.look_up([host("fs-01")], WINDOW)
    calls = len(server.seen)
    assert answers(vbr.look_up([host("db-01"), host("fs-01")], WINDOW), "db-01")
    assert len(server.seen) == calls and [r.path for r in server.seen].count("/api/oauth2/token") == 2


@pytest.mark.loopback
def test_requests_grow_with_pages_and_not_with_hosts(server, vbr):
    server.tasks = [task(n, f"pc-{n}", "2026-10-31T22:00:00Z", "2026-10-31T22:05:00Z", n) for n in range(1000)]
    words = vbr.look_up([host(f"pc-{n}") for n in range(1000)], WINDOW)
    assert all(len(word.answers) == 1 for word in words) and len(server.seen) == 1 + 1 + 5


@pytest.mark.loopback
@pytest.mark.parametrize("total", [7, "8", None, True, -1])
def test_fewer_rows_than_announced_are_no_answer(server, vbr, monkeypatch, total):
    real = server._page

    def short(rows, query):
        answer = real(rows[:5] if int(query["skip"]) == 0 else [], query)
        answer.body["pagination"]["total"] = total
        return answer

    monkeypatch.setattr(server, "_page", short)
    (reason,) = reasons(vbr.look_up([host("fs-01"), host("db-01")], WINDOW))
    assert reason and ("5 of 7 rows arrived" in reason or "3 of 7" in reason or "without the number" in reason)


@pytest.mark.loopback
def test_a_role_that_may_not_read_and_a_failure_that_is_not_remembered(server, vbr):
    server.may_read = False
    (reason,) = reasons(vbr.look_up([host("fs-01")], WINDOW))
    assert "permission is missing (403)" in reason and failures(vbr.check())[0].exit_code == 3
    server.may_read = True
    assert answers(vbr.look_up([host("fs-01")], WINDOW), "fs-01")


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("zone", "named", "hour"),
    [
        (None, None, None),
        (None, "Europe/Prague", 21),
        (None, "Nowhere/Land", None),
        ("America/New_York", None, 2),
    ],
)
def test_a_time_without_a_zone_is_placed_or_left_out(server, zone, named, hour):
    server.tasks = [task(1, "fs-01", "2026-10-31T22:00:00", "2026-10-31T22:05:00", 3)]
    server.time |= {} if named is None else {"ianaTimeZoneId": named}
    with site(server) as url:
        vbr = connected(url, FakeTime().clocks, **({} if zone is None else {"timezone": zone}))
        (word,) = vbr.look_up([host("fs-01")], WINDOW)
    if hour is None:
        assert word.answers == () and "1 sessions left out: creationTime: a time without zone" in word.warning
    else:
        assert [one.started.hour for one in word.answers] == [hour]


@pytest.mark.loopback
def test_a_clock_that_runs_wrong_fails_the_check(server, vbr):
    server.time = {"serverTime": "2026-11-01T13:00:10Z"}
    assert [one.message for one in failures(vbr.check())] == ["the server's clock differs from ours by 3610 s"]


@pytest.mark.loopback
@pytest.mark.parametrize("body", [b"<html>", [], {"data": {}}, {"data": []}, {"data": [], "pagination": []}])
def test_an_answer_of_another_form_explains_nothing(server, vbr, monkeypatch, body):
    real = server.answer
    monkeypatch.setattr(server, "answer", lambda r: Answer(200, body) if "taskSessions" in r.path else real(r))
    assert None not in reasons(vbr.look_up([host("fs-01")], WINDOW)) and failures(vbr.check())


@pytest.mark.loopback
@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"creationTime": "yesterday"},
        {"creationTime": 7},
        {"id": None},
        {"progress": {"transferredSize": -1}},
        {"progress": {"transferredSize": "many"}},
        {"progress": []},
        {"endTime": "2026-10-31T20:00:00Z"},
        {"name": "fs-01\n", "endTime": {}},
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_named(server, vbr, change):
    rows = [
        task(1, "fs-01", "2026-10-31T22:00:00Z", "2026-10-31T22:05:00Z", 3) | change,
        task(2, "fs-01", "2026-10-31T23:00:00Z", "2026-10-31T23:05:00Z", 4),
    ]
    server._page = lambda _, query: Answer(
        200, {"data": REPOSITORIES[:2] if "typeFilter" not in query else rows, "pagination": {"total": 2}}
    )
    (word,) = vbr.look_up([host("fs-01")], WINDOW)
    assert [one.transferred_bytes for one in word.answers] == [4] and "1 sessions" in word.warning


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://backup.example:9419"},
        {"repositories": {"v": (".backup.example",)}},
        {"repositories": {"v": ("10.0.0.0/8",)}},
        {"api_version": "latest"},
        {"timezone": "Nowhere/Land"},
        {"user": ""},
    ],
)
def test_settings_that_cannot_be_meant(wrong):
    with pytest.raises((ValidationError, ConfigError)):
        connected(wrong.pop("base_url", VENDOR), FakeTime().clocks, **wrong)


@given(st.lists(st.tuples(st.integers(-3000, 3000), st.integers(0, 3000), st.integers(0, 9)), max_size=20))
def test_only_sessions_that_overlap_the_window_are_given(spans):
    def moment(minutes):
        return (NOW.replace(hour=0) + (NOW - NOW.replace(hour=11, minute=59)) * minutes).isoformat()

    raw = [task(n, "h", moment(a), moment(a + length), size) for n, (a, length, size) in enumerate(spans)]
    rows = veeam.read_rows(veeam.TaskSession, raw, "sessions")
    found = veeam.sessions_of(rows, {}, WINDOW).entries
    assert all(
        TimeWindow(start=s.started, end=s.ended) and s.ended > WINDOW.start and s.started < WINDOW.end for s in found
    )
    assert len(found) == sum(a + n > -720 and a < 720 and n > 0 for a, n, _ in spans)
