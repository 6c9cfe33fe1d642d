"""Hours of a Zeek log beside their daily merge: a file whose every row stands in a larger one is read once.

Cheap for folders without such a thing: only a file that is about as large as all that begin in its day is looked into,
and only at its beginning. What is left out is proven, row by row; files that share rows, or that two sensors wrote of
the same hours, are compared connection by connection (connectors/sources/logs/deduplication.py).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import duckdb

from connectors.sources.logs.decompress import Bounds, TruncatedFile, survey, unpacked
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.files import LogFile
from connectors.sources.logs.line_sql import lines
from connectors.sources.logs.schema import Scan

_HEAD, _LOOKED_INTO = 64 << 10, 32 << 20
_SAMPLE = 8
_DAY_S, _SLACK_S = 23.5 * 3600, 900
# A merge has the size of its parts; packed in one piece it is somewhat smaller, beside the log of today larger.
_LEAST_SHARE = 0.5
_MOST_FILES, _NAMED = 1000, 3
_ZEEK = frozenset({"zeek", "zeek-json"})
_UID = re.compile(rb'"uid":\s*"([^"]+)"|\t(C[0-9A-Za-z]{8,})\t')
_TIME = re.compile(rb'"ts":\s*"?([^",}]+)|^([0-9]+\.[0-9]+)\t')


class _Begun(NamedTuple):
    """How a file begins: its earliest instant there (epoch seconds), and the identities of its first rows."""

    file: LogFile
    since: float
    uids: tuple[bytes, ...]


class Merged(NamedTuple):
    """The files to read, one sentence for each that is left out, and whether others share rows or hours."""

    files: tuple[LogFile, ...]
    notes: tuple[str, ...] = ()
    overlap: bool = False


def without_parts(files: Sequence[LogFile], bounds: Bounds, engine: Engine) -> Merged:
    """The files but those of which every row stands in a larger one."""
    begun = _begun(files, bounds)
    left_out: dict[LogFile, LogFile] = {}
    overlap = False
    for whole in sorted(begun, key=lambda one: -one.file.size):
        parts = [one for one in begun if one.file not in left_out and _may_be_part(one, whole)]
        if whole.file in left_out or not parts or not _large_enough(whole, parts) or not _shared(whole, parts, bounds):
            continue
        for part, rows, also in _compared(whole.file, [one.file for one in parts], bounds, engine):
            if rows and rows == also:
                left_out[part] = whole.file
                continue
            overlap |= bool(also)
    kept = tuple(file for file in files if file not in left_out)
    notes = tuple(
        _left_out(whole, [part for part, in_ in left_out.items() if in_ is whole])
        for whole in dict.fromkeys(left_out.values())
    )
    return Merged(kept, notes, overlap or _overlapping(kept, bounds))


def _overlapping(files: Sequence[LogFile], bounds: Bounds) -> bool:
    """Whether two of the Zeek logs seem to be of the same hours, as those of two sensors are.

    Seen from how they begin and, of plain ones, end: two that begin within minutes, or one that begins while another
    goes on. Logs that follow each other overlap by the connections that were open.
    """
    begun = sorted(_begun(files, bounds), key=lambda one: one.since)
    for one, after in pairwise(begun):
        if after.since - one.since < _SLACK_S or after.since < _end(one) - _SLACK_S:
            return True
    return False


def _end(one: _Begun) -> float:
    """The latest instant in the last lines of a plain file; its beginning of a packed one."""
    if one.file.packing != "plain":
        return one.since
    with one.file.path.open("rb") as source:
        source.seek(max(one.file.size - _HEAD, 0))
        rows = source.read(_HEAD).split(b"\n")[1:]
    moments = (_epoch((time[1] or time[2]).decode(errors="replace")) for row in rows if (time := _TIME.search(row)))
    return max((moment for moment in moments if moment is not None), default=one.since)


def _left_out(whole: LogFile, parts: Sequence[LogFile]) -> str:
    named = ", ".join(str(part.path) for part in parts[:_NAMED])
    more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return f"{named}{more}: not read, all rows stand in {whole.path}: counted once"


def _begun(files: Sequence[LogFile], bounds: Bounds) -> list[_Begun]:
    chosen = [file for file in files if any(form.kind == "conn" and form.format in _ZEEK for form in file.forms)]
    if not 1 < len(chosen) <= _MOST_FILES:
        return []
    return [one for one in (_beginning(file, bounds) for file in chosen) if one is not None]


def _beginning(file: LogFile, bounds: Bounds) -> _Begun | None:
    rows = [line for line in _content(file, bounds, _HEAD).split(b"\n")[:-1] if line and not line.startswith(b"#")]
    times, uids = [], []
    for row in rows[:200]:
        uid, time = _UID.search(row), _TIME.search(row)
        moment = _epoch((time[1] or time[2]).decode(errors="replace")) if time else None
        if uid and moment is not None:
            times.append(moment)
            uids.append(uid[1] or uid[2])
    return _Begun(file, min(times), tuple(uids[:_SAMPLE])) if times else None


def _epoch(text: str) -> float | None:
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return datetime.fromisoformat(text.strip()).timestamp()
    return None


def _may_be_part(one: _Begun, whole: _Begun) -> bool:
    larger = one.file.packing != whole.file.packing or one.file.size < whole.file.size
    return one is not whole and larger and whole.since - _SLACK_S <= one.since < whole.since + _DAY_S


def _large_enough(whole: _Begun, parts: Sequence[_Begun]) -> bool:
    alike = [one.file.size for one in parts if one.file.packing == whole.file.packing]
    return whole.file.size >= _LEAST_SHARE * sum(alike)


def _shared(whole: _Begun, parts: Sequence[_Begun], bounds: Bounds) -> bool:
    """Whether the first of the parts is seen at the beginning of the whole."""
    first = min(parts, key=lambda one: one.since)
    content = _content(whole.file, bounds, _LOOKED_INTO)
    return any(uid in content for uid in first.uids)


def _content(file: LogFile, bounds: Bounds, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    with suppress(TruncatedFile, OSError):  # what is readable is compared; reading itself reports the fault
        for piece in unpacked(file.path, file.packing, bounds):
            pieces.append(piece[: most - size])
            size += len(pieces[-1])
            if size >= most:
                break
    return b"".join(pieces)


def _compared(
    whole: LogFile, parts: Sequence[LogFile], bounds: Bounds, engine: Engine
) -> Iterator[tuple[LogFile, int, int]]:
    """Each part, its rows, and how many of them stand in the whole, to the letter; none of a file that is damaged."""
    sound = [file for file in (whole, *parts) if not survey(file.path, file.packing, bounds).cut]
    if whole not in sound or len(sound) < 2:
        return
    rows = "SELECT file, md5_number(text) AS row FROM ({}) WHERE text NOT LIKE '#%'"
    mine = rows.format(lines([str(file.path) for file in sound if file is not whole], Scan()))
    theirs = rows.format(lines([str(whole.path)], Scan()))
    try:
        found = list(
            engine.rows(
                f"SELECT file, count(*), count(seen.row) FROM ({mine}) part "
                f"LEFT JOIN (SELECT DISTINCT row FROM ({theirs})) seen USING (row) GROUP BY file"
            )
        )
    except duckdb.Error:
        return
    by_path = {str(file.path): file for file in parts}
    yield from ((by_path[path], count, also) for path, count, also in sorted(found))
