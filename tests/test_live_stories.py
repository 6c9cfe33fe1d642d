"""Live sources through the user's door, in pairs: an honest host is closed, and its forged twin never is."""

import pytest

from playbook.simulate import scenarios
from tests.emulators.ci import GitLabServer, gitlab_job
from tests.emulators.netbox import NetBoxServer, choice, ip, machine
from tests.emulators.site import site
from tests.emulators.veeam import VeeamServer, s3, task
from tests.support.live_stories import judged, moments, rows_of

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]


def verdict_by_veeam(tmp_path, monkeypatch, change=None, scale=1.0, answers=True):
    scenario = scenarios.managed_backup()
    (row,) = rows_of(scenario, "backup_sessions.csv")
    start, end = (moment.isoformat() for moment in moments(row))
    ran = task(1, row["host"], start, end, int(int(row["bytes"]) * scale)) | (change or {})
    places = [scenarios.VAULT, scenarios.VAULT_NAME]
    server = VeeamServer("pw-of-viewer", "token-1", [ran], [s3(1, "vault-01", "unused", "eu-west-1")])
    server.may_read = answers
    monkeypatch.setenv("VEEAM_PASSWORD", "pw-of-viewer")
    with site(server) as url:
        return judged(
            scenario,
            tmp_path,
            ["backup_sessions.csv", "backup_jobs.yaml"],
            {
                "kind": "veeam",
                "base_url": url,
                "user": "viewer",
                "password_env": "VEEAM_PASSWORD",
                "repositories": {"vault-01": places},
            },
        ).verdict


def test_a_backup_that_veeam_recorded_is_closed(tmp_path, monkeypatch):
    verdict = verdict_by_veeam(tmp_path, monkeypatch)
    assert (verdict.disposition, verdict.status) == ("BENIGN_POSITIVE", "closed"), verdict.reasons


@pytest.mark.parametrize(
    ("change", "scale"),
    [
        ({"name": "fs-010"}, 1.0),
        ({"name": "fs-01.other.example", "type": "Restore"}, 1.0),
        ({"progress": None}, 1.0),
        ({"endTime": None}, 1.0),
        ({"repositoryId": "another"}, 1.0),
        (None, 0.3),
    ],
)
def test_a_record_that_does_not_fit_closes_nothing(tmp_path, monkeypatch, change, scale):
    verdict = verdict_by_veeam(tmp_path, monkeypatch, change, scale)
    assert verdict.disposition in ("UNDETERMINED", "TRUE_POSITIVE"), verdict.reasons


def test_a_server_that_refuses_leaves_the_question_open(tmp_path, monkeypatch):
    verdict = verdict_by_veeam(tmp_path, monkeypatch, answers=False)
    assert verdict.disposition == "UNDETERMINED" and any("permission is missing" in r for r in verdict.reasons)


def verdict_by_netbox(tmp_path, monkeypatch, **change):
    """The same backup, whose host only NetBox knows: the inventory files are gone."""
    scenario = scenarios.managed_backup()
    server = NetBoxServer(
        "token-of-viewer", [ip(1, "10.1.0.20/24", device=11) | change], [machine(11, "fs-01", "server")]
    )
    monkeypatch.setenv("NETBOX_TOKEN", "token-of-viewer")
    with site(server) as url:
        return judged(
            scenario, tmp_path, ["hosts.csv"], {"kind": "netbox", "base_url": url, "token_env": "NETBOX_TOKEN"}
        ).verdict


def test_a_host_that_netbox_knows_is_the_one_that_was_backed_up(tmp_path, monkeypatch):
    assert verdict_by_netbox(tmp_path, monkeypatch).disposition == "BENIGN_POSITIVE"


@pytest.mark.parametrize(
    "change",
    [
        {"status": choice("dhcp")},
        {"role": choice("vip")},
        {"last_updated": "2026-03-02T12:00:00Z"},
        {"last_updated": None},
        {"address": "10.1.0.21/24"},
        {"assigned_object": None},
    ],
)
def test_a_host_that_netbox_does_not_prove_is_not(tmp_path, monkeypatch, change):
    assert verdict_by_netbox(tmp_path, monkeypatch, **change).disposition != "BENIGN_POSITIVE"


def verdict_by_gitlab(tmp_path, monkeypatch, targets=(scenarios.STAGING,), **change):
    """A load test that no calendar knows: GitLab ran it."""
    scenario = scenarios.load_test()
    job = gitlab_job(1, "load-test", "2026-03-02T09:00:00+01:00", "2026-03-02T20:00:00+01:00")
    server = GitLabServer("token-of-ci", {"17": [job | change]}, {"17": ["s_aaa"]})
    monkeypatch.setenv("GITLAB_TOKEN", "token-of-ci")
    with site(server) as url:
        return judged(
            scenario,
            tmp_path,
            ["windows.yaml"],
            {
                "kind": "gitlab",
                "base_url": url,
                "token_env": "GITLAB_TOKEN",
                "runners": {"runner-01": "17"},
                "projects": ["acme/shop"],
                "refs": ["main"],
                "tests": {"load-test": list(targets)},
            },
        ).verdict


def test_a_load_test_that_gitlab_ran_is_closed(tmp_path, monkeypatch):
    verdict = verdict_by_gitlab(tmp_path, monkeypatch)
    assert (verdict.disposition, verdict.status) == ("BENIGN_POSITIVE", "closed"), verdict.reasons


@pytest.mark.parametrize(
    "change",
    [
        {"name": "build"},
        {"ref": "feature"},
        {"project": {"path_with_namespace": "mallory/shop"}},
        {"finished_at": "2026-03-02T09:05:00+01:00"},
        {"started_at": None},
        {"targets": ["203.0.113.250"]},
    ],
)
def test_a_job_that_does_not_fit_closes_nothing(tmp_path, monkeypatch, change):
    assert verdict_by_gitlab(tmp_path, monkeypatch, **change).disposition != "BENIGN_POSITIVE"
