"""Where each generated table came from: package, version, as-of date, licence; written by the build scripts."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FIELDS = ("table", "package", "version", "as_of", "licence", "rows", "sha256")


@dataclass(frozen=True, slots=True)
class TableSource:
    """One generated file: the rows it holds and the sha256 of its bytes, so that file and record belong together."""

    table: str
    package: str
    version: str
    as_of: date
    licence: str
    rows: int
    sha256: str


def read_sources(lines: Iterable[str]) -> dict[str, TableSource]:
    """The rows of sources.csv by table name. KeyError or ValueError when a column is missing or malformed."""
    return {row["table"]: _source(row) for row in csv.DictReader(lines)}


def source_of(table: str) -> TableSource:
    """The source of one generated table; KeyError when it was never built."""
    return _sources()[table]


def packed_table(source: TableSource, file: str) -> bytes:
    """The bytes of a generated file beside this module. ValueError when they are not those that `source` records."""
    packed = Path(__file__).with_name(file).read_bytes()
    if hashlib.sha256(packed).hexdigest() != source.sha256:
        raise ValueError(f"{file} is damaged: its sha256 is not the one that sources.csv records")
    return packed


def _source(row: dict[str, str]) -> TableSource:
    return TableSource(
        table=row["table"],
        package=row["package"],
        version=row["version"],
        as_of=date.fromisoformat(row["as_of"]),
        licence=row["licence"],
        rows=int(row["rows"]),
        sha256=row["sha256"],
    )


@cache
def _sources() -> dict[str, TableSource]:
    with Path(__file__).with_name("sources.csv").open(encoding="utf-8", newline="") as lines:
        return read_sources(lines)
