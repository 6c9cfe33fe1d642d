"""Socket owners from Sysmon: the join by ProcessGuid and computer, its bounds, and bad rows."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.enrichers import sysmon
from connectors.enrichers.sysmon import Settings, SysmonOwners, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, SocketOwner
from playbook.model.observable import Observable
from playbook.model.site import Networks, Site
from tests.connectors.sources.logs.formats.test_sysmon import CONNECTION, FORMS, Form, nxlog
from tests.support.log_fixtures import real
from tests.support.processes import run_config

NOW = datetime(2026, 3, 10, tzinfo=UTC)
WINDOW = TimeWindow(start=datetime(2026, 3, 1, tzinfo=UTC), end=NOW)
SHA = "ab" * 32
IMAGE = r"C:\Users\ann\AppData\Local\Temp\nc.exe"
START = {
    "UtcTime": "2026-03-01 09:00:00.000",
    "ProcessGuid": "{G-1}",
    "Image": IMAGE,
    "CommandLine": "nc.exe\n-e cmd",
    "Hashes": f"MD5={'0' * 32},SHA256={SHA.upper()},IMPHASH={'1' * 32}",
}


def owners(folder: Path, *rows: dict[str, Any] | str, **settings: Any) -> SysmonOwners:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    (folder / "sysmon.jsonl.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    site = Site(networks=Networks(lab=("203.0.113.0/24",)), now=NOW)
    return connect("sysmon", Settings(**{"paths": ("sysmon.jsonl.gz",)} | settings), site, folder)


def ask(enricher: SysmonOwners, name: str = "ws-7.example") -> Enrichment:
    (answer,) = enricher.look_up([Observable(kind="host", value=name, role="source")], WINDOW)
    return answer


@pytest.mark.parametrize("form", FORMS)
def test_a_start_and_a_connection_are_joined_in_every_form(tmp_path: Path, form: Form) -> None:
    answer = ask(owners(tmp_path, form(3, CONNECTION), form(1, START), form(7, {"UtcTime": "x"})))
    assert answer.answers == (
        SocketOwner(
            process_name="nc.exe",
            path=IMAGE,
            sha256=SHA,
            command_line="nc.exe -e cmd",
            dst_ip="203.0.113.9",
            dst_port=443,
            outside_addresses=1,
            seen=datetime(2026, 3, 1, 10, 0, 0, 250000, tzinfo=UTC),
            written_by="host",
        ),
    )
    assert (answer.unavailable, answer.warning, answer.topic) == (None, "", "processes")
    assert answer.answers[0].signed is None and answer.answers[0].signer == ""


@pytest.mark.parametrize("change", [{"ProcessGuid": "{G-2}"}, {"Hostname": "ws-8.example"}])
def test_another_process_or_computer_lends_nothing(tmp_path: Path, change: dict[str, str]) -> None:
    (owner,) = ask(owners(tmp_path, nxlog(1, START) | change, nxlog(3, CONNECTION))).answers
    assert (owner.path, owner.sha256, owner.command_line) == (r"C:\Tools\nc.exe", "", "")


def test_one_answer_a_day_with_the_outside_addresses_of_that_day(tmp_path: Path) -> None:
    def to(address: str, stamp: str) -> dict[str, Any]:
        return nxlog(3, CONNECTION | {"DestinationIp": address, "UtcTime": stamp})

    found = ask(
        owners(
            tmp_path,
            to("203.0.113.9", "2026-03-01 10:00:00"),
            to("203.0.113.9", "2026-03-01 11:00:00"),
            to("203.0.113.8", "2026-03-01 12:00:00"),
            to("10.0.0.1", "2026-03-01 12:00:00"),
            to("203.0.113.9", "2026-03-02 00:00:00"),
        )
    )
    told = {(o.dst_ip, f"{o.seen:%d %H}"): o.outside_addresses for o in found.answers if o.seen}
    assert told == {
        ("203.0.113.9", "01 11"): 2,
        ("203.0.113.8", "01 12"): 2,
        ("10.0.0.1", "01 12"): 2,
        ("203.0.113.9", "02 00"): 1,
    }
    assert found.as_of == datetime(2026, 3, 2, tzinfo=UTC) and found.answers[0].seen == found.as_of


def test_connections_of_the_other_end_and_other_channels_own_nothing(tmp_path: Path) -> None:
    quiet = owners(tmp_path, nxlog(3, CONNECTION | {"Initiated": "false"}), nxlog(3, CONNECTION) | {"Channel": "Other"})
    assert ask(quiet).answers == () and ask(quiet).unavailable is None
    (result,) = quiet.check()
    assert result.ok and result.message.startswith("1 events, 0 process starts, 0 sockets")


def test_bad_rows_are_counted_and_named(tmp_path: Path) -> None:
    answer = ask(
        owners(
            tmp_path,
            nxlog(3, CONNECTION),
            '{"EventID": 3,',
            nxlog(3, CONNECTION | {"DestinationIp": "x"}),
            nxlog(3, CONNECTION | {"UtcTime": "late"}),
            nxlog(3, CONNECTION | {"ProcessGuid": ""}),
            "[]",
            nxlog(3, CONNECTION) | {"Hostname": ""},
        )
    )
    assert len(answer.answers) == 1
    assert answer.warning == (
        "6 rows left out: sysmon.jsonl.gz:2: not a JSON object; sysmon.jsonl.gz:3: DestinationIp and DestinationPort: "
        "expected an address and a port; sysmon.jsonl.gz:4: UtcTime is not usable: 'late'"
    )


def test_what_is_cut_is_not_known_to_be_absent(tmp_path: Path) -> None:
    long = nxlog(3, CONNECTION | {"CommandLine": "x" * 600_000})
    cut = owners(tmp_path, nxlog(3, CONNECTION), long, long, most_mb=1)
    assert len(ask(cut).answers) == 1 and "the rest is not read" in ask(cut).warning
    assert "the rest is not read" in (ask(cut, "ws-9.example").unavailable or "")
    whole = (tmp_path / "sysmon.jsonl.gz").read_bytes()
    (tmp_path / "sysmon.jsonl.gz").write_bytes(whole[:-9])
    again = connect("sysmon", Settings(paths=("sysmon.jsonl.gz",)), Site(now=NOW), tmp_path)
    assert "cannot be read to its end" in (ask(again, "ws-9.example").unavailable or "")


def test_too_many_sockets_end_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysmon, "MAX_SOCKETS", 3)
    answer = ask(owners(tmp_path, *(nxlog(3, CONNECTION | {"DestinationPort": n}) for n in range(9))))
    assert len(answer.answers) == 3 and answer.warning.startswith("sysmon.jsonl.gz:4: more than 1024 MB, 3 sockets")


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        (("none.jsonl",), "no such file or folder"),
        (("other.log",), "no Sysmon event in other.log"),
    ],
)
def test_nothing_to_read_is_unavailable(tmp_path: Path, paths: tuple[str, ...], reason: str) -> None:
    (tmp_path / "other.log").write_text("#fields\tts\nnot json\n")
    enricher = connect("sysmon", Settings(paths=paths), Site(now=NOW), tmp_path)
    assert reason in (ask(enricher).unavailable or "") and not enricher.check()[0].ok


def test_only_hosts_are_asked_about(tmp_path: Path) -> None:
    enricher = owners(tmp_path, nxlog(3, CONNECTION))
    assert enricher.look_up([Observable(kind="address", value="10.0.0.5", role="source")], WINDOW) == ()


CONFIG = """
[networks]
lab = ["203.0.113.0/24"]
[sources.endpoint]
kind = "logs"
paths = ["sysmon.jsonl.gz"]
[enrichers.sysmon]
kind = "sysmon"
paths = ["sysmon.jsonl.gz"]
[enrichers.inventory]
kind = "inventory"
hosts = "hosts.csv"
"""


@pytest.mark.parametrize(("address", "told"), [("10.0.0.5", True), ("10.0.0.6", False)], ids=["proven", "not proven"])
def test_a_run_hears_of_the_process_when_an_inventory_proves_the_host(tmp_path: Path, address: str, told: bool) -> None:
    rows = [CONNECTION | {"UtcTime": f"2026-03-01 {10 + n // 60}:{n % 60:02}:00"} for n in range(200)]
    owners(tmp_path, nxlog(1, START), *(nxlog(3, row) for row in rows))
    (tmp_path / "hosts.csv").write_text(f"hostname,addresses,roles\nws-7.example,{address},workstation\n")
    (tmp_path / "playbook.toml").write_text(CONFIG)
    (case,) = run_config(tmp_path / "playbook.toml").cases
    (judged,) = case.detections
    reasons = {evidence.rule: evidence.reason for evidence in judged.verdict.evidence}
    assert ("untrusted_process" in reasons) is told
    assert not told or IMAGE in reasons["untrusted_process"]


@pytest.mark.real_data
def test_the_public_sample_gives_an_owner_for_every_opened_connection() -> None:
    path = real("sysmon/covenant_psremoting_grunt.eid3-22.jsonl.gz")
    with gzip.open(path, "rt") as text:
        rows = [json.loads(line) for line in text]
    opened = {
        (r["Hostname"].lower(), r["ProcessGuid"], r["DestinationIp"], r["DestinationPort"], r["Image"])
        for r in rows
        if r["EventID"] == 3 and r["Initiated"] == "true"
    }
    enricher = connect("sysmon", Settings(paths=(path,)), Site(now=NOW), Path())
    for host in {one[0] for one in opened}:
        found = ask(enricher, host).answers
        assert len(found) == len({one[1:4] for one in opened if one[0] == host})
        assert {o.path.lower() for o in found if isinstance(o, SocketOwner)} == {
            one[4].lower() for one in opened if one[0] == host
        }
