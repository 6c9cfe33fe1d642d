"""The head of the audit trail kept outside the record: a file that shows when the record was cut or turned back."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import AwareDatetime, Field, ValidationError

from playbook.cases import audit
from playbook.cases.schema import journal
from playbook.cases.store import Store
from playbook.config import State
from playbook.errors import ConfigError, Unreachable
from playbook.model import Value

_LARGEST, _LAST = 4 * 2**20, 4096
_MOST_LINES, _KEPT_LINES = 10_000, 5_000


class Anchor(Value):
    """One head as it stood at a time: the number of the last line and its hash."""

    at: AwareDatetime
    seq: int = Field(ge=0, le=2**31 - 1)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


def anchor_file(state: State, store: Store, folder: Path) -> Path | None:
    """Where heads are kept: ``state.audit_anchor``, else beside the SQLite file; None where there is neither."""
    if state.audit_anchor is not None:
        return folder / state.audit_anchor
    return None if store.file is None else Path(f"{store.file}.audit-anchor")


def anchors(file: Path) -> tuple[Anchor, ...]:
    """The heads in a file, oldest first; none when it is not there. Raises ConfigError for a line that is no head."""
    lines = _lines(file, _LARGEST)
    return tuple(_anchor(file, f"line {number}", line) for number, line in enumerate(lines, start=1))


def newest(file: Path) -> Anchor | None:
    """The last head in a file; None when there is none. Raises ConfigError when the last line is no head."""
    lines = _lines(file, _LAST)
    return _anchor(file, "the last line", lines[-1]) if lines else None


def _lines(file: Path, most: int) -> list[str]:
    """The whole lines among the last ``most`` bytes; none when the file is not there."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - most))
            lines = stream.read(most).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise Unreachable(f"{file}: {fault.strerror}") from fault
    return lines if size <= most else lines[1:]


def _anchor(file: Path, where: str, line: str) -> Anchor:
    try:
        return Anchor.model_validate(json.loads(line))
    except (ValueError, ValidationError):
        raise ConfigError(f"{file}: {where}: expected an anchor of the trail: at, seq and hash as JSON") from None


def current(conn: sa.Connection, now: datetime) -> Anchor:
    """The head as it stands now."""
    number, digest = audit.head(conn)
    return Anchor(at=now.astimezone(UTC), seq=number, hash=digest)


def write(file: Path, anchor: Anchor) -> None:
    """Add a head to the file; the oldest go once there are many. Raises Unreachable when it cannot be written."""
    known = anchors(file)
    if known and (known[-1].seq, known[-1].hash) == (anchor.seq, anchor.hash):
        return
    kept = known[-_KEPT_LINES:] if len(known) >= _MOST_LINES else None
    try:
        if kept is not None:
            beside = file.with_name(f".{file.name}.new")
            _append(beside, (*kept, anchor))
            os.replace(beside, file)
        else:
            _append(file, (anchor,))
    except OSError as fault:
        raise Unreachable(f"{file}: the head of the audit trail cannot be anchored: {fault.strerror}") from fault


def _append(file: Path, some: tuple[Anchor, ...]) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="ascii") as stream:
        stream.writelines(f"{one.model_dump_json()}\n" for one in some)
        stream.flush()
        os.fsync(stream.fileno())


def faults(conn: sa.Connection, known: tuple[Anchor, ...], most: int = 20) -> tuple[str, ...]:
    """Where the trail is not what it was when a head was anchored: cut, emptied, turned back or written anew."""
    found: list[str] = []
    last, _ = audit.head(conn)
    for one in known:
        if one.seq == 0:
            continue
        digest = conn.execute(sa.select(journal.c.hash).where(journal.c.seq == one.seq)).scalar_one_or_none()
        when = f"anchored at {one.at:%Y-%m-%d %H:%M:%S} UTC"
        if digest is None:
            found.append(f"line {one.seq}: {when}, and not there now: the trail ends at line {last}")
        elif digest != one.hash:
            found.append(f"line {one.seq}: not the line that was {when}")
        if len(found) >= most:
            break
    return tuple(found)


def turned_back(conn: sa.Connection, file: Path | None) -> str:
    """Why the record is taken for one that was restored or emptied: its newest anchor does not fit; "" when it does."""
    known = newest(file) if file is not None else None
    wrong = faults(conn, (known,)) if known is not None else ()
    if not wrong:
        return ""
    return f"the record is not the one that {file} anchors ({wrong[0]}): it was restored from a backup, or emptied"
