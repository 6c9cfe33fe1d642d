"""Read a reviewed CSV table: every row has every column, and a fault names the file and the line."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Row = TypeVar("Row")
Ports = tuple[tuple[int, int], ...]


def read_table(name: str, make: Callable[[dict[str, str]], Row]) -> tuple[Row, ...]:
    """The rows of `name` beside this module, each through `make`. ValueError naming file and line of a faulty one."""
    rows = []
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        for cells in reader:
            try:
                if None in cells or None in cells.values():
                    raise ValueError(f"expected the columns {', '.join(reader.fieldnames or ())}")
                rows.append(make(cells))
            except (KeyError, ValueError) as fault:
                raise ValueError(f"{name}:{reader.line_num}: {fault}") from fault
    return tuple(rows)


def words(cell: str) -> tuple[str, ...]:
    """`a;b` as ("a", "b"); an empty cell as ()."""
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def yes_or_no(cell: str) -> bool:
    """`yes` or `no`; ValueError for anything else."""
    if cell not in ("yes", "no"):
        raise ValueError(f"expected yes or no, found {cell!r}")
    return cell == "yes"


def port_ranges(cell: str) -> Ports:
    """`443;2500-3300` as inclusive (first, last) pairs. ValueError outside 1..65535 or out of order."""
    ranges = []
    for part in words(cell):
        first, _, last = part.partition("-")
        pair = int(first), int(last or first)
        if not 1 <= pair[0] <= pair[1] <= 65_535:
            raise ValueError(f"{part!r} is not a port or a range of ports")
        ranges.append(pair)
    return tuple(ranges)


def required(cell: str, column: str) -> str:
    """The cell, or ValueError when it is empty."""
    if not cell.strip():
        raise ValueError(f"{column} is empty")
    return cell.strip()
