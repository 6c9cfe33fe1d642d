"""Mutated lines over all formats: no traceback, and every line read, passed over or rejected.

``python -m bench.fuzz [LINES] [SEED]`` (default 100,000 over all formats, seed 0): exit 1 when a line is lost.
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.log_lines import lines as sound_lines
from bench.log_lines import sample
from bench.measuring import say
from connectors.sources.logs import Settings, connect
from connectors.sources.logs.decompress import SEPARATOR, Bounds
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.files import LogFiles, find_log_files, formats
from connectors.sources.logs.parquet_copy import copied
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.schema import Scan
from connectors.sources.logs.staging import Staging
from playbook.model.site import Site

_NOISE = (
    "\t",
    ",",
    '"',
    " ",
    "{",
    "}",
    "-",
    "\\",
    "%",
    "999999999999999999999",
    "-1",
    "NaN",
    "é",
    "\u202e",
    "::1",
    "'",
)
_BYTES = (b"\0", b"\xff", b"\r", b"\x1b[31m", b"\x01\x02\x03\x04")
_FILE_LINES = 2_000
_MEMORY_MB = 256
_BOUNDS = Bounds()
# Formats that pass a header line over with a reason, and those in which a line that begins with # is none.
_HEADERS_ARE_ROWS = ("argus", "silk", "winfw")
_COMMENTED = ("zeek", "zeek-cut")


class Account(NamedTuple):
    """The lines of one file, and what became of them."""

    lines: int
    read: int
    passed: int
    rejected: int
    warnings: tuple[str, ...]

    @property
    def lost(self) -> int:
        """Lines that nobody can account for; negative when some count twice."""
        return self.lines - self.read - self.passed - self.rejected


def mutated(line: str, chance: random.Random) -> bytes:
    """The line with up to three changes of the kinds that broken disks, relays and attackers make."""
    text = line.encode()
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(6):
            case 0:
                text = text[:place]
            case 1:
                text = text[:place] + chance.choice(_NOISE).encode() + text[place:]
            case 2:
                text = text[:place] + text[place + chance.randrange(1, 9) :]
            case 3:
                text = text[:place] + chance.choice(_BYTES) + text[place:]
            case 4:
                text += text[place:]
            case _:
                text = text[:place] + bytes((chance.randrange(32, 127),)) + text[place + 1 :]
    return text


def written(path: Path, name: str, count: int, chance: random.Random) -> int:
    """Write a file of this format whose rows are mutated; how many of its lines must be accounted for."""
    lines = list(sound_lines(name, count))
    # The first row of each kind stays sound, so that the file is known for what it is.
    whole = len(sample(name).headers) + 1
    rows = [mutated(line, chance) for line in lines[whole:]]
    path.write_bytes(b"\n".join([*(line.encode() for line in lines[:whole]), *rows]) + b"\n")
    return sum(counts(line.encode(), name) for line in lines[:whole]) + sum(counts(row, name) for row in rows)


def counts(row: bytes, name: str) -> bool:
    """Whether the line is one of those that must be accounted for: not blank, no header, no comment of Zeek's."""
    text = row.replace(b"\0", b"").decode(errors="replace")
    if text.lstrip("\ufeff") in sample(name).headers and name not in _HEADERS_ARE_ROWS:
        return False
    if not name.startswith("zeek") or name == "zeek-stream":
        return bool(row.replace(SEPARATOR, b"").strip(b" \r\0"))
    return bool(text.strip()) and not (name in _COMMENTED and text.lstrip("\t ").startswith("#"))


def account(path: Path, name: str, lines: int) -> Account:
    """Read the file as this format; errors other than those a person is told of are not caught."""
    if not _has_connections(path, name):
        return _account_of_names(path, name, lines)
    source = connect(
        "logs", Settings(paths=(path,), format=name, memory_mb=_MEMORY_MB), Site(now=datetime(2026, 3, 3, tzinfo=UTC))
    )
    try:
        healths = [one.health for one in source.fetch(None)]
    finally:
        source.close()
    return Account(
        lines,
        sum(h.rows_read for h in healths),
        sum(sum(h.rows_passed.values()) for h in healths),
        sum(h.rows_rejected for h in healths),
        tuple(w for h in healths for w in h.warnings),
    )


def _has_connections(path: Path, name: str) -> bool:
    if path.is_dir():
        return True
    return bool(_forms(path, name).of("conn"))


def _forms(path: Path, name: str) -> LogFiles:
    with closing(Staging(_BOUNDS, _engine)) as staging:
        return find_log_files((path,), name, _BOUNDS, staging)


def _engine() -> Engine:
    return Engine(_MEMORY_MB)


def _account_of_names(path: Path, name: str, lines: int) -> Account:
    """The account of a log that tells of names only, and of no connection."""
    engine = _engine()
    (file,) = _forms(path, name).files
    form = file.forms[0]
    reading = Reading(engine, form.kind, {form: [file]}, Scan(rejects="refused"), _BOUNDS)
    relation = copied(engine, reading)
    ((read,),) = engine.believed(f"SELECT count(*) FROM {relation} WHERE start IS NOT NULL")
    engine.close()
    return Account(lines, read, reading.passed.total(), reading.rejected.count, tuple(reading.warnings))


def accounts(total: int, seed: int, folder: Path) -> Iterator[tuple[str, Account]]:
    """Files of every format in turn, until ``total`` lines are read."""
    chance, done, number = random.Random(seed), 0, 0
    while done < total:
        for name in formats():
            count = min(_FILE_LINES, max(total // len(formats()), 1))
            path = folder / f"{name}-{number}.log"
            lines = written(path, name, count, chance)
            yield name, account(path, name, lines)
            path.unlink()
            done += lines
        number += 1


def main(arguments: Sequence[str] = ()) -> int:
    """Print one line a format; 1 when a line was lost."""
    total, seed = (int(text) for text in (*arguments, *("100000", "0")[len(arguments) :]))
    wrong = 0
    sums: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, one in accounts(total, seed, Path(folder)):
            sums[name] = [sum(pair) for pair in zip(sums.get(name, [0] * 4), one[:4], strict=True)]
            wrong += one.lost != 0
            if one.lost:
                say(f"  {name}: {one.lost} lines lost: {one}")
    for name, (lines, read, passed, rejected) in sums.items():
        say(f"  {name}: {lines:,} lines = {read:,} read + {passed:,} passed + {rejected:,} rejected")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
