"""One query over ClickHouse's HTTP interface: read-only, bounded on the server, and believed only when whole."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.http import Reply, Transport, printable
from connectors.sources.clickhouse.settings import Settings
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, RateLimited, Unauthorized
from playbook.model import Value
from playbook.model.detection import TimeWindow

MAX_ROWS = 100_000
MAX_BYTES = 128 * 1024 * 1024
_MB = 1024 * 1024
_LONGEST_COMPLAINT = 300
# The server ends a query by itself; this is for a server that does not.
_MARGIN_S = 10.0
_CODE = re.compile(r"Code: (\d{1,4})\. DB::(?:Net)?Exception: ")
# Every status under which ClickHouse explains itself in the body.
_EXPLAINED = (400, 401, 403, 404, 408, 413, 500, 501, 503)

_REFUSED = frozenset({192, 193, 194, 195, 497, 516})
# Unknown tables and columns, other types, values that cannot be read, settings that may not be changed.
_MISFIT = frozenset({6, 27, 36, 38, 41, 43, 44, 46, 47, 53, 60, 62, 70, 72, 81, 115, 164, 349, 386, 452, 457})
_LIMITS = {241: "memory_mb", 158: "max_rows_to_read", 307: "max_rows_to_read", 159: "deadline_s", 160: "deadline_s"}
_SHARDS = frozenset({198, 209, 210, 279, 425, 519})
_TOO_MANY_QUERIES, _TOO_LARGE, _CANCELLED, _READONLY = 202, 396, 394, frozenset({164, 452})


class _Column(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(max_length=200)


class _Statistics(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    rows_read: int = Field(default=0, ge=0)


class _Document(BaseModel):
    """The whole answer in the format JSONCompact; an answer that broke off does not parse."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    meta: list[_Column] = Field(min_length=1, max_length=200)
    data: list[list[Any]]
    rows: int = Field(ge=0)
    statistics: _Statistics = _Statistics()
    exception: str = ""


class Answer(Value):
    """The rows of a query, how many log rows it read; ``truncated`` says why rows are missing ("": none are)."""

    rows: tuple[Mapping[str, Any], ...] = ()
    read: int = 0
    truncated: str = ""

    @property
    def over(self) -> bool:
        """Whether there were more rows than are taken: nothing else leaves rows out."""
        return bool(self.truncated)


def run(transport: Transport, settings: Settings, text: str, window: TimeWindow, max_rows: int = MAX_ROWS) -> Answer:
    """The rows of ``text`` over ``window``, at most ``max_rows``.

    Raises ConfigError for a table or column that does not fit, Unauthorized, RateLimited, Incomplete when a limit, a
    missing shard or a cancelled query leaves no whole answer, and what ``Transport`` raises.
    """
    params = {
        **_settings(settings),
        "limit": max_rows + 1,
        "param_start": repr(window.start.timestamp()),
        "param_end": repr(window.end.timestamp()),
    }
    deadline_s = settings.deadline_s + _MARGIN_S
    reply = transport.post("/", params=params, data=text.encode(), retry=True, passes=_EXPLAINED, deadline_s=deadline_s)
    code = _code_of(reply)
    if code is not None:
        _complain(reply, code, settings)
    if reply.status != 200:
        reply.expect(200)
    return _answer(reply, max_rows)


def write(transport: Transport, settings: Settings, text: str, body: bytes = b"") -> None:
    """Run a statement that changes something, once; ``body`` is what an INSERT takes. Raises as ``run`` does."""
    params: dict[str, str | int] = {
        "query": text,
        "wait_end_of_query": 1,
        "log_comment": "botnet-playbook",
        "max_execution_time": int(settings.deadline_s),
        "max_memory_usage": settings.memory_mb * _MB,
        # A log of many days makes one part a day.
        "max_partitions_per_insert_block": 10_000,
        "async_insert": 0,
        "lightweight_deletes_sync": 2,
    }
    deadline_s = settings.deadline_s + _MARGIN_S
    reply = transport.post("/", params=params, data=body, passes=_EXPLAINED, deadline_s=deadline_s)
    code = _code_of(reply) if reply.status != 200 or reply.body else None
    if code is not None:
        _complain(reply, code, settings)
    reply.expect(200)


def _settings(settings: Settings) -> dict[str, str | int]:
    """What the server is told: nothing may be changed, and past a bound there is an error instead of a part."""
    memory = settings.memory_mb * _MB
    return {
        "default_format": "JSONCompact",
        # Else an error after the first row comes with status 200 and rows before it.
        "wait_end_of_query": 1,
        "readonly": 2,
        "log_comment": "botnet-playbook",
        "max_execution_time": int(settings.deadline_s),
        "timeout_overflow_mode": "throw",
        "max_memory_usage": memory,
        "max_bytes_before_external_group_by": memory // 2,
        "max_bytes_before_external_sort": memory // 2,
        "max_rows_to_read": settings.max_rows_to_read,
        "read_overflow_mode": "throw",
        "group_by_overflow_mode": "throw",
        "max_result_bytes": MAX_BYTES,
        "result_overflow_mode": "throw",
        "join_use_nulls": 1,
        "transform_null_in": 0,
        # A profile may leave out a shard that is down; a part of the rows would look like all of them.
        "skip_unavailable_shards": 0,
        # Closing the connection, which our deadline does, ends the query.
        "cancel_http_readonly_queries_on_client_close": 1,
        # One host name that is no valid UTF-8 must not make the whole answer unreadable.
        "output_format_json_validate_utf8": 1,
        "output_format_json_quote_denormals": 0,
    }


def _code_of(reply: Reply) -> int | None:
    """ClickHouse's own number of the error; also behind status 200, where rows came before it."""
    header = reply.headers.get("x-clickhouse-exception-code", "")
    if header.isascii() and header.isdigit() and len(header) <= 5:
        return int(header)
    if reply.status == 200 and reply.body[:1] == b"{" and reply.body.rstrip()[-1:] == b"}":
        return None
    mentioned = _CODE.search(reply.body[-65_536:].decode("utf-8", "replace"))
    return int(mentioned[1]) if mentioned else None


def _complain(reply: Reply, code: int, settings: Settings) -> NoReturn:
    said = reply.redact(printable(reply.body[-65_536:].decode("utf-8", "replace")))
    start = _CODE.search(said)
    said = f"{said[start.start() if start else 0 :][:_LONGEST_COMPLAINT].strip()!r}"
    where = reply.subject
    if code in _REFUSED:
        raise Unauthorized(
            f"{where}: the account was refused or lacks SELECT: {settings.proof or 'no account'}: {said}"
        )
    if code in _READONLY:
        raise ConfigError(f"{where}: the account's profile must allow settings (readonly = 2): {said}")
    if code in _MISFIT:
        raise ConfigError(f"{where}: the table does not fit scope, preset and fields: {said}")
    if code == _TOO_MANY_QUERIES:
        raise RateLimited(f"{where}: the server runs too many queries: {said}")
    raise _incomplete(where, code, said)


def _incomplete(where: str, code: int, said: str) -> ConnectorError:
    if code in _LIMITS:
        return Incomplete(f"{where}: the query passed a limit (raise {_LIMITS[code]}, or ask for less time): {said}")
    if code == _TOO_LARGE:
        return Incomplete(f"{where}: the answer is larger than {MAX_BYTES // _MB} MB: {said}")
    if code in _SHARDS:
        return Incomplete(f"{where}: a shard or replica did not answer, so that its hosts would be missing: {said}")
    if code == _CANCELLED:
        return Incomplete(f"{where}: the query was cancelled: {said}")
    return BadAnswer(f"{where}: error {code}: {said}")


def _answer(reply: Reply, max_rows: int) -> Answer:
    try:
        document = _Document.model_validate(reply.json())
    except ValidationError as fault:
        first = fault.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadAnswer(f"{reply.subject}: not an answer of ClickHouse: {place}: {first['msg']}") from None
    if document.exception:
        raise Incomplete(
            f"{reply.subject}: the query broke off: {printable(document.exception)[:_LONGEST_COMPLAINT]!r}"
        )
    names = tuple(column.name for column in document.meta)
    if document.rows != len(document.data) or any(len(row) != len(names) for row in document.data):
        raise BadAnswer(f"{reply.subject}: {document.rows} rows were announced, {len(document.data)} came or are cut")
    more = len(document.data) > max_rows
    return Answer(
        rows=tuple(dict(zip(names, row, strict=True)) for row in document.data[:max_rows]),
        read=document.statistics.rows_read,
        truncated=f"the query has more than {max_rows:,} rows" if more else "",
    )
