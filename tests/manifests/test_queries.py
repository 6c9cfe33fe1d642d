"""The committed query texts: read by each language's own linter or parser where one is installed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from playbook.actions import catalogue
from playbook.detections.languages import splunk, sumo
from playbook.platforms import queries

FOLDER = Path(__file__).resolve().parents[2] / "manifests" / "queries"
PACKAGE = queries.render(catalogue())
CHECK = Path(__file__).with_name("kql_check.js")


def files(suffix: str) -> list[Path]:
    return sorted(FOLDER.rglob(f"*{suffix}"))


def test_every_hunt_is_written_in_every_language() -> None:
    for language in ("duckdb", "sumo", "splunk", "kql", "sigma", "sumo_cse"):
        for what in ("beaconing", "hunt_ddos_burst", "hunt_dga_burst", "hunt_irc"):
            assert any(path.startswith(f"{language}/{what}") for path in PACKAGE), (language, what)
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in PACKAGE.values())


@pytest.mark.parametrize(("suffix", "lint"), [(".spl", splunk.lint), (".sumo", sumo.lint)])
def test_our_linters_find_nothing(suffix: str, lint) -> None:
    assert files(suffix) and {path.name: lint(path.read_text().strip()) for path in files(suffix)} == {
        path.name: () for path in files(suffix)
    }


@pytest.mark.parametrize("path", files(".sql"), ids=lambda path: path.name)
def test_duckdb_itself_takes_its_texts(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("""CREATE TABLE conn (start DOUBLE, src_ip VARCHAR, dst_ip VARCHAR, dst_port INTEGER,
            hostname VARCHAR, src_port INTEGER, proto VARCHAR, conns INTEGER, bytes_sent BIGINT, bytes_rcvd BIGINT,
            bytes_total BIGINT, orig_bytes BIGINT, sent_packets BIGINT, rcvd_packets BIGINT, process_name VARCHAR,
            service VARCHAR, denied BOOLEAN, continues BOOLEAN)""")
        connection.execute("""CREATE TABLE dns (start DOUBLE, src_ip VARCHAR, query VARCHAR, domain VARCHAR,
            failed BOOLEAN)""")
        assert connection.execute(path.read_text()).fetchall() == []


def test_json_is_json() -> None:
    assert all(json.loads(path.read_text()) for path in files(".json"))


@pytest.mark.skipif(shutil.which("sigma") is None, reason="sigma-cli is not installed (it pins its own pySigma)")
@pytest.mark.parametrize("path", files(".yml"), ids=lambda path: path.name)
def test_sigma_cli_finds_no_error_and_no_issue(path: Path) -> None:
    command = ["sigma", "check", "-x", "attacktag", "-x", "d3_fendtag", "-i", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "0 errors, 0 condition errors and 0 issues" in done.stdout, done.stdout


@pytest.mark.skipif(shutil.which("splint") is None, reason="splint-spl is not installed")
def test_the_public_linter_finds_only_the_wide_default_scope() -> None:
    for path in files(".spl"):
        done = subprocess.run(["splint", str(path)], capture_output=True, text=True, timeout=60, check=False)
        said = [line for line in done.stdout.splitlines() if " SPL" in line]
        assert all("SPL001" in line for line in said), said
        assert done.stdout.strip(), "the linter said nothing at all"


@pytest.mark.skipif(
    "KUSTO_MODULES" not in os.environ or shutil.which("node") is None,
    reason="KUSTO_MODULES names no folder with @kusto/language-service-next",
)
def test_the_vendors_parser_reads_every_kusto_text() -> None:
    done = subprocess.run(
        ["node", str(CHECK), *map(str, files(".kql"))], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
