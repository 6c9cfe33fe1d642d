"""The SQL of line formats: what counts as an address, fields of CSV rows."""

import csv
from ipaddress import ip_address

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sources.logs import line_sql

_PIECES = st.lists(
    st.sampled_from(("1:", ":", "ff", "::", "0.0.0.0", "1.2.3.4", "00:11:22:33:44:55", "12345")), max_size=9
)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _asked(expression: str, text: str) -> object:
    return duckdb.execute(f"SELECT {expression} FROM (SELECT ?::VARCHAR AS text)", [text]).fetchall()[0][0]


@settings(deadline=None)
@given(_PIECES.map("".join) | st.ip_addresses().map(str))
def test_an_address_is_what_python_calls_one(text: str) -> None:
    assert (_asked(line_sql.address("text"), text) is not None) is _is_address(text)


@pytest.mark.parametrize("text", ["00:11:22:33:44:55", "00-11-22-33-44-55", "0011.2233.4455", "1:2", ":::", "1::2::3"])
def test_a_hardware_address_is_none(text: str) -> None:
    assert _asked(line_sql.address("text"), text) is None


@settings(deadline=None)
@given(
    st.lists(st.text(alphabet='ab,1" é', max_size=6), min_size=1, max_size=5),
    st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL)),
)
def test_csv_fields_are_those_that_were_written(fields: list[str], quoting: int) -> None:
    written: list[str] = []

    class _Line:
        def write(self, text: str) -> None:
            written.append(text)

    csv.writer(_Line(), quoting=quoting, lineterminator="").writerow(fields)  # type: ignore[call-overload]
    assert _asked(line_sql.csv_fields(), "".join(written)) == fields
