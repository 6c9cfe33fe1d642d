"""Reading administrators' files is bounded and names what it could not use."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.enrichers._files import reader
from connectors.enrichers._files.reader import Unreadable, lines_of, load, read_records
from connectors.enrichers._files.yaml_reader import read_yaml
from playbook.model import Value


class Row(Value):
    name: str
    size: int = 0


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert load(tmp_path / "x", limit=5)[0] == b"12345"
    with pytest.raises(Unreadable, match="larger than"):
        load(tmp_path / "x", limit=4)


@pytest.mark.parametrize("name", [".", "none", "none/none", "a\0b"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        load(tmp_path / name)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_ROWS", 3)
    (tmp_path / "x.csv").write_text("name\na\nb\nc\n")
    assert read_records(tmp_path / "x.csv", Row).unavailable == f"{tmp_path / 'x.csv'}: more than 3 rows"


def test_only_the_first_bad_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("name,size\ngood,1\n" + "bad,x\n" * 50)
    parsed = read_records(tmp_path / "x.csv", Row)
    assert (len(parsed.entries), parsed.rejected, len(parsed.examples)) == (1, 50, 3)
    assert parsed.warning.startswith("50 rows left out: x.csv:3: size: ")


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('name,size\n"a,1\nb,2\n')
    parsed = read_records(tmp_path / "x.csv", Row)
    assert [row.name for row in parsed.entries] == ["b"]
    assert parsed.examples == ("x.csv:2: not a CSV row: unexpected end of data",)


@pytest.mark.parametrize(
    "text",
    [
        "a: [&x 1, *x]",
        "a: &x [*x]",
        "<<: *x",
        "a: 1\na: 2",
        "\t",
        "a: 2026-99-99",
        "a: !!timestamp x",
        "a: !!bool x",
        "a: !!int ''",
        "? [a]\n: b",
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(Unreadable, match=r"x\.yaml"):
        read_yaml(tmp_path / "x.yaml")


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\0", b"\x85"])).map(b"".join))
def test_lines_end_by_lf_cr_lf_or_cr_and_by_nothing_else(raw: bytes) -> None:
    assert list(lines_of(raw)) == raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


@pytest.mark.parametrize("line", [b"ab\n", b"\n", b"ab\r\n", b"\r"])
def test_a_file_of_nothing_but_short_lines_takes_little_more_memory_than_its_size(line: bytes) -> None:
    raw = line * (2**17 // len(line))
    tracemalloc.start()
    assert sum(1 for _ in lines_of(raw)) > 2**15
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**15
