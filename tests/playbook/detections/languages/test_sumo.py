"""The Sumo Logic query text: one tail for all sources, nothing Sumo lacks, and nobody else's words in it."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playbook.detections.languages import sumo
from playbook.detections.languages.sumo import escaping
from playbook.detections.languages.sumo.lint import STATEMENTS
from playbook.detections.languages.sumo.presets import COLUMNS, PRESETS

HOSTILE = ['x" | delete', "a\nb", "`id`", "back\\slash", 'q"uote', "| delete", "[subquery: x]", "a // b", "\u202etxt"]
SEED_TEXT = """(_sourceCategory=network/firewall OR _sourceCategory=network/zeek)
| where !isPrivateIP(dst_ip)
| where !(dst_ip matches "172.1[6-9].*" or dst_ip matches "127.*")
| eval irc_port = if(dst_port in ("6660", "6697"), 1, 0)
| timeslice 1h
| stats count as connections, dc(_timeslice) as hourly_buckets, max(irc_port) as irc_port by src_ip, dst_ip, dst_port
| where connections >= 20 and hourly_buckets >= 3
| eval avg_per_hour = round(connections / hourly_buckets, 1)
| sort by -connections"""


def stages(query: str) -> list[str]:
    """The stages of a query, split at pipes outside of quotes; the reference for what the lint sees."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: '"' + "~" * (len(m.group()) - 2) + '"', query)
    parts, at = [], 0
    for piece in bare.split("|"):
        parts.append(query[at : at + len(piece)].strip())
        at += len(piece) + 1
    return parts


@pytest.mark.parametrize("name", PRESETS)
def test_every_query_of_every_preset_passes_the_lint(name: str) -> None:
    for query in (
        sumo.detection(name),
        sumo.traffic(["10.0.0.1 203.0.113.6 443"], name),
        sumo.heartbeat(name),
        sumo.probe(name),
    ):
        assert sumo.lint(query) == ()


@pytest.mark.parametrize("name", PRESETS)
def test_every_prelude_ends_in_the_same_columns(name: str) -> None:
    prelude = stages(sumo.probe(name))[1:-1]
    defined = {m for stage in prelude for m in re.findall(r"\bas (\w+(?:, \w+)*)", stage)}
    names = {n.strip() for group in defined for n in group.split(",")} | ({*COLUMNS} if name == "seed" else set())
    names |= set(re.findall(r"\(\?<(\w+)>", sumo.probe(name)))
    assert set(COLUMNS) <= names


def test_the_tail_is_the_same_whatever_the_source() -> None:
    every = [stages(sumo.detection(name)) for name in PRESETS]
    tails = {tuple(found[found.index('concat(dst_ip, "") as dst_ip') :]) for found in every}
    assert len(tails) == 1 and len(next(iter(tails))) > 30


@pytest.mark.parametrize("name", ["panos", "asa", "vpcflow", "netflow", "zeek-json"])
def test_a_device_is_not_the_host(name: str) -> None:
    assert '"" as hostname' in stages(sumo.detection(name))


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("panos", 'where pan_type = "TRAFFIC" and pan_subtype = "end"'),
        ("panos", "_messageTime - (pan_received_ms - pan_started_ms) as pan_start_ms"),
        ("asa", "_messageTime - (num(hours) * 3600 + num(minutes) * 60 + num(seconds)) * 1000 as asa_start_ms"),
        ("asa", '"" as bytes_sent'),
        ("vpcflow", '"" as bytes_rcvd'),
        ("cse", "srcDevice_hostname as hostname"),
        ("zeek-json", 'if(proto = "tcp" and !isBlank(history) and !(history matches /[Ss]/), 0, 1) as conns'),
    ],
)
def test_what_a_preset_says(name: str, stage: str) -> None:
    assert stage in stages(sumo.detection(name))


def test_hours_first_then_tuples_and_no_score() -> None:
    lines = stages(sumo.detection())
    hour = lines.index("floor(start_ms / 3600000) as hour")
    aggregates = [n for n, line in enumerate(lines) if line.startswith(("count as", "sum("))]
    assert aggregates == [hour + 1, hour + 2]
    assert lines[hour + 1].endswith("by hour, hostname, src_ip, dst_ip, dst_port")
    assert lines[hour + 2].endswith("by hostname, src_ip, dst_ip, dst_port")
    assert lines[hour + 3] == "where connections >= 20 and hourly_buckets >= 3"
    assert "score" not in sumo.detection()


def test_private_is_not_asked_of_is_private_ip_and_no_pipe_stands_in_a_regex() -> None:
    for name in PRESETS:
        query = sumo.detection(name)
        assert "isPrivateIP" not in query and "count_distinct" not in query and "isNull" not in query
        assert all("|" not in regex for regex in re.findall(r"matches /[^/]*/", query))


def test_the_heartbeat_is_one_cheap_count_of_everything_in_scope() -> None:
    assert sumo.heartbeat(scope="_index=fw").startswith("(_index=fw)\n| floor(_messageTime / 3600000) as hour\n| count")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (SEED_TEXT, "stage 3: eval is Splunk's"),
        (SEED_TEXT, "stage 5: stats is Splunk's"),
        (SEED_TEXT, "[ is literal text"),
        ("* | count as n | dc(x) as y", "dc() is Splunk's"),
        ("* | x = 1", "an assignment is y as x"),
        ("* | round(a, 1)", "needs as"),
        ("* | sum(a + b) as c", "takes a field"),
        ("* | count as n by a | where b > 1", "b is not defined"),
        ("* | count as n by a | fields a, m", "m is not defined"),
        ("* | count as n by a | sum(q) as r by a", "q is not defined"),
        ("* | where (a = 1", "parentheses"),
        ('* | where a = "x', "double quote"),
        ("* | table a", "table is Splunk's"),
        ('* | rex "(?<a>b)"', "rex is Splunk's"),
        ("* | where a = 1 |  | count", "empty"),
    ],
)
def test_the_lint_names_what_sumo_lacks(query: str, fault: str) -> None:
    assert any(fault in found for found in sumo.lint(query)), sumo.lint(query)


@pytest.mark.parametrize(
    "query",
    [
        '* | parse regex "a|b=(?<x>\\d+)" | where x = "1|2" | count as n by x | where n > 1 | fields x, n',
        "* | where a matches /^172\\.1[6-9]\\./ | if(a = b, 1, 0) as c | max(c) as c by d",
        "* | timeslice 1h | count by _timeslice | sort by _timeslice asc",
    ],
)
def test_the_lint_lets_good_text_pass(query: str) -> None:
    assert sumo.lint(query) == ()


def test_the_lint_knows_no_foreign_word() -> None:
    assert not STATEMENTS & {"eval", "stats", "dc", "table", "rex"}


def test_scope_and_fields_are_settings() -> None:
    query = sumo.detection(
        "seed", "_sourceCategory=prod/fw*", {"dst_ip": "dest_ip", "process_name": "", "bytes_sent": "network.bytes-out"}
    )
    assert query.startswith("(_sourceCategory=prod/fw*)\n| ")
    found = stages(query)
    assert "dest_ip as dst_ip" in found and '"" as process_name' in found
    assert '%"network.bytes-out" as bytes_sent' in found
    assert '%"count" as hostname' in stages(sumo.detection(fields={"hostname": "count"}))
    assert sumo.lint(query) == ()


@pytest.mark.parametrize(
    "scope",
    [
        "a | delete",
        "a\n| count",
        '"open',
        "(a",
        "a) OR (b",
        ") OR (",
        "a // rest",
        "a /* b */",
        "[subquery: *]",
        "`a`",
        "a; b",
        "",
        "   ",
        "x" * 5000,
        "a\u202eb",
        "{a}",
        "a\\",
    ],
)
def test_a_scope_that_could_change_the_query_is_refused(scope: str) -> None:
    with pytest.raises(sumo.Unquotable):
        sumo.detection("seed", scope or " ")


@pytest.mark.parametrize(
    "scope",
    [
        "_sourceCategory=prod/fw*",
        '_index=a AND ("a | b" OR NOT "x (y")',
        "*",
        '"a \\" b"',
        "_view=fw_24h",
        "!foo",
    ],
)
def test_a_plain_scope_is_kept_word_for_word(scope: str) -> None:
    assert stages(sumo.heartbeat(scope=scope))[0] == f"({scope})"


@pytest.mark.parametrize(
    "fields",
    [
        {"dst_ip": 'x" | delete'},
        {"dst_ip": "a|b"},
        {"dst_ip": "a\nb"},
        {"dst_ip": "a`b"},
        {"nosuch": "x"},
        {"dst_ip": "src_ip"},
        {"dst_ip": "a\\b"},
        {"dst_ip": "a%b"},
        {"dst_ip": "%a"},
    ],
)
def test_a_field_name_that_could_change_the_query_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(sumo.Unquotable):
        sumo.detection("seed", fields=fields)


@given(st.text())
@example('x" | delete')
@example("back\\")
def test_a_literal_stays_one_literal_or_is_refused(text: str) -> None:
    try:
        quoted = escaping.literal(text)
    except sumo.Unquotable:
        assert not text.isprintable()
        return
    assert text.isprintable() and json.loads(quoted) == text
    assert len(stages(f"* | where a = {quoted} | count")) == 3


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_no_scope_adds_a_stage(text: str) -> None:
    try:
        query = sumo.heartbeat(scope=text or " ")
    except sumo.Unquotable:
        return
    assert stages(query)[1:] == stages(sumo.heartbeat())[1:]
    assert "\n" not in stages(query)[0]


@given(st.text(max_size=30) | st.sampled_from([*HOSTILE, "count", "DC", "where", "eval", "as", "if", "limit"]))
def test_no_field_name_adds_a_stage(text: str) -> None:
    try:
        query = sumo.detection("seed", fields={"hostname": text})
    except sumo.Unquotable:
        return
    assert len(stages(query)) in (len(stages(sumo.detection())), len(stages(sumo.detection())) + 1)
    assert sumo.lint(query) == ()


@given(st.lists(st.text(max_size=30).filter(str.isprintable), min_size=1, max_size=5))
def test_hostile_keys_of_the_follow_up_stay_inside_their_quotes(keys: list[str]) -> None:
    query = sumo.traffic(keys)
    assert len(stages(query)) == len(stages(sumo.traffic(["a"])))
    listed = next(stage for stage in stages(query) if stage.startswith("where tuple_key in ("))
    assert json.loads(f"[{listed.removeprefix('where tuple_key in (').removesuffix(')')}]") == keys


def test_the_command_line_prints_the_detection_or_a_hunt() -> None:
    assert sumo.query(purpose="fetch") == sumo.detection("seed")
    assert sumo.query("panos", purpose="fetch") == sumo.detection("panos")
    burst, irc = sumo.query(hunt="ddos-burst"), sumo.query(hunt="irc")
    assert sumo.lint(burst) == sumo.lint(irc) == ()
    assert "as last_ms by slice, src_ip, dst_ip\n| where connections > 100\n" in burst and "scan_indicator" in burst
    assert "192.168" not in burst and "icmp" not in burst
    assert '"6667"' in irc and "slice" not in irc
    for preset in ("seed", "cse", "endpoint"):
        names = sumo.query(preset, "dga-burst")
        assert sumo.lint(names) == () and names.startswith("(_index=sec_record_network)\n| where !isBlank(dns_query)")
    assert "by slice, hostname, process_name\n" in sumo.query("endpoint", "ddos-burst")
    with pytest.raises(KeyError):
        sumo.query("endpoint")
