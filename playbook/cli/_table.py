"""Rows as a plain table: columns as wide as what stands in them, numbers to the right, text made safe to show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from playbook.report.sanitize import plain

_WIDEST = 60


def table(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A line of headings and a line for each row; nothing for no row. Every row has the keys of the first."""
    if not rows:
        return ()
    names = tuple(rows[0])
    cells = [tuple(_cell(row.get(name)) for name in names) for row in rows]
    heads = tuple(name.replace("_", " ") for name in names)
    widths = [max(len(line[place]) for line in (heads, *cells)) for place in range(len(names))]
    right = [all(_is_number(row.get(name)) for row in rows) for name in names]
    return tuple(_line(line, widths, right) for line in (heads, *cells))


def pairs(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row as a name and its value a line, the values under each other; what is empty is left out."""
    said = {name.replace("_", " "): value for name, value in row.items() if value not in ("", None, [], ())}
    wide = max((len(name) for name in said), default=0)
    lines: list[str] = []
    for name, value in said.items():
        first, *rest = [plain(text, 400) for text in str(value).splitlines()] or [""]
        lines += [f"{name:<{wide}}  {first}", *(f"{'':<{wide}}  {text}" for text in rest)]
    return tuple(lines)


def _line(cells: Iterable[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return plain(", ".join(map(str, value)), _WIDEST)
    return plain("" if value is None else str(value), _WIDEST)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
