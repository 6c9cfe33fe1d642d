"""Runs a format module's SELECT over files, for the tests of the format modules."""

import gzip
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from connectors.sources.logs.schema import ASIDE_DEFAULTS, CANONICAL, Kind, Recognised, Scan
from tests.support.public_data import DATA

REAL = DATA / "beacon"
HEAD = 256 << 10


def written(folder: Path, name: str, text: str | bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def form_of(module: ModuleType, path: Path, kind: Kind = "conn") -> Recognised:
    """What the module recognises in the file's first bytes, of the kind asked for."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as source:
        head = source.read(HEAD).decode("utf-8", errors="replace")
    forms = module.recognise(head, str(path))
    assert forms is not None, "not recognised"
    return next(form for form in (forms if isinstance(forms, tuple) else (forms,)) if form.kind == kind)


def all_rows(
    module: ModuleType,
    paths: Path | Sequence[Path],
    scan: Scan | None = None,
    kind: Kind = "conn",
    options: Sequence[tuple[str, str]] = (),
    aside: bool = False,
) -> list[dict[str, Any]]:
    """Every row of the SELECT as a dictionary, refused and passed ones included.

    ``aside``: with the account of its lines (records, joined, lost).
    """
    listed = [paths] if isinstance(paths, Path) else list(paths)
    form = form_of(module, listed[0], kind)
    form = form.model_copy(update={"options": (*form.options, *options)})
    written_at = tuple(path.stat().st_mtime_ns for path in listed)
    names, rows = _answer(module.select(form, [str(path) for path in listed], scan or Scan()), written_at)
    assert names[: len(CANONICAL[kind])] == tuple(CANONICAL[kind])
    return [
        {name: value for name, value in zip(names, row, strict=True) if aside or name not in ASIDE_DEFAULTS}
        for row in rows
    ]


@lru_cache(maxsize=4)
def _answer(query: str, _written_at: tuple[int, ...]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Names and rows; the tests ask for the sound, the refused and the passed rows of the same files in turn."""
    # A cursor has tables and settings of its own, and costs a hundredth of what a database does.
    with _database().cursor() as connection:
        answer = connection.execute(query)
        return tuple(column[0] for column in answer.description), answer.fetchall()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def events(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
    """The sound rows, in the order of time."""
    sound = (row for row in all_rows(*arguments, **named) if row["start"] is not None)
    return sorted(sound, key=lambda row: row["start"])


def refused(*arguments: Any, **named: Any) -> list[tuple[str, int | None]]:
    """(reason, line) of the rejected rows, in the order of their lines."""
    rows = [(row["bad"], row["line"]) for row in all_rows(*arguments, **named) if row["bad"] is not None]
    return sorted(rows, key=lambda row: (row[1] or 0, row[0]))


def passed_over(*arguments: Any, **named: Any) -> list[str]:
    """The reasons of the rows that are no events, sorted."""
    return sorted(row["passed"] for row in all_rows(*arguments, **named) if row["passed"] is not None)


def real(name: str) -> Path:
    """A public capture, or a skipped test when it is not there."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{name} is not present")
    return path
