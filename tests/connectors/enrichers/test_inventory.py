"""Inventories from files: which rows answer for which host, and what bad files say."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.enrichers._files.schedule import ALWAYS
from connectors.enrichers.inventory import Inventory, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable
from playbook.model.site import Site
from tests.support.examples import examples

NOW = datetime(2026, 3, 10, tzinfo=UTC)
WINDOW = TimeWindow(start=datetime(2026, 3, 9, tzinfo=UTC), end=NOW)
SHA = "ab" * 32

HOSTS = """host_id,hostname,addresses,roles,owner,since,until
h1,FS-01.corp.example,10.1.2.3;2001:db8::5,backup_server,Storage,,2026-03-09T12:00:00Z
h1,fs-01.corp.example,10.1.2.9,server,Storage,2026-03-09T12:00:00Z,
h2,lap-7,10.1.2.3,workstation,Ann,2026-03-09T13:00:00+01:00,
,runner-01.other.example,10.1.3.1,runner,,,
"""
PROCESSES = f"""seen,hostname,process_name,path,signer,signed,sha256,command_line,dst_ip,dst_port,outside_addresses
2026-03-09T10:00:00Z,fs-01,veeam.exe,C:\\veeam.exe,Veeam,true,{SHA.upper()},"veeam ""-x"", y",203.0.113.9,443,3
2026-03-09T11:00:00Z,fs-01.corp.example,beacon,/tmp/beacon,,false,,,,,
"""
SOFTWARE = f"name,purpose,sha256,signer,path,owner\nqbt,p2p,{SHA},,,IT\nzoom,other,,Zoom,C:\\Zoom,IT\n"


def host(name: str) -> Observable:
    return Observable(kind="host", value=name, role="source")


def source(address: str) -> Observable:
    return Observable(kind="address", value=address, role="source")


def inventory(folder: Path, **files: str) -> Inventory:
    names = {}
    for topic, text in files.items():
        suffix = "json" if text.lstrip()[:1] == "[" else "jsonl" if text.lstrip()[:1] == "{" else "csv"
        (folder / f"{topic}.{suffix}").write_bytes(text.encode("utf-8", "surrogateescape"))
        names[topic] = Path(f"{topic}.{suffix}")
    return connect("inv", Settings(**names), Site(now=NOW), folder)


def ask(enricher: Inventory, observable: Observable, topic: str) -> Enrichment:
    (answer,) = [e for e in enricher.look_up([observable], WINDOW) if e.topic == topic]
    return answer


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("fs-01.corp.example", ["fs-01.corp.example"]),
        ("FS-01", ["fs-01.corp.example"]),
        ("fs-01.corp.example.", ["fs-01.corp.example"]),
        ("fs-01.elsewhere.example", []),
        ("lap-7.corp.example", ["lap-7"]),
        ("lap-77", []),
        ("runner-01", ["runner-01.other.example"]),
        ("10.1.3.1", ["runner-01.other.example"]),
        ("10", []),
        ("", []),
        ("fs-01'; drop table", []),
    ],
)
def test_a_host_is_found_by_its_full_or_short_name_only(tmp_path: Path, asked: str, found: list[str]) -> None:
    answers = ask(inventory(tmp_path, hosts=HOSTS), host(asked), "host").answers
    assert [record.hostname for record in answers] == found


def test_rows_of_one_host_merge(tmp_path: Path) -> None:
    (record,) = ask(inventory(tmp_path, hosts=HOSTS), host("fs-01"), "host").answers
    assert record.addresses == ("10.1.2.3", "2001:db8::5", "10.1.2.9")
    assert record.roles == ("backup_server", "server")
    assert (record.host_id, record.owner, record.address_periods) == ("h1", "Storage", ())


def test_an_address_names_every_holder_with_its_period(tmp_path: Path) -> None:
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    answers = ask(inventory(tmp_path, hosts=HOSTS), source("::ffff:10.1.2.3"), "host").answers
    assert [(record.hostname, record.address_periods) for record in answers] == [
        ("fs-01.corp.example", (TimeWindow(start=ALWAYS.start, end=noon),)),
        ("lap-7", (TimeWindow(start=noon, end=ALWAYS.end),)),
    ]


def test_a_host_that_held_an_address_twice_has_two_sorted_periods(tmp_path: Path) -> None:
    text = (
        "hostname,addresses,since,until\n"
        "a,10.0.0.1,2026-03-03T00:00:00Z,2026-03-04T00:00:00Z\na,10.0.0.1,2026-03-01T00:00:00Z,2026-03-02T00:00:00Z\n"
    )
    (record,) = ask(inventory(tmp_path, hosts=text), source("10.0.0.1"), "host").answers
    assert [period.start.day for period in record.address_periods] == [1, 3]


def test_what_is_not_served_gets_no_answer(tmp_path: Path) -> None:
    enricher = inventory(tmp_path, hosts=HOSTS, processes=PROCESSES, software=SOFTWARE)
    others = [
        Observable(kind="address", value="203.0.113.9", role="destination"),
        Observable(kind="domain", value="fs-01.corp.example", role="destination"),
        Observable(kind="process", value="veeam.exe", role="source"),
    ]
    assert enricher.look_up(others, WINDOW) == ()
    assert {e.topic for e in enricher.look_up([host("fs-01")], WINDOW)} == {"host", "processes", "software"}
    assert {e.topic for e in enricher.look_up([source("10.1.2.3")], WINDOW)} == {"host"}


def test_sockets_of_a_host_newest_first(tmp_path: Path) -> None:
    enricher = inventory(tmp_path, processes=PROCESSES)
    answers = ask(enricher, host("fs-01"), "processes").answers
    assert [a.process_name for a in answers] == ["beacon", "veeam.exe"]
    assert (answers[1].sha256, answers[1].dst_ip, answers[1].dst_port, answers[1].signed) == (
        SHA,
        "203.0.113.9",
        443,
        True,
    )
    assert answers[1].command_line == 'veeam "-x", y'
    assert (answers[0].dst_ip, answers[0].outside_addresses, answers[0].signed) == (None, None, False)
    assert ask(enricher, host("other"), "processes").answers == ()


@pytest.mark.parametrize("as_lines", [True, False])
def test_json_exports_answer_as_csv_does(tmp_path: Path, as_lines: bool) -> None:
    rows = [
        {
            "seen": "2026-03-09T10:00:00Z",
            "hostname": "fs-01",
            "process_name": "x",
            "signed": True,
            "dst_port": 443,
            "dst_ip": None,
        },
        {"hostname": "fs-01", "process_name": ["nested", {"a": 1}]},
    ]
    text = "\n".join(json.dumps(row) for row in rows) if as_lines else json.dumps(rows)
    answer = ask(inventory(tmp_path, processes=text), host("fs-01"), "processes")
    assert [(a.process_name, a.signed, a.dst_port, a.dst_ip) for a in answer.answers] == [("x", True, 443, None)]
    assert "1 row left out" in answer.warning
    assert "2: " in answer.warning


def test_approved_software_answers_for_every_host(tmp_path: Path) -> None:
    answer = ask(inventory(tmp_path, software=SOFTWARE), host("anything"), "software")
    assert [(a.name, a.purpose, a.sha256) for a in answer.answers] == [("qbt", "p2p", SHA), ("zoom", "other", "")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("h,,10.0.0.1,,,,", "hostname"),
        ("h,x,10.0.0.300,,,,", "expected an IP address"),
        ("h,x,10.0.0.1,,,2026-03-01T00:00:00,", "a time without zone"),
        ("h,x,10.0.0.1,,,2026-03-02T00:00:00Z,2026-03-01T00:00:00Z", "until must be after since"),
        ("h,x,10.0.0.1,,,yesterday,", "since"),
        ("h,x,10.0.0.1,,,0001-01-01T00:00:00Z,", "a year from 1900"),
        ("h,x,10.0.0.1", "3 cells; expected 7"),
        ('h,"x,10.0.0.1,,,,', "not a CSV row"),
        ("h,x\0,10.0.0.1,,,,", "NUL"),
        ("h,x\x1b[31m,10.0.0.1,,,,", "control character"),
        ("h,x\udcff,10.0.0.1,,,,", "not UTF-8"),
        (f"h,{'x' * 300},10.0.0.1,,,,", "at most 253"),
        (f"h,x,10.0.0.1,{'r;' * 90_000},,,", "a line of"),
    ],
)
def test_a_bad_row_is_named_and_the_others_count(tmp_path: Path, row: str, reason: str) -> None:
    enricher = inventory(tmp_path, hosts=f"{HOSTS}{row}\n,late,10.9.9.9,,,,\n")
    answer = ask(enricher, host("late"), "host")
    assert len(answer.answers) == 1
    assert answer.unavailable is None
    assert "1 row left out: hosts.csv:6: " in answer.warning
    assert reason in answer.warning
    (result,) = enricher.check()
    assert result.ok
    assert "hosts.csv:6" in result.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty; expected a header row with the columns hostname"),
        ("a,b\n1,2\n", "no column hostname"),
        ("hostname,hostname\na,b\n", "column hostname twice"),
        ("hostname,addresses\nx,nowhere\ny,neither\n", "none of its 2 rows can be used"),
        ("[{]", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["a", NaN]', "not JSON"),
        ("\udcff\udcfeh\0", "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_used_makes_every_answer_unavailable(tmp_path: Path, text: str, reason: str) -> None:
    enricher = inventory(tmp_path, hosts=text)
    answer = ask(enricher, host("x"), "host")
    assert answer.answers == ()
    assert answer.unavailable is not None
    assert reason in answer.unavailable
    assert "hosts." in answer.unavailable
    assert not enricher.check()[0].ok


def test_a_missing_file_is_unavailable_and_its_neighbour_answers(tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text(HOSTS)
    enricher = connect("inv", Settings(hosts="hosts.csv", processes="none.csv"), Site(now=NOW), tmp_path)
    assert "none.csv" in (ask(enricher, host("fs-01"), "processes").unavailable or "")
    assert len(ask(enricher, host("fs-01"), "host").answers) == 1
    assert [result.ok for result in enricher.check()] == [True, False]


def test_a_header_alone_is_an_empty_inventory(tmp_path: Path) -> None:
    answer = ask(inventory(tmp_path, hosts="hostname,addresses\n"), host("x"), "host")
    assert (answer.answers, answer.unavailable, answer.warning) == ((), None, "")


def test_columns_that_are_not_used_are_told(tmp_path: Path) -> None:
    answer = ask(inventory(tmp_path, hosts="hostname,adresses\nx,10.0.0.1\n"), host("x"), "host")
    assert "columns not used: 'adresses'" in answer.warning


def test_byte_order_mark_and_old_line_ends_are_read(tmp_path: Path) -> None:
    assert len(ask(inventory(tmp_path, hosts="\ufeffhostname\r\nx\r\ny\rz\n"), host("z"), "host").answers) == 1


def test_a_time_without_zone_takes_the_configured_one(tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text("hostname,addresses,since\nx,10.0.0.1,2026-03-09T10:00:00\n")
    enricher = connect("inv", Settings(hosts="hosts.csv", timezone="Europe/Prague"), Site(now=NOW), tmp_path)
    (record,) = ask(enricher, source("10.0.0.1"), "host").answers
    assert record.address_periods[0].start == datetime(2026, 3, 9, 9, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [{}, {"host": "x"}, {"hosts": "x", "timezone": "Mars/Olympus"}])
def test_wrong_settings_are_faults_of_the_configuration(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


@examples(60)
@given(st.binary(max_size=300))
def test_any_bytes_give_answers_or_a_reason(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "hosts.csv").write_bytes(b"hostname,addresses,since\n" + raw)
    enricher = connect("inv", Settings(hosts="hosts.csv"), Site(now=NOW), tmp_path)
    answer = ask(enricher, host("good"), "host")
    assert answer.unavailable is None or answer.answers == ()
    (tmp_path / "hosts.csv").write_bytes(b"hostname,addresses,since\n" + raw + b"\ngood,10.0.0.1,\n")
    enricher = connect("inv", Settings(hosts="hosts.csv"), Site(now=NOW), tmp_path)
    assert "good" in {record.hostname for record in ask(enricher, host("good"), "host").answers}
