"""Request Tracker 5 as a ticket desk, over its REST 2.0 interface.

The key lives in a custom field of the queue. RT answers a search for a field it does not know, or may not show, with
"nothing found", and creates a ticket without a value it may not set: both would mean a new ticket at every attempt.
So the field is proven on the queue before the first ticket, and every new ticket is proven to be found by its key.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, segment
from connectors.tickets._idempotency import (
    ExistingTicket,
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

_API = "/REST/2.0"
_PAGE = 100
_MOST_PAGES = 50
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)


class Settings(Value):
    """Where RT is, the token of a user, the queue, and the custom field that holds our key.

    ``base_url`` is the address that people use, with its path if it has one. The user needs SeeQueue, CreateTicket,
    ShowTicket, ShowTicketComments, CommentOnTicket and ModifyTicket on the queue, and SeeCustomField and
    ModifyCustomField on the field (a free-form field with one value). ``ca_file`` is relative to the configuration.
    """

    base_url: str
    token: SecretStr = Field(min_length=1)
    queue: str = Field(min_length=1, max_length=200)
    key_field: str = Field(default="BotnetPlaybookKey", pattern=r"^[A-Za-z][A-Za-z0-9 _-]{0,63}$")
    ca_file: Path | None = None
    deadline_s: float = Field(default=30.0, ge=1, le=300)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "RequestTracker":  # noqa: B008
    """The desk called ``name``; nothing is sent before it is needed."""
    credential = Credential(getattr(settings.token, "variable", "token"), settings.token, scheme="token")
    transport = Transport(
        settings.base_url,
        subject=name,
        credential=credential,
        bounds=ReplyBounds(deadline_s=settings.deadline_s),
        clocks=clocks,
        ca_file=settings.ca_file and folder / settings.ca_file,
    )
    return RequestTracker(name, settings, transport)


def quoted(value: str) -> str:
    """``value`` as a string of TicketSQL. RT reads a quoted CF.x as a field, so that such a value is refused."""
    if re.match(r"cf\.", value, re.IGNORECASE) or not value.isprintable():
        raise ConfigError(f"{value[:60]!r} cannot be searched for in Request Tracker")
    return "'" + re.sub(r"([\\'])", r"\\\1", value) + "'"


def where_key(field: str, key: str) -> str:
    """The TicketSQL that finds the tickets whose custom field ``field`` is ``key``, in any queue and state."""
    return f"'CF.{{{field}}}' = {quoted(key)}"


class RequestTracker:
    """A ``TicketDesk``; a reference is RT's ticket number. A ticket that lost a race is merged into the older one."""

    def __init__(self, name: str, settings: Settings, transport: Transport) -> None:
        self.name = name
        self._settings = settings
        self._wire = transport
        self._sleep = transport.clocks.sleep
        self._proven = False
        self._keyless = ""

    def open(self, ticket: Ticket) -> str:
        """The number of the one ticket with this key, whatever its queue or state; created when there is none."""
        key = remote_key(ticket.key)
        return opened(
            lambda: self._find(key),
            lambda: self._create(ticket, key),
            self._merge,
            self._sleep,
        )

    def comment(self, reference: str, text: str, key: str) -> None:
        """Add a comment whose subject is the marker of ``key``, unless the history holds it."""
        said = {"Content": f"{plain(text)}\n\n{marker(key)}", "ContentType": "text/plain"}
        self._say(reference, "Subject", marker(key), said | {"Subject": marker(key)})

    def attach(self, reference: str, name: str, content: bytes) -> None:
        """Attach a file in a comment of its own, unless the same content hangs there already."""
        file = stamped(name, content)
        kind = "text/html" if file.endswith(".html") else "application/octet-stream"
        part = {"FileName": file, "FileType": kind, "FileContent": base64.b64encode(content).decode()}
        said = {"Content": f"Attached: {file}", "ContentType": "text/plain", "Attachments": [part]}
        self._say(reference, "Filename", file, said)

    def check(self) -> tuple[CheckResult, ...]:
        """The token, the queue and the field; that the user may create and comment shows only in doing it."""
        self._proven, self._keyless = False, ""
        try:
            version = self._object(self._wire.get(f"{_API}/rt").expect(200)).get("Version", "unknown")
            self._prove_field()
        except ConnectorError as fault:
            return (CheckResult.failed("queue and key field", fault),)
        told = f"Request Tracker {version}; queue {self._settings.queue} has the field {self._settings.key_field}"
        return (CheckResult(subject="queue and key field", ok=True, message=told),)

    def _find(self, key: str) -> Iterator[ExistingTicket]:
        query = where_key(self._settings.key_field, key)
        params = {"query": query, "fields": "CustomFields", "orderby": "id", "order": "ASC"}
        for item in self._items(f"{_API}/tickets", params):
            if key in _values(item.get("CustomFields"), self._settings.key_field):
                yield self._found(item)

    def _create(self, ticket: Ticket, key: str) -> ExistingTicket:
        if self._keyless:
            raise Unauthorized(self._keyless)
        self._prove_field()
        settings = self._settings
        made = self._wire.post(
            f"{_API}/ticket",
            json={
                "Queue": settings.queue,
                "Subject": one_line(ticket.title, 200),
                "Content": plain(ticket.text),
                "ContentType": "text/plain",
                "CustomFields": {settings.key_field: key},
            },
        )
        found = self._found(self._object(accepted(made, 201)))
        if not any(self._find(key)):
            self._keyless = (
                f"{self.name}: ticket {found.reference} was created without its key: the user may not set or see the "
                f"field {settings.key_field} (rights ModifyCustomField, SeeCustomField and ShowTicket); "
                "no other ticket is created until `check`"
            )
            raise Unauthorized(self._keyless)
        return found

    def _merge(self, twin: ExistingTicket, kept: ExistingTicket) -> None:
        self._wire.request("PUT", f"{_API}/ticket/{twin.reference}", json={"MergeInto": int(kept.reference)})

    def _say(self, reference: str, field: str, sign: str, said: dict[str, Any]) -> None:
        if not _NUMBER.fullmatch(reference):
            raise ConfigError(f"{self.name}: {reference[:40]!r} is no ticket number")
        ticket = f"{_API}/ticket/{reference}"
        parts = {"fields": field}
        ensure_once(
            lambda: any(item.get(field) == sign for item in self._items(f"{ticket}/attachments", parts)),
            lambda: self._accepted(self._wire.post(f"{ticket}/comment", json=said)),
            self._sleep,
        )

    def _accepted(self, reply: Reply) -> None:
        if reply.status == 400 and b"Permission Denied" in reply.body:
            raise Unauthorized(f"{self.name}: no such ticket, or the user may not comment on it (CommentOnTicket)")
        accepted(reply, 201)

    def _prove_field(self) -> None:
        if self._proven:
            return
        settings = self._settings
        queue = self._wire.get(f"{_API}/queue/{segment(settings.queue)}", passes=(403,))
        if queue.status in (403, 404):
            raise Unauthorized(f"{self.name}: no queue {settings.queue!r} that this user may see (right SeeQueue)")
        fields = self._object(queue.expect(200)).get("TicketCustomFields")
        if settings.key_field not in [f.get("name") for f in objects(fields)]:
            raise Unauthorized(
                f"{self.name}: queue {settings.queue!r} has no custom field {settings.key_field!r} that this user may "
                "see: create it for tickets, apply it to the queue, grant SeeCustomField and ModifyCustomField"
            )
        self._proven = True

    def _items(self, path: str, params: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
        """All entries of a collection; RT hides what one may not see from a page, so that only an empty one ends it."""
        for page in range(1, _MOST_PAGES + 1):
            reply = self._wire.get(path, params={**params, "per_page": _PAGE, "page": page})
            answer = self._object(reply.expect(200))
            if not isinstance(answer.get("items"), list):
                raise BadAnswer(f"{self.name}: a list without items")
            items = objects(answer["items"])
            yield from items
            pages = answer.get("pages")
            if not items or (isinstance(pages, int | float) and page >= pages):
                return
        raise Incomplete(f"{self.name}: more than {_PAGE * _MOST_PAGES} entries under {path}")

    def _found(self, item: dict[str, Any]) -> ExistingTicket:
        number = str(item.get("id", ""))
        if not _NUMBER.fullmatch(number):
            raise BadAnswer(f"{self.name}: a ticket without a number")
        return ExistingTicket((int(number),), number)

    def _object(self, reply: Reply) -> dict[str, Any]:
        answer = reply.json()
        if not isinstance(answer, dict):
            raise BadAnswer(f"{self.name}: expected a JSON object")
        return answer


def _values(fields: Any, name: str) -> list[Any]:
    return [v for f in objects(fields) if f.get("name") == name for v in f.get("values") or ()]
