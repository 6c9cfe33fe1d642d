"""One search job from create to delete: under an id of our own, polled, paged, and believed only when whole."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.http import Reply, segment
from connectors.sources.splunk.client import (
    MAX_NOTES,
    Deadline,
    Note,
    SplunkClient,
    busy,
    complaint,
    notes,
    notes_of,
    pause_for,
)
from connectors.sources.splunk.decoding import cast
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, RateLimited, Unreachable
from playbook.model import Value
from playbook.model.detection import TimeWindow

_log = logging.getLogger(__name__)

V2, V1 = "/services/search/v2/jobs", "/services/search/jobs"
PAGE = 50_000  # limits.conf maxresultrows: more is never given in one answer, fewer is paged on
MAX_ROWS = 100_000
FIRST_POLL_S, LONGEST_POLL_S = 1.0, 15.0
_LOST_ATTEMPTS = 4
_RUNNING = frozenset({"QUEUED", "PARSING", "RUNNING", "FINALIZING"})
# Warnings that come beside rows when some are missing: a peer is down, a limit cut something off.
_PARTIAL = re.compile(
    r"incomplete|partial|truncat|not respond|timed?[ -]?out|unable to (distribute|connect|reach)|could not (be )?"
    r"(reach|contact|connect|distribut)|skipp|(limit|memory|max\w*).{0,60}(reach|exceed)|(reach|exceed).{0,60}(limit|max)",
    re.IGNORECASE,
)
T = TypeVar("T", bound=BaseModel)


class JobGone(ConnectorError):
    """Splunk does not know the job: it was removed, or another search head was asked."""


class _Read(BaseModel):
    """Base of what is read from splunkd: unknown keys are ignored; numbers and truths may be text."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Status(_Read):
    """One poll. ``isDone`` is true of a failed job too; ``isFinalized`` means that it was stopped early."""

    dispatchState: str = Field(max_length=60)
    isDone: bool = False
    isFailed: bool = False
    isFinalized: bool = False
    resultCount: int = Field(default=0, ge=0)
    eventCount: int = Field(default=0, ge=0)


class _Entry(_Read):
    content: dict[str, Any]


class _Feed(_Read):
    entry: tuple[_Entry, ...] = Field(min_length=1)


class Page(_Read):
    """One page of results."""

    results: list[dict[str, Any]]
    preview: bool = False


class SearchAnswer(Value):
    """The rows of a job, the events behind them, and what was warned of; ``truncated`` says why rows are missing."""

    rows: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    events: int = 0
    warnings: tuple[str, ...] = ()
    truncated: str = ""


class Query(Value):
    """What a job is to run over which time."""

    text: str
    window: TimeWindow
    max_rows: int = MAX_ROWS


def run(wire: SplunkClient, query: Query, deadline: Deadline, seen: Callable[[int, int], None]) -> SearchAnswer:
    """Run ``query`` and take its rows; ``seen`` is told rows received and rows in all.

    A job that vanished is created once more. Raises ConfigError for a query Splunk refuses, Incomplete for a job that
    failed, was stopped without a row or did not finish in time, RateLimited past a quota, and what ``Wire.call`` does.
    """
    try:
        return _once(wire, query, deadline, seen)
    except JobGone as gone:
        _log.warning("%s; creating it once more", gone)
        return _once(wire, query, deadline, seen)


def _once(wire: SplunkClient, query: Query, deadline: Deadline, seen: Callable[[int, int], None]) -> SearchAnswer:
    path = _create(wire, query, deadline)
    try:
        status, said = _finished(wire, path, deadline)
        return _rows(wire, path, query, deadline, status, said, seen)
    finally:
        _delete(wire, path)


def _root(wire: SplunkClient) -> str:
    return V1 if wire.old else V2


def _create(wire: SplunkClient, query: Query, deadline: Deadline) -> str:
    """The path of the new job. An answer that was lost is looked up under our id before anything is sent again."""
    name, attempts, lost = wire.new_id(), 0, 0
    while True:
        reply: Reply | None = None
        fault: ConnectorError
        try:
            reply = wire.call("POST", _root(wire), deadline, data=_form(name, query))
        except Unreachable as silence:
            fault = silence
        if reply is not None:
            if reply.status == 404 and not wire.old:
                wire.old = True
                continue
            if sid := _sid(wire, reply):
                return f"{_root(wire)}/{segment(sid)}"
            fault = _refusal(wire, reply)
        attempts += 1
        lost += not isinstance(fault, RateLimited)
        path = f"{_root(wire)}/{segment(name)}"
        if lost >= _LOST_ATTEMPTS or not deadline.pause(pause_for(reply, attempts, wire.clocks)):
            if lost:
                _delete(wire, path)
            raise fault
        if lost and wire.call("GET", path, deadline).status in (200, 204):
            return path


def _form(name: str, query: Query) -> dict[str, str | int]:
    return {
        "id": name,
        "search": query.text,
        "exec_mode": "normal",
        "max_count": query.max_rows,
        "auto_cancel": 120,
        "earliest_time": _epoch(query.window.start.timestamp()),
        "latest_time": _epoch(query.window.end.timestamp()),
    }


def _epoch(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _sid(wire: SplunkClient, reply: Reply) -> str:
    """The id that a successful create names, or "" when the search was not started."""
    if reply.status not in (200, 201):
        return ""
    body = reply.json()
    sid = body.get("sid") if isinstance(body, dict) else None
    return sid if isinstance(sid, str) and 0 < len(sid) <= 300 else ""


def _refusal(wire: SplunkClient, reply: Reply) -> ConnectorError:
    """Why a create that was answered started nothing, if waiting may help; else it is raised."""
    said = notes(reply)
    if busy(said):
        return RateLimited(f"{wire.subject}: {complaint(reply)} ({reply.status}): no search slot came free in time")
    if reply.status >= 500:
        return Unreachable(f"{wire.subject}: {complaint(reply)} ({reply.status})")
    if reply.status == 400:
        raise ConfigError(f"{wire.subject}: the query was refused, check scope and fields: {complaint(reply)}")
    if reply.status == 404:
        raise ConfigError(f"{wire.subject}: no search API there: base_url must name the management port (8089)")
    raise BadAnswer(f"{wire.subject}: the search was not started: {complaint(reply)} ({reply.status})")


def _finished(wire: SplunkClient, path: str, deadline: Deadline) -> tuple[Status, tuple[Note, ...]]:
    """The status of a job that is done, and all it said; every other end is an error."""
    pause = FIRST_POLL_S
    while deadline.pause(pause):
        pause = min(pause * 2, LONGEST_POLL_S)
        reply = _job_reply(wire, wire.call("GET", path, deadline))
        if reply.status == 204:
            continue
        content = _parsed(_Feed, reply, wire.subject).entry[0].content
        status = _valid(Status, content, wire.subject)
        said = notes_of(content, reply.redact)
        if status.isFailed or any(note.kind == "FATAL" for note in said):
            raise _failed(wire, status.dispatchState, said)
        if status.dispatchState == "DONE" and status.isDone:
            return status, said
        if status.dispatchState not in _RUNNING | {"DONE"}:
            raise _failed(wire, status.dispatchState, said)
    raise Incomplete(f"{wire.subject}: the search did not finish before its deadline")


def _failed(wire: SplunkClient, state: str, said: tuple[Note, ...]) -> ConnectorError:
    reason = "; ".join(dict.fromkeys(note.text for note in said if note.bad or busy((note,)))) or "no reason given"
    kind = RateLimited if busy(said) else Incomplete
    return kind(f"{wire.subject}: the search failed ({state[:40]!r}): {reason}")


def _rows(
    wire: SplunkClient,
    path: str,
    query: Query,
    deadline: Deadline,
    status: Status,
    said: tuple[Note, ...],
    seen: Callable[[int, int], None],
) -> SearchAnswer:
    count = status.resultCount
    wanted = min(count, query.max_rows)
    rows: list[dict[str, tuple[str, ...]]] = []
    missing = ["the search was finalized before it had read everything"] if status.isFinalized else []
    if count > query.max_rows or (count == query.max_rows > 1):
        missing.append(f"the search gave {count} rows, {query.max_rows} are taken at most")
    while len(rows) < wanted:
        page = {"offset": len(rows), "count": min(PAGE, wanted - len(rows))}
        reply = _job_reply(wire, wire.call("GET", f"{path}/results", deadline, params=page))
        received = _parsed(Page, reply, wire.subject)
        said += notes(reply)
        if received.preview:
            raise BadAnswer(f"{wire.subject}: a finished search gave a preview of its results")
        if not received.results:
            missing.append(f"the search reported {count} rows, {len(rows)} were returned")
            break
        rows += [cast(row) for row in received.results]
        seen(len(rows), wanted)
    missing += [
        f"rows may be missing: {note.text}"
        for note in dict.fromkeys(said)
        if note.bad or (note.kind == "WARN" and _PARTIAL.search(note.text))
    ]
    if missing and not rows:
        raise Incomplete(f"{wire.subject}: {'; '.join(missing)}")
    warnings = tuple(dict.fromkeys(f"{note.kind}: {note.text}" for note in said))[:MAX_NOTES]
    return SearchAnswer(
        rows=tuple(rows[:wanted]),
        events=status.eventCount,
        warnings=warnings,
        truncated="; ".join(missing),
    )


def _delete(wire: SplunkClient, path: str) -> None:
    """Remove the job, running or not: it holds a search slot and disk quota."""
    try:
        reply = wire.call("DELETE", path, Deadline(wire.clocks, 15.0))
        if reply.status not in (200, 204, 404):
            _log.warning("%s: the search job was not removed (%d)", wire.subject, reply.status)
    except (ConnectorError, ConfigError) as fault:
        _log.warning("the search job was not removed: %s", fault)


def _job_reply(wire: SplunkClient, reply: Reply) -> Reply:
    if reply.status == 404:
        raise JobGone(f"{wire.subject}: {complaint(reply)}: the search job is gone")
    if reply.status not in (200, 204):
        raise BadAnswer(f"{wire.subject}: {complaint(reply)} ({reply.status})")
    return reply


def _parsed(model: type[T], reply: Reply, subject: str) -> T:
    if not reply.body.strip():
        raise BadAnswer(f"{subject}: an empty answer where rows were announced")
    return _valid(model, reply.json(), subject)


def _valid(model: type[T], body: Any, subject: str) -> T:
    try:
        return model.model_validate(body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadAnswer(f"{subject}: {where}: {first['msg']}") from None
