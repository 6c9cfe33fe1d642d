"""The seed's rule, computed twice without shared code: on generated logs, and every tuple of the JSON captures."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.captures import every_tuple
from connectors.sources.logs import Settings, connect
from playbook.detections.beaconing import row
from playbook.model.site import Site
from tests.connectors.sources.logs.test_zeek_detection import SERIES, lines_of
from tests.support.examples import examples
from tests.support.log_fixtures import REAL
from tests.support.zeek_reader import event, log_text, opened, rows, seed_rows

SITE = Site(now=datetime(2026, 1, 1, tzinfo=UTC))
COLUMNS = (
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
JSON_LOGS = (
    "zeek-json/zat/conn.log",
    "zeek-json/apt29-day1/NASHUA_conn.log.gz",
    "zeek-json/apt29-day1/SCRANTON_conn.log.gz",
)


@examples(8)
@given(st.lists(SERIES, min_size=1, max_size=5))
def test_the_seed_on_generated_logs_equals_plain_python(tmp_path: Path, series) -> None:
    log = tmp_path / "conn.log"
    log.write_text(log_text(lines_of(series)))
    source = connect("logs", Settings(paths=(log,), profile="seed", keep_traffic=False, window="all"), SITE)
    (found,) = source.fetch(None)
    source.close()
    expected = seed_rows([event(line) for line in rows(log)])
    assert [tuple(row(one)[name] for name in COLUMNS) for one in found.detections] == expected


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason="the public captures are not here")
@pytest.mark.parametrize("name", JSON_LOGS)
def test_every_tuple_of_a_json_capture_is_counted_as_plain_python_counts_it(name: str) -> None:
    groups = defaultdict(lambda: [0, set(), 0, 0])
    for line in opened(REAL / name):
        one = {key.replace("id_", "id.", 1): value for key, value in json.loads(line).items()}
        held = groups[one["id.orig_h"], one["id.resp_h"], one["id.resp_p"]]
        held[0] += 1
        held[1].add(one["ts"] // 3600)
        held[2] += one["orig_ip_bytes"]
        held[3] += one["resp_ip_bytes"]
    source = connect("logs", Settings(paths=(REAL / name,), profile="seed"), SITE)
    _, aggregates = every_tuple(source)
    source.close()
    found = {
        (one.src_ip, one.dst_ip, one.dst_port): (one.connections, one.hourly_buckets, one.bytes_sent, one.bytes_rcvd)
        for one in aggregates
    }
    expected = {key: (count, len(hours), sent, received) for key, (count, hours, sent, received) in groups.items()}
    assert found
    # The query may leave out tuples with a private destination, and nothing else.
    assert found == {key: held for key, held in expected.items() if key in found or not private(key[1])}


def private(text: str) -> bool:
    return text.startswith(("10.", "192.168.", "127.", "169.254.", *(f"172.{n}." for n in range(16, 32))))
