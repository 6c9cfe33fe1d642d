"""Rows that could not be used: counted, and the first few named as file:line with the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from connectors.sources.logs.decompress import Bounds, TruncatedFile, lines_of
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.files import LogFile
from connectors.sources.logs.schema import Recognised

EXAMPLES = 5
_SHOWN = 160
_NAMED_REJECTS = 50_000
# DuckDB's word for a line whose text it does not hand over -> the reason.
UNREADABLE = {"INVALID ENCODING": "not UTF-8 text", "LINE SIZE OVER MAXIMUM": "the line is longer than 2 MB"}


@dataclass(frozen=True)
class Rejected:
    """How many rows were left out, and the first few."""

    count: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: "Rejected") -> "Rejected":
        return Rejected(self.count + other.count, (self.examples + other.examples)[:EXAMPLES])


class Place(NamedTuple):
    """Where the lines of a file that DuckDB reads stand in the file that a person has."""

    path: Path | str
    before: int = 0

    def at(self, line: int | None) -> tuple[Path | str, int | None]:
        """The person's file and line."""
        return self.path, line + self.before if line else line


def named(path: Path | str, line: int | None, reason: str) -> str:
    """``file:line: reason`` on one line, without control characters."""
    place = f"{path}:{line}" if line else str(path)
    return "".join(c if c.isprintable() else "?" for c in f"{place}: {reason}")[: _SHOWN + len(place)]


def from_table(rows: Iterable[tuple[Place, int, str, str]], form: Recognised, module: ModuleType) -> Rejected:
    """From DuckDB's own rejects, one (place, line, text, error) a line; header lines are no rows and do not count."""
    count = 0
    examples: list[str] = []
    for place, line, text, error in rows:
        fault = getattr(module, "fault", None)
        reason = UNREADABLE.get(error) or (fault(form, (text or "").strip("\r\n")) if fault else "cannot be read")
        if reason == "":
            continue
        count += 1
        if len(examples) < EXAMPLES:
            examples.append(named(*place.at(line), reason or "cannot be read"))
    return Rejected(count, tuple(examples))


def in_table(
    engine: Engine,
    table: str,
    forms: Mapping[Recognised, Sequence[LogFile]],
    module: ModuleType,
    place: Callable[[str], Place],
) -> tuple[Rejected, int]:
    """What stands in the table of lines that DuckDB itself refused, and how many those are, headers included."""
    if not engine.has(table):
        return Rejected(), 0
    # A format may scan its files more than once.
    ((seen,),) = engine.believed(
        f"SELECT count(DISTINCT (file_path, line)) FROM {table} JOIN reject_scans USING (scan_id, file_id)"
    )
    rows = engine.believed(
        "SELECT file_path, line, left(any_value(csv_line), 65536), max(error_type::VARCHAR) FILTER "
        f"(error_type::VARCHAR IN {tuple(UNREADABLE)}) FROM {table} JOIN reject_scans USING (scan_id, file_id) "
        f"GROUP BY file_path, line ORDER BY file_path, line LIMIT {_NAMED_REJECTS}"
    )
    rejected = Rejected()
    for form, files in forms.items():
        paths = {str(file.path) for file in files}
        rejected += from_table([(place(path), *rest) for path, *rest in rows if path in paths], form, module)
    more = seen - len(rows)
    return (rejected + Rejected(more) if more else rejected), seen


@dataclass(frozen=True)
class Looked:
    """What a look at single lines found: the rejected ones, how many rows are good, how many lines were looked at.

    ``whole``: to the end of the readable part.
    """

    rejected: Rejected = Rejected()
    good: int = 0
    lines: int = 0
    whole: bool = True

    @property
    def silent(self) -> int:
        """Headers and blank lines."""
        return self.lines - self.good - self.rejected.count

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(
            self.rejected + other.rejected, self.good + other.good, self.lines + other.lines, self.whole and other.whole
        )


def untold(looked: Looked, paths: Sequence[Path | str]) -> str:
    """What to say of files too long for a look at every line."""
    others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return (
        f"{paths[0]}{others}: {looked.lines:,} lines were looked at one by one; those after them were only counted, "
        "and good rows may be among those left out"
    )


def carefully(file: LogFile, place: Place, form: Recognised, module: ModuleType, bounds: Bounds, most: int) -> Looked:
    """The first ``most`` lines of a file in plain Python, which costs microseconds each; ``place`` names them."""
    count, good, number, whole = 0, 0, 0, True
    examples: list[str] = []
    try:
        for number, line in enumerate(lines_of(file.path, file.packing, bounds), 1):
            if number > most:
                number, whole = most, False
                break
            reason = "the line is longer than 1 MiB" if line is None else _fault(line, form, module)
            if not reason:
                good += reason is None
                continue
            count += 1
            if len(examples) < EXAMPLES:
                examples.append(named(*place.at(number), reason))
    except TruncatedFile:
        pass  # counted up to the cut; the survey reports it
    return Looked(Rejected(count, tuple(examples)), good, number, whole)


def _fault(line: bytes, form: Recognised, module: ModuleType) -> str | None:
    try:
        text = line.replace(b"\0", b"").decode()
    except UnicodeDecodeError:
        return "not UTF-8 text"
    reason: str | None = module.fault(form, text)
    return reason
