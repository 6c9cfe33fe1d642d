"""Mutated lines over all formats: no traceback, and every line read, passed over or rejected.

``python -m bench.fuzz [LINES] [SEED]`` (default 100,000 over all formats, seed 0): exit 1 when a line is lost.
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.log_lines import HEADERS, LINES
from bench.measuring import say
from connectors.sources.logs import Settings, connect
from connectors.sources.logs.decompress import SEPARATOR
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
    """Write a file of this format whose rows are mutated; how many of its lines are no header and not blank."""
    lines = list(LINES[name](count))
    headers = HEADERS.get(name, 0)
    rows = [mutated(line, chance) for line in lines[headers + 1 :]]
    path.write_bytes(b"\n".join([*(line.encode() for line in lines[: headers + 1]), *rows]) + b"\n")
    return 1 + sum(counts(row, name) for row in rows)


def counts(row: bytes, name: str) -> bool:
    """Whether the line is one of those that must be accounted for: not blank, and no comment of Zeek's."""
    if not name.startswith("zeek") or name == "zeek-stream":
        return bool(row.replace(SEPARATOR, b"").strip(b" \r\0"))
    text = row.replace(b"\0", b"").decode(errors="replace")
    return bool(text.strip()) and not (name == "zeek" and text.lstrip("\t ").startswith("#"))


def account(path: Path, name: str, lines: int) -> Account:
    """Read the file as this format; errors other than those a person is told of are not caught."""
    source = connect(
        "logs", Settings(paths=(path,), format=name, memory_mb=256), Site(now=datetime(2026, 3, 3, tzinfo=UTC))
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


def accounts(total: int, seed: int, folder: Path) -> Iterator[tuple[str, Account]]:
    """Files of every format in turn, until ``total`` lines are read."""
    chance, done, number = random.Random(seed), 0, 0
    while done < total:
        for name in LINES:
            count = min(_FILE_LINES, max(total // len(LINES), 1))
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
