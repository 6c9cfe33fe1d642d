"""Jenkins: the declared load tests of one node; a build that does not say where it ran explains nothing."""

import pytest
from pydantic import SecretStr, ValidationError

from connectors.enrichers import jenkins
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ScheduledWindow
from tests.emulators.ci import JenkinsServer, build, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import HERE, NOW, SITE, WINDOW, FakeTime, at, failures, host, reasons, recorded

VENDOR = "https://jenkins.example"
TOKEN = "JENKINS_TOKEN"
START = at("10-31 20:00").timestamp()
JOBS = {
    "perf/load test": [
        build(9, at("11-01 11:30").timestamp(), 0, building=True),
        build(8, START, 1800.5),
        build(7, START, 60, "node-2"),
        build(6, START, 60, ""),
        build(5, START - 30 * 86400, 60),
    ],
    "perf/pipeline": [build(3, START, 60, None)],
}
MORE = {"user": "svc", "runners": {"runner-01": "node-1"}, "jobs": list(JOBS), "tests": {"perf/*": ["staging.example"]}}


def connected(url, clocks, token=SecretStr("right"), **more):  # noqa: B008
    given = jenkins.Settings.model_validate({"base_url": url, "token": token} | MORE | more)
    return jenkins.connect("jenkins", given, SITE, HERE, clocks)


@pytest.fixture
def server():
    return JenkinsServer("svc", "right", dict(JOBS))


@pytest.fixture
def ci(server):
    with site(server) as url:
        yield connected(url, FakeTime().clocks)


def test_windows_of_a_node(cassette):
    url, token = cassette.site(VENDOR, serving(JenkinsServer("svc", canary(TOKEN), JOBS))), cassette.secret(TOKEN)
    (word,) = connected(url, recorded(cassette), token).look_up([host("runner-01")], WINDOW)
    assert word.answers == tuple(
        ScheduledWindow(
            kind="test",
            name=f"perf/load test (jenkins job {number})",
            hosts=("runner-01",),
            targets=("staging.example",),
            window=TimeWindow(start=start, end=end),
        )
        for number, start, end in (
            (8, at("10-31 20:00"), at("10-31 20:30").replace(microsecond=500_000)),
            (9, at("11-01 11:30"), NOW),
        )
    )
    assert word.warning == "1 builds of perf/pipeline do not say on which node they ran"


def test_check(cassette):
    url, token = cassette.site(VENDOR, serving(JenkinsServer("svc", canary(TOKEN), JOBS))), cassette.secret(TOKEN)
    results = connected(url, recorded(cassette), token).check()
    assert [(one.subject, one.ok, one.message) for one in results] == [
        ("jenkins: perf/load test", True, "builds can be read"),
        ("jenkins: perf/pipeline", False, "its builds do not say on which node they ran (a pipeline?)"),
    ]


@pytest.mark.loopback
def test_a_refused_token_and_a_job_that_is_gone(server, ci):
    del server.jobs["perf/pipeline"]
    assert "unexpected status 404" in next(iter(reasons(ci.look_up([host("runner-01")], WINDOW))))
    server.token = "another"
    assert "refused the credentials" in next(iter(reasons(ci.look_up([host("runner-01")], WINDOW))))
    assert {one.exit_code for one in failures(ci.check())} == {3}


@pytest.mark.loopback
def test_pages_end_where_the_window_does(server):
    server.jobs = {"perf/a": [build(1000 - n, START - n * 60, 30) for n in range(1000)]}
    with site(server) as url:
        (word,) = connected(url, FakeTime().clocks, jobs=["perf/a"], longest_h=1).look_up([host("runner-01")], WINDOW)
    # 20:00 back to the day before at 11:00 would be 1980 minutes; the window began at 12:00 that day
    assert len(word.answers) == 480 + 1 and len(server.seen) == 6


@pytest.mark.loopback
@pytest.mark.parametrize("row", [None, {"number": "x"}, {"timestamp": -1}, {"timestamp": 10**18}, {"duration": -1}])
def test_a_build_that_cannot_be_used_is_named(server, ci, monkeypatch, row):
    bad = row if row is None else build(1, START, 60) | row
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, {"allBuilds": [bad, build(2, START, 60)]}))
    (word,) = ci.look_up([host("runner-01")], WINDOW)
    assert len(word.answers) == 2 and word.warning.startswith("1 builds left out")


@pytest.mark.parametrize("wrong", [{"jobs": []}, {"runners": {}}, {"tests": {}}, {"user": ""}])
def test_settings_that_cannot_be_meant(wrong):
    with pytest.raises(ValidationError):
        connected(VENDOR, FakeTime().clocks, **wrong)
