"""Log lines inside the records of shippers and exports, JSON documents and arrays, UTF-16: the same 24 connections."""

import csv
import io
from json import dumps
from pathlib import Path
from typing import Any

import pytest

from playbook.errors import UnknownFormat
from tests.connectors.sources.logs.shapes import ALL, COUNT, counted, fetched, iso, rows, zeek


def vpc(number: int) -> str:
    begun = 1772438401 + 600 * number
    return f"2 123456789012 eni-0a 10.20.30.40 45.60.1.1 {20000 + number} 6667 6 6 360 {begun} {begun + 40} ACCEPT OK"


def table(header: list[str], *columns: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([column(number) for column in columns] for number in range(COUNT))
    return text.getvalue()


def inner(number: int) -> str:
    return dumps(zeek(number))


SHAPES = {
    "filebeat": rows(lambda n: {"@timestamp": iso(n), "agent": {"type": "filebeat"}, "message": inner(n)}),
    "elastic agent": rows(lambda n: {"@timestamp": iso(n), "event": {"original": inner(n)}}),
    "gelf": rows(lambda n: {"version": "1.1", "host": "s", "short_message": inner(n), "timestamp": 1.5}),
    "graylog": dumps({"messages": [{"message": {"message": inner(n), "source": "s"}} for n in range(COUNT)]}),
    "docker": rows(lambda n: {"log": inner(n) + "\n", "stream": "stdout"}),
    "splunk stream": rows(lambda n: {"preview": False, "offset": n, "result": {"_raw": inner(n), "host": "s"}}),
    "splunk results": dumps({"preview": False, "results": [{"_raw": inner(n)} for n in range(COUNT)]}),
    "splunk csv": table(["_time", "_raw"], iso, inner),
    "splunk csv of many lines": table(["_raw", "host"], lambda n: dumps(zeek(n), indent=1), lambda n: "s"),
    "sumo csv": table(["_messagetime", "_raw", "_sourcehost"], lambda n: "1", inner, lambda n: "s"),
    "elasticsearch": dumps({"hits": {"total": 24, "hits": [{"_source": zeek(n)} for n in range(COUNT)]}}),
    "cloudwatch": dumps({"events": [{"timestamp": 1, "message": vpc(n)} for n in range(COUNT)]}, indent=2),
    "firehose": "".join(
        dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": vpc(n)}]}) for n in range(COUNT)
    ),
    "cloudwatch insights": table(["@timestamp", "@message"], iso, vpc),
    "an envelope in an envelope": rows(lambda n: {"message": dumps({"message": inner(n)})}),
    "a name nobody uses": rows(lambda n: {"a": 1, "what/we~saw": {"line.": inner(n)}}),
    "array": dumps([zeek(n) for n in range(COUNT)]),
    "laid out array": dumps([zeek(n) for n in range(COUNT)], indent=4),
    "document": dumps({"records": [zeek(n) for n in range(COUNT)]}),
    "documents laid out": "\n".join(dumps(zeek(n), indent=2) for n in range(COUNT)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_lines_inside_are_read(tmp_path: Path, shape: str) -> None:
    found = fetched(tmp_path, "export.log", SHAPES[shape])
    assert counted(found) == ALL
    assert (found.health.rows_read, found.health.rows_rejected, found.health.complete) == (COUNT, 0, True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_every_encoding_of_windows_is_read(tmp_path: Path, encoding: str) -> None:
    assert counted(fetched(tmp_path, "conn.log", rows(zeek).replace("\n", "\r\n").encode(encoding))) == ALL


def test_a_bad_record_is_named_with_the_file_of_the_person(tmp_path: Path) -> None:
    text = rows(lambda n: {"message": inner(n)}) + '{"message": "no log line"}\n{"message": \n{"other": 1}\n'
    found = fetched(tmp_path, "export.log", text)
    assert (counted(found), found.health.rows_rejected) == (ALL, 3)
    assert all(str(tmp_path / "export.log") in example for example in found.health.rejected_examples)
    assert not any("botnet-playbook-" in example for example in found.health.rejected_examples)


def test_a_broken_element_costs_no_other(tmp_path: Path) -> None:
    elements = [dumps(zeek(n)) for n in range(COUNT)]
    found = fetched(tmp_path, "array.json", "[\n" + ",\n".join([*elements[:3], '{"ts": ', *elements[3:]]) + "\n]\n")
    assert counted(found) == ALL and found.health.rows_rejected == 1


def test_records_without_a_log_line_are_not_recognised(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="not recognised"):
        fetched(tmp_path, "notes.json", rows(lambda n: {"message": f"a text about nothing in particular, {n}"}))


def test_the_copies_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "copies"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "copies").mkdir()
    assert counted(fetched(tmp_path, "array.json", SHAPES["array"])) == ALL
    assert list((tmp_path / "copies").iterdir()) == []
