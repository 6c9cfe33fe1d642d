"""ServiceNow as a ticket desk, over its Table API; our key is the record's ``correlation_id``.

Nothing here has met a real instance yet: it stands on the public API descriptions and an emulator. An instance
ignores a condition it does not understand and returns every record, so that each hit is compared with the key.
``correlation_id`` is not unique by itself: an administrator may add a unique index, and then a race cannot make two.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport
from connectors.tickets._idempotency import (
    ExistingTicket,
    TicketRefused,
    accepted,
    ensure_once,
    marker,
    objects,
    one_line,
    opened,
    plain,
    remote_key,
    stamped,
)
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, Unauthorized
from playbook.model import Value
from playbook.model.case import Ticket
from playbook.model.check import CheckResult
from playbook.model.site import Site

_PAGE = 100
_MOST_PAGES = 50
_NUMBER = re.compile(r"[A-Z]{1,10}[0-9]{1,15}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CODE = re.compile(r"\[(?=\s*/?\s*code)", re.IGNORECASE)


class Settings(Value):
    """Where the instance is, who we are there, and the table.

    With ``user`` the ``token`` is its password (HTTP Basic), without it a bearer token. ``fields`` are set on every
    new record ({ assignment_group = "SOC" }), ``duplicate_fields`` on one that lost a race ({ state = "8" }).
    ``notes_field`` is the journal that comments go to. ``ca_file`` is relative to the configuration.
    """

    base_url: str
    user: str = ""
    token: SecretStr = Field(min_length=1)
    table: str = Field(default="incident", pattern=r"^[a-z][a-z0-9_]{0,79}$")
    fields: dict[str, str] = {}
    duplicate_fields: dict[str, str] = {}
    notes_field: str = Field(default="work_notes", pattern=r"^[a-z][a-z0-9_]{0,79}$")
    ca_file: Path | None = None
    deadline_s: float = Field(default=30.0, ge=1, le=300)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "ServiceNow":  # noqa: B008
    """The desk called ``name``; nothing is sent before it is needed."""
    credential = Credential(getattr(settings.token, "variable", "token"), settings.token, user=settings.user)
    transport = Transport(
        settings.base_url,
        subject=name,
        credential=credential,
        bounds=ReplyBounds(deadline_s=settings.deadline_s),
        clocks=clocks,
        ca_file=settings.ca_file and folder / settings.ca_file,
    )
    return ServiceNow(name, settings, transport)


def condition(field: str, value: str) -> str:
    """``field=value`` as one condition of an encoded query; ConfigError for what could end it, or be evaluated."""
    if "^" in value or not value.isprintable() or re.match(r"javascript:", value, re.IGNORECASE):
        raise ConfigError(f"{value[:60]!r} cannot be searched for in ServiceNow")
    return f"{field}={value}"


def inert(text: str) -> str:
    """``text`` for a journal, which would render what stands between [code] and [/code] as HTML."""
    return _CODE.sub("(", text)


class ServiceNow:
    """A ``TicketDesk``; a reference is a record number such as INC0010001."""

    def __init__(self, name: str, settings: Settings, transport: Transport) -> None:
        self.name = name
        self._settings = settings
        self._wire = transport
        self._sleep = transport.clocks.sleep
        self._table = f"/api/now/table/{settings.table}"
        self._keyless = ""

    def open(self, ticket: Ticket) -> str:
        """The number of the one record with this ticket's key, whatever its state; created when there is none."""
        key = remote_key(ticket.key)
        return opened(
            lambda: self._find(key),
            lambda: self._create(ticket, key),
            lambda twin, kept: self._retire(twin, kept, key),
            self._sleep,
        )

    def comment(self, reference: str, text: str, key: str) -> None:
        """Add a work note that ends with the marker of ``key``, unless the journal holds it."""
        sign, field = marker(key), self._settings.notes_field
        note = {field: f"{inert(plain(text))}\n\n{sign}"}
        record = self._record(reference)
        ensure_once(
            lambda: sign in str(self._record(reference).get(field) or ""),
            lambda: self._changed(record["sys_id"], note),
            self._sleep,
        )

    def attach(self, reference: str, name: str, content: bytes) -> None:
        """Attach a file, unless the same content hangs there already."""
        file, record = stamped(name, content), self._record(reference)["sys_id"]
        table = self._settings.table
        place = {"table_name": table, "table_sys_id": record, "file_name": file}
        query = "^".join(
            condition(*pair) for pair in (("table_name", table), ("table_sys_id", record), ("file_name", file))
        )
        kind = {"Content-Type": "text/html" if file.endswith(".html") else "application/octet-stream"}
        ensure_once(
            lambda: any(
                a.get("file_name") == file and a.get("table_sys_id") == record
                for a in self._rows("/api/now/attachment", {"sysparm_query": query})
            ),
            lambda: self._posted(
                self._wire.request("POST", "/api/now/attachment/file", params=place, data=content, headers=kind)
            ),
            self._sleep,
        )

    def check(self) -> tuple[CheckResult, ...]:
        """Credentials and reading of the table; that the user may write shows only in doing it."""
        params: dict[str, str | int] = {"sysparm_limit": 1, "sysparm_fields": "sys_id,number,correlation_id"}
        subject = f"table {self._settings.table}"
        self._keyless = ""
        try:
            rows = objects(self._result(self._wire.get(self._table, params=params).expect(200)))
        except (ConnectorError, ConfigError) as fault:
            return (CheckResult.failed(subject, fault),)
        unread = any("correlation_id" not in row for row in rows)
        told = "the user may not read correlation_id" if unread else "readable"
        return (CheckResult(subject=subject, ok=not unread, message=told), *self._key_check())

    def _key_check(self) -> tuple[CheckResult, ...]:
        """Whether a search for our key is a search: an instance that ignores the condition returns every record."""
        try:
            list(self._find(remote_key("check")))
        except (ConnectorError, ConfigError) as fault:
            return (CheckResult.failed("search by correlation_id", fault),)
        return (CheckResult(subject="search by correlation_id", ok=True, message="finds what carries the key alone"),)

    def _find(self, key: str) -> Iterator[ExistingTicket]:
        query = condition("correlation_id", key) + "^ORDERBYsys_created_on^ORDERBYnumber"
        fields = "sys_id,number,correlation_id,sys_created_on"
        for row in self._rows(self._table, {"sysparm_query": query, "sysparm_fields": fields}):
            stored = str(row.get("correlation_id", ""))
            if stored == key:
                yield self._found(row)
            elif stored.lower() != key.lower():
                raise BadAnswer(
                    f"{self.name}: the instance returned records without our key: it ignored the condition on "
                    "correlation_id (may this user read that field?)"
                )

    def _create(self, ticket: Ticket, key: str) -> ExistingTicket:
        if self._keyless:
            raise Unauthorized(self._keyless)
        record = dict(self._settings.fields) | {
            "short_description": one_line(ticket.title, 155),
            "description": inert(plain(ticket.text)),
            "correlation_id": key,
            "correlation_display": "botnet-playbook",
        }
        reply = self._wire.post(self._table, json=record, passes=(403,))
        if reply.status == 403:  # no right, or a unique index and another was first
            if rivals := sorted(self._find(key)):
                return rivals[0]
            why = _reason(reply)
            if "business rule" in why.lower() or "data policy" in why.lower():
                raise TicketRefused(f"{self.name}: the instance refused the record: {why}")
            table = self._settings.table
            raise Unauthorized(f"{self.name}: the user may not create records in {table} (403){why and f': {why}'}")
        made = self._posted(reply)
        if made.get("correlation_id") != key:
            self._keyless = (
                f"{self.name}: {one_line(str(made.get('number')), 40)} was created without its key: the user may not "
                "write correlation_id; no other record is created until `check`"
            )
            raise Unauthorized(self._keyless)
        return self._found(made)

    def _retire(self, twin: ExistingTicket, kept: ExistingTicket, key: str) -> None:
        record = self._record(twin.reference)
        note = f"Made twice at the same moment: {kept.reference} goes on."
        self._changed(
            record["sys_id"],
            dict(self._settings.duplicate_fields)
            | {
                "correlation_id": f"{key}:twin-of:{kept.reference}",
                self._settings.notes_field: note,
            },
        )

    def _changed(self, sys_id: str, fields: dict[str, str]) -> None:
        reply = self._wire.request("PATCH", f"{self._table}/{sys_id}", json=fields, passes=(403,))
        if reply.status == 403:
            raise TicketRefused(f"{self.name}: the instance refused the change (403): {_reason(reply)}")
        self._result(accepted(reply, 200))

    def _record(self, reference: str) -> dict[str, Any]:
        """The record, its journal as text (only the display value has it)."""
        if not _NUMBER.fullmatch(reference):
            raise ConfigError(f"{self.name}: {reference[:40]!r} is no record number")
        params: dict[str, str | int] = {
            "sysparm_query": condition("number", reference),
            "sysparm_display_value": "true",
            "sysparm_limit": 2,
            "sysparm_fields": f"sys_id,number,{self._settings.notes_field}",
        }
        rows = self._result(self._wire.get(self._table, params=params).expect(200))
        for row in objects(rows):
            if row.get("number") == reference and _ID.fullmatch(str(row.get("sys_id", ""))):
                return dict(row)
        raise BadAnswer(f"{self.name}: there is no record {reference}")

    def _rows(self, path: str, params: dict[str, str | int]) -> Iterator[dict[str, Any]]:
        for page in range(_MOST_PAGES):
            window: dict[str, str | int] = {"sysparm_limit": _PAGE, "sysparm_offset": page * _PAGE}
            rows = self._result(self._wire.get(path, params=params | window).expect(200))
            if not isinstance(rows, list):
                raise BadAnswer(f"{self.name}: expected a list of records")
            yield from objects(rows)
            if len(rows) < _PAGE:
                return
        raise Incomplete(f"{self.name}: a search did not end after {_MOST_PAGES} pages")

    def _posted(self, reply: Reply) -> dict[str, Any]:
        made = self._result(accepted(reply, 200, 201))
        if not isinstance(made, dict):
            raise BadAnswer(f"{self.name}: expected one record")
        return made

    def _result(self, reply: Reply) -> Any:
        answer = reply.json()
        if not isinstance(answer, dict) or "error" in answer or "result" not in answer:
            said = _reason(reply) or "nothing said"
            raise BadAnswer(one_line(f"{self.name}: an answer without a result: {said}", 300))
        return answer["result"]

    def _found(self, row: dict[str, Any]) -> ExistingTicket:
        number = str(row.get("number", ""))
        if not _NUMBER.fullmatch(number):
            raise BadAnswer(f"{self.name}: a record without a number")
        return ExistingTicket((str(row.get("sys_created_on", "")), number), number)


def _reason(reply: Reply) -> str:
    """What the instance says of a refusal, message and detail: the name of a business rule stands in the detail."""
    try:
        answer = reply.json()
    except BadAnswer:
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    words = [error.get("message"), error.get("detail")] if isinstance(error, dict) else [error]
    return reply.redact(one_line(": ".join(str(word) for word in words if word), 300))
