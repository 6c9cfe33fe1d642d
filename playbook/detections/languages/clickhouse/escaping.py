"""Text that goes into ClickHouse SQL: one function for values, one for names; nothing else enters a query."""

import re
from collections.abc import Iterable

_NAME = re.compile(r"[^\x00-\x1f\x7f`\\\"']{1,128}")
_MOST_PARTS = 5


class Unquotable(ValueError):
    """A name that cannot stand in a query."""


def literal(text: str) -> str:
    """``text`` as a string literal. Raises Unquotable for a control character, which no address and no name has."""
    if any(not c.isprintable() for c in text):
        raise Unquotable(f"{text[:60]!r} holds a character that is not printable")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def listed(values: Iterable[str]) -> str:
    """Literals for an IN list; an empty list would be no SQL, so it holds a text that no column has."""
    return "(" + (", ".join(map(literal, values)) or "'\\0'") + ")"


def name(text: str) -> str:
    """A column, or a table with or without its database: ``id.orig_h`` is the column of that name, or a part of ``id``.

    Raises Unquotable for a quote, a backslash, a control character, an empty part or more than five parts.
    """
    parts = text.split(".")
    if len(parts) > _MOST_PARTS or not all(_NAME.fullmatch(part) for part in parts):
        raise Unquotable(f"{text[:80]!r} is no name of a table or column")
    return ".".join(f"`{part}`" for part in parts)
