"""One search job from create to delete: kept alive by polling, paged by rows received, believed only when whole."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.clients._answer_faults import first_fault
from connectors.clients.sumologic.client import Deadline, SumoClient, complaint, error_code, job_is_gone
from connectors.http import Reply, printable, segment
from connectors.sources.sumologic.decoding import folded
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, Unreachable
from playbook.model import Value
from playbook.model.detection import TimeWindow

_log = logging.getLogger(__name__)

PAGE = 10_000
MAX_ROWS = 100_000
FIRST_POLL_S, LONGEST_POLL_S = 1.0, 15.0
MAX_NOTES = 20

DONE = "DONE GATHERING RESULTS"
PAUSED = "FORCE PAUSED"
RUNNING = frozenset(
    {
        "NOT STARTED",
        "GATHERING RESULTS",
        "GATHERING RESULTS FROM SUBQUERIES",
        "DONE GATHERING HISTOGRAM",
    }
)
_COOKIE_NOTICE = "enable cookies"

Kind = Literal["records", "messages"]
T = TypeVar("T", bound=BaseModel)


class JobGone(ConnectorError):
    """Sumo Logic no longer knows the job: it expired, or the affinity cookie was lost."""


class _Wire(BaseModel):
    """Base of what is read from the API: unknown keys are ignored, newer versions add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Created(_Wire):
    """The answer to create; ids are opaque."""

    id: str = Field(min_length=1, max_length=200)


class Status(_Wire):
    """One poll; errors and warnings are those since the poll before."""

    state: str
    messageCount: int = Field(default=0, ge=0)
    recordCount: int = Field(default=0, ge=0)
    pendingErrors: tuple[str, ...] | None = ()
    pendingWarnings: tuple[str, ...] | None = ()
    warning: str | None = ""


class Cells(_Wire):
    """One row, as the API wraps it."""

    map: dict[str, str | int | float | bool | None]


class Page(_Wire):
    """One page of records or messages."""

    records: tuple[Cells, ...] = ()
    messages: tuple[Cells, ...] = ()
    warning: str | None = ""


class SearchAnswer(Value):
    """The rows of a job (names in lower case, values text), how many there were, and what was warned of.

    ``truncated`` says why rows are missing, "" when none is; ``over``: for the one reason that there were too many.
    """

    rows: tuple[Mapping[str, str], ...] = ()
    messages: int = 0
    warnings: tuple[str, ...] = ()
    truncated: str = ""
    over: bool = False


class Query(Value):
    """What a job is to run. ``kind`` follows from the text (aggregates give records), never from counts."""

    text: str
    window: TimeWindow
    kind: Kind = "records"
    max_rows: int = MAX_ROWS


def run(
    wire: SumoClient, prefix: str, query: Query, deadline: Deadline, seen: Callable[[int, int], None]
) -> SearchAnswer:
    """Run ``query`` and take its rows; ``seen`` is told rows received and rows in all.

    A job that vanished is created once more. Raises ConfigError for a query Sumo cannot parse, Incomplete for a
    job that failed, was cancelled or did not finish in time, and the errors of ``Wire.call``.
    """
    try:
        return _once(wire, prefix, query, deadline, seen)
    except JobGone as gone:
        _log.warning("%s; creating it once more", gone)
        return _once(wire, prefix, query, deadline, seen)


def _once(
    wire: SumoClient, prefix: str, query: Query, deadline: Deadline, seen: Callable[[int, int], None]
) -> SearchAnswer:
    path = f"{prefix}/{segment(_create(wire, prefix, query, deadline))}"
    try:
        status, warnings = _finished(wire, path, query, deadline)
        return _rows(wire, path, query, deadline, status, warnings, seen)
    finally:
        _delete(wire, path)


def _create(wire: SumoClient, prefix: str, query: Query, deadline: Deadline) -> str:
    body = {
        "query": query.text,
        "from": int(query.window.start.timestamp() * 1000),
        "to": int(query.window.end.timestamp() * 1000),
        "timeZone": "UTC",
        "byReceiptTime": False,
        "autoParsingMode": "Manual",
        "requiresRawMessages": query.kind == "messages",
    }
    reply = wire.call("POST", prefix, deadline, json=body)
    if reply.status == 400 and error_code(reply) in {"parse.error", "generic", "no.query"}:
        raise ConfigError(f"{wire.subject}: the query was refused, check scope and fields: {complaint(reply)}")
    if reply.status == 404:
        raise ConfigError(f"{wire.subject}: no search job API under {prefix}: check base_url and path_prefix")
    return _read(Created, _expected(wire, reply), wire.subject).id


def _finished(wire: SumoClient, path: str, query: Query, deadline: Deadline) -> tuple[Status, tuple[str, ...]]:
    """The last status and all warnings; errors and warnings are deltas, so every poll is read."""
    warnings: list[str] = []
    pause = FIRST_POLL_S
    while deadline.pause(pause):
        status = _read(Status, _job_reply(wire, wire.call("GET", path, deadline)), wire.subject)
        warnings += _notes(status.pendingWarnings or (), status.warning)
        if status.pendingErrors:
            said = "; ".join(_notes(status.pendingErrors, ""))
            raise Incomplete(f"{wire.subject}: the search failed: {said or 'no reason given'}")
        if status.state == DONE or (status.state == PAUSED and query.kind == "messages"):
            return status, tuple(dict.fromkeys(warnings))[:MAX_NOTES]
        if status.state not in RUNNING:
            raise Incomplete(f"{wire.subject}: the search ended in state {printable(status.state)[:60]!r}")
        pause = min(pause * 2, LONGEST_POLL_S)
    raise Incomplete(f"{wire.subject}: the search did not finish before its deadline")


def _rows(
    wire: SumoClient,
    path: str,
    query: Query,
    deadline: Deadline,
    status: Status,
    warnings: tuple[str, ...],
    seen: Callable[[int, int], None],
) -> SearchAnswer:
    count = status.recordCount if query.kind == "records" else status.messageCount
    wanted = min(count, query.max_rows)
    rows: list[dict[str, str]] = []
    over = f"the search gave {count} rows, {query.max_rows} are taken" if count > query.max_rows else ""
    missing = [over] if over else []
    if status.state == PAUSED:
        missing = ["the search was force-paused: only the newest messages are there"]
    while len(rows) < wanted:
        page = {"offset": len(rows), "limit": min(PAGE, wanted - len(rows))}
        reply = _job_reply(wire, wire.call("GET", f"{path}/{query.kind}", deadline, params=page))
        parsed = _read(Page, reply, wire.subject)
        received = parsed.records if query.kind == "records" else parsed.messages
        if not received:
            break
        rows += [folded(cells.map, wire.subject) for cells in received]
        warnings += _notes((), parsed.warning)
        seen(min(len(rows), wanted), wanted)
    if len(rows) != wanted:
        missing.append(f"the search reported {count} rows, {len(rows)} were returned")
    return SearchAnswer(
        rows=tuple(rows[:wanted]),
        messages=status.messageCount,
        truncated="; ".join(missing),
        over=missing == [over],
        warnings=tuple(dict.fromkeys(warnings))[:MAX_NOTES],
    )


def _delete(wire: SumoClient, path: str) -> None:
    try:
        reply = wire.call("DELETE", path, Deadline(wire.transport.clocks, 15.0))
        if reply.status not in (200, 204, 404):
            _log.warning("%s: the search job was not deleted (%d)", wire.subject, reply.status)
    except (ConnectorError, ConfigError) as fault:
        _log.warning("the search job was not deleted: %s", fault)


def _job_reply(wire: SumoClient, reply: Reply) -> Reply:
    if reply.status == 404 or job_is_gone(reply):
        raise JobGone(f"{wire.subject}: the search job expired, or its session cookie was lost")
    return _expected(wire, reply)


def _expected(wire: SumoClient, reply: Reply) -> Reply:
    if reply.status in (200, 202):
        return reply
    kind = Unreachable if reply.status >= 500 else BadAnswer
    raise kind(f"{wire.subject}: {complaint(reply)} ({reply.status})")


def _read(model: type[T], reply: Reply, subject: str) -> T:
    body: Any = reply.json()
    try:
        return model.model_validate(body)
    except ValidationError as fault:
        raise BadAnswer(f"{subject}: Sumo Logic gave an answer that cannot be read: {first_fault(fault)}") from None


def _notes(pending: tuple[str, ...], warning: str | None) -> tuple[str, ...]:
    texts = (*pending, warning or "")
    return tuple(printable(text)[:300].strip() for text in texts if text.strip() and _COOKIE_NOTICE not in text.lower())
