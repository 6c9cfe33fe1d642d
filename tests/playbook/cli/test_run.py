"""run as a newcomer meets it: what cannot be read is told at once, and the last line of the output is true."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import playbook.sample
from playbook.__main__ import cli
from playbook.reference_data import asn, lists

SAMPLE = Path(next(iter(playbook.sample.__path__))) / "sample.toml"
_HEAD = "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"
_INVENTORY = '[sources.box]\nkind = "logs"\npaths = ["a.csv"]\n'
_INVENTORY += '[enrichers.own]\nkind = "inventory"\nhosts = "hosts.csv"\n'
_HOSTS = "hostname,addresses,owner\n"


def a_folder(
    folder: Path,
    hosts: str | None,
    dst: str = "8.8.8.8",
    port: int = 53,
    tables: str = _INVENTORY,
    now: str = "2026-03-03T00:00:00Z",
) -> Path:
    """A day of one tuple, DNS to a public resolver unless told otherwise, and an inventory; null: there is none.

    The run judges as of ``now``, when no embedded table is old.
    """
    rows = [f"{1772409600 + n * 300},,10.1.2.3,{dst},{port},10,10,\n" for n in range(288)]
    (folder / "a.csv").write_text(_HEAD + "".join(rows), encoding="utf-8")
    if hosts is not None:
        (folder / ("hosts.txt" if "hosts.txt" in tables else "hosts.csv")).write_text(hosts, encoding="utf-8")
    (folder / "playbook.toml").write_text(f'[policy]\nnow = "{now}"\n{tables}', encoding="utf-8")
    return folder / "playbook.toml"


def called(config: Path, *more: str, width: str = "200") -> Result:
    return CliRunner().invoke(cli, ["run", "--config", str(config), *more], env={"COLUMNS": width})


def warned(config: Path) -> list[str]:
    """The warnings of the run that speak of the inventory."""
    done = called(config, "--json")
    assert done.exit_code == 0, done.output
    return [w for w in json.loads(done.stdout)["warnings"] if w.startswith("enrichers.")]


@pytest.mark.parametrize(
    ("dst", "port"),
    [("8.8.8.8", 53), ("198.51.100.9", 443), ("45.60.1.1", 4444)],
    ids=["all filtered", "nothing global", "a case"],
)
@pytest.mark.parametrize(
    ("hosts", "why"),
    [
        (None, "hosts.csv: cannot be read: No such file or directory"),
        ("name;ip\nws-1;10.1.2.3\n", "hosts.csv: no column hostname; expected a header row with the columns hostname,"),
        (
            "hostname,addresses\nws-1,yes\n",
            "none of its 1 rows can be used; first: hosts.csv:2: addresses: expected an IP",
        ),
    ],
    ids=["missing", "other columns", "no good row"],
)
def test_an_inventory_that_cannot_be_used_is_told_once_whatever_was_found(tmp_path, hosts, why, dst, port):
    config = a_folder(tmp_path, hosts, dst, port)
    (told,) = warned(config)
    assert told.startswith("enrichers.own: host: ") and why in told
    text = called(config).stdout
    assert text.count(why.partition(";")[0]) == 1, text


def test_a_row_that_was_cut_is_told_with_its_line_and_the_others_count(tmp_path):
    (told,) = warned(a_folder(tmp_path, f"{_HOSTS}ws-1,10.1.2.3,Ann\nws-2,10.1"))
    assert told == f"enrichers.own: host: 1 row left out: hosts.csv:3: 2 cells; expected 3; hosts.csv: {_CUT}"


def test_an_inventory_that_is_whole_is_not_spoken_of(tmp_path):
    assert warned(a_folder(tmp_path, f"{_HOSTS}ws-1,10.1.2.3,Ann")) == []


def test_an_embedded_table_that_is_old_is_named_once(tmp_path):
    """Each by its date, whatever the day of the test; a database of the user's answers in place of the AS table."""
    old = max(asn.AS_OF, lists.AS_OF) + timedelta(days=181)
    config = a_folder(tmp_path, f"{_HOSTS}ws-1,10.1.2.3,Ann", "45.60.1.1", 4444, now=f"{old}T00:00:00Z")
    assert sorted(one.partition(" is of ")[2] or one.partition(" are of ")[2] for one in warned(config)) == sorted(
        f"{day}, over 180 days old" for day in (asn.AS_OF, lists.AS_OF)
    )


def test_why_nothing_is_stored_is_true(tmp_path):
    config = a_folder(tmp_path, f"{_HOSTS}ws-1,10.1.2.3,Ann", "45.60.1.1", 4444)
    assert "dry run: nothing is stored" in called(config, "--dry-run").stdout
    bare = called(config).stdout
    assert "nothing is stored: no [state] is set" in bare and "dry run" not in bare
    config.write_text(f'{_INVENTORY}[state]\nurl = "sqlite:///{tmp_path}/state.db"\n', encoding="utf-8")
    kept = called(config).stdout
    assert "nothing is stored" not in kept and "dry run" not in kept and "Tickets: 0" not in kept


@pytest.mark.parametrize("hosts", [None, "hostname\n\n", "name\nws-1\n"])
def test_check_says_no_name_twice(tmp_path, monkeypatch, hosts):
    monkeypatch.chdir(a_folder(tmp_path, hosts).parent)
    done = CliRunner().invoke(cli, ["check"])
    line = next(line for line in done.stdout.splitlines() if "enrichers.own" in line)
    assert line.split()[1:4] == ["enrichers.own:", "host:", "hosts.csv:"] and line.count("hosts.csv") == 1, line


_LISTS = '[sources.box]\nkind = "logs"\npaths = ["a.csv"]\n[enrichers.own]\n'
_LISTS += 'kind = "lists"\nextra = {own = {path = "hosts.csv", category = "cloud"}}\n'
_FEED = '[sources.box]\nkind = "logs"\npaths = ["a.csv"]\n[enrichers.own]\nkind = "feeds"\npath = "hosts.csv"\n'
_PLAIN = _FEED.replace("hosts.csv", "hosts.txt") + "as_of = 2026-03-01\n"
_FEED_HEAD = "indicator,kind,last_seen\n203.0.113.1,address,2026-03-01\n"
_CUT = "it may be cut: its last line has no end and cannot be used"


@pytest.mark.parametrize(
    ("tables", "text", "cut"),
    [
        (_LISTS, "203.0.113.1\n203.0.11", True),
        (_LISTS, "203.0.113.1\n203.0.113.7", False),
        (_LISTS, "203.0.113.1\n203.0.11\n", False),
        (_LISTS, "203.0.113.1\n203.0.11\n203.0.113.9", False),
        (_FEED, f"{_FEED_HEAD}198.51.100.7,addr", True),
        (_FEED, f"{_FEED_HEAD}198.51.100.7,address,2026-03-01", False),
        (_PLAIN, "evil.example\nhttp://", True),
        (_PLAIN, "evil.example\nbad.example", False),
        (_INVENTORY, f"{_HOSTS}ws-1,10.1.2.3,Ann\r\nws-2", True),
        (_INVENTORY, f"{_HOSTS}ws-1,10.1.2.3,Ann\rws-2\r", False),
    ],
)
def test_a_file_that_was_cut_is_said_to_be_only_when_its_last_line_is_bad(tmp_path, tables, text, cut):
    told = warned(a_folder(tmp_path, text, tables=tables))
    assert any(_CUT in one for one in told) is cut, told
    assert not told or "1 row left out: hosts." in told[0]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_who_has_enough_is_no_failure_and_no_request(more):
    command = [sys.executable, "-m", "playbook", "run", "--config", str(SAMPLE), "--dry-run", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        said = running.stderr.read().decode()
        assert (running.wait(), "Error" in said) == (0, False), said
