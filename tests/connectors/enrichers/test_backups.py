"""Declared backup jobs and recorded sessions: whose they are, where they go, when they ran."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.enrichers.backups import Backups, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupJob, BackupSession, Enrichment
from playbook.model.observable import Observable
from playbook.model.site import Site
from tests.support.examples import examples

SITE = Site(now=datetime(2026, 3, 20, tzinfo=UTC))
SHA = "ab" * 32
JOBS = f"""
repositories:
  vault-01: {{addresses: ["198.51.100.70", "::ffff:198.51.100.71"], names: [Vault-01.backup.example]}}
  vault-02: {{names: [vault-02.backup.example.]}}
jobs:
  - {{job: restic-lab3, host: lab-3, product: restic, signer: "", sha256: "{SHA.upper()}",
     repositories: [vault-02, Vault-01], vendor_networks: ["198.51.100.0/24"], window: always, daily_bytes: 2000000000,
     owner: "Lab IT", review_by: 2027-01-31}}
  - {{job: nightly, host: fs-01.corp.example, repositories: [vault-01], daily_bytes: 5,
     window: {{cron: "0 1 * * 2", duration: 4h, timezone: Europe/Prague}}}}
"""
SESSIONS = """host,job,repository,started,ended,bytes
fs-01,nightly,vault-01,2026-03-03T00:00:00Z,2026-03-03T04:00:00Z,1000
fs-01.corp.example,nightly,VAULT-01,2026-03-02T01:00:00+01:00,2026-03-02T05:00:00+01:00,900
fs-02,nightly,lost,2026-03-03T00:00:00Z,2026-03-03T04:00:00Z,0
"""


def span(start: str, end: str) -> TimeWindow:
    return TimeWindow(start=datetime.fromisoformat(start + "Z"), end=datetime.fromisoformat(end + "Z"))


TUESDAY = span("2026-03-03T00:00", "2026-03-04T00:00")


def backups(folder: Path, jobs: str | None = JOBS, sessions: str | None = SESSIONS) -> Backups:
    names: dict[str, Path] = {}
    for kind, file, text in (("jobs", "backup_jobs.yaml", jobs), ("sessions", "backup_sessions.csv", sessions)):
        if text is not None:
            (folder / file).write_bytes(text.encode("utf-8", "surrogateescape"))
            names[kind] = Path(file)
    return connect("bak", Settings(**names), SITE, folder)


def ask(enricher: Backups, name: str, topic: str, window: TimeWindow = TUESDAY) -> Enrichment:
    found = enricher.look_up([Observable(kind="host", value=name, role="source")], window)
    (answer,) = [one for one in found if one.topic == topic]
    return answer


def test_a_declared_job_carries_exact_places(tmp_path: Path) -> None:
    (job,) = ask(backups(tmp_path), "lab-3", "backup_jobs").answers
    assert job == BackupJob(
        job="restic-lab3",
        host="lab-3",
        product="restic",
        sha256=SHA,
        always=True,
        daily_bytes=2_000_000_000,
        repositories=("vault-02.backup.example", "vault-01.backup.example", "198.51.100.70", "198.51.100.71"),
        vendor_networks=("198.51.100.0/24",),
        owner="Lab IT",
        review_by=date(2027, 1, 31),
    )


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (TUESDAY, [span("2026-03-03T00:00", "2026-03-03T04:00")]),
        (span("2026-03-03T03:59", "2026-03-03T05:00"), [span("2026-03-03T00:00", "2026-03-03T04:00")]),
        (span("2026-03-03T04:00", "2026-03-04T00:00"), None),
        (span("2026-03-31T00:00", "2026-04-01T00:00"), [span("2026-03-30T23:00", "2026-03-31T03:00")]),
    ],
)
def test_a_job_answers_only_with_windows_that_overlap(
    tmp_path: Path, window: TimeWindow, expected: list[TimeWindow] | None
) -> None:
    answer = ask(backups(tmp_path), "fs-01", "backup_jobs", window)
    jobs = [one for one in answer.answers if isinstance(one, BackupJob)]
    assert [list(job.windows) for job in jobs] == ([] if expected is None else [expected])
    assert not any(job.always for job in jobs)
    assert ("no window in the asked time" in answer.warning) == (expected is None)


@pytest.mark.parametrize(
    ("name", "window", "sizes"),
    [
        ("fs-01", TUESDAY, [1000]),
        ("fs-01", span("2026-03-02T03:59", "2026-03-04T00:00"), [900, 1000]),
        ("fs-01.corp.example", span("2026-03-02T04:00", "2026-03-03T00:00"), []),
        ("fs-01.evil.example", TUESDAY, [1000]),
        ("fs-011", TUESDAY, []),
        ("fs", TUESDAY, []),
    ],
)
def test_sessions_of_this_host_that_overlap(tmp_path: Path, name: str, window: TimeWindow, sizes: list[int]) -> None:
    sessions = [
        one for one in ask(backups(tmp_path), name, "backup_sessions", window).answers if isinstance(one, BackupSession)
    ]
    assert [one.transferred_bytes for one in sessions] == sizes
    assert all("198.51.100.70" in one.destinations for one in sessions)
    assert all(one.started.tzinfo is UTC for one in sessions)


def test_a_session_to_an_unknown_repository_has_no_place_and_says_so(tmp_path: Path) -> None:
    answer = ask(backups(tmp_path), "fs-02", "backup_sessions")
    assert [getattr(one, "destinations", None) for one in answer.answers] == [()]
    assert "repositories without a known place: 'lost'" in answer.warning


def test_only_hosts_are_served(tmp_path: Path) -> None:
    others = [
        Observable(kind="address", value="198.51.100.70", role="destination"),
        Observable(kind="process", value="restic", role="source"),
    ]
    assert backups(tmp_path).look_up(others, TUESDAY) == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{job: x, host: h, repositories: [vault-9], window: always, daily_bytes: 1}", "'vault-9' is not among"),
        ("{job: x, host: h, window: always}", "daily_bytes"),
        ("{job: x, host: h, window: always, daily_bytes: -1}", "daily_bytes"),
        ("{job: x, host: h, window: always, daily_bytes: 1e400}", "daily_bytes"),
        ("{job: x, host: h, daily_bytes: 1}", "window"),
        ("{job: x, host: h, window: sometimes, daily_bytes: 1}", "window"),
        ('{job: x, host: h, window: {cron: "0 1 * * *", duration: 4h}, daily_bytes: 1}', "timezone"),
        ('{job: x, host: h, window: {cron: "H 1 * * *", duration: 4h, timezone: UTC}, daily_bytes: 1}', "Jenkins H"),
        ("{job: x, host: h, window: always, daily_bytes: 1, sha256: abc}", "sha256"),
        ("{job: x, host: h, window: always, daily_bytes: 1, vendor_networks: [0.0.0.0/0]}", "too wide"),
        ("{job: x, window: always, daily_bytes: 1}", "host"),
    ],
)
def test_a_bad_job_is_named_and_the_others_count(tmp_path: Path, entry: str, reason: str) -> None:
    answer = ask(backups(tmp_path, JOBS + f"  - {entry}\n"), "lab-3", "backup_jobs")
    assert len(answer.answers) == 1
    assert "1 row left out: backup_jobs.yaml jobs 3: " in answer.warning
    assert reason in answer.warning


@pytest.mark.parametrize(
    "places",
    ["{}", "{names: ['.backup.example']}", "{names: ['*.backup.example']}", "{addresses: [198.51.100.0/24]}", "x"],
)
def test_a_repository_without_an_exact_place_is_named(tmp_path: Path, places: str) -> None:
    text = JOBS.replace("jobs:\n", f"  vault-03: {places}\njobs:\n")
    enricher = backups(tmp_path, text)
    assert "backup_jobs.yaml repositories 3: " in ask(enricher, "lab-3", "backup_jobs").warning
    assert len(ask(enricher, "lab-3", "backup_jobs").answers) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("fs-01,n,vault-01,2026-03-03T04:00:00Z,2026-03-03T04:00:00Z,1", "ended must be after started"),
        ("fs-01,n,vault-01,2026-03-03T04:00:00Z,2026-05-03T04:00:00Z,1", "at most 31 days"),
        ("fs-01,n,vault-01,2026-03-03T04:00:00Z,,1", "ended"),
        ("fs-01,n,vault-01,2026-03-03T04:00:00,2026-03-03T05:00:00Z,1", "a time without zone"),
        ("fs-01,n,vault-01,2026-03-03T04:00:00Z,2026-03-03T05:00:00Z,-1", "bytes"),
        (f"fs-01,n,vault-01,2026-03-03T04:00:00Z,2026-03-03T05:00:00Z,{'9' * 5000}", "bytes"),
        ("fs-01,n", "2 cells"),
    ],
)
def test_a_bad_session_is_named_and_the_others_count(tmp_path: Path, row: str, reason: str) -> None:
    answer = ask(backups(tmp_path, sessions=SESSIONS + row + "\n"), "fs-01", "backup_sessions")
    assert len(answer.answers) == 1
    assert "backup_sessions.csv:5: " in answer.warning
    assert reason in answer.warning


def test_sessions_need_their_repositories(tmp_path: Path) -> None:
    enricher = backups(tmp_path, jobs="jobs: [")
    for topic in ("backup_jobs", "backup_sessions"):
        assert "backup_jobs.yaml:1: not YAML" in (ask(enricher, "fs-01", topic).unavailable or "")
    assert [result.ok for result in enricher.check()] == [False, False, True]


@pytest.mark.parametrize("text", ["jobs: {a: b}", "repositories: []", "job: []", "- 1", "timezone: Mars/X"])
def test_a_document_of_another_shape_is_unavailable(tmp_path: Path, text: str) -> None:
    assert "expected the keys" in (ask(backups(tmp_path, text), "fs-01", "backup_jobs").unavailable or "")


def test_each_file_alone(tmp_path: Path) -> None:
    assert backups(tmp_path, sessions=None).topics == ("backup_jobs",)
    alone = backups(tmp_path, jobs=None)
    assert alone.topics == ("backup_sessions",)
    assert [getattr(one, "destinations", None) for one in ask(alone, "fs-01", "backup_sessions").answers] == [()]
    with pytest.raises(ValidationError):
        Settings()


@examples(30)
@given(st.binary(max_size=200))
def test_any_bytes_give_answers_or_a_reason(tmp_path: Path, raw: bytes) -> None:
    enricher = backups(tmp_path)
    (tmp_path / "backup_sessions.csv").write_bytes(SESSIONS.encode() + raw)
    assert len(ask(enricher, "fs-01", "backup_sessions").answers) >= 1
    enricher = backups(tmp_path)
    (tmp_path / "backup_jobs.yaml").write_bytes(raw)
    answer = ask(enricher, "lab-3", "backup_jobs")
    assert answer.answers == ()
