"""Bodies as each sender writes them -> entries; whatever is sent is read or refused by name, and never breaks."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.alerts.entries import read
from playbook.alerts.senders import parsed
from playbook.config import Config
from playbook.errors import ConfigError

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
CONFIG = Config.model_validate(
    {
        "sources": {"sumo": {"kind": "sumologic"}, "splunk": {"kind": "splunk"}},
        "alerts": {
            "edr": {
                "rows": "data.items",
                "source": "sumo",
                "fields": {
                    "src_ip": "local.addr",
                    "dst_ip": "remote.addr",
                    "dst_port": "remote.port",
                    "connections": "n",
                },
            },
            "plain": {"source": "splunk"},
        },
    }
)
ROW = {
    "src_ip": "10.20.0.31",
    "dst_ip": "203.0.113.66",
    "dst_port": "6667",
    "connections": "288",
    "hourly_buckets": "24",
    "first_seen": "2026-11-23 00:03:00",
    "last_seen": "2026-11-23 23:58:12",
}
RESULTS = json.dumps([ROW])
ECS = {
    "source": {"ip": "10.20.0.31", "bytes": 61920},
    "destination": {"ip": "203.0.113.66", "port": 6667, "bytes": 5},
    "host": {"name": "cam-01"},
    "network": {"transport": "tcp"},
    "@timestamp": "2026-11-23T23:58:12Z",
}
ENTITIES = [
    {"$id": "1", "Type": "ip", "Address": "10.20.0.31"},
    {"$id": "2", "Type": "ip", "Address": "203.0.113.66"},
    {"$id": "3", "Type": "host", "HostName": "cam-01"},
]
DETAILS = {key: [value] for key, value in ROW.items()}
BODIES = {
    "a row": ROW,
    "an array": [ROW],
    "empty columns": ROW | {"hostname": "", "processes": None, "ircPort": "1"},
    "sumo, an array": {
        "Name": "botnet",
        "QueryURL": "https://sumo/x",
        "NumRawResults": "1",
        "AggregateResultsJson": [ROW],
    },
    "sumo, the text of one": {"Name": "botnet", "aggregateResultsJson": RESULTS},
    "sumo, under a key of its own": {"NumRawResults": 1, "results": RESULTS},
    "splunk's webhook": {"sid": "s1", "search_name": "botnet", "results_link": "https://splunk/x", "result": ROW},
    "a splunk action with rows": {"sid": "s1", "search_name": "botnet", "session_key": "k", "results": [ROW]},
    "splunk's field names": {
        "result": {
            "src": "10.20.0.31",
            "dest": "203.0.113.66",
            "dest_port": "6667",
            "count": "288",
            "hourly_buckets": "24",
            "first_seen": "1795392180",
            "last_seen": "1795478292.0",
            "host": "splunk-idx-1",
        },
        "sid": "s",
    },
    "elastic's alerts": {"alerts": [ECS]},
    "an elastic search": {"hits": {"total": 1, "hits": [{"_id": "1", "_source": ECS}]}},
    "elastic, dotted": {"source.ip": "10.20.0.31", "destination.ip": "203.0.113.66", "destination.port": 6667},
    "sentinel's custom details as text": {
        "properties": {"alertDisplayName": "botnet", "ExtendedProperties": {"Custom Details": json.dumps(DETAILS)}}
    },
    "sentinel's incident": {
        "object": {
            "properties": {
                "title": "botnet",
                "severity": "High",
                "alerts": [{"properties": {"additionalData": json.dumps({"Custom Details": json.dumps(DETAILS)})}}],
            }
        }
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_every_senders_body_is_the_same_conversation(name):
    body = read(parsed(json.dumps(BODIES[name]).encode()), CONFIG, "", NOW)
    assert body.rejected == ()
    (entry,) = body.entries
    columns = entry.columns
    assert (columns.src_ip, columns.dst_ip, columns.dst_port) == ("10.20.0.31", "203.0.113.66", 6667)
    if "connections" not in entry.absent:
        assert (columns.connections, columns.hourly_buckets) == (288, 24)
        assert columns.first_seen == "2026-11-23T00:03:00+00:00"
    assert columns.hostname in ("", "cam-01") and "session_key" not in entry.model_dump_json()


def test_one_alert_by_any_sender_is_kept_under_one_identity():
    keys = {
        read(BODIES[name], CONFIG, "", NOW).entries[0].alert_id
        for name in ("a row", "an array", "sumo, an array", "splunk's webhook")
    }
    assert len(keys) == 1


def test_results_inside_quotes_that_nobody_escaped_are_read():
    body = b'{"Name": "botnet", "AggregateResultsJson": "' + RESULTS.encode() + b'"}'
    assert len(read(parsed(body), CONFIG, "", NOW).entries) == 1


def test_a_table_says_where_the_rows_lie_and_which_field_is_which_column():
    body = {
        "data": {
            "items": [
                {
                    "local": {"addr": "10.20.0.31"},
                    "remote": {"addr": "203.0.113.66", "port": 443},
                    "n": 40,
                    "src_ip": "10.9.9.9",
                }
            ]
        }
    }
    (entry,) = read(body, CONFIG, "edr", NOW).entries
    assert (entry.name, entry.source, entry.columns.src_ip, entry.columns.connections) == (
        "edr",
        "sumo",
        "10.20.0.31",
        40,
    )
    with pytest.raises(ConfigError, match="no 'items' there"):
        read({"data": {}}, CONFIG, "edr", NOW)
    with pytest.raises(ConfigError, match=r"no \[alerts.nobody\]"):
        read(ROW, CONFIG, "nobody", NOW)


def test_sentinel_entities_alone_lack_the_port_and_say_so():
    body = read({"properties": {"title": "x", "Entities": ENTITIES}}, CONFIG, "", NOW)
    assert body.entries == () and body.rejected[0].error.startswith("dst_port: not in the row")


def test_a_resolved_monitor_files_nothing_and_a_cut_list_says_what_is_not_there():
    resolved = read({"AggregateResultsJson": RESULTS, "TriggerType": "ResolvedCritical"}, CONFIG, "", NOW)
    assert resolved.entries == () and "resolved" in resolved.notes[0]
    cut = read({"AggregateResultsJson": RESULTS, "NumRawResults": "900"}, CONFIG, "", NOW)
    assert len(cut.entries) == 1 and "1 of the 900" in cut.notes[0]


BAD = [
    ({"src_ip": "10.0.0.999"}, "src_ip: '10.0.0.999' is no IP address"),
    ({"dst_ip": None}, "dst_ip: not in the row"),
    ({"dst_port": True}, "dst_port: expected a whole number, not true"),
    ({"dst_port": 70000}, "dst_port: expected 0 to"),
    ({"dst_port": "http"}, "dst_port: expected a number"),
    ({"connections": 2.5}, "connections: expected a whole"),
    ({"connections": False}, "connections: expected a whole number, not false"),
    ({"connections": 0}, "connections: expected at least 1"),
    ({"connections": -4}, "connections: expected a number"),
    ({"first_seen": "yesterday"}, "first_seen: expected a time"),
    ({"last_seen": True}, "last_seen: expected a time"),
    ({"last_seen": "2026-11-20"}, "is before first_seen"),
    ({"first_seen": "2026-01-01"}, "more than 31 days"),
    ({"blocked": "maybe"}, "blocked: expected true or false"),
    ({"blocked": True}, "denied: expected at least 1"),
    ({"src_ip": "10.0.0.1\x00"}, "NUL"),
    ({"hourly_buckets": 0}, "hourly_buckets: expected 1 to"),
]


@pytest.mark.parametrize(("change", "error"), BAD)
def test_a_bad_row_is_named_and_the_others_are_taken(change, error):
    body = read([ROW, ROW | change, "text", ROW | {"dst_port": 443}], CONFIG, "", NOW)
    assert len(body.entries) == 2
    assert [bad.row for bad in body.rejected] == [2, 3] and error in body.rejected[0].error


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "no JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b"[NaN]", "no number of JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"7", "expected an object"),
        (b'"x"', "expected an object"),
        (b'{"AggregateResultsJson": 7}', "expected an array of rows"),
        (b'{"AggregateResultsJson": "[{"}', "no JSON"),
        (b'{"sid": "s", "results_file": "/etc/passwd"}', "never read here"),
        (b"[" * 60 + b"]" * 60, "more than 40 deep"),
        (json.dumps([ROW] * 5001).encode(), "at most 5000"),
    ],
)
def test_a_body_that_holds_no_rows_is_refused_in_a_sentence(body, error):
    with pytest.raises(ConfigError, match=error):
        read(parsed(body), CONFIG, "", NOW)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        *ROW,
        "AggregateResultsJson",
        "result",
        "alerts",
        "properties",
        "Entities",
        "hits",
        "source",
        "destination",
        "sid",
        "search_name",
        "results",
        "NumRawResults",
        "object",
        "relatedEntities",
        "ExtendedProperties",
        "Custom Details",
        "time",
        "blocked",
        "denied",
        "processes",
    ]
)


@settings(deadline=None)
@given(
    st.dictionaries(KEYS, VALUES, max_size=8) | st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=3),
    st.booleans(),
)
def test_whatever_is_sent_is_read_or_refused_by_name(document, with_row):
    sent = (ROW | document) if with_row and isinstance(document, dict) else document
    try:
        body = read(parsed(json.dumps(sent).encode()), CONFIG, "", NOW)
    except ConfigError as fault:
        assert str(fault)
        return
    for entry in body.entries:
        assert len(entry.alert_id) == 64 and type(entry).model_validate_json(entry.model_dump_json()) == entry
    assert all(bad.error for bad in body.rejected)
