"""The Splunk search text: one tail for all sources, none of the known traps, and nobody else's words in it."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playbook.detections.languages import render, splunk
from playbook.detections.languages.splunk import escaping
from playbook.detections.languages.splunk.presets import COLUMNS, PRESETS, TOLD

HOSTILE = ['x" | delete', "a\nb", "`id`", "back\\slash", 'q"uote', "| delete", "[search index=x]", "a'b", "\u202etxt"]
KEYS = ["10.0.0.1 203.0.113.6 443"]
HUNTED = [(p, h) for p in PRESETS for h in ("ddos-burst", "irc", "dga-burst") if (p, h) != ("tstats", "dga-burst")]


def stages(query: str) -> list[str]:
    """The stages of a search, split at pipes outside of quotes; the reference for what the lint sees."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: '"' + "~" * (len(m.group()) - 2) + '"', query.removeprefix("| "))
    parts, at, text = [], 0, query.removeprefix("| ")
    for piece in bare.split("|"):
        parts.append(text[at : at + len(piece)].strip())
        at += len(piece) + 1
    return parts


@pytest.mark.parametrize("name", PRESETS)
def test_every_search_of_every_preset_passes_the_lint(name: str) -> None:
    for query in (splunk.detection(name), splunk.traffic(KEYS, name), splunk.heartbeat(name), splunk.probe(name)):
        assert splunk.lint(query) == ()


@pytest.mark.parametrize(("preset", "hunt"), HUNTED)
def test_every_hunt_of_every_preset_passes_the_lint(preset: str, hunt: str) -> None:
    assert splunk.lint(splunk.query(preset, hunt)) == ()


def test_the_tail_is_the_same_whatever_the_source() -> None:
    every = [stages(splunk.detection(name)) for name in PRESETS]
    tails = {tuple(found[found.index("eval hour=floor(slot_first/3600)") :]) for found in every}
    assert len(tails) == 1 and len(next(iter(tails))) > 8


@pytest.mark.parametrize("name", PRESETS)
def test_a_search_begins_as_the_interface_wants_it(name: str) -> None:
    for query in (splunk.detection(name), splunk.traffic(KEYS, name), splunk.heartbeat(name), splunk.probe(name)):
        assert query.startswith(("search (", "| tstats summariesonly=false"))


@pytest.mark.parametrize("name", PRESETS)
def test_the_device_is_not_the_host_and_the_zone_cuts_no_hour(name: str) -> None:
    query = splunk.detection(name)
    assert not re.search(r"\bdvc|\bdate_hour|\bbin |span=1h|\bsort (?!0)", query)
    assert "score" not in query


def test_the_data_model_is_asked_for_all_of_it() -> None:
    query = splunk.detection("tstats")
    assert 'summariesonly=false fillnull_value="unknown"' in query and "span=15m" in query
    assert "allow_old_summaries" not in query
    assert "All_Traffic.dest_ip IN (" in splunk.traffic(KEYS, "tstats") and "span=1s" in splunk.traffic(KEYS, "tstats")


def test_the_follow_up_confines_the_search_only_to_addresses() -> None:
    assert 'dest_ip IN ("203.0.113.6")' in stages(splunk.traffic(KEYS))[0]
    assert " IN (" not in stages(splunk.traffic(["10.0.0.1 * 443"]))[0]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("search a | bin _time span=1h | stats count AS n BY _time", "bin overwrites _time"),
        ("search a | sort -n", "sort 0"),
        ("search a | stats list(x) AS y BY b", "list() keeps 100"),
        ("search a | stats estdc(x) AS y BY b", "estimate"),
        ("search a | stats count AS n BY date_hour", "hours of the day"),
        ("| tstats summariesonly=true count AS n from datamodel=A by _time", "newest minutes"),
        ("| tstats count AS n from datamodel=A by _time b", "fillnull_value"),
        ("search a | stats count AS n BY b | where c>1", "c is not defined"),
        ("search a | stats count AS n BY b | eval d=q+1", "q is not defined"),
        ("search a | stats count AS n BY b | table m", "m is not defined"),
        ("search a | eval x=frobnicate(y)", "frobnicate is no function"),
        ("search a | stats median(x) AS y BY b", "median is no aggregate"),
        ("search a | timeslice 1h", "Sumo"),
        ("search a | summarize count() by b", "Kusto"),
        ("search a | join b", "50,000"),
        ("search a | where (b=1", "parentheses"),
        ('search a | where b="x', "double quote"),
        ("search a | | table b", "nothing"),
        ("search a | eval hostname=dvc", "device that logged"),
    ],
)
def test_the_lint_names_what_bites(query: str, fault: str) -> None:
    assert any(fault in found for found in splunk.lint(query)), splunk.lint(query)


def test_scope_and_fields_are_settings() -> None:
    query = splunk.detection("cim", "index=fw", {"dst_ip": "dest.ip", "process_name": "", "hostname": "in"})
    assert query.startswith("search (index=fw)\n| ")
    assert "mvindex('dest.ip', 0)" in query and "our_process_name=null()" in query and "mvindex('in', 0)" in query
    model = splunk.detection("tstats", "index=fw", {"hostname": "", "bytes_total": "", "dst_ip": "All_Traffic.dest"})
    assert "All_Traffic.bytes)" not in model and "our_hostname=null()" in model and "dest_ip" not in model
    assert splunk.lint(query) == splunk.lint(model) == ()


@pytest.mark.parametrize(
    "scope",
    [
        "a | delete",
        "a\n| count",
        '"open',
        "(a",
        "a) OR (b",
        ") OR (",
        "[search index=x]",
        "`a`",
        "a; b",
        "   ",
        "x" * 5000,
        "a\u202eb",
        "{a}",
        "a\\",
        "a'b",
        "$a$",
    ],
)
def test_a_scope_that_could_change_the_search_is_refused(scope: str) -> None:
    for preset in PRESETS:
        with pytest.raises(splunk.Unquotable):
            splunk.detection(preset, scope)


@pytest.mark.parametrize(
    "fields",
    [
        {"dst_ip": 'x" | delete'},
        {"dst_ip": "a|b"},
        {"dst_ip": "a\nb"},
        {"dst_ip": "a`b"},
        {"nosuch": "x"},
        {"dst_ip": "a'b"},
        {"dst_ip": "a\\b"},
        {"dst_ip": "a b"},
        {"dst_ip": "(a)"},
    ],
)
def test_a_field_name_that_could_change_the_search_is_refused(fields: dict[str, str]) -> None:
    for preset in PRESETS:
        with pytest.raises(splunk.Unquotable):
            splunk.detection(preset, fields=fields)


@given(st.text())
@example('x" | delete')
@example("back\\")
def test_a_literal_stays_one_literal_or_is_refused(text: str) -> None:
    try:
        quoted = escaping.literal(text)
    except splunk.Unquotable:
        assert not text.isprintable()
        return
    assert text.isprintable() and json.loads(quoted) == text
    assert len(stages(f"search * | where a={quoted} | head 1")) == 3


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_no_scope_adds_a_stage(text: str) -> None:
    try:
        query = splunk.heartbeat(scope=text or " ")
    except splunk.Unquotable:
        return
    assert stages(query)[1:] == stages(splunk.heartbeat())[1:]
    assert "\n" not in stages(query)[0]


@given(st.text(max_size=30) | st.sampled_from([*HOSTILE, "count", "in", "where", "a.b", "not", "x:y-z"]))
def test_no_field_name_adds_a_stage(text: str) -> None:
    for preset in ("cim", "tstats"):
        try:
            query = splunk.detection(preset, fields={"hostname": text})
        except splunk.Unquotable:
            continue
        assert len(stages(query)) == len(stages(splunk.detection(preset)))
        assert splunk.lint(query) == ()


@given(st.lists(st.text(max_size=30).filter(str.isprintable), min_size=1, max_size=5))
def test_hostile_keys_of_the_follow_up_stay_inside_their_quotes(keys: list[str]) -> None:
    query = splunk.traffic(keys)
    assert len(stages(query)) == len(stages(splunk.traffic(["a"])))
    listed = next(stage for stage in stages(query) if stage.startswith("where in(tuple_key, "))
    assert json.loads(f"[{listed.removeprefix('where in(tuple_key, ').removesuffix(')')}]") == keys


def test_the_command_line_prints_the_detection_or_a_hunt() -> None:
    assert splunk.query(purpose="fetch") == splunk.detection("cim")
    assert render("splunk-tstats", purpose="fetch") == splunk.detection("tstats")
    assert "BY window_start src_ip dst_ip\n| where connections>100" in splunk.query(hunt="ddos-burst")
    assert "BY window_start hostname process_name\n" in splunk.query("sysmon", "ddos-burst")
    assert "127.0.0.0/8" not in splunk.query("sysmon", "ddos-burst")
    assert "6667" in splunk.query(hunt="irc") and "window_start" not in splunk.query(hunt="irc")
    for wrong in (("tstats", "dga-burst"), ("cim", "nosuch"), ("nosuch", "irc")):
        with pytest.raises(KeyError):
            splunk.query(*wrong)


def test_every_column_of_a_preset_is_ours() -> None:
    assert all(tuple(name for name, _ in preset.columns) == (*COLUMNS, *TOLD) for preset in PRESETS.values())
