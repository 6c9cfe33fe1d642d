"""Records in playbook/reference_data/sources.csv what a build script made, from which package and version."""

import csv
import hashlib
import subprocess
from datetime import date
from pathlib import Path

from playbook.reference_data.sources import FIELDS

TABLES = Path(__file__).resolve().parent.parent / "playbook" / "reference_data"


def write_table(name: str, packed: bytes, package: str, version: str, as_of: date, licence: str, rows: int) -> None:
    """Write the packed file and replace its line in sources.csv; lines stay in the order of their table names."""
    file = TABLES / name
    file.write_bytes(packed)
    record = TABLES / "sources.csv"
    lines = {}
    if record.exists():
        with record.open(encoding="utf-8", newline="") as handle:
            lines = {line["table"]: line for line in csv.DictReader(handle)}
    table = name.split(".", 1)[0]
    sha256 = hashlib.sha256(packed).hexdigest()
    values = (table, package, version, as_of.isoformat(), licence, str(rows), sha256)
    lines[table] = dict(zip(FIELDS, values, strict=True))
    with record.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines[table] for table in sorted(lines))
    print(f"{file.name}: {len(packed):,} bytes, {rows:,} rows, as of {as_of}, sha256 {sha256[:16]}")


def run(command: list[str], folder: Path) -> str:
    """What a package client prints; a failing client ends the build with its own message."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
