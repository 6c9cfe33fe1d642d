"""detect prints rows that a spreadsheet and a terminal can be given."""

import csv
import io
from pathlib import Path

from click.testing import CliRunner

from playbook.commands.detect import command

_HEAD = "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"


def printed(folder: Path, hostname: str, process: str) -> dict[str, str]:
    rows = [f"{1772409600 + n * 600},{hostname},10.1.2.3,45.60.1.1,6667,10,10,{process}\n" for n in range(60)]
    (folder / "a.csv").write_text(_HEAD + "".join(rows), encoding="utf-8")
    done = CliRunner().invoke(command, [str(folder / "a.csv"), "--csv"])
    assert done.exit_code == 0
    row, = csv.DictReader(io.StringIO(done.stdout))
    return row


def test_what_a_host_wrote_is_no_formula_and_no_terminal_sequence(tmp_path: Path) -> None:
    row = printed(tmp_path, "=cmd|calc!A1\x1b]0;owned\x07\x1b[31m", "@sum\x1b[2J")
    assert (row["hostname"], row["processes"]) == ("'=cmd|calc!A1", "'@sum")


def test_ordinary_names_stay_as_they_are(tmp_path: Path) -> None:
    row = printed(tmp_path, "ws-60.corp.example", "chrome.exe")
    assert (row["hostname"], row["processes"]) == ("ws-60.corp.example", "chrome.exe")
