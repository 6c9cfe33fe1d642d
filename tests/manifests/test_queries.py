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
# What `make tools` installs; else what is on the path.
TOOLS = Path(__file__).resolve().parents[2] / ".tools"
WHERE = os.pathsep.join((str(TOOLS / "venv" / "bin"), os.environ.get("PATH", "")))
SIGMA, SPLINT, NODE = (shutil.which(name, path=WHERE) for name in ("sigma", "splint", "node"))
KUSTO = Path(os.environ.get("KUSTO_MODULES") or TOOLS)
CHECK = Path(__file__).with_name("kql_check.js")


def files(suffix: str) -> list[Path]:
    return sorted(FOLDER.rglob(f"*{suffix}"))


def test_every_hunt_is_written_in_every_language() -> None:
    for language in ("clickhouse", "duckdb", "sumo", "splunk", "kql", "sigma", "sumo_cse"):
        for what in ("beaconing", "hunt_ddos_burst", "hunt_dga_burst", "hunt_irc"):
            assert any(path.startswith(f"{language}/{what}") for path in PACKAGE), (language, what)
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in PACKAGE.values())


@pytest.mark.parametrize(("suffix", "lint"), [(".spl", splunk.lint), (".sumo", sumo.lint)])
def test_our_linters_find_nothing(suffix: str, lint) -> None:
    assert files(suffix) and {path.name: lint(path.read_text().strip()) for path in files(suffix)} == {
        path.name: () for path in files(suffix)
    }


@pytest.mark.parametrize("path", sorted((FOLDER / "duckdb").glob("*.sql")), ids=lambda path: path.name)
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


@pytest.mark.skipif(SIGMA is None, reason="sigma-cli is not installed: make tools")
@pytest.mark.parametrize("path", files(".yml"), ids=lambda path: path.name)
def test_sigma_cli_finds_no_error_and_no_issue(path: Path) -> None:
    command = [str(SIGMA), "check", "-x", "attacktag", "-x", "d3_fendtag", "-i", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "0 errors, 0 condition errors and 0 issues" in done.stdout, done.stdout


@pytest.mark.skipif(SPLINT is None, reason="splint-spl is not installed: make tools")
def test_the_public_linter_finds_only_the_wide_default_scope() -> None:
    for path in files(".spl"):
        done = subprocess.run([str(SPLINT), str(path)], capture_output=True, text=True, timeout=60, check=False)
        said = [line for line in done.stdout.splitlines() if " SPL" in line]
        assert all("SPL001" in line for line in said), said
        assert done.stdout.strip(), "the linter said nothing at all"


@pytest.mark.skipif(
    NODE is None or not (KUSTO / "node_modules" / "@kusto").is_dir(),
    reason="node or the Kusto parser is not installed: make tools",
)
def test_the_vendors_parser_reads_every_kusto_text() -> None:
    done = subprocess.run(
        [str(NODE), str(CHECK), *map(str, files(".kql"))],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"KUSTO_MODULES": str(KUSTO)},
        check=False,
    )
    assert done.returncode == 0, done.stdout
