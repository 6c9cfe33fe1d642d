"""A backup schedule that names the host or its role: strong at most, and what it lacks is said."""

import pytest

from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ScheduledWindow
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import SOURCE, a_beacon, a_record, a_traffic, an_enriched, at, said, steady

RULE = "scheduled_backup"
SENT = a_beacon(total_bytes_sent=900_000, total_bytes_rcvd=300_000)


def window(start: float = 0, end: float = 24, **change):
    values = {"kind": "backup", "name": "nightly", "window": TimeWindow(start=at(start), end=at(end))}
    return ScheduledWindow(**(values | {"hosts": ("ws-31",)} | change))


def scheduled(*windows, record=True, about="ws-31", host="ws-31", detection=SENT, roles=("workstation",), **change):
    known = (said("host", a_record(roles=roles)),) if record else ()
    change = {"traffic": a_traffic(detection, start_times=steady(300))} | change
    return an_enriched(*known, said("windows", *windows, about=about), host=host, detection=detection, **change)


def sized(sent, received):
    return scheduled(window(), detection=a_beacon(total_bytes_sent=sent, total_bytes_rcvd=received))


TABLE = [
    Row("speaks", "names the proven host, all in the window, sends three times", scheduled(window()), "strong"),
    Row("speaks", "its full name", scheduled(window(hosts=("ws-31.corp.example",))), "strong"),
    Row("speaks", "its role", scheduled(window(hosts=(), roles=("Workstation",))), "strong"),
    Row("speaks", "exactly 90 % in the window", scheduled(window(end=21.6)), "strong"),
    Row("speaks", "two windows together", scheduled(window(end=12), window(start=12)), "strong"),
    Row("near miss", "just under 90 % in the window", scheduled(window(end=21.5)), "hint"),
    Row("near miss", "just under three times", sized(899_999, 300_000), "hint"),
    Row("near miss", "bytes unknown", sized(None, None), "hint"),
    Row("near miss", "times unknown", scheduled(window(), traffic=None), "hint"),
    Row("near miss", "a pattern", scheduled(window(hosts=("ws-*",))), "hint"),
    Row("silent", "another host", scheduled(window(hosts=("fs-01",))), "silent"),
    Row("silent", "another role", scheduled(window(hosts=(), roles=("backup_server",))), "silent"),
    Row("silent", "a test window", scheduled(window(kind="test")), "silent"),
    Row("silent", "a window that the host itself wrote", scheduled(window(written_by="host")), "silent"),
    Row("silent", "no schedule", scheduled(), "silent"),
    Row("hostile", "a host that only claims the name", scheduled(window(), record=False), "hint"),
    Row("hostile", "renamed to a pattern", scheduled(window(hosts=("veeam-*",)), host="veeam-01"), "hint"),
    Row(
        "hostile",
        "a role that no inventory proves",
        scheduled(window(hosts=(), roles=("workstation",)), record=False),
        "silent",
    ),
]


@rows(TABLE)
def test_scheduled_backup(row):
    assert outcome(RULE, row.enriched) == row.said


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (scheduled(window()), "it looks like the scheduled backup nightly: 100% of the connections lie in it"),
        (scheduled(window(end=21.5)), "89% of the connections lie in it; a window alone closes nothing"),
        (scheduled(window(hosts=("ws-*",))), "its entry is a pattern"),
        (scheduled(window(), record=False), f"no inventory entry proves that {SOURCE} is ws-31 (hosts.csv: hostname"),
    ],
)
def test_it_says_what_was_seen_what_is_missing_and_where_to_put_it(one, words):
    word = evidence(RULE, one)
    assert words in word.reason
    assert "backup_sessions.csv: host, job, repository" in word.would_change
    assert any("backup_jobs.yaml" in lacking for lacking in word.missing)
