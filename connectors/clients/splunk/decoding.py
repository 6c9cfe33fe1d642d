"""Cells of a result: every value arrives as text, many values as a list, nothing as null or as no key at all."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

_ABSENT = frozenset({"", "null", "unknown", "-"})
_MAX_DIGITS = 18
_MAX_VALUES = 1_000
Row = Mapping[str, tuple[str, ...]]


def cast(row: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The row with every cell as the tuple of its values; a null cell, and a null inside a list, are left out."""
    return {name: (value,) if isinstance(value, str) else _texts(value) for name, value in row.items()}


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(one if isinstance(one, str) else str(one) for one in values if one is not None)


def text(row: Row, name: str) -> str:
    """The one value of a cell; a missing or blank one is "", and so are the words that stand for nothing.

    Raises ValueError when the cell has several values: a group key of several values is no key.
    """
    values = row.get(name, ())
    if len(values) > 1:
        raise ValueError(f"{name}: expected one value, got {len(values)}")
    value = values[0].strip() if values else ""
    return "" if value.lower() in _ABSENT else value


def number(row: Row, name: str) -> Decimal:
    """A number of at most 18 digits before the point, not negative. Raises ValueError naming the column."""
    value = text(row, name)
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{name}: expected a number, got {value[:40]!r}") from None
    if not found.is_finite() or found < 0 or found.adjusted() >= _MAX_DIGITS:
        raise ValueError(f"{name}: out of range: {value[:40]!r}")
    return found


def whole(row: Row, name: str) -> int:
    """A count; decimals are cut off. Raises ValueError as ``number`` does."""
    values = row.get(name, ())
    if len(values) == 1 and len(values[0]) <= _MAX_DIGITS and values[0].isascii() and values[0].isdigit():
        return int(values[0])
    return int(number(row, name))


def listed(row: Row, name: str) -> tuple[str, ...]:
    """The distinct values of a cell, sorted, at most 1,000; blank ones and words for nothing are left out."""
    values = {value.strip() for value in row.get(name, ())}
    return tuple(sorted(value for value in values if value.lower() not in _ABSENT)[:_MAX_VALUES])
