"""The JSON readers: paths over any record, and documents cut into records, whatever their layout."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs import documents, envelopes, json_paths
from connectors.sources.logs.schema import Scan
from tests.support.examples import examples
from tests.support.log_fixtures import written

KEY = st.text(st.characters(exclude_characters=".\0", exclude_categories=("Cs",)), min_size=1, max_size=6)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
LEAF = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3), max_leaves=8
)


def read(path: Path, **fields: Any) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        answer = connection.execute(f"{json_paths.records([str(path)], Scan(), fields)} ORDER BY n")
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


@examples(25)
@given(st.lists(KEY, min_size=1, max_size=4), LEAF, st.booleans())
def test_any_value_is_found_nested_and_flat(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], value: Any, flat: bool
) -> None:
    record: Any = value
    for key in [".".join(keys)] if flat else reversed(keys):
        record = {key: record}
    path = written(tmp_path_factory.mktemp("paths"), "a.json", json.dumps(record) + "\n")
    (row,) = read(path, one=".".join(keys))
    assert (row["is_json"], row["one"]) == (True, as_text(value))


def test_the_first_path_with_a_value_counts_and_null_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", '{"a": null, "b": {"c": "x"}}\n{"a": 5, "a": 6, "b": {"c": "y"}}\n')
    assert [row["one"] for row in read(path, one=("a", "b.c"))] == ["x", "5"]


def test_numbers_keep_their_digits_and_arrays_their_text(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", '{"a": 123456789012345678901234567890, "b": [1, "x"], "c": 1.50}\n')
    (row,) = read(path, a="a", b="b", c="c", d="b.1")
    assert (row["a"], json.loads(row["b"]), row["d"]) == ("123456789012345678901234567890", [1, "x"], "x")
    assert float(row["c"]) == 1.5


@pytest.mark.parametrize("line", ["", "x", "[1]", "5", '"text"', '{"a": ', '{"a": 1}}', "{'a': 1}", "\x00{", "null"])
def test_what_is_no_object_is_no_record(tmp_path: Path, line: str) -> None:
    rows = read(written(tmp_path, "a.json", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n'), one="a")
    assert [row["one"] for row in rows if row["is_json"]] == ["1", "2"]


def test_nesting_without_end_is_no_error(tmp_path: Path) -> None:
    deep = '{"a": ' + '{"a": ' * 5000 + "1" + "}" * 5001
    rows = read(written(tmp_path, "a.json", deep + '\n{"a": 2}\n'), one="a.b")
    assert [row["one"] for row in rows] == [None, None]
    assert list(documents.records(iter([deep + "\n", '[{"a": 2}]'])))[-1] == '{"a": 2}'


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("1772438401", 1772438401),
        ("1772438401.5", 1772438401.5),
        ("1772438401619", 1772438401.619),
        ("1772438401619000", 1772438401.619),
        ("1772438401619000000", 1772438401.619),
        ("0", 0),
        ("2026-03-02T08:00:01Z", 1772438401),
        ("2026-03-02T08:00:01.5+0100", 1772434801.5),
        ("2026-03-02T08:00:01.619 -05:00", 1772456401.619),
        ("2026-03-02 08:00:01 UTC", 1772438401),
        ("2026-03-02 08:00:01", 1772434801),
        ("03/02/2026 08:00:01.619 +0000", 1772438401.619),
        ("03/02/2026 08:00:01", 1772434801),
        ("03/02/2026 08:00:01 PM", 1772478001),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("1e40", None),
    ],
)
def test_stamps_of_exports(stamp: str, seconds: float | None) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        ((found,),) = connection.execute(
            f"SELECT {json_paths.moment('raw', 'Europe/Berlin')} FROM (SELECT '{stamp}' AS raw)"
        ).fetchall()
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


def cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


@examples(40)
@given(
    st.lists(st.dictionaries(KEY, VALUE, max_size=3), max_size=6),
    st.sampled_from([None, 1, 4]),
    st.sampled_from(["array", "document", "line by line", "one after another", "nested"]),
    st.integers(1, 40),
)
def test_documents_of_any_layout_give_their_records(
    records: list[dict[str, Any]], indent: int | None, layout: str, size: int
) -> None:
    text = {
        "array": lambda: json.dumps(records, indent=indent),
        "document": lambda: json.dumps({"about": {"x": [1]}, "records": records}, indent=indent),
        "nested": lambda: json.dumps({"took": 3, "hits": {"total": 1, "hits": records}}, indent=indent),
        "line by line": lambda: "\n".join(json.dumps(one) for one in records),
        "one after another": lambda: "".join(json.dumps(one, indent=indent) for one in records),
    }[layout]()
    found = [json.loads(line) for line in documents.records(cut(text, size))]
    if records or layout in ("array", "line by line", "one after another"):
        expected = [inner for one in records for inner in (documents._list_in(one) or [one])]
        assert found == expected


@examples(40)
@given(st.text(max_size=60))
def test_any_text_is_cut_without_an_error(text: str) -> None:
    for piece in (text, "[" + text, '{"records": [' + text, "{" + text):
        assert all("\n" not in line for line in documents.records(cut(piece, 7)))
        assert all("\n" not in line for line in documents.events(cut("<Event " + piece, 7)))
        envelopes.find(piece, lambda _: False)


def test_a_long_document_is_read_as_a_stream() -> None:
    def pieces() -> Iterator[str]:
        yield '{"time": "x", "records": ['
        for number in range(60_000):
            yield f'{{"number": {number}, "text": "{"x" * 40}"}},'
        yield "{}]}"

    count = sum(1 for _ in documents.records(pieces()))
    assert count == 60_001
