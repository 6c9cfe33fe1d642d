"""All text formats of devices: one connection each, told apart from each other, in the shapes that relays give them."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from connectors.sources.logs.files import formats
from connectors.sources.logs.formats import (
    argus,
    cef,
    checkpoint,
    cortex,
    filterlog,
    fortigate,
    ftd,
    iptables,
    leef,
    meraki,
    silk,
    squid,
    srx,
    winfw,
    zscaler,
)
from connectors.sources.logs.schema import Recognised, Scan
from tests.support import device_lines as samples
from tests.support.log_fixtures import all_rows, events, refused, written

SAMPLES: dict[ModuleType, str] = {
    argus: samples.ARGUS,
    cef: samples.CEF,
    checkpoint: samples.CHECKPOINT,
    cortex: samples.CORTEX,
    filterlog: samples.FILTERLOG,
    fortigate: samples.FORTIGATE,
    ftd: samples.FTD,
    iptables: samples.IPTABLES,
    leef: samples.LEEF,
    meraki: samples.MERAKI,
    silk: samples.SILK,
    squid: samples.SQUID,
    srx: samples.SRX,
    winfw: samples.WINFW,
    zscaler: samples.ZSCALER,
}
CONN = [module for module in SAMPLES if module is not squid]
ONE_PACKET = (filterlog, iptables, meraki, winfw, checkpoint)
HEADED = (argus, cortex, silk, winfw)
LINES = [module for module in CONN if module not in HEADED]


def name(module: ModuleType) -> str:
    return module.NAME


@pytest.mark.parametrize("module", CONN, ids=name)
def test_every_format_gives_the_same_connection(module: ModuleType, tmp_path: Path) -> None:
    (row,) = events(module, written(tmp_path, "a.log", SAMPLES[module] + "\n"))
    assert (row["start"], row["src_ip"], row["dst_ip"]) == (samples.START, samples.SRC, samples.DST)
    assert (row["src_port"], row["dst_port"], row["proto"]) == (20000, 6667, "tcp")
    assert (row["conns"], row["denied"], row["hostname"]) == (1, False, "")
    sizes = (None, None, None) if module in ONE_PACKET else (858, 1292, 2150)
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"]) == sizes


@pytest.mark.parametrize("module", SAMPLES, ids=name)
def test_only_its_own_format_recognises_a_sample(module: ModuleType) -> None:
    text = SAMPLES[module] + "\n"
    first = [other for other in formats().values() if not getattr(other, "ASKED_LAST", False)]
    knowing = {other.NAME for other in first if other.recognise(text, "a.log")}
    assert knowing == {module.NAME} | ({"asa"} if "FTD-" in text else set())


@pytest.mark.parametrize("module", SAMPLES, ids=name)
def test_a_json_envelope_and_prose_are_other_formats(module: ModuleType) -> None:
    first = SAMPLES[module].splitlines()[-1].replace('"', '\\"').replace("\t", " ")
    for text in (f'{{"message": "{first}"}}\n', "", "nothing that a device wrote\n", "src=1 dst=2\n", "a,b,c\n1,2,3\n"):
        assert not module.recognise(text, "a.log"), text


@pytest.mark.parametrize("module", CONN, ids=name)
def test_line_ends_of_windows_a_mark_of_order_and_blank_lines_change_nothing(
    module: ModuleType, tmp_path: Path
) -> None:
    text = "\ufeff" + SAMPLES[module].replace("\n", "\r\n") + "\r\n\r\n"
    path = written(tmp_path, "a.log", text)
    (row,) = events(module, path)
    assert (row["start"], row["src_ip"], row["dst_port"]) == (samples.START, samples.SRC, 6667)
    assert refused(module, path) == []


@pytest.mark.parametrize("module", CONN, ids=name)
def test_every_line_is_read_passed_over_or_refused(module: ModuleType, tmp_path: Path) -> None:
    noise = "\n".join((SAMPLES[module], SAMPLES[module].splitlines()[-1][:60], "something else entirely", "x=1 y=2"))
    path = written(tmp_path, "a.log", noise + "\n")
    rows = all_rows(module, path)
    assert [row for row in rows if (row["start"], row["bad"], row["passed"]) == (None, None, None)] == []
    expected = len([line for line in noise.splitlines() if line.strip()])
    first_header = 1 if module is cortex else 0
    joined = 1 if module is silk else 0
    assert len(rows) == expected - first_header - joined
    assert len([row for row in rows if row["start"] is not None]) == 1


@pytest.mark.parametrize("module", LINES, ids=name)
@pytest.mark.parametrize("bad", ["10.20.30.400", "fw'; drop table x; --"])
def test_an_address_that_is_none_refuses_the_row_with_its_line(module: ModuleType, bad: str, tmp_path: Path) -> None:
    path = written(tmp_path, "a.log", SAMPLES[module] + "\n" + SAMPLES[module].replace(samples.SRC, bad) + "\n")
    assert len(events(module, path)) == 1
    ((reason, line),) = refused(module, path)
    assert line == 2
    assert "usable" in reason or "form" in reason or "missing" in reason


@pytest.mark.parametrize("module", LINES, ids=name)
def test_ipv6_addresses_are_addresses(module: ModuleType, tmp_path: Path) -> None:
    text = SAMPLES[module].replace(samples.SRC, "2001:DB8::5").replace(samples.DST, "2a00:1450:4001::8")
    if module is filterlog:
        text = (
            "<134>1 2026-03-02T08:00:01+00:00 fw filterlog 35553 - - 9,,,15,em0,match,pass,in,6,0x00,0x12345,64,"
            "tcp,6,40,2001:db8::5,2a00:1450:4001::8,20000,6667,0,S,1395699778,,1024,,"
        )
    (row,) = events(module, written(tmp_path, "a.log", text + "\n"))
    assert (row["src_ip"], row["dst_ip"], row["dst_port"]) == ("2001:db8::5", "2a00:1450:4001::8", 6667)


FRAMES = [
    "",
    "<13>",
    "Mar  2 08:00:09 relay ",
    "<13>Mar  2 08:00:09 relay ",
    "2026-03-02T08:00:09.123+01:00 relay ",
    "<13>1 2026-03-02T07:00:09Z relay app 1 - - ",
]
OWN_TIME = [fortigate, ftd, meraki, checkpoint, leef, cef]


@pytest.mark.parametrize("module", OWN_TIME, ids=name)
@pytest.mark.parametrize("frame", FRAMES)
def test_what_a_relay_writes_in_front_changes_nothing(module: ModuleType, frame: str, tmp_path: Path) -> None:
    (row,) = events(module, written(tmp_path, "a.log", frame + SAMPLES[module] + "\n"))
    assert (row["start"], row["src_ip"], row["dst_port"]) == (samples.START, samples.SRC, 6667)


STAMPED = {
    filterlog: ("1 2026-03-02T08:00:01+00:00 fw.localnet filterlog 35553 - - ", "{} fw filterlog[35553]: "),
    iptables: ("2026-03-02T08:00:01+00:00 gw", "{} gw"),
    srx: ("1 2026-03-02T08:00:21.000Z srx RT_FLOW - ", "{} srx RT_FLOW: "),
}


@pytest.mark.parametrize("module", STAMPED, ids=name)
@pytest.mark.parametrize(
    ("stamp", "shift"),
    [
        ("Mar  2 08:00:{}", 0),
        ("Mar 02 2026 08:00:{}", 0),
        ("2026-03-02T10:00:{}+02:00", 0),
        ("2026-03-02T08:00:{}.5Z", 0.5),
    ],
)
def test_stamps_of_a_frame(module: ModuleType, stamp: str, shift: float, tmp_path: Path) -> None:
    old, new = STAMPED[module]
    text = SAMPLES[module].replace(old, new.format(stamp.format("21" if module is srx else "01")))
    path = written(tmp_path, "a.log", text + "\n")
    later = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    os.utime(path, (later, later))
    assert [row["start"] for row in events(module, path)] == [samples.START + shift]
    if "T" not in stamp:
        zoned = events(module, path, Scan(time_zone="Europe/Berlin"))
        assert [row["start"] for row in zoned] == [samples.START + shift - 3600]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (datetime(2026, 1, 5, tzinfo=UTC), {"Dec 31": 2025, "Jan  2": 2026}),
        (datetime(2025, 12, 31, 12, tzinfo=UTC), {"Dec 31": 2025, "Jan  2": 2025}),
        (datetime(2026, 6, 1, tzinfo=UTC), {"Dec 31": 2025, "Feb  3": 2026}),
    ],
)
def test_a_stamp_without_a_year_lies_in_the_latest_year_before_the_files_own_day(
    changed: datetime, expected: dict[str, int], tmp_path: Path
) -> None:
    frames = [samples.IPTABLES.replace("2026-03-02T08:00:01+00:00", f"{day} 08:00:01") for day in expected]
    path = written(tmp_path, "kern.log", "\n".join(frames) + "\n")
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    years = [datetime.fromtimestamp(row["start"], UTC).year for row in all_rows(iptables, path)]
    assert sorted(years) == sorted(expected.values())
    given = [datetime.fromtimestamp(row["start"], UTC).year for row in all_rows(iptables, path, Scan(year=2020))]
    assert set(given) == {2020}


def test_a_form_says_what_is_assumed_of_undated_stamps(tmp_path: Path) -> None:
    undated = samples.IPTABLES.replace("2026-03-02T08:00:01+00:00", "Mar  2 08:00:01")
    form = iptables.recognise(undated + "\n", str(written(tmp_path, "a.log", undated)))
    assert isinstance(form, Recognised) and "without a year" in form.note
    dated = iptables.recognise(samples.IPTABLES + "\n", "a.log")
    assert isinstance(dated, Recognised) and dated.note == ""


def test_a_line_of_one_format_is_none_of_another() -> None:
    for module in SAMPLES:
        line = getattr(module, "LINE", "")
        assert not line or re.search(line, SAMPLES[module]), module.NAME
        assert not line or not any(re.search(line, SAMPLES[other]) for other in SAMPLES if other is not module)
