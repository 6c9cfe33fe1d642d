"""Both SIEMs: rows that are no answer to the question are never taken for a whole one, nor for silence."""

from pathlib import Path

import pytest

from connectors.http import Clocks
from connectors.sources import splunk, sumologic
from tests.support import splunk_fixtures, sumo_fixtures
from tests.support.sumo_fixtures import DAY, SITE

NOON = int(DAY.start.timestamp() + 43_200) * 1000
DAYS = 86_400_000
ROW = {
    "hostname": "pc-7",
    "src_ip": "10.0.0.7",
    "dst_ip": "203.0.113.9",
    "dst_port": "6667",
    "connections": "120",
    "hourly_buckets": "24",
    "row_count": "120",
    "sent_known": "120",
    "rcvd_known": "120",
    "total_known": "120",
    "total_bytes_sent": "7",
    "total_bytes_rcvd": "7",
    "total_bytes": "14",
    "first_ms": str(NOON - 3_600_000),
    "last_ms": str(NOON),
    "processes": "",
    "protos": "tcp",
    "services": "",
    "denied": "0",
    "denied_hours": "0",
}
BEAT = [
    {
        "hour": str(hour),
        "row_count": "60",
        "oldest_ms": str(hour * 3_600_000 + 1),
        "newest_ms": str(hour * 3_600_000 + 3_599_000),
    }
    for hour in range(int(DAY.start.timestamp()) // 3600, int(DAY.end.timestamp()) // 3600)
]


def other(number):
    return ROW | {"src_ip": f"10.0.1.{number}"}


def asked(siem, monkeypatch, *given):
    """What a fetch makes of these rows, beside a heartbeat without a fault."""
    text = (lambda row: row) if siem is sumologic else (lambda row: {name: (value,) for name, value in row.items()})

    def run(wire, *arguments):
        query = next(one for one in arguments if isinstance(one, siem.search_job.Query))
        chosen = BEAT if "newest_ms" in query.text else given
        return siem.search_job.SearchAnswer(rows=tuple(text(row) for row in chosen))

    monkeypatch.setattr(siem.search_job, "run", run)
    bench = sumo_fixtures if siem is sumologic else splunk_fixtures
    source = siem.connect("siem", bench.settings("http://127.0.0.1:9"), SITE, Path(), Clocks())
    (fetched,) = source.fetch(DAY)
    return fetched


@pytest.fixture(params=[sumologic, splunk], ids=["sumo", "splunk"])
def siem(request):
    return request.param


def test_a_whole_answer_is_whole(siem, monkeypatch):
    fetched = asked(siem, monkeypatch, ROW, other(1), other(2))
    assert len(fetched.detections) == 3 and fetched.health.complete, fetched.health.warnings


@pytest.mark.parametrize(
    ("given", "kept", "words"),
    [
        ((ROW, other(1), ROW, other(1)), 2, "2 rows came twice"),
        ((ROW, ROW), 1, "1 rows came twice"),
        ((ROW, other(1) | {"last_ms": str(NOON + 400 * DAYS)}), 1, "1 rows are of another time"),
        ((ROW, other(1) | {"first_ms": str(NOON - 9 * DAYS), "last_ms": str(NOON - 8 * DAYS)}), 1, "of another time"),
        ((other(1) | {"first_ms": "1", "last_ms": "253402300798999"},), 0, "1 rows are of another time"),
        ((ROW | {"connections": "NaN"}, other(1) | {"connections": "1e308"}), 0, "none of the 2 rows could be read"),
        ((ROW | {"connections": "-5"},), 0, "none of the 1 rows could be read"),
        (({},), 0, "none of the 1 rows could be read"),
    ],
)
def test_what_is_no_answer_to_the_question_is_incomplete(siem, monkeypatch, given, kept, words):
    fetched = asked(siem, monkeypatch, *given)
    assert len(fetched.detections) == kept and not fetched.health.complete
    assert any(words in warning for warning in fetched.health.warnings), fetched.health.warnings


def test_one_unreadable_row_among_good_ones_is_a_warning(siem, monkeypatch):
    fetched = asked(siem, monkeypatch, ROW, other(1) | {"connections": "NaN"})
    assert len(fetched.detections) == 1 and fetched.health.complete and fetched.health.rows_rejected == 1


def test_a_clock_some_hours_ahead_or_behind_is_no_fault(siem, monkeypatch):
    ahead = other(1) | {"last_ms": str(NOON + DAYS)}
    assert asked(siem, monkeypatch, ROW, ahead, other(2) | {"first_ms": str(NOON - 30 * DAYS)}).health.complete
