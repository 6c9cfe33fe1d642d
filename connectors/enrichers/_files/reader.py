"""Reads administrators' files (CSV, JSON, JSON lines, plain lists): bounded, every bad row named, no row fatal.

Row models are frozen pydantic values; their fields are the columns, with the types of field_types.py beside this file.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from playbook.model.check import CheckResult

MAX_BYTES = 64 * 2**20
MAX_ROWS = 500_000
MAX_CELL = 16_384
_EXAMPLES = 3
_LINE_END = re.compile(rb"\r\n?|\n")

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Unreadable(Exception):
    """A file that cannot be used at all; the text names the file and what was expected."""


class _BadRow(ValueError):
    """One row that cannot be used; the text says why."""


@dataclass(frozen=True)
class Parsed(Generic[T]):
    """What a file gave: its good entries, its age, and the bad rows counted with the first few named.

    ``unavailable`` is the reason when nothing in the file can be used; then there are no entries.
    """

    path: Path
    entries: tuple[T, ...] = ()
    as_of: datetime | None = None
    unavailable: str | None = None
    rejected: int = 0
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def warning(self) -> str:
        """What a reader of the answers must know: rows left out and columns not used; empty when nothing."""
        rows = "1 row" if self.rejected == 1 else f"{self.rejected} rows"
        left_out = f"{rows} left out: {'; '.join(self.examples)}" if self.rejected else ""
        return "; ".join(part for part in (left_out, *self.notes) if part)

    @property
    def message(self) -> str:
        """One line for ``check``."""
        if self.unavailable:
            return self.unavailable
        as_of = f" as of {self.as_of:%Y-%m-%d %H:%M}Z" if self.as_of else ""
        entries = "1 entry" if len(self.entries) == 1 else f"{len(self.entries)} entries"
        return f"{entries}{as_of}" + (f"; {self.warning}" if self.warning else "")

    def result(self, subject: str, usable: bool = True, more: str = "") -> CheckResult:
        """What ``check`` says of the file; not ``usable``: something that it names cannot be used."""
        ok = usable and self.unavailable is None
        return CheckResult(subject=subject, ok=ok, message=self.message + more, warning=self.warning if ok else "")


def explain(fault: Exception) -> str:
    """Why a row was refused, in one line without the row's own text."""
    if isinstance(fault, ValidationError):
        errors = fault.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'row'}: {error['msg'].removeprefix('Value error, ')}"
            for error in errors[:2]
        )
    return str(fault)


def load(path: Path, limit: int = MAX_BYTES) -> tuple[bytes, datetime]:
    """The bytes of a file and when it was last changed. Raises Unreadable when missing, too large or not readable."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError) as fault:
        raise Unreadable(f"{path}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault
    if len(raw) > limit:
        raise Unreadable(f"{path}: larger than {limit // 2**20} MB")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Unreadable(f"{path}: UTF-16 text; expected UTF-8")
    return raw.removeprefix(b"\xef\xbb\xbf"), changed


def lines_of(raw: bytes) -> Iterator[bytes]:
    """Lines ended by LF, CR LF or CR, one at a time: millions of short ones would take many times the file's size."""
    start = 0
    for end in _LINE_END.finditer(raw):
        yield raw[start : end.start()]
        start = end.end()
    yield raw[start:]


def open_line(raw: bytes) -> int:
    """The number of the last line when it has no line end, as a file that was cut while it was written; else 0."""
    return 0 if not raw or raw[-1:] in (b"\n", b"\r") else sum(1 for _ in lines_of(raw))


def gather(
    path: Path,
    as_of: datetime,
    rows: Iterable[tuple[int, Any]],
    parse: Callable[[Any], T],
    unit: str = ":",
    notes: tuple[str, ...] = (),
    open_at: int = 0,
) -> Parsed[T]:
    """Every row through ``parse``; a row that raises ValueError, or is one, is counted and named ``path<unit><n>``.

    ``open_at`` (see ``open_line``): should this row be a bad one, a note says that the file may be cut.
    """
    entries: list[T] = []
    rejected = 0
    examples: list[str] = []
    for number, row in rows:
        if number > MAX_ROWS:
            return Parsed(path, as_of=as_of, unavailable=f"{path}: more than {MAX_ROWS} rows")
        try:
            if isinstance(row, ValueError):
                raise row
            entries.append(parse(row))
        except (ValueError, OverflowError) as fault:
            rejected += 1
            if number == open_at:
                notes += (f"{path.name}: it may be cut: its last line has no end and cannot be used",)
            if len(examples) < _EXAMPLES:
                examples.append(f"{path.name}{unit}{number}: {explain(fault)}")
    if rejected and not entries:
        first = f"{path}: none of its {rejected} rows can be used; first: {examples[0]}"
        return Parsed(path, as_of=as_of, unavailable=first, rejected=rejected, examples=tuple(examples))
    return Parsed(path, tuple(entries), as_of, None, rejected, tuple(examples), notes)


def read_records(path: Path, model: type[M], zone: ZoneInfo | None = None) -> Parsed[M]:
    """The rows of a .csv, .json (a list of objects) or .jsonl file as values of ``model``; never raises."""
    return read_converted(path, model, lambda row: row, zone)


def read_converted(path: Path, model: type[M], convert: Callable[[M], T], zone: ZoneInfo | None = None) -> Parsed[T]:
    """As ``read_records``, each row converted; a row whose conversion raises ValueError is a bad row."""
    notes: tuple[str, ...] = ()
    try:
        raw, as_of = load(path)
        unit, last = ":", open_line(raw)
        if path.suffix.lower() == ".json":
            rows, unit, last = _json_rows(path, raw), " entry ", 0
        elif path.suffix.lower() in {".jsonl", ".ndjson"}:
            rows = _jsonl_rows(raw)
        else:
            columns = _header(path, raw, model)
            rows, notes = _csv_rows(raw, columns), _unused(path, columns, model)
    except Unreadable as fault:
        return Parsed(path, unavailable=str(fault))
    known, context = frozenset(model.model_fields), {"zone": zone}

    def parse(row: Mapping[str, str]) -> T:
        return convert(model.model_validate({key: row[key] for key in row if key in known}, context=context))

    return gather(path, as_of, rows, parse, unit, notes, last)


def _cells(line: bytes) -> list[str]:
    if len(line) > MAX_CELL * 4:
        raise _BadRow(f"a line of {len(line)} bytes; expected at most {MAX_CELL * 4}")
    if b"\0" in line:
        raise _BadRow("NUL byte in the line")
    try:
        return [cell.strip() for cell in next(csv.reader([line.decode("utf-8")], strict=True))]
    except UnicodeDecodeError as fault:
        raise _BadRow(f"not UTF-8 at byte {fault.start}") from None
    except csv.Error as fault:
        raise _BadRow(f"not a CSV row: {fault}") from None


def _header(path: Path, raw: bytes, model: type[BaseModel]) -> list[str]:
    expected = f"expected a header row with the columns {','.join(model.model_fields)}"
    first = next((line for line in lines_of(raw[: MAX_CELL * 8]) if line.strip()), b"")
    if not first:
        raise Unreadable(f"{path}: empty; {expected}")
    try:
        columns = [cell.lower() for cell in _cells(first)]
    except _BadRow as fault:
        raise Unreadable(f"{path}: {fault}; {expected}") from None
    missing = [name for name, field in model.model_fields.items() if field.is_required() and name not in columns]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if missing or twice:
        why = f"no column {', '.join(missing)}" if missing else f"column {', '.join(twice)[:200]} twice"
        raise Unreadable(f"{path}: {why}; {expected}")
    return columns


def _unused(path: Path, columns: list[str], model: type[BaseModel]) -> tuple[str, ...]:
    unused = [name for name in columns if name not in model.model_fields]
    return (f"{path.name}: columns not used: {', '.join(unused)[:200]!r}",) if unused else ()


def _csv_rows(raw: bytes, columns: list[str]) -> Iterator[tuple[int, Any]]:
    header_seen = False
    for number, line in enumerate(lines_of(raw), 1):
        if not line.strip():
            continue
        if not header_seen:
            header_seen = True
            continue
        try:
            cells = _cells(line)
            if len(cells) != len(columns):
                raise _BadRow(f"{len(cells)} cells; expected {len(columns)}")
            yield number, {name: cell for name, cell in zip(columns, cells, strict=True) if cell}
        except _BadRow as fault:
            yield number, fault


def _flat(item: object) -> dict[str, str]:
    if not isinstance(item, dict):
        raise _BadRow("expected an object")
    flat = {}
    for key, value in item.items():
        parts = value if isinstance(value, list) else [value]
        if any(isinstance(part, dict | list) for part in parts):
            raise _BadRow(f"{key[:64]}: expected text, a number or a list of them")
        text = ";".join("" if part is None else str(part) for part in parts).strip()
        if text:
            flat[key.strip().lower()] = text
    return flat


def _refuse_constant(name: str) -> NoReturn:
    raise _BadRow(f"{name} is no JSON number")


def parse_json(raw: bytes) -> Any:
    """The JSON value in ``raw``. Raises ValueError when it is none, nested too deeply or holds NaN."""
    try:
        return json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError:
        raise _BadRow("nested too deeply") from None


def _flat_or_fault(item: object) -> Any:
    try:
        return _flat(item)
    except _BadRow as fault:
        return fault


def _json_rows(path: Path, raw: bytes) -> Iterator[tuple[int, Any]]:
    try:
        items = parse_json(raw)
    except ValueError as fault:
        raise Unreadable(f"{path}: not JSON: {fault}") from None
    if not isinstance(items, list):
        raise Unreadable(f"{path}: expected a JSON list of objects")
    return ((number, _flat_or_fault(item)) for number, item in enumerate(items, 1))


def _jsonl_rows(raw: bytes) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines_of(raw), 1):
        if not line.strip():
            continue
        try:
            yield number, _flat(parse_json(line))
        except ValueError as fault:
            yield number, _BadRow(f"not a JSON object: {fault}")
