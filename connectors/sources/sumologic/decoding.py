"""Cells of a result: every value arrives as text, doubles in exponent form, names in any case."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from playbook.errors import BadAnswer

_ABSENT = frozenset({"", "null"})
_MAX_DIGITS = 18
Row = Mapping[str, str]


def folded(row: Mapping[str, object], subject: str) -> dict[str, str]:
    """The row with lower-case names and text values; nulls are left out.

    Raises BadAnswer when two names differ only in case and their values differ.
    """
    result: dict[str, str] = {}
    for name, value in row.items():
        if value is None:
            continue
        key, text = name.casefold(), value if isinstance(value, str) else str(value)
        if result.setdefault(key, text) != text:
            raise BadAnswer(f"{subject}: two columns are both called {key!r}")
    return result


def text(row: Row, name: str) -> str:
    """The text of a cell; a missing key, "" and "null" are all "" (which of them Sumo sends is not documented)."""
    value = row.get(name, "").strip()
    return "" if value in _ABSENT else value


def whole(row: Row, name: str) -> int:
    """A count or time as a whole number, from digits, decimals or exponent form (``1.35844e+12``).

    Raises ValueError naming the column when the cell is absent, no number, negative or over 18 digits.
    """
    value = text(row, name)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{name}: expected a number, got {value[:40]!r}") from None
    if not number.is_finite() or number < 0 or number.adjusted() >= _MAX_DIGITS:
        raise ValueError(f"{name}: out of range: {value[:40]!r}")
    return int(number)


def listed(row: Row, name: str) -> tuple[str, ...]:
    """The distinct entries of a ``values()`` cell (one text, newline between entries), sorted; blanks left out."""
    entries = (entry.strip() for entry in row.get(name, "").split("\n"))
    return tuple(sorted({entry for entry in entries if entry not in _ABSENT}))
