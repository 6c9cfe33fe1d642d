"""Builds playbook/reference_data/asn.bin from the npm package @ip-location-db/asn (CC BY 4.0; see ATTRIBUTION.md).

    python scripts/build_asn_table.py [--archive ip-location-db-asn-VERSION.tgz]

Without --archive the newest package is fetched with `npm pack`. The same archive gives the same bytes. Rows that do not
parse are counted and the first few printed; rows that overlap are cut so that the later start wins, and counted too.
"""

import argparse
import csv
import io
import json
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from table_sources import run, write_table  # noqa: E402

from playbook.reference_data.asn import FILE, HEADER_END, KEY_WIDTH, WIDTHS  # noqa: E402
from playbook.reference_data.block_codec import pack_blocks  # noqa: E402
from playbook.reference_data.codec import pack_column, pack_ranges  # noqa: E402

PACKAGE = "@ip-location-db/asn"
LICENCE = "CC-BY-4.0"
# A block is unpacked for one look-up: small enough to be quick, large enough to compress well.
BLOCK = 1024
Item = TypeVar("Item")


class Row(NamedTuple):
    """One announced range, numbers inclusive."""

    start: int
    last: int
    asn: int
    name: str


@dataclass
class Faults:
    """What was not taken as it stood: counts by kind, and the first few examples of each."""

    examples: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, example: str) -> None:
        """Count one fault."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.examples.setdefault(kind, []).extend([example] if self.counts[kind] <= 3 else [])


def parse(lines: Iterable[str], bits: int, faults: Faults, label: str) -> Iterator[Row]:
    """Rows `start,last,asn,name` with numeric addresses of `bits` bits; IPv6 (128) is reduced to its upper 64 bits."""
    shift = 64 if bits == 128 else 0
    for number, fields in enumerate(csv.reader(lines), 1):
        try:
            start, last, asn, name = int(fields[0]), int(fields[1]), int(fields[2]), " ".join(fields[3].split())
        except (IndexError, ValueError):
            faults.add("does not parse", f"{label}:{number}")
            continue
        if not (0 <= start <= last < 1 << bits and 0 < asn < 1 << 32 and name):
            faults.add("out of range", f"{label}:{number}")
            continue
        yield Row(start >> shift, last >> shift, asn, name)


def disjoint(rows: Iterable[Row], faults: Faults, label: str) -> list[Row]:
    """Sorted rows without overlap: where they meet, the later start (then the shorter row) keeps the common part."""
    pieces: list[Row] = []
    open_rows: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.start, -row.last)):
        _close(open_rows, row.start, pieces)
        if open_rows:
            cut = open_rows[-1]
            faults.add("overlap, cut", f"{label} AS{cut.asn} {cut.start}..{cut.last} at {row.start} (AS{row.asn})")
        open_rows.append(row)
    _close(open_rows, None, pieces)
    return pieces


def _close(open_rows: list[Row], limit: int | None, pieces: list[Row]) -> None:
    """Move to `pieces` what the open rows hold before `limit` (all of it for None), innermost row first."""
    while open_rows:
        row = open_rows[-1]
        start = max(row.start, pieces[-1].last + 1) if pieces else row.start
        last = row.last if limit is None else min(row.last, limit - 1)
        if start <= last:
            pieces.append(row._replace(start=start, last=last))
        if limit is not None and row.last >= limit:
            return
        open_rows.pop()


def encode(v4: list[Row], v6: list[Row], block: int = BLOCK) -> bytes:
    """The packed table that `reference_data.asn.decode` reads: a header line, then ranges and systems in blocks."""
    names = {row.asn: row.name for row in (*v6, *v4)}
    systems = sorted(names)
    key_of = {asn: key for key, asn in enumerate(systems)}
    sections = {version: _ranges(rows, key_of, WIDTHS[version], block) for version, rows in ((4, v4), (6, v6))}
    sections[0] = pack_blocks(
        (
            (some[0], pack_column(some, 4) + "\n".join(names[asn] for asn in some).encode())
            for some in _pieces(systems, block)
        ),
        4,
    )
    counts = {4: len(v4), 6: len(v6), 0: len(systems)}
    frame = {"block": block, "sections": {str(name): (counts[name], len(sections[name])) for name in sections}}
    return json.dumps(frame).encode() + HEADER_END + b"".join(sections.values())


def _ranges(rows: list[Row], key_of: dict[int, int], width: int, block: int) -> bytes:
    numbers = [(row.start, row.last, key_of[row.asn]) for row in rows]
    return pack_blocks(((some[0][0], pack_ranges(some, width, KEY_WIDTH)) for some in _pieces(numbers, block)), width)


def _pieces(rows: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def as_of(version: str) -> date:
    """The day in a version such as 2.3.2026061719 (year, month, day, hour). ValueError when there is none."""
    found = re.fullmatch(r"\d+\.\d+\.(\d{4})(\d{2})(\d{2})\d{2}", version)
    if not found:
        raise ValueError(f"version {version!r} of {PACKAGE} carries no date")
    return date(*map(int, found.groups()))


def build(archive: Path) -> None:
    """Read the package archive, print what was wrong with it, write the table."""
    faults = Faults()
    with tarfile.open(archive) as package:

        def text(member: str) -> io.TextIOWrapper:
            stream = package.extractfile(f"package/{member}")
            if stream is None:
                raise SystemExit(f"{archive}: no file package/{member}")
            return io.TextIOWrapper(stream, encoding="utf-8", newline="")

        version = json.load(text("package.json"))["version"]
        v4 = disjoint(parse(text("asn-ipv4-num.csv"), 32, faults, "asn-ipv4-num.csv"), faults, "v4")
        v6 = disjoint(parse(text("asn-ipv6-num.csv"), 128, faults, "asn-ipv6-num.csv"), faults, "v6 /64")
    for kind in sorted(faults.counts):
        print(f"{faults.counts[kind]} rows: {kind}; first: {'; '.join(faults.examples[kind])}")
    write_table(FILE, encode(v4, v6), f"npm {PACKAGE}", version, as_of(version), LICENCE, len(v4) + len(v6))


def main() -> None:
    """Fetch the package unless an archive was given, then build."""
    parser = argparse.ArgumentParser(description="Build the embedded AS table")
    parser.add_argument("--archive", type=Path, help="a package archive that is already here")
    given = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        build(given or Path(folder) / run(["npm", "pack", "--silent", PACKAGE], Path(folder)).strip())


if __name__ == "__main__":
    main()
