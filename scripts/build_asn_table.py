"""Builds playbook/tables/asn.bin.xz from the npm package @ip-location-db/asn (CC BY 4.0; see ATTRIBUTION.md there).

    python scripts/build_asn_table.py [--archive ip-location-db-asn-VERSION.tgz]

Without --archive the newest package is fetched with `npm pack`. The same archive gives the same bytes. Rows that do not
parse are counted and the first few printed; rows that overlap are cut so that the later start wins, and counted too.
"""

import argparse
import csv
import io
import json
import lzma
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from table_sources import run, write_table  # noqa: E402

from playbook.tables.packing import pack_column, pack_ranges  # noqa: E402

PACKAGE = "@ip-location-db/asn"
LICENCE = "CC-BY-4.0"
# One fixed filter chain, so that the bytes do not depend on a preset's defaults.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "pb": 0, "dict_size": 1 << 24}]


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


def encode(v4: list[Row], v6: list[Row]) -> bytes:
    """The packed table that `playbook.tables.asn.decode` reads: header line, ranges, AS numbers, names."""
    names = {row.asn: row.name for row in (*v6, *v4)}
    systems = sorted(names)
    position = {asn: index for index, asn in enumerate(systems)}
    header = json.dumps({"v4": len(v4), "v6": len(v6), "systems": len(systems)}).encode() + b"\n"
    body = (
        header,
        pack_ranges(((row.start, row.last, position[row.asn]) for row in v4), 4, 3),
        pack_ranges(((row.start, row.last, position[row.asn]) for row in v6), 8, 3),
        pack_column(systems, 4),
        "\n".join(names[asn] for asn in systems).encode(),
    )
    return lzma.compress(b"".join(body), format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=FILTERS)


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
    write_table("asn.bin.xz", encode(v4, v6), f"npm {PACKAGE}", version, as_of(version), LICENCE, len(v4) + len(v6))


def main() -> None:
    """Fetch the package unless an archive was given, then build."""
    parser = argparse.ArgumentParser(description="Build the embedded AS table")
    parser.add_argument("--archive", type=Path, help="a package archive that is already here")
    given = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        build(given or Path(folder) / run(["npm", "pack", "--silent", PACKAGE], Path(folder)).strip())


if __name__ == "__main__":
    main()
