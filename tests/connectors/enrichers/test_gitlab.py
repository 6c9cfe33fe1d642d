"""GitLab: the declared load tests of one machine's runner, and of no other machine's, project, branch or name."""

import pytest
from pydantic import SecretStr, ValidationError

from connectors.enrichers import gitlab
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ScheduledWindow
from tests.emulators.ci import GitLabServer, gitlab_job, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import HERE, NOW, SITE, WINDOW, FakeTime, at, failures, host, reasons, recorded

VENDOR = "https://gitlab.example"
TOKEN = "GITLAB_TOKEN"
RUNNERS = {"runner-01.corp.example": "17", "runner-02": "18/s_aaa", "runner-03": "18"}
TESTS = {"load-test*": ["staging.corp.example", "203.0.113.80"], "*soak*": []}
EVENING = ("2026-10-31T20:00:00.000Z", "2026-10-31T20:30:00.000Z")
JOBS = {
    "17": [
        gitlab_job(1, "load-test shop", "2026-10-31T22:00:00.000+02:00", "2026-10-31T22:30:00.000+02:00"),
        gitlab_job(2, "unit", *EVENING),
        gitlab_job(3, "load-test shop", *EVENING, ref="feature"),
        gitlab_job(4, "load-test shop", *EVENING, project={"path_with_namespace": "mallory/shop"}),
        gitlab_job(5, "load-test soak", "2026-11-01T11:00:00.000Z", None),
        gitlab_job(6, "load-test", None, None),
        gitlab_job(7, "Load-Test", *EVENING),
        gitlab_job(0, "load-test old", "2026-10-29T20:00:00.000Z", "2026-10-31T20:30:00.000Z"),
    ],
    "18": [gitlab_job(11, "soak", *EVENING), gitlab_job(12, "soak", *EVENING, system="s_bbb")],
}
MACHINES = {"17": ["s_aaa"], "18": ["s_aaa", "s_bbb"]}


def connected(url, clocks, token=SecretStr("right"), **more):  # noqa: B008
    given = gitlab.Settings.model_validate(
        {
            "base_url": url,
            "token": token,
            "runners": RUNNERS,
            "tests": TESTS,
            "projects": ["acme/shop"],
            "refs": ["main"],
        }
        | more
    )
    return gitlab.connect("ci", given, SITE, HERE, clocks)


@pytest.fixture
def server():
    return GitLabServer("right", {runner: list(jobs) for runner, jobs in JOBS.items()}, MACHINES)


@pytest.fixture
def ci(server):
    with site(server) as url:
        yield connected(url, FakeTime().clocks)


def test_windows_of_two_machines(cassette):
    server = GitLabServer(canary(TOKEN), JOBS, MACHINES)
    server.busy = 1
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    words = connected(url, recorded(cassette), token).look_up(
        [host("runner-01"), host("runner-02.corp.example"), host("runner-03"), host("ws-7")], WINDOW
    )
    assert cassette.slept == [3.0]
    by_host = {word.observable.value: word for word in words}
    assert by_host["runner-01"].answers == (
        ScheduledWindow(
            kind="test",
            name="load-test shop (ci job 1)",
            hosts=("runner-01.corp.example", "runner-01"),
            window=TimeWindow(start=at("10-31 20:00"), end=at("10-31 20:30")),
            targets=("staging.corp.example", "203.0.113.80"),
        ),
        ScheduledWindow(
            kind="test",
            name="load-test soak (ci job 5)",
            hosts=("runner-01.corp.example", "runner-01"),
            window=TimeWindow(start=at("11-01 11:00"), end=NOW),
            targets=("staging.corp.example", "203.0.113.80"),
        ),
    )
    assert [one.name for one in by_host["runner-02.corp.example"].answers] == ["soak (ci job 11)"]
    assert by_host["runner-03"].unavailable == ("ci: runner 18 is several machines: write 18/SYSTEM_ID in runners")
    assert by_host["ws-7"].answers == () and by_host["ws-7"].unavailable is None


def test_check(cassette):
    server = GitLabServer(canary(TOKEN), JOBS, MACHINES)
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    results = connected(url, recorded(cassette), token).check()
    assert [(one.subject, one.ok, one.message) for one in results] == [
        ("ci: runner of runner-01.corp.example", True, "jobs can be read (8 at once)"),
        ("ci: runner of runner-02", True, "jobs can be read (1 at once)"),
        ("ci: runner of runner-03", False, "ci: runner 18 is several machines: write 18/SYSTEM_ID in runners"),
    ]


@pytest.mark.loopback
def test_a_server_that_does_not_tell_machines_apart_explains_nothing(server, ci):
    server.old = True
    (reason,) = reasons(ci.look_up([host("runner-02")], WINDOW))
    assert reason == "ci: this server does not tell the machines of runner 18 apart"


@pytest.mark.loopback
@pytest.mark.parametrize("counted", [True, False])
def test_pages_end_where_the_window_does(server, ci, counted):
    server.counted = counted
    old = ("2026-10-20T20:00:00.000Z", "2026-10-20T20:30:00.000Z")
    server.jobs["17"] = [gitlab_job(n, "load-test", *(EVENING if n > 1000 else old)) for n in range(1, 1151)]
    (word,) = ci.look_up([host("runner-01")], WINDOW)
    assert len(word.answers) == 150 and len(server.seen) == 1 + 2
    assert ci.look_up([host("runner-01.corp.example")], WINDOW)[0].answers and len(server.seen) == 3


@pytest.mark.loopback
def test_a_runner_that_is_gone_and_a_token_that_is_refused(server, ci):
    del server.jobs["17"]
    assert "unexpected status 404" in next(iter(reasons(ci.look_up([host("runner-01")], WINDOW))))
    server.token = "another"
    assert "refused the credentials" in next(iter(reasons(ci.look_up([host("runner-01")], WINDOW))))
    assert {one.exit_code for one in failures(ci.check())} == {3}


@pytest.mark.loopback
@pytest.mark.parametrize(
    "row",
    [
        None,
        {"id": "x"},
        {"name": None},
        {"started_at": "later"},
        {"created_at": None},
        {"project": []},
        {"name": ""},
    ],
)
def test_a_job_that_cannot_be_used_is_named(server, ci, row):
    server.jobs["17"] = [gitlab_job(9, "load-test", *EVENING)]
    real = server._page
    bad = row if row is None else gitlab_job(8, "load-test", *EVENING) | row
    server._page = lambda rows, query: (
        Answer(200, [bad, *rows], {"X-Next-Page": ""}) if len(rows) == 1 and "name" in rows[0] else real(rows, query)
    )
    (word,) = ci.look_up([host("runner-01")], WINDOW)
    assert len(word.answers) == 1 and word.warning.startswith("1 jobs left out")


@pytest.mark.parametrize(
    "wrong",
    [
        {"runners": {"h": "seventeen"}},
        {"runners": {"h": "17/../18"}},
        {"runners": {}},
        {"tests": {}},
        {"projects": []},
        {"tests": {"x": ["10.0.0.0/8"]}},
    ],
)
def test_settings_that_cannot_be_meant(wrong):
    with pytest.raises(ValidationError):
        connected(VENDOR, FakeTime().clocks, **wrong)
