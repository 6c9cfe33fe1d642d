"""The exceptions file: read whole or refused with the reason, replaced in one step."""

import json
import os
from datetime import date, timedelta

import pytest

from playbook import suppressions
from playbook.errors import ConfigError
from playbook.model.site import ExceptionEntry

TODAY = date(2026, 11, 24)


def entry(**change):
    values = {
        "exception_id": "X-1",
        "owner": "netops",
        "reason": "probe",
        "source": "10.0.0.1",
        "destination": "203.0.113.66",
        "entered": TODAY,
        "ends": TODAY + timedelta(days=30),
    }
    return ExceptionEntry(**(values | change))


ONE_INDICATOR = {"source": "", "destination": "", "indicator": "probe.example"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        ONE_INDICATOR,
        {"ends": TODAY},
        {"ends": TODAY + timedelta(days=180)},
        {"source": "10.0.0.0/8"},
        {"destination": "2001:db8::/32"},
        {"source": "ws-31.corp.example"},
    ],
)
def test_a_whole_entry_has_no_fault_and_comes_back_as_written(tmp_path, change):
    path = tmp_path / "exceptions.json"
    assert suppressions.faults_of(entry(**change)) == ()
    suppressions.write(path, (entry(**change),))
    assert suppressions.read(path) == (entry(**change),)


REFUSED = [
    ({"ends": TODAY + timedelta(days=181)}, "more than 180 days"),
    ({"ends": TODAY - timedelta(days=1)}, "before it was entered"),
    ({"source": ""}, "scope"),
    ({"destination": ""}, "scope"),
    ({"source": "", "destination": ""}, "scope"),
    (ONE_INDICATOR | {"indicator": "0.0.0.0/0"}, "not one address or domain"),
    (ONE_INDICATOR | {"indicator": "*.example"}, "not one address or domain"),
    ({"source": "0.0.0.0/0"}, "too wide"),
    ({"destination": "::/0"}, "too wide"),
    ({"destination": "64.0.0.0/7"}, "too wide"),
    ({"source": "*"}, "pattern"),
    ({"destination": "*.example"}, "pattern"),
]


@pytest.mark.parametrize(("change", "why"), REFUSED)
def test_an_entry_that_is_over_long_unscoped_or_as_wide_as_the_world_is_refused(tmp_path, change, why):
    path = tmp_path / "exceptions.json"
    suppressions.write(path, (entry(), entry(exception_id="X-2", **change)))
    with pytest.raises(ConfigError, match="X-2") as fault:
        suppressions.read(path)
    assert why in str(fault.value) and "X-1" not in str(fault.value)


def test_every_fault_is_told_at_once(tmp_path):
    path = tmp_path / "exceptions.json"
    suppressions.write(path, [entry(exception_id=f"X-{n}", **change) for n, (change, _) in enumerate(REFUSED)])
    with pytest.raises(ConfigError) as fault:
        suppressions.read(path)
    assert str(fault.value).count("\n") >= len(REFUSED) - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"exceptions": 7}',
        '{"exceptions": [{}]}',
        '{"exceptions": [',
        "\x00",
        '{"exceptions": null}',
        "[" * 100_000,
        '{"exceptions": [{"exception_id": "X", "owner": "", "reason": "", "entered": "2026-01-01",'
        ' "ends": "2026-01-02"}]}',
        '{"exceptions": [{"exception_id": "X", "owner": "o", "reason": "r", "entered": "never",'
        ' "ends": "2026-01-02"}]}',
    ],
)
def test_a_file_that_cannot_be_read_never_counts_as_empty(tmp_path, text):
    path = tmp_path / "exceptions.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"exceptions\.json"):
        suppressions.read(path)


def test_bytes_that_are_no_text_and_a_folder_are_refused(tmp_path):
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "bad.json", tmp_path):
        with pytest.raises(ConfigError):
            suppressions.read(path)


@pytest.mark.parametrize("name", ["x" * 300, "/dev/zero", "a\0b", "loop"])
def test_a_name_that_no_file_can_have_and_a_file_without_end_are_refused(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError):
        suppressions.read(tmp_path / name)


def test_no_file_yet_is_empty(tmp_path):
    assert suppressions.read(None) == suppressions.read(tmp_path / "none.json") == ()


def test_a_write_that_fails_leaves_the_old_entries_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "exceptions.json"
    suppressions.write(path, (entry(),))

    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="no space"):
        suppressions.write(path, ())
    assert suppressions.read(path) == (entry(),)
    assert [p.name for p in tmp_path.iterdir()] == ["exceptions.json"]


def test_a_reader_during_a_write_sees_the_old_entries(tmp_path, monkeypatch):
    path, seen = tmp_path / "exceptions.json", []
    suppressions.write(path, (entry(),))
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(suppressions.read(path)))
    suppressions.write(path, (entry(), entry(exception_id="X-2")))
    assert seen == [(entry(),)] and len(suppressions.read(path)) == 2
    assert json.loads(path.read_text())["exceptions"][1]["exception_id"] == "X-2"


def test_identities_are_dated_and_fresh():
    assert suppressions.new_id(TODAY).startswith("X-20261124-")
    assert len({suppressions.new_id(TODAY) for _ in range(20)}) == 20
