"""Cells of a ClickHouse answer in JSON: text, numbers (large ones as text), lists and null, each one checked."""

from collections.abc import Mapping
from math import isfinite

from connectors.http import printable
from connectors.sources._siem.coverage import LATEST_S

_MAX_DIGITS = 18
_MAX_VALUES = 1_000
Row = Mapping[str, object]


def text(row: Row, name: str) -> str:
    """A text cell. Raises ValueError naming the column for anything else."""
    value = row.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text, got {_shown(value)}")
    return value


def whole(row: Row, name: str) -> int:
    """A count of at most 18 digits, not negative. Raises ValueError naming the column."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_MAX_DIGITS:
        return value
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isascii() and value.isdigit():
        return int(value)
    raise ValueError(f"{name}: expected a whole number of at most {_MAX_DIGITS} digits, got {_shown(value)}")


def optional(row: Row, name: str) -> int | None:
    """A count, or None for null: unknown."""
    return None if name in row and row[name] is None else whole(row, name)


def seconds(row: Row, name: str) -> float:
    """A time in epoch seconds (UTC). Raises ValueError naming the column."""
    value = row.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and 0 <= value <= LATEST_S:
        return float(value)
    raise ValueError(f"{name}: expected seconds since 1970, got {_shown(value)}")


def listed(row: Row, name: str) -> tuple[str, ...]:
    """The distinct texts of a list, sorted, at most 1,000, without "". Raises ValueError naming the column."""
    values = row.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name}: expected a list of text, got {_shown(values)}")
    return tuple(sorted({value for value in values if value})[:_MAX_VALUES])


def _shown(value: object) -> str:
    return printable(repr(value))[:60]
