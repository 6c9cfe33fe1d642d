"""Rows that could not be used: counted, and the first few named as file:line with the reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from connectors.logs.files import LogFile
from connectors.logs.shape import Recognised
from connectors.logs.unpack import Bounds, Cut, lines_of

EXAMPLES = 5
_SHOWN = 160
# DuckDB's word for a line whose text it does not hand over -> the reason.
UNREADABLE = {"INVALID ENCODING": "not UTF-8 text", "LINE SIZE OVER MAXIMUM": "the line is longer than 2 MB"}


@dataclass(frozen=True)
class Rejected:
    """How many rows were left out, and the first few."""

    count: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: "Rejected") -> "Rejected":
        return Rejected(self.count + other.count, (self.examples + other.examples)[:EXAMPLES])


def named(path: Path | str, line: int | None, reason: str) -> str:
    """``file:line: reason`` on one line, without control characters."""
    place = f"{path}:{line}" if line else str(path)
    return "".join(c if c.isprintable() else "?" for c in f"{place}: {reason}")[: _SHOWN + len(place)]


def from_table(rows: Iterable[tuple[str, int, str, str]], form: Recognised, module: ModuleType) -> Rejected:
    """From DuckDB's own rejects, one (path, line, text, error) a line; header lines are no rows and do not count."""
    count, examples = 0, []
    for path, line, text, error in rows:
        reason = UNREADABLE.get(error) or module.fault(form, text.strip("\r\n"))
        if reason == "":
            continue
        count += 1
        if len(examples) < EXAMPLES:
            examples.append(named(path, line, reason or "cannot be read"))
    return Rejected(count, tuple(examples))


def carefully(file: LogFile, form: Recognised, module: ModuleType, bounds: Bounds) -> tuple[Rejected, int]:
    """Every line of a file in plain Python: what is rejected, and how many rows are good."""
    count, good, examples = 0, 0, []
    try:
        for number, line in enumerate(lines_of(file.path, file.packing, bounds), 1):
            reason = "the line is longer than 1 MiB" if line is None else _fault(line, form, module)
            if not reason:
                good += reason is None
                continue
            count += 1
            if len(examples) < EXAMPLES:
                examples.append(named(file.path, number, reason))
    except Cut:
        pass  # counted up to the cut; the survey reports it
    return Rejected(count, tuple(examples)), good


def _fault(line: bytes, form: Recognised, module: ModuleType) -> str | None:
    try:
        text = line.replace(b"\0", b"").decode()
    except UnicodeDecodeError:
        return "not UTF-8 text"
    return module.fault(form, text)
