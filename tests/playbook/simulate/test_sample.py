"""The shipped sample is what the simulator writes, is small, and its files say what the formats ask for."""

import csv
import gzip
import json
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

import playbook.sample
from playbook.model.site import ExceptionEntry, Networks
from playbook.simulate import sample_day
from playbook.simulate.sample import write_sample

SHIPPED = Path(playbook.sample.__file__).parent


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


def files_in(folder):
    return {
        p.relative_to(folder).as_posix(): p
        for p in folder.rglob("*")
        if p.is_file() and p.suffix not in {".py", ".pyc"}
    }


def content(path):
    # Compared unpacked: what gzip makes of the same bytes differs from one zlib to the next.
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_the_shipped_files_are_what_the_simulator_writes(rebuilt):
    shipped, fresh = files_in(SHIPPED), files_in(rebuilt)
    assert shipped.pop("serve.toml"), "written by hand: how the sample is served"
    assert shipped.keys() == fresh.keys()
    assert [name for name in fresh if content(shipped[name]) != content(fresh[name])] == []


def test_building_twice_gives_the_same_bytes(rebuilt, tmp_path):
    write_sample(tmp_path)
    assert {n: p.read_bytes() for n, p in files_in(tmp_path).items()} == {
        n: p.read_bytes() for n, p in files_in(rebuilt).items()
    }


def test_the_sample_is_under_300_kilobytes():
    assert sum(path.stat().st_size for path in files_in(SHIPPED).values()) < 300_000


def test_the_configuration_names_only_files_that_exist_but_for_the_dead_enricher():
    config = tomllib.loads((SHIPPED / "sample.toml").read_text())
    Networks.model_validate(config["networks"])
    named = {
        value
        for table in config["enrichers"].values()
        for key, value in table.items()
        if key in {"hosts", "processes", "software", "jobs", "sessions", "path"}
    }
    assert {name for name in named if not (SHIPPED / name).exists()} == {"branch_sessions.csv"}
    assert (SHIPPED / config["policy"]["exceptions"]).exists()


def test_one_exception_is_live_on_the_sample_clock_and_one_has_ended():
    entries = [
        ExceptionEntry.model_validate(e) for e in json.loads((SHIPPED / "exceptions.json").read_text())["exceptions"]
    ]
    today = date.fromisoformat(tomllib.loads((SHIPPED / "sample.toml").read_text())["policy"]["now"][:10])
    assert {e.source: e.ends >= today for e in entries} == {
        sample_day.LIVE.address: True,
        sample_day.EXPIRED.address: False,
    }
    assert all((e.ends - e.entered).days <= 180 for e in entries)


def test_the_session_covers_the_backup_and_its_bytes():
    (session,) = rows("backup_sessions.csv")
    sent = [
        c
        for c in sample_day.simulate().telemetry.connections
        if (c.src_ip, c.dst_ip) == (sample_day.FILES.address, sample_day.VAULT)
    ]
    assert session["host"] == sample_day.FILES.name
    assert session["started"] <= "2026-03-02T00:05:00Z" < "2026-03-02T03:40:00Z" <= session["ended"]
    assert 0.5 <= sum(c.orig_bytes for c in sent) / int(session["bytes"]) <= 2
    repositories = yaml.safe_load((SHIPPED / "backup_jobs.yaml").read_text())["repositories"]
    assert repositories[session["repository"]]["addresses"] == [sample_day.VAULT]


def test_the_approved_hash_owns_the_detected_sockets_of_one_swarm_only():
    (approved,) = rows("software.csv")
    owners = {(r["hostname"], r["dst_ip"]): r for r in rows("processes.csv")}
    first, second = owners["media-01", sample_day.SWARM[0]], owners["media-02", sample_day.OTHER_SWARM[0]]
    assert first["sha256"] == approved["sha256"] != second["sha256"]
    assert int(first["outside_addresses"]) >= 50 <= int(second["outside_addresses"])


def test_every_machine_is_in_the_inventory():
    assert {r["hostname"]: r["addresses"] for r in rows("hosts.csv")} == {
        m.name: m.address for m in sample_day.MACHINES
    }
    assert len(sample_day.MACHINES) >= 50


def test_the_windows_file_declares_the_runner_and_its_target():
    windows = yaml.safe_load((SHIPPED / "windows.yaml").read_text())
    (test,) = [w for w in windows["windows"] if w["kind"] == "test"]
    assert (test["hosts"], test["targets"]) == (["runner-01"], [sample_day.STAGING])
    assert sample_day.STAGING in windows["owned"][0]["targets"]


def test_the_page_lists_every_expected_host():
    page = (SHIPPED / "ABOUT.md").read_text()
    assert all(f"| {host} | {expected.address} |" in page for host, expected in sample_day.EXPECTED.items())


def rows(name):
    with (SHIPPED / name).open(newline="") as stream:
        return list(csv.DictReader(stream))
