"""The reader of named values: what is written in a style is read back, whatever the values hold."""

from collections.abc import Sequence
from functools import cache

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs import pairs
from connectors.sources.logs.schema import literal
from tests.support.examples import examples

KEYS = ("src", "dst", "msg", "action", "cs1Label", "n")
PLAIN = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufeff"), max_size=12
)


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def read(text: str, style: pairs.Style, keys: Sequence[str] = KEYS) -> dict[str, str | None]:
    """What the SQL makes of one text."""
    query = f"SELECT {pairs.values('t', keys, style)} FROM (SELECT {literal(text)} AS t)"
    with database().cursor() as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return dict(zip(keys, row[0] or [None] * len(keys), strict=True))


def expected(values: dict[str, str]) -> dict[str, str | None]:
    return {key: values.get(key) for key in KEYS}


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def fields(**limits: str) -> st.SearchStrategy[dict[str, str]]:
    strategy = PLAIN.map(lambda text: "".join(one for one in text if one not in limits.get("without", "")))
    return st.dictionaries(st.sampled_from(KEYS), strategy, min_size=1)


@examples(150)
@given(values=fields())
def test_quoted_values_with_spaces_equals_signs_quotes_and_escapes_are_read_back(values: dict[str, str]) -> None:
    line = " ".join(f"{key}={quoted(value)}" for key, value in values.items())
    assert read(line, "spaced") == expected(values)


@examples(100)
@given(values=fields(without='\\"'))
def test_quoted_values_without_escapes_and_bare_words_are_read_back(values: dict[str, str]) -> None:
    bare = {key: value for key, value in values.items() if value and not any(one.isspace() for one in value)}
    line = " ".join(
        f"{key}={value}" if key in bare and "=" not in value else f'{key}="{value}"' for key, value in values.items()
    )
    assert read(line, "spaced") == expected(values)
    assert read(f"SYN {line} DF", "spaced") == expected(values)


@examples(100)
@given(values=fields())
def test_commas_divide_unless_they_are_quoted(values: dict[str, str]) -> None:
    line = ",".join(f"{key}={quoted(value)}" for key, value in values.items())
    assert read(line, "commas") == expected(values)


@examples(150)
@given(values=fields())
def test_check_points_quoted_values_are_read_back(values: dict[str, str]) -> None:
    line = "; ".join(f"{key}:{quoted(value)}" for key, value in values.items())
    assert read(line + "]", "quoted") == expected(values)


@examples(150)
@given(values=fields())
def test_cef_values_run_to_the_next_key_and_lose_their_escapes(values: dict[str, str]) -> None:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace("=", "\\=")

    values = {key: value.strip() for key, value in values.items()}
    line = " ".join(f"{key}={escaped(value)}" for key, value in values.items())
    assert read(line, "cef") == expected(values)


@examples(100)
@given(values=fields(without="\t"))
def test_leef_values_run_to_the_next_tab(values: dict[str, str]) -> None:
    line = "\t".join(f"{key}={value}" for key, value in values.items())
    assert read(line, "leef") == expected(values)


@examples(200)
@given(text=st.text(max_size=60), style=st.sampled_from(["spaced", "commas", "quoted", "colons", "cef", "leef"]))
def test_no_text_ends_the_query(text: str, style: pairs.Style) -> None:
    assert set(read(text.replace("\0", ""), style)) == set(KEYS)


@pytest.mark.parametrize(
    ("line", "style", "values"),
    [
        ("src=1 src=2", "spaced", {"src": "1"}),
        ('msg="a src=9.9.9.9 b" src=1', "spaced", {"src": "1", "msg": "a src=9.9.9.9 b"}),
        ('msg="cut src=9.9.9.9', "spaced", {"msg": "cut src=9.9.9.9", "src": None}),
        ("src=1  dst=2 ", "spaced", {"src": "1", "dst": "2"}),
        ("src= dst=2", "spaced", {"src": "", "dst": "2"}),
        ('"src=1","msg=a b","dst=2"', "commas", {"src": "1", "msg": "a b", "dst": "2"}),
        ("msg=a?b=c d src=1", "cef", {"msg": "a?b=c d", "src": "1"}),
        (r"msg=a\|b src=1", "cef", {"msg": "a|b", "src": "1"}),
        (
            "SrcIP: 1.1.1.1, User: No, one, URL: http://a, DstIP: 2.2.2.2",
            "colons",
            {"SrcIP": "1.1.1.1", "User": "No, one", "DstIP": "2.2.2.2"},
        ),
    ],
)
def test_single_lines(line: str, style: pairs.Style, values: dict[str, str | None]) -> None:
    assert read(line, style, tuple(values)) == values


def header(text: str, leef: bool = False) -> dict[str, str]:
    parsed = pairs.leef("t") if leef else pairs.cef("t")
    with database().cursor() as connection:
        row = connection.execute(f"SELECT {parsed} FROM (SELECT {literal(text)} AS t)").fetchone()
    assert row is not None
    return dict(row[0])


def test_a_cef_header_keeps_escaped_bars() -> None:
    parts = header(r"<14>Mar  2 08:00:01 fw CEF:0|A \| B|P\\|1|id|name|3|src=1 msg=a|b")
    assert (parts["vendor"], parts["product"], parts["id"], parts["severity"], parts["rest"]) == (
        r"A \| B",
        r"P\\",
        "id",
        "3",
        "src=1 msg=a|b",
    )


@pytest.mark.parametrize(
    "record",
    [
        "LEEF:1.0|A|B|1|x|src=1\tdst=2",
        "LEEF:1.0|A|B|1|x|src=1|dst=2",
        "LEEF:2.0|A|B|1|x|x7C|src=1|dst=2",
        "LEEF:2.0|A|B|1|x|^|src=1^dst=2",
        "LEEF:2.0|A|B|1|x|0x09|src=1\tdst=2",
        "LEEF:2.0|A|B|1|x||src=1\tdst=2",
        "LEEF:2.0|A|B|1|x|\t|src=1\tdst=2",
    ],
)
def test_the_delimiters_of_leef(record: str) -> None:
    rest = header(record, leef=True)["rest"]
    with database().cursor() as connection:
        row = connection.execute(f"SELECT {pairs.leef_values('r')} FROM (SELECT {literal(rest)} AS r)").fetchone()
    assert row is not None
    assert read(row[0], "leef") == expected({"src": "1", "dst": "2"})


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("leef", "src=1\t\tdst=2\t"),
        ("cef", "src=1 msg=a\tb\x07 dst=2\t"),
        ("spaced", 'src=1 msg="a\tb" dst=2\x07'),
        ("quoted", 'src:"1"; msg:"a\x07b"; dst:"2";'),
    ],
)
def test_control_characters_hide_no_field(style: pairs.Style, line: str) -> None:
    assert (read(line, style)["src"] or "").strip() == "1"
    assert (read(line, style)["dst"] or "").strip("\x07 ") == "2"
