"""GitHub Actions: the declared load tests of a runner by its number; a name, another runner or branch is none."""

import pytest
from pydantic import SecretStr, ValidationError

from connectors.enrichers import github
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ScheduledWindow
from tests.emulators.ci import GitHubServer, github_job, github_run, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import HERE, SITE, WINDOW, FakeTime, at, failures, host, reasons, recorded

VENDOR = "https://api.github.com"
TOKEN = "GITHUB_TOKEN"
RUNS = [
    github_run(1, "2026-10-31T20:00:00Z", "2026-10-31T21:00:00Z"),
    github_run(2, "2026-10-31T20:00:00Z", "2026-10-31T21:00:00Z", head_branch="feature"),
    github_run(3, "2026-10-30T13:00:00Z", "2026-10-30T14:00:00Z"),
    github_run(4, "2026-10-20T13:00:00Z", "2026-10-20T14:00:00Z"),
]
EVENING = ("2026-10-31T20:05:00Z", "2026-10-31T20:45:00Z")
JOBS = {
    1: [
        github_job(11, "load-test", 7, *EVENING),
        github_job(12, "load-test", 8, *EVENING),
        github_job(13, "build", 7, *EVENING),
        github_job(14, "load-test", None, None, None),
    ],
    2: [github_job(21, "load-test", 7, *EVENING)],
    3: [],
    4: [],
}


def connected(url, clocks, token=SecretStr("right"), **more):  # noqa: B008
    given = github.Settings.model_validate(
        {
            "base_url": url,
            "token": token,
            "runners": {"runner-01": "7"},
            "tests": {"load-test*": ["staging.example"]},
            "repositories": ["acme/shop"],
            "branches": ["main"],
        }
        | more
    )
    return github.connect("gh", given, SITE, HERE, clocks)


@pytest.fixture
def server():
    return GitHubServer("right", list(RUNS), dict(JOBS))


@pytest.fixture
def gh(server):
    with site(server) as url:
        yield connected(url, FakeTime().clocks)


def test_windows_of_a_runner(cassette):
    url, token = cassette.site(VENDOR, serving(GitHubServer(canary(TOKEN), RUNS, JOBS))), cassette.secret(TOKEN)
    mine, other = connected(url, recorded(cassette), token).look_up([host("runner-01"), host("runner-02")], WINDOW)
    assert mine.answers == (
        ScheduledWindow(
            kind="test",
            name="load-test (gh job 11)",
            hosts=("runner-01",),
            targets=("staging.example",),
            window=TimeWindow(start=at("10-31 20:05"), end=at("10-31 20:45")),
        ),
    )
    assert other.answers == () and other.unavailable is None


def test_check(cassette):
    url, token = cassette.site(VENDOR, serving(GitHubServer(canary(TOKEN), RUNS, JOBS))), cassette.secret(TOKEN)
    (result,) = connected(url, recorded(cassette), token).check()
    assert (result.subject, result.ok, result.message) == ("gh: acme/shop", True, "4 runs can be read")


@pytest.mark.loopback
def test_one_reading_serves_all_runners_and_only_runs_of_the_window_are_opened(server, gh):
    gh.look_up([host("runner-01")], WINDOW)
    gh.look_up([host("runner-01.corp.example")], WINDOW)
    assert [request.path.rpartition("actions/")[2] for request in server.seen] == ["runs", "runs/1/jobs"]


@pytest.mark.loopback
def test_a_rate_limit_and_a_missing_permission_are_told_apart(server, gh):
    server.limited = True
    assert reasons(gh.look_up([host("runner-01")], WINDOW)) == {"gh: GitHub limits our rate (403)"}
    server.limited, server.may_read = False, False
    assert reasons(gh.look_up([host("runner-01")], WINDOW)) == {
        "gh: the token may not read /repos/acme/shop (403): Actions: read"
    }
    assert failures(gh.check())[0].exit_code == 3


@pytest.mark.loopback
def test_more_runs_than_a_search_gives_are_no_answer(server, gh):
    server.runs = [github_run(n, "2026-10-31T20:00:00Z", "2026-10-31T21:00:00Z") for n in range(1001)]
    assert reasons(gh.look_up([host("runner-01")], WINDOW)) == {"gh: 1001 workflow runs; more than 1000 are not given"}


@pytest.mark.loopback
def test_a_busy_repository_stops_at_the_budget(server):
    server.runs = [github_run(n, "2026-10-31T20:00:00Z", "2026-10-31T21:00:00Z") for n in range(50)]
    server.jobs = {n: [] for n in range(50)}
    with site(server) as url:
        gh = connected(url, FakeTime().clocks, most_requests=20)
        assert reasons(gh.look_up([host("runner-01")], WINDOW)) == {"gh: more than 20 requests for one look-up"}
    assert len(server.seen) == 20


@pytest.mark.loopback
@pytest.mark.parametrize("body", [b"<html>", [], {"total_count": 1}, {"total_count": 1, "workflow_runs": []}])
def test_an_answer_of_another_form_explains_nothing(server, gh, monkeypatch, body):
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, body))
    assert None not in reasons(gh.look_up([host("runner-01")], WINDOW))


@pytest.mark.parametrize(
    "wrong",
    [
        {"runners": {"h": "runner-01"}},
        {"repositories": ["shop"]},
        {"repositories": ["acme/.."]},
        {"repositories": ["acme/shop/x"]},
        {"repositories": ["acme/sh op"]},
        {"repositories": []},
    ],
)
def test_settings_that_cannot_be_meant(wrong):
    with pytest.raises(ValidationError):
        connected(VENDOR, FakeTime().clocks, **wrong)


def test_the_service_is_never_blocked():
    given = github.Settings(token=SecretStr("x"), runners={"h": "1"}, tests={"t": ()}, repositories=("a/b",))
    assert given.places(HERE) == ("api.github.com",)
