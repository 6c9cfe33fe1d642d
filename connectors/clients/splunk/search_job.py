"""One search job from create to delete: under an id of our own, polled, paged, and believed only when whole."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from connectors.clients.splunk.bodies import Feed, Page, Status, parsed, valid
from connectors.clients.splunk.client import (
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
from connectors.clients.splunk.decoding import cast
from connectors.http import Reply, segment
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, RateLimited, Unreachable
from playbook.model import Value
from playbook.model.detection import TimeWindow

_log = logging.getLogger(__name__)

V2, V1 = "/services/search/v2/jobs", "/services/search/jobs"
PAGE = 50_000  # limits.conf maxresultrows: more is never given in one answer, fewer is paged on
MAX_ROWS = 100_000
FIRST_POLL_S, LONGEST_POLL_S = 1.0, 15.0
_LOST_ATTEMPTS = 4
_MUTE_POLLS = 5  # answers without anything in them, before a job that is there counts as lost
_RUNNING = frozenset({"QUEUED", "PARSING", "RUNNING", "FINALIZING"})
# Warnings that come beside rows when some are missing: a peer is down, a limit cut something off.
_PARTIAL = re.compile(
    r"incomplete|partial|truncat|not respond|timed?[ -]?out|unable to (distribute|connect|reach)|could not (be )?"
    r"(reach|contact|connect|distribut)|skipp|(limit|memory|max\w*).{0,60}(reach|exceed)|(reach|exceed).{0,60}(limit|max)",
    re.IGNORECASE,
)


class JobGone(ConnectorError):
    """Splunk does not know the job: it was removed, or another search head was asked."""


class SearchAnswer(Value):
    """The rows of a job, the events behind them, and what was warned of; ``truncated`` says why rows are missing.

    ``over``: for the one reason that there were more than are taken.
    """

    rows: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    events: int = 0
    warnings: tuple[str, ...] = ()
    truncated: str = ""
    over: bool = False


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
    pause, mute = FIRST_POLL_S, 0
    while deadline.pause(pause):
        pause = min(pause * 2, LONGEST_POLL_S)
        reply = _job_reply(wire, wire.call("GET", path, deadline))
        entries = () if reply.status == 204 else parsed(Feed, reply, wire.subject).entry
        if not entries:
            mute += reply.status != 204
            if mute >= _MUTE_POLLS:
                raise Incomplete(f"{wire.subject}: Splunk took the search and tells nothing of it (an empty entry)")
            continue
        content = entries[0].content
        status = valid(Status, content, wire.subject)
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


class _Received(NamedTuple):
    """The rows of all pages, what the pages said, and why rows are missing ("": none)."""

    rows: list[dict[str, tuple[str, ...]]]
    said: tuple[Note, ...]
    missing: str


def _rows(
    wire: SplunkClient,
    path: str,
    query: Query,
    deadline: Deadline,
    status: Status,
    said: tuple[Note, ...],
    seen: Callable[[int, int], None],
) -> SearchAnswer:
    count, most = status.resultCount, query.max_rows
    received = _received(wire, path, min(count, most), deadline, seen)
    said += received.said
    over = f"the search gave {count} rows, {most} are taken at most" if count > most or count == most > 1 else ""
    missing = ["the search was finalized before it had read everything"] if status.isFinalized else []
    missing += [text for text in (over, received.missing) if text]
    missing += [
        f"rows may be missing: {note.text}"
        for note in dict.fromkeys(said)
        if note.bad or (note.kind == "WARN" and _PARTIAL.search(note.text))
    ]
    if missing and not received.rows:
        raise Incomplete(f"{wire.subject}: {'; '.join(missing)}")
    return SearchAnswer(
        rows=tuple(received.rows[: min(count, most)]),
        events=status.eventCount,
        warnings=tuple(dict.fromkeys(f"{note.kind}: {note.text}" for note in said))[:MAX_NOTES],
        truncated="; ".join(missing),
        over=missing == [over],
    )


def _received(
    wire: SplunkClient, path: str, wanted: int, deadline: Deadline, seen: Callable[[int, int], None]
) -> _Received:
    """The pages of a finished job, until ``wanted`` rows are there or it gives no more."""
    rows: list[dict[str, tuple[str, ...]]] = []
    said: tuple[Note, ...] = ()
    mute = 0
    while len(rows) < wanted:
        page = {"offset": len(rows), "count": min(PAGE, wanted - len(rows))}
        reply = _job_reply(wire, wire.call("GET", f"{path}/results", deadline, params=page))
        if reply.status == 204 and mute < _MUTE_POLLS and deadline.pause(FIRST_POLL_S):
            mute += 1
            continue
        received = Page(results=[]) if reply.status == 204 else parsed(Page, reply, wire.subject)
        said += notes(reply)
        if received.preview:
            raise BadAnswer(f"{wire.subject}: a finished search gave a preview of its results")
        if not received.results:
            break
        rows += [cast(row) for row in received.results]
        seen(min(len(rows), wanted), wanted)
    missing = f"the search reported {wanted} rows, {len(rows)} were returned" if len(rows) != wanted else ""
    return _Received(rows, said, missing)


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
