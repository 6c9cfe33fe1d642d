"""The sample day told by ClickHouse: whole runs over its tables against those over the log files."""

import gzip
import json
from datetime import UTC, datetime
from functools import cache

import pytest
from click.testing import CliRunner

from connectors.sources import clickhouse
from playbook import config
from playbook.__main__ import cli
from playbook.assembly import assemble
from playbook.model.case import Run
from tests.emulators.clickhouse import ACCOUNT, Server, running, table
from tests.emulators.clickhouse_engine import engine
from tests.interpreters.clickhouse import CREATED, Fields
from tests.support.story_fixtures import (
    CONNECTIONS,
    SAMPLE,
    SAMPLE_DAY,
    alike,
    detections_of,
    evidence_of,
    over_log,
    run_over,
)
from tests.support.sumo_fixtures import FakeClock

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]


@cache
def zeek_rows() -> tuple[Fields, ...]:
    """The rows of the sample's conn.log, as a shipper writes them: absent fields are left out."""
    names: list[str] = []
    made = []
    with gzip.open(SAMPLE / CONNECTIONS, "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if cells[0] == "#fields":
                names = cells[1:]
            elif not line.startswith("#"):
                made.append({n: v for n, v in zip(names, cells, strict=True) if v not in ("-", "(empty)")})
    return tuple(made)


def rita_row(row: Fields) -> Fields:
    """A row as RITA's importer writes it: whole seconds, mapped addresses, 0 for what is absent."""
    given = {
        "ts": int(float(row["ts"])),
        "src": f"::ffff:{row['id.orig_h']}" if ":" not in row["id.orig_h"] else row["id.orig_h"],
        "dst": f"::ffff:{row['id.resp_h']}" if ":" not in row["id.resp_h"] else row["id.resp_h"],
        "src_port": row["id.orig_p"],
        "dst_port": row["id.resp_p"],
        "missing_host_header": False,
        "zeek_history": row.get("history", ""),
    }
    names = {"src_bytes": "orig_bytes", "dst_bytes": "resp_bytes", "src_ip_bytes": "orig_ip_bytes",
             "dst_ip_bytes": "resp_ip_bytes", "src_packets": "orig_pkts", "dst_packets": "resp_pkts",
             "duration": "duration"}  # fmt: skip
    given |= {ours: row.get(theirs, 0) for ours, theirs in names.items()}
    return given | {name: row.get(name, "") for name in ("proto", "service", "conn_state")}


@cache
def over_clickhouse(preset: str = "zeek") -> Run:
    """The run over ClickHouse with the rows of the log."""
    rows = [rita_row(row) for row in zeek_rows()] if preset == "rita" else zeek_rows()
    if preset == "rita":  # the second row that RITA writes for HTTP without a Host header counts for nothing
        rows = [*rows, *(row | {"missing_host_header": True} for row in rows[:50])]
    table(engine(), f"story.{preset}", CREATED[preset], rows, "MergeTree ORDER BY ts PARTITION BY toDate(ts)")
    file = SAMPLE / "sample.toml"
    with running(Server(engine())) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(clickhouse.connect, "__defaults__", (FakeClock().clocks,))
        kind = {"kind": "clickhouse", "base_url": url, "preset": preset, "scope": f"story.{preset}"}
        account = {"username_env": "CLICKHOUSE_USER", "password_env": "CLICKHOUSE_PASSWORD"}
        for variable, value in zip(account.values(), ACCOUNT, strict=True):
            patch.setenv(variable, value)
        read = config.read(file)
        made = assemble(read, str(file), ("sample", kind | account), datetime(2026, 11, 1, tzinfo=UTC))
        return run_over(made)


def test_clickhouse_and_the_log_give_the_same_detections_cases_and_plans() -> None:
    run = over_clickhouse()
    assert alike(run, over_log()) and run.complete
    assert len(run.cases) > 10 and any(case.plan for case in run.cases) and len(detections_of(run)) > 15


def test_the_rules_say_the_same_of_each_detection() -> None:
    here, there = evidence_of(over_clickhouse()), evidence_of(over_log())
    assert here == there and {"prevalent_destination", "host_attack"} <= {rule for _, rule, *_ in here}


def test_ritas_own_tables_give_the_same_verdicts() -> None:
    here, there = over_clickhouse("rita"), over_log()
    assert {(c.host, c.verdict.disposition, c.status) for c in here.cases} == {
        (c.host, c.verdict.disposition, c.status) for c in there.cases
    }


def test_the_command_line_runs_over_it(tmp_path, monkeypatch) -> None:
    over_clickhouse()
    with running(Server(engine())) as url:
        (tmp_path / "playbook.toml").write_text(f"""
            [networks]
            lab = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
            [sources.raw]
            kind = "clickhouse"
            base_url = "{url}"
            username_env = "CLICKHOUSE_USER"
            password_env = "CLICKHOUSE_PASSWORD"
            scope = "story.zeek"
        """)
        monkeypatch.setenv("CLICKHOUSE_USER", ACCOUNT[0])
        monkeypatch.setenv("CLICKHOUSE_PASSWORD", ACCOUNT[1])
        window = ("--from", SAMPLE_DAY.start.isoformat(), "--to", SAMPLE_DAY.end.isoformat())
        where = ("--config", str(tmp_path / "playbook.toml"))
        done = CliRunner().invoke(cli, ["run", "--source", "raw", *window, *where, "--dry-run", "--json"])
        text = CliRunner().invoke(cli, ["query", "clickhouse", *where])
    said = json.loads(done.stdout)
    assert done.exit_code == 0 and said["complete"] and len(said["cases"]) > 10, done.stderr
    assert text.exit_code == 0 and "`story`.`zeek`" in text.stdout and "scope taken from [sources.raw]" in text.stderr
