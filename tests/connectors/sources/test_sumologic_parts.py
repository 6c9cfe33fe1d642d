"""The parts of the Sumo Logic connector that need no conversation: places, cells, rows, settings, real payloads."""

import json
import re
from decimal import Decimal
from ipaddress import ip_network
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.clients.sumologic.deployment import DEPLOYMENTS, api_root, host_url, moved_to
from connectors.sources._siem import coverage
from connectors.sources.sumologic import decoding, mapping, search_job
from connectors.sources.sumologic.settings import PresetName
from playbook.detections.beaconing import Scope
from playbook.detections.languages import sumo
from playbook.errors import BadAnswer, ConfigError
from tests.support.public_data import DATA
from tests.support.sumo_fixtures import DAY, settings

REAL = DATA / "sumo"
GOOD = {
    "hostname": "PC-7.",
    "src_ip": "10.0.0.7",
    "dst_ip": "203.0.113.9",
    "dst_port": "6667",
    "connections": "1.2E2",
    "hourly_buckets": "24.0",
    "row_count": "120",
    "sent_known": "120",
    "rcvd_known": "119",
    "total_known": "120",
    "total_bytes_sent": "1.35844E5",
    "total_bytes_rcvd": "7",
    "total_bytes": "240000",
    "first_ms": "1795392000000",
    "last_ms": "1.79547E12",
    "processes": "b\na\n\nb",
    "protos": "6\ntcp",
    "services": "null\nirc",
}
LAB = Scope(source="sumo", lab=(ip_network("203.0.113.0/24"),))


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("us1", "https://api.sumologic.com"),
        ("EU", "https://api.eu.sumologic.com"),
        ("https://api.sumologic.com", "https://api.sumologic.com"),
        ("https://api.us2.sumologic.com/", "https://api.us2.sumologic.com"),
        ("https://api.us2.sumologic.com/api", "https://api.us2.sumologic.com"),
        ("https://api.us2.sumologic.com/api/v1/", "https://api.us2.sumologic.com"),
        ("https://API.US2.sumologic.com/api/sec/v1", "https://api.us2.sumologic.com"),
        ("https://service.de.sumologic.com", "https://api.de.sumologic.com"),
        ("http://127.0.0.1:8080/api/v1", "http://127.0.0.1:8080"),
        ("https://proxy.example:8443/api", "https://proxy.example:8443"),
    ],
)
def test_every_form_people_copy_gives_one_root(written: str, root: str) -> None:
    assert api_root(written, "sumo") == root


@pytest.mark.parametrize(
    "written",
    [
        "",
        "mars",
        "api.us2.sumologic.com",
        "https://api.mars.sumologic.com",
        "https://api.eu.sumologic.com/ui/#/search",
    ],
)
def test_a_place_that_is_none_is_refused_with_the_known_ones(written: str) -> None:
    with pytest.raises(ConfigError, match=r"sumo: .*(us1, us2|/api)"):
        api_root(written, "sumo")


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_redirect_is_believed_only_to_a_deployment_over_https(name: str) -> None:
    assert moved_to(host_url(name) + "/api/v1/search/jobs") == host_url(name)
    assert moved_to(host_url(name).replace("https", "http")) is None
    assert moved_to(host_url(name) + ".evil.example/") is None
    assert moved_to(f"https://evil.example/{host_url(name)}") is None
    assert moved_to(None) is None


@given(st.integers(0, 10**18 - 1))
def test_whole_numbers_come_back_from_every_form(number: int) -> None:
    for text in (str(number), f"{number}.0", f"{number}.9", f"{Decimal(number):E}", f" {number} "):
        assert decoding.whole({"n": text}, "n") == number


@pytest.mark.parametrize(
    "text", ["", "null", "NaN", "Infinity", "-1", "1e18", "1E999999", "12x", "0x10", "１e99", "--"]
)
def test_what_is_no_count_names_its_column(text: str) -> None:
    with pytest.raises(ValueError, match="n: "):
        decoding.whole({"n": text}, "n")


@given(st.text(max_size=12))
def test_no_text_makes_a_count_out_of_range(text: str) -> None:
    try:
        assert 0 <= decoding.whole({"n": text}, "n") < 10**18
    except ValueError as fault:
        assert str(fault).startswith("n: ")


def test_names_are_found_in_any_case_and_a_collision_is_told() -> None:
    assert decoding.folded({"_SourceCategory": "a", "N": 1, "gone": None}, "s") == {"_sourcecategory": "a", "n": "1"}
    assert decoding.folded({"a": "1", "A": "1"}, "s") == {"a": "1"}
    with pytest.raises(BadAnswer, match="both called 'a'"):
        decoding.folded({"a": "1", "A": "2"}, "s")


def test_a_record_is_read_with_unknown_sums_where_a_row_had_no_counter() -> None:
    read = mapping.aggregate(GOOD)
    assert (read.connections, read.bytes_sent, read.bytes_rcvd, read.bytes_total) == (120, 135844, None, 240000)
    assert read.processes == ("a", "b") and read.services == ("irc",) and set(read.transports) == {"tcp"}
    assert read.last_seen == 1795470000.0


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("src_ip", "not-an-ip", "src_ip: expected an address"),
        ("dst_ip", "", "dst_ip: expected an address"),
        ("dst_port", "70000", "dst_port: expected 0 to 65535"),
        ("dst_port", "http", "dst_port: expected a number"),
        ("connections", "", "connections: expected a number"),
        ("first_ms", "9e17", "first_ms: out of range"),
        ("hostname", "h" * 2000, "hostname: longer than"),
        ("row_count", "-3", "row_count: out of range"),
    ],
)
def test_a_bad_record_is_counted_with_its_reason_and_fatal_to_nobody(column: str, value: str, words: str) -> None:
    bad = GOOD | {column: value}
    found, read = mapping.detections([bad, GOOD, bad | {"x": "\x1b[31m"}], LAB)
    assert len(found) == 1 and read.rejected == 2
    assert read.examples[0].startswith(f"record 1: {words}")


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text(max_size=20), max_size=4))
def test_no_record_escapes_as_an_exception(change: dict[str, str]) -> None:
    found, read = mapping.detections([GOOD | change], LAB)
    assert len(found) + read.rejected <= 1


@given(st.lists(st.integers(0, 23), max_size=24))
def test_silent_hours_are_the_whole_hours_of_the_window_without_a_row(live: list[int]) -> None:
    start = int(DAY.start.timestamp()) // 3600
    records = [{"hour": str(start + h), "row_count": "3", "oldest_ms": "1.7E12", "newest_ms": "1.7E12"} for h in live]
    assert len(coverage.silent(DAY, mapping.hours(records))) == 24 - len(set(live))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "", "deployment": ""}, "exactly one of base_url and deployment"),
        ({"deployment": "us2"}, "exactly one of base_url and deployment"),
        ({"base_url": "mars"}, "expected https://api"),
        ({"scope": "a | delete"}, "may only stand inside double quotes"),
        ({"fields": {"dst": "x"}}, "no column of ours"),
        ({"preset": "bluecoat"}, "preset"),
        ({"rate": 40}, "rate"),
        ({"deadline_s": 9000}, "deadline_s"),
        ({"access_key": ""}, "access_key"),
        ({"path_prefix": "/api/../x y"}, "path_prefix"),
    ],
)
def test_wrong_settings_name_the_key(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)) as told:
        settings("https://api.us2.sumologic.com", **change)
    assert "testkey" not in str(told.value)


def asa_pattern() -> re.Pattern[str]:
    """The regex of the ASA prelude; Sumo's is RE2, of which this one uses nothing that Python lacks."""
    stage = next(line for line in sumo.detection("asa").split("\n| ") if line.startswith("parse regex"))
    return re.compile(stage.removeprefix('parse regex "').removesuffix('"').replace("(?<", "(?P<"))


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        (
            "Teardown TCP connection 7 for outside:203.0.113.9/6667 to in:10.0.0.7/50123 "
            "duration 0:01:02 bytes 99 TCP FINs",
            ("TCP", "203.0.113.9", "6667", "10.0.0.7", "50123", "99"),
        ),
        (
            "Teardown UDP connection 7 for o:2001:db8::9/53(LOCAL\\bob) to in-side:fd00::7/999 "
            "duration 1:00:00 bytes 9",
            ("UDP", "2001:db8::9", "53", "fd00::7", "999", "9"),
        ),
        ("Teardown ICMP connection for faddr 10.0.0.7/0 gaddr 203.0.113.9/0 laddr 203.0.113.9/0", None),
        ("Built outbound TCP connection 7 for outside:203.0.113.9/6667 to inside:10.0.0.7/50123", None),
    ],
)
def test_the_asa_pattern_takes_teardown_lines_apart(line: str, taken: tuple[str, ...] | None) -> None:
    found = asa_pattern().search(f"%ASA-6-302014: {line}")
    names = ("proto", "a_ip", "a_port", "b_ip", "b_port", "bytes_total")
    assert (found and tuple(found[name] for name in names)) == taken


def test_the_preset_names_are_those_of_the_language() -> None:
    assert get_args(PresetName) == tuple(sumo.PRESETS)


# --- payloads that the vendor published, when they are here -----------------------------------------------------


def real(name: str) -> str:
    """The text of a public payload, or a skip where it is not at hand."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return path.read_text(encoding="utf-8")


@pytest.mark.real_data
def test_the_documented_shapes_are_read() -> None:
    shapes = json.loads(real("docs_searchjob_shapes.json"))
    status = search_job.Status.model_validate(shapes["status"])
    assert status.state == search_job.DONE and (status.messageCount, status.recordCount) == (90, 1)
    page = search_job.Page.model_validate(shapes["records"])
    assert decoding.folded(page.records[0].map, "s") == {"_count": "90", "_sourcecategory": "service"}
    assert decoding.whole(page.records[0].map, "_count") == 90
    assert search_job.Created.model_validate(shapes["create_response_202"]).id == "37589506F194FC80"


@pytest.mark.real_data
def test_real_messages_have_times_that_are_read() -> None:
    for message in json.loads(real("chronicle_search_messages_flattened.json")):
        row = decoding.folded(message, "s")
        assert decoding.whole(row, "_messagetime") == 1359407049529 and decoding.text(row, "_raw")


@pytest.mark.real_data
def test_the_asa_pattern_takes_real_teardown_lines_apart() -> None:
    lines = [line for line in real("sumo_content_cisco_asa.log").splitlines() if re.search(r"Teardown (TCP|UDP)", line)]
    taken = [found.groupdict() for line in lines if (found := asa_pattern().search(line))]
    assert len(taken) == len(lines) == 2
    assert {(t["proto"], t["b_port"], t["bytes_total"]) for t in taken} == {
        ("UDP", "500", "1416"),
        ("TCP", "3464", "13824"),
    }


@pytest.mark.real_data
def test_the_cloud_siem_columns_exist_in_the_vendors_schema() -> None:
    schema = json.loads(real("cse_normalized_schema_build.json"))
    names = set(re.findall(r'"([A-Za-z][A-Za-z0-9_]+)"', json.dumps(schema)))
    used = {theirs for _, theirs in sumo.PRESETS["cse"].columns if theirs.isidentifier() and theirs != "_messageTime"}
    assert used <= names, used - names
