"""detect prints rows that a spreadsheet and a terminal can be given."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.sources.logs.files import named
from playbook.__main__ import cli
from playbook.cli._log_options import known_formats
from playbook.cli.detect import command

RULES = ("botnet_beaconing", "long_connection", "all")
_HEAD = "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"


def printed(folder: Path, hostname: str, process: str) -> dict[str, str]:
    rows = [f"{1772409600 + n * 600},{hostname},10.1.2.3,45.60.1.1,6667,10,10,{process}\n" for n in range(60)]
    (folder / "a.csv").write_text(_HEAD + "".join(rows), encoding="utf-8")
    done = CliRunner().invoke(command, [str(folder / "a.csv"), "--csv"])
    assert done.exit_code == 0
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    return row


def test_what_a_host_wrote_is_no_formula_and_no_terminal_sequence(tmp_path: Path) -> None:
    row = printed(tmp_path, "=cmd|calc!A1\x1b]0;owned\x07\x1b[31m", "@sum\x1b[2J")
    assert (row["hostname"], row["processes"]) == ("'=cmd|calc!A1", "'@sum")


def test_ordinary_names_stay_as_they_are(tmp_path: Path) -> None:
    row = printed(tmp_path, "ws-60.corp.example", "chrome.exe")
    assert (row["hostname"], row["processes"]) == ("ws-60.corp.example", "chrome.exe")


def test_formats_have_one_name_everywhere(tmp_path: Path) -> None:
    assert set(known_formats()) == {"auto", *named()}
    (tmp_path / "a.log").write_text("nothing that anybody knows\n" * 9, encoding="utf-8")
    fault = str(CliRunner().invoke(command, [str(tmp_path / "a.log")]).exception)
    assert f"known: {', '.join(named())}" in fault and "canonical" not in fault and "nfdump" not in fault
    believed = CliRunner().invoke(command, [str(tmp_path / "a.log"), "--format", "netflow"])
    assert believed.exit_code == 4 and "9 rejected" in believed.output and "a.log:1: first seen is" in believed.output
    (tmp_path / "playbook.toml").write_text('[sources.x]\nkind = "logs"\npaths = ["a.log"]\nformat = "bro"\n')
    told = CliRunner().invoke(cli, ["check", "--config", str(tmp_path / "playbook.toml")]).output
    assert f"format 'bro' is not known; known: auto, {', '.join(named())}" in told


@pytest.mark.parametrize("name", ["auto", "csv", "canonical"])
def test_a_csv_without_our_columns_says_all_that_it_needs(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_text("time,src_ip,dst_ip,dst_port\n1772409600,10.1.2.3,45.60.1.1,443\n")
    (tmp_path / "playbook.toml").write_text(f'[sources.x]\nkind = "logs"\npaths = ["a.csv"]\nformat = "{name}"\n')
    done = CliRunner().invoke(cli, ["run", "--config", str(tmp_path / "playbook.toml")])
    assert "this CSV lacks the columns hostname, bytes_sent, bytes_rcvd, process_name; expected at least time,hos" in (
        str(done.exception)
    )


def test_other_detections_are_counted_and_shown_when_they_are_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "conn.csv"
    head = "time,hostname,src_ip,src_port,dst_ip,dst_port,proto,bytes_sent,bytes_rcvd,process_name,duration\n"
    log.write_text(f"{head}1772409600,,10.1.2.3,50000,8.8.4.4,443,tcp,1000,1000,,{9 * 3600}\n", encoding="utf-8")
    shown = {rule: CliRunner().invoke(cli, ["detect", str(log), "--json", "--rule", rule]) for rule in RULES}
    documents = {rule: json.loads(result.stdout) for rule, result in shown.items()}
    assert {rule: [row["rule"] for row in document["detections"]] for rule, document in documents.items()} == {
        "botnet_beaconing": [],
        "long_connection": ["long_connection"],
        "all": ["long_connection"],
    }
    assert documents["botnet_beaconing"]["not_shown"] == {"long_connection": 1}
    plain = CliRunner().invoke(cli, ["detect", str(log)])
    assert "not shown: 1 row of long_connection (--rule long_connection)" in plain.stderr
