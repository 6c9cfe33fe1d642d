"""Jira as a ticket desk: Cloud (API 3, documents) or Data Center (API 2, wiki text), by the setting ``edition``.

Nothing here has met a real Jira yet: it stands on the public API descriptions and an emulator. Known of the product:
its search lags behind its writes, so that a ticket made a moment ago may not be found. Reading an issue by its key
needs no index: before anything is created, the issues that follow the newest one of the index are read one by one. A
ticket that lost a race gives its label away to the older one.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport
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
from connectors.tickets.jira.texts import document, newest_of, quoted, texts_of, upload_form, where_key, wiki
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete
from playbook.model import Value
from playbook.model.case import Ticket
from playbook.model.check import CheckResult
from playbook.model.site import Site

__all__ = ("Jira", "Settings", "connect", "document", "quoted", "wiki")

_PAGE = 100
_MOST_PAGES = 50
_REFERENCE = re.compile(r"[A-Z][A-Z0-9_]{0,30}-[0-9]{1,12}", re.ASCII)
_TWIN = "botnet-playbook-duplicate"
_GAPS = 3  # numbers in a row that lead nowhere (deleted, or not made yet) end the issues that the index lacks
_MOST_UNSEEN = 100


class Settings(Value):
    """Where Jira is, who we are there, and what is created.

    ``edition`` "cloud" signs with ``user`` (an e-mail address) and its API token, "data_center" with a personal
    access token unless ``user`` is given. ``key_field`` is "labels", or "customfield_NNNNN" (a text field on the
    create screen). ``settle_s`` is how long a ticket of an unclear answer is looked for. ``ca_file`` is relative to
    the configuration.
    """

    base_url: str
    edition: Literal["cloud", "data_center"] = "cloud"
    user: str = ""
    token: SecretStr = Field(min_length=1)
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,30}$")
    issue_type: str = Field(default="Task", min_length=1, max_length=100)
    labels: tuple[str, ...] = Field(default=(), max_length=20)
    key_field: str = Field(default="labels", pattern=r"^(labels|customfield_[0-9]{1,12})$")
    settle_s: float = Field(default=10.0, ge=0, le=120)
    ca_file: Path | None = None
    deadline_s: float = Field(default=30.0, ge=1, le=300)

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
        if self.edition == "cloud" and not self.user:
            raise ValueError("edition cloud signs with user (an e-mail address) and its API token")
        if any(not label or not label.isprintable() or " " in label for label in self.labels):
            raise ValueError("labels: expected words without spaces")
        return self


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Jira":  # noqa: B008
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
    return Jira(name, settings, transport)


class Jira:
    """A ``TicketDesk``; a reference is an issue key such as SEC-12."""

    def __init__(self, name: str, settings: Settings, transport: Transport) -> None:
        self.name = name
        self._settings = settings
        self._wire = transport
        self._sleep = transport.clocks.sleep
        self._cloud = settings.edition == "cloud"
        self._api = "/rest/api/3" if self._cloud else "/rest/api/2"
        self._body = document if self._cloud else wiki
        settle = settings.settle_s
        self._looks = (0.0, settle / 6, settle / 3, settle / 2)

    def open(self, ticket: Ticket) -> str:
        """The key of the one issue with this ticket's key, whatever its project or state; created when none is seen."""
        key = remote_key(ticket.key)
        return opened(
            lambda: self._seen(key),
            lambda: self._create(ticket, key),
            lambda twin, kept: self._retire(twin, kept, key),
            self._sleep,
            self._looks,
            heal=True,
        )

    def comment(self, reference: str, text: str, key: str) -> None:
        """Add a comment that ends with the marker of ``key``, unless one of the issue's comments holds it."""
        place, sign = f"{self._issue(reference)}/comment", marker(key)
        said = {"body": self._body(f"{plain(text)}\n\n{sign}")}
        ensure_once(
            lambda: any(sign in texts_of(c.get("body")) for c in self._comments(place)),
            lambda: self._object(accepted(self._wire.post(place, json=said), 201), "id"),
            self._sleep,
            self._looks,
        )

    def attach(self, reference: str, name: str, content: bytes) -> None:
        """Attach a file, unless the same content hangs there already."""
        file, issue = stamped(name, content), self._issue(reference)
        boundary = "part-" + hashlib.sha256(content).hexdigest()[:32]
        headers = {"X-Atlassian-Token": "no-check", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        form = upload_form(file, content, boundary)
        ensure_once(
            lambda: file in self._attachments(issue),
            lambda: _done(accepted(self._wire.post(f"{issue}/attachments", data=form, headers=headers), 200, 201)),
            self._sleep,
            self._looks,
        )

    def check(self) -> tuple[CheckResult, ...]:
        """Who we are, and which of the permissions that are needed the project grants."""
        project = self._settings.project
        needed = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "CREATE_ATTACHMENTS")
        params = {"projectKey": project, "permissions": ",".join(needed)}
        try:
            reply = self._wire.get(f"{self._api}/mypermissions", params=params).expect(200)
            granted = _part(self._object(reply, "permissions"), "permissions")
            list(self._find(remote_key("check")))
        except (ConnectorError, ConfigError) as fault:
            return (CheckResult.failed("project", fault),)
        lacking = [p for p in needed if not _part(granted, p).get("havePermission")]
        told = f"lacks {', '.join(lacking)}" if lacking else "may browse, create, edit, comment and attach"
        return (CheckResult(subject=f"project {project}", ok=not lacking, message=told),)

    def _seen(self, key: str) -> tuple[ExistingTicket, ...]:
        """The issues that carry ``key``: those of the index, else those that the index does not hold yet.

        The index may learn of an issue at any moment, so it is asked again once we know what it reaches to.
        """
        if known := tuple(self._find(key)):
            return known
        last = self._last_indexed()
        return tuple(self._find(key)) or tuple(self._after(last, key))

    def _find(self, key: str) -> Iterator[ExistingTicket]:
        field = self._settings.key_field
        for issue in self._issues({"jql": where_key(field, key), "fields": field, "maxResults": _PAGE}):
            if self._carries(issue, key):
                yield self._found(issue)

    def _last_indexed(self) -> int:
        """The number of the newest issue of the project that the index knows; 0 for none."""
        query = newest_of(self._settings.project)
        newest = next(self._issues({"jql": query, "fields": self._settings.key_field, "maxResults": 1}), None)
        return int(self._found(newest).reference.rpartition("-")[2]) if newest else 0

    def _after(self, last: int, key: str) -> Iterator[ExistingTicket]:
        """The issues of the project after number ``last``, read by their own key."""
        project, field, gaps = self._settings.project, self._settings.key_field, 0
        for number in range(last + 1, last + 1 + _MOST_UNSEEN):
            reply = self._wire.get(self._issue(f"{project}-{number}"), params={"fields": field})
            gaps = gaps + 1 if reply.status == 404 else 0
            if gaps == _GAPS:
                return
            if not gaps and self._carries(issue := self._object(reply.expect(200), "fields"), key):
                yield self._found(issue)
        raise Incomplete(
            f"{self.name}: the search of Jira lacks more than {_MOST_UNSEEN} issues of {project}: nothing is created "
            "until it has caught up, as the ticket may be there"
        )

    def _carries(self, issue: dict[str, Any], key: str) -> bool:
        value = _part(issue, "fields").get(self._settings.key_field)
        return key in (value if isinstance(value, list) else [value])

    def _issues(self, params: dict[str, str | int]) -> Iterator[dict[str, Any]]:
        path = f"{self._api}/search/jql" if self._cloud else f"{self._api}/search"
        read, more = 0, params
        for _ in range(_MOST_PAGES):
            answer = self._object(self._wire.get(path, params=more).expect(200), "issues")
            issues = objects(answer["issues"])
            yield from issues
            read += len(issues)
            token = answer.get("nextPageToken")
            if self._cloud and isinstance(token, str) and token and not answer.get("isLast"):
                more = params | {"nextPageToken": token}
            elif not self._cloud and issues and read < _whole(answer.get("total")):
                more = params | {"startAt": read}
            else:
                return
        raise Incomplete(f"{self.name}: a search did not end after {_MOST_PAGES} pages")

    def _create(self, ticket: Ticket, key: str) -> ExistingTicket:
        settings = self._settings
        fields: dict[str, Any] = {
            "project": {"key": settings.project},
            "issuetype": {"name": settings.issue_type},
            "summary": one_line(ticket.title, 250),
            "description": self._body(plain(ticket.text)),
            "labels": list(settings.labels),
        }
        fields[settings.key_field] = [*settings.labels, key] if settings.key_field == "labels" else key
        made = self._wire.post(f"{self._api}/issue", json={"fields": fields})
        return self._found(self._object(accepted(made, 201), "key"))

    def _retire(self, twin: ExistingTicket, kept: ExistingTicket, key: str) -> None:
        field = self._settings.key_field
        labels = [{"add": _TWIN}, *([{"remove": key}] if field == "labels" else [])]
        update: dict[str, Any] = {"labels": labels} | ({} if field == "labels" else {field: [{"set": None}]})
        self.comment(twin.reference, f"Made twice at the same moment: {kept.reference} goes on.", f"{key}:twin")
        self._wire.request("PUT", self._issue(twin.reference), json={"update": update}).expect(204, 200)

    def _comments(self, place: str) -> Iterator[dict[str, Any]]:
        read = 0
        for _ in range(_MOST_PAGES):
            reply = self._wire.get(place, params={"startAt": read, "maxResults": _PAGE})
            answer = self._object(reply.expect(200), "comments")
            comments = objects(answer["comments"])
            yield from comments
            read += len(comments)
            if not comments or read >= _whole(answer.get("total")):
                return
        raise Incomplete(f"{self.name}: more than {_PAGE * _MOST_PAGES} comments")

    def _attachments(self, issue: str) -> list[Any]:
        answer = self._object(self._wire.get(issue, params={"fields": "attachment"}).expect(200), "fields")
        return [a.get("filename") for a in objects(_part(answer, "fields").get("attachment"))]

    def _issue(self, reference: str) -> str:
        if not _REFERENCE.fullmatch(reference):
            raise ConfigError(f"{self.name}: {reference[:40]!r} is no issue key")
        return f"{self._api}/issue/{reference}"

    def _found(self, issue: dict[str, Any]) -> ExistingTicket:
        number, reference = str(issue.get("id", "")), str(issue.get("key", ""))
        if not (number.isascii() and number.isdigit() and _REFERENCE.fullmatch(reference)):
            raise BadAnswer(f"{self.name}: an issue without id and key")
        return ExistingTicket((int(number),), reference)

    def _object(self, reply: Reply, needs: str) -> dict[str, Any]:
        answer = reply.json()
        if not isinstance(answer, dict) or answer.get(needs) is None:
            said = answer.get("errorMessages") if isinstance(answer, dict) else None
            raise BadAnswer(one_line(f"{self.name}: an answer without {needs}: {said or 'nothing said'}", 300))
        return answer


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _done(reply: Reply) -> None:
    """Jira answers an upload with the list of files; anything else may have been a proxy."""
    if not objects(reply.json()):
        raise BadAnswer(f"{reply.subject}: an upload without a file in the answer")
