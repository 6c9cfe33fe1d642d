"""The JSON document of a run keeps its published shape, order and values."""

import json
from pathlib import Path

import jsonschema
import pytest

from playbook.report.document import document
from tests.playbook.report.showcase import silent, whole
from tests.support.builders import a_case, a_detection, a_judged, a_run

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "run.schema.json").read_text())
COLUMNS = [
    "hostname",
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
    "processes",
    "first_seen",
    "last_seen",
]


def validate(value: object) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(value)


@pytest.mark.parametrize("run", [whole(), silent(), a_run()], ids=["whole", "silent", "one case"])
def test_matches_the_published_schema(run):
    validate(json.loads(json.dumps(document(run), allow_nan=False)))


def test_the_schema_refuses_an_unknown_key_and_a_missing_one():
    extra, short = document(a_run()), document(a_run())
    extra["cases"][0]["surprise"] = 1
    del short["cases"][0]["detections"][0]["bytes_known"]
    for wrong in (extra, short):
        with pytest.raises(jsonschema.ValidationError):
            validate(wrong)


def test_top_level_keys_and_detection_columns_keep_their_order():
    said = document(whole())
    keys = ["run_id", "source", "window", "complete", "warnings", "filtered", "cases", "counts", "rows_passed"]
    assert list(said) == keys
    assert list(said["cases"][0]) == [
        "case_id",
        "host",
        "addresses",
        "status",
        "verdict",
        "detections",
        "enrichments",
        "plan",
        "not_blockable",
        "ticket",
        "severity",
        "rule",
        "techniques",
        "context",
    ]
    keys = list(said["cases"][0]["detections"][0])
    assert keys == ["detection_id", *COLUMNS, "bytes_known", "denied", "blocked", "rule", "evidence", "verdict"]


def test_values_are_plain_and_times_are_utc_text():
    found = a_detection(
        processes=("b.exe", "a.exe"),
        bytes_known=False,
        total_bytes_sent=None,
        total_bytes_rcvd=None,
        avg_bytes_per_conn=None,
    )
    row = document(a_run(a_case(a_judged(found))))["cases"][0]["detections"][0]
    assert row["first_seen"] == "2026-11-23 00:03:00"
    assert row["processes"] == ["a.exe", "b.exe"]
    assert row["total_bytes_sent"] is None and row["avg_bytes_per_conn"] is None and row["bytes_known"] is False
    assert row["irc_port"] == 1 and row["avg_per_hour"] == 12.0


def test_counts_agree_with_the_lists():
    said = document(whole())
    counts = said["counts"]
    assert counts["cases"] == len(said["cases"]) == 5
    assert counts["filtered"] == len(said["filtered"]) == 13
    assert sum(counts[s] for s in ("proposed", "ticket", "watch", "closed")) == 5
    assert (counts["TRUE_POSITIVE"], counts["UNDETERMINED"], counts["BENIGN_POSITIVE"]) == (2, 2, 1)


def test_the_same_run_gives_the_same_text():
    assert json.dumps(document(whole())) == json.dumps(document(whole()))


def test_hostile_text_survives_as_data_and_prints_as_ascii():
    hostile = '\x1b[31mevil\u202e\n"<script>'
    said = document(a_run(a_case(host=hostile)))
    text = json.dumps(said)
    assert json.loads(text)["cases"][0]["host"] == hostile
    assert text.isascii() and "\x1b" not in text and "\n" not in text


def test_a_case_carries_what_a_platform_routes_by():
    case = document(whole())["cases"][0]
    assert (case["severity"], case["rule"]) == ("critical", {"severity": "high", "confidence": "medium"})
    known = {one["technique"]: one for one in case["techniques"]}
    assert known["T1584.005"]["basis"] == "inferred" and known["T1071"]["basis"] == "observed"
    assert known["T1584.005"]["url"] == "https://attack.mitre.org/techniques/T1584/005/"
    assert known["T1071"]["tactic"] == "TA0011 Command and Control"
    assert case["context"].count(". ") == 1
