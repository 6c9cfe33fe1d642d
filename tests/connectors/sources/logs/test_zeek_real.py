"""The seed's rule over the public Zeek captures: DuckDB's rows are those of an independent computation."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sources.logs import Settings, connect
from playbook.detections.beaconing import Scope, row, score_events
from playbook.model.detection import RULE
from playbook.model.site import Site
from tests.support.log_fixtures import REAL
from tests.support.zeek_reader import event, rows, seed_rows

SITE = Site(now=datetime(2026, 1, 1, tzinfo=UTC))
CAPTURES = (
    "androidtester-rat",
    "ctu230-1-njrat",
    "ctu50-normal40-day1",
    "ctu50-normal43-day1",
    "ctusme11-2023-02-20-benign",
    "iot23-34-1-mirai",
    "rita-missing-host-72h",
)
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.exists(), reason="the public captures are not here"),
]


def _conn_log(capture: str) -> Path:
    return next(path for path in (REAL / "zeek" / capture).iterdir() if "conn" in path.name)


@pytest.mark.parametrize("capture", CAPTURES)
def test_both_profiles_equal_plain_python(capture: str) -> None:
    events = [event(line) for line in rows(_conn_log(capture))]
    settings = {"paths": (REAL / "zeek" / capture,), "keep_traffic": False}
    (with_seed,) = connect("logs", Settings(profile="seed", **settings), SITE).fetch(None)
    columns = (
        "src_ip",
        "dst_ip",
        "dst_port",
        "connections",
        "hourly_buckets",
        "avg_per_hour",
        "avg_bytes_per_conn",
        "irc_port",
        "beaconing_score",
        "total_bytes_sent",
        "total_bytes_rcvd",
    )
    assert [tuple(row(one)[name] for name in columns) for one in with_seed.detections] == seed_rows(events)
    assert with_seed.health.rows_read == len(events)
    (with_default,) = connect("logs", Settings(**settings), SITE).fetch(None)
    beaconing = tuple(one for one in with_default.detections if one.rule == RULE)
    assert beaconing == score_events(events, Scope("logs"))


def test_as_many_rows_fire_as_the_truth_table_says() -> None:
    with (REAL / "truth_tuples.csv").open() as table:
        told = [line for line in csv.DictReader(table) if int(line["seed_score"]) >= 1]
    assert len(told) == 46
    for capture in CAPTURES:
        (found,) = connect("logs", Settings(paths=(_conn_log(capture),), profile="seed"), SITE).fetch(None)
        expected = {
            (line["src"], line["dst"], int(line["dport"]), int(line["connections"]), int(line["seed_score"]))
            for line in told
            if line["capture"] == f"zeek/{capture}"
        }
        rows_found = {(d.src_ip, d.dst_ip, d.dst_port, d.connections, d.beaconing_score) for d in found.detections}
        assert rows_found == expected
