"""Each known trap of the two languages: the naive text goes wrong on the same events on which ours is right."""

from collections.abc import Callable
from typing import Any

import pytest

from playbook.detections.beaconing import Event, rounded, score_events
from playbook.detections.languages import splunk
from playbook.detections.languages import sumo as sumo_language
from tests.connectors.sources.test_sumologic_presets import asa, panos
from tests.interpreters import spl, spl_eval, sumo, telemetry
from tests.interpreters.corpus import EIGHT, corpus
from tests.interpreters.telemetry import HALF_HOUR_EAST, MIDNIGHT, QUERIES, by_reference, by_splunk, by_sumo, flow

SEED_SUMO = """(_sourceCategory=network/firewall OR _sourceCategory=network/zeek)
| where !isPrivateIP(dst_ip)
| eval irc_port = if(dst_port in ("6660", "6697"), 1, 0)
| timeslice 1h
| stats count as connections, dc(_timeslice) as hourly_buckets, max(irc_port) as irc_port by src_ip, dst_ip, dst_port
| where connections >= 20 and hourly_buckets >= 3
| eval avg_per_hour = round(connections / hourly_buckets, 1)
| sort by -connections"""
HALF_HOUR_OFF = flow(24, 200, start=MIDNIGHT - 600)
SMALL = flow(33, 225, port=443, start=EIGHT, bytes=(None, None))
THREE_DAYS = [e for day in range(3) for e in flow(9, 300, start=EIGHT + day * 86_400)]
RECENT = flow(24, 900, start=MIDNIGHT)
TWO_PROCESSES = [
    e._replace(process_name="z.exe") if n == 109 else e
    for n, e in enumerate(flow(110, 80, start=EIGHT, process_name="a.exe"))
]
SUMO_EVENTS = [
    *flow(24, 600, "172.17.0.1"),
    *flow(24, 600, "2001:db8::66", start=EIGHT),
    *flow(24, 600, hostname="pc-1"),
    *SMALL,
]
NAMED_INSIDE = flow(48, 300, "10.1.2.3", start=EIGHT)


@pytest.mark.parametrize(
    ("trap", "preset", "events", "old", "new"),
    [
        (
            "stats BY drops a null key",
            "cim",
            RECENT,
            '"^(-|unknown|null)?$"), "unknown", hostname)',
            '"^(-|unknown|null)?$"), null(), hostname)',
        ),
        ("tstats drops a null key", "tstats", RECENT, ' fillnull_value="unknown"', ""),
        ("bin overwrites _time", "cim", RECENT, "| eval our_", "| bin _time span=1h\n| eval our_"),
        ("bin and tstats cut by the user's zone", "tstats", HALF_HOUR_OFF, "span=15m", "span=1h"),
        ("absent bytes are no bytes", "cim", SMALL, "slot_total_known=1 OR (", "slot_total_known=0 OR ("),
        ("date_hour is no bucket", "cim", THREE_DAYS, "hour=floor(slot_first/3600)", "hour=tonumber(date_hour)"),
        ("list stops at 100", "cim", TWO_PROCESSES, "values(process_name)", "list(process_name)"),
        ("dest may be a name", "cim", NAMED_INSIDE, "our_dst_ip=case(", 'our_dst_ip=case(match(dest, "[.]"), dest, '),
        ("dvc is the firewall", "cim", RECENT, "our_hostname=case(", 'our_hostname=case(match(dvc, "."), dvc, '),
        (
            "app is no process",
            "cim",
            flow(24, 900, start=EIGHT, service="irc"),
            "values(process_name)",
            "values(service)",
        ),
        ("a multivalue port splits the row", "cim", RECENT, "dst_port=tonumber(dst_port)", "dst_port=dest_port"),
        ("summaries lag behind", "tstats", RECENT, "summariesonly=false", "summariesonly=true"),
        ("start and end of a session are two rows", "raw", flow(18, 600, start=EIGHT), "^start$", "^never$"),
    ],
)
def test_the_naive_splunk_text_falls_into_the_trap(
    trap: str, preset: str, events: list[Any], old: str, new: str
) -> None:
    query, expected = QUERIES[preset], by_reference(preset, events)
    assert query.replace(old, new) != query
    assert by_splunk(query, preset, events, HALF_HOUR_EAST) == expected, f"ours falls into it: {trap}"
    assert by_splunk(query.replace(old, new), preset, events, HALF_HOUR_EAST) != expected, trap


def test_a_data_model_that_holds_both_ends_of_a_session_counts_it_once() -> None:
    built = [row for e in flow(12, 900, start=EIGHT, bytes=(None, None)) for row in telemetry.model(e)]
    ended = [
        row
        | {
            "_time": row["_time"] + 5,
            "All_Traffic.action": "teardown",
            "All_Traffic.bytes_out": "10",
            "All_Traffic.bytes_in": "20",
        }
        for row in built
    ]
    assert spl.run(QUERIES["tstats"], built + ended) == []
    for part in (built, ended):
        (found,) = spl.results(spl.run(QUERIES["tstats"].replace("connections>=20", "connections>=12"), part))
        assert found["connections"] == found["row_count"] == "12"
    both = spl.results(spl.run(QUERIES["tstats"].replace("connections>=20", "connections>=12"), built + ended))
    assert [(row["connections"], row["total_known"], row["total_bytes"]) for row in both] == [("12", "12", "360")]


def test_sort_without_0_keeps_ten_thousand_rows() -> None:
    events = [{"_time": float(n), "n": str(n)} for n in range(10_001)]
    assert len(spl.run("search (x) | sort -n", events)) == 10_000
    assert len(spl.run("search (x) | sort 0 -n", events)) == 10_001
    assert "sort 0" in " ".join(splunk.lint("search x | sort -n"))


def test_private_ipv6_passes_the_search_and_not_the_scorer() -> None:
    events = flow(24, 900, "fe80::1%eth0", start=EIGHT) + flow(24, 900, "100.64.0.1", start=EIGHT)
    found = by_splunk(QUERIES["cim"], "cim", events)
    assert len(found.candidates) == 2 and found.detections == []
    assert by_sumo(telemetry.SUMO_QUERY, events) == found


@pytest.mark.parametrize("total", [1, 3, 5, 999, 1001])
def test_round_is_half_away_from_zero_in_splunk_and_in_the_scorer(total: int) -> None:
    assert spl_eval.rounded(total / 2) == float(rounded(total, 2, 0)) == (total + 1) // 2
    assert round(1 / 2) != spl_eval.rounded(1 / 2)


def test_the_atomic_tests_of_the_seed_reach_no_detection_but_a_hunt() -> None:
    loop = flow(150, 1, "127.0.0.1", 8080, EIGHT, hostname="pc-1", process_name="powershell.exe")
    assert by_splunk(QUERIES["sysmon"], "sysmon", loop).candidates == []
    rows = spl.run(splunk.query("sysmon", "ddos-burst"), [row for e in loop for row in telemetry.sysmon(e)])
    assert [(row["process_name"], row["connections"], row["scan_indicator"]) for row in rows] == [
        ("powershell.exe", 150.0, 0.0)
    ]


@pytest.mark.parametrize(
    ("trap", "old", "new"),
    [
        ("absent counters are no bytes", "sent_known + rcvd_known = 2", "sent_known + rcvd_known >= 0"),
        ("an absent host name in the key", '| concat(hostname, "") as hostname\n', ""),
        ("the firewall's name for the host", "srcDevice_hostname as hostname", "device_hostname as hostname"),
        ("isPrivateIP drops IPv6", "where !(dst_ip matches", "where !isPrivateIP(dst_ip) and !(dst_ip matches"),
        ("[6-9] in a quoted pattern is text", "/^172\\.1[6-9]\\./", '"172.1[6-9].*"'),
        ("a port is text or a number", '| concat(dst_port, "") as dst_port\n', ""),
        ("both branches of an if have one type", 'bytes_sent, "0")', "bytes_sent, 0)"),
    ],
)
def test_the_naive_sumo_text_falls_into_the_trap(trap: str, old: str, new: str) -> None:
    query, events = telemetry.SUMO_QUERY, SUMO_EVENTS
    assert query.replace(old, new) != query
    expected = by_reference("cse", events)
    assert by_sumo(query, events) == expected
    try:
        assert by_sumo(query.replace(old, new), events) != expected, trap
    except (sumo.Fault, KeyError, AttributeError, TypeError) as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("preset", "write", "old", "new"),
    [
        ("panos", panos, ' and pan_subtype = "end"', ""),
        ("asa", asa, "if(b_is_source = 1, b_ip, a_ip)", "a_ip"),
    ],
)
def test_sumo_counts_one_end_of_a_session_and_asks_who_began_it(
    preset: str, write: Callable[[Event], list[tuple[float, str]]], old: str, new: str
) -> None:
    query = sumo_language.detection(preset)
    assert old in query
    lines = [line for e in flow(24, 600, start=EIGHT) for line in write(e)]
    ours, naive = (
        [(row["src_ip"], row["connections"]) for row in sumo.run(text, lines)]
        for text in (query, query.replace(old, new))
    )
    assert ours == [("10.0.0.31", 24.0)] and naive != ours


def test_the_seeds_own_text_is_refused() -> None:
    with pytest.raises(sumo.Fault, match="eval is Splunk's"):
        sumo.run(SEED_SUMO, [(MIDNIGHT, "x")])
    with pytest.raises(spl_eval.Fault):
        spl.run(SEED_SUMO, [{"_time": MIDNIGHT}])


def test_engines_scores_are_never_taken() -> None:
    assert all("score" not in query for query in (*QUERIES.values(), telemetry.SUMO_QUERY))
    assert {d.beaconing_score for d in score_events(corpus(), telemetry.SCOPE)} == {1, 2, 3}
