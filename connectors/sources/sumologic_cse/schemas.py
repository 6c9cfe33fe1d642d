"""What Cloud SIEM answers, typed at the border: insights, signals, entities in both shapes, times without a zone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.clients.sumologic.client import Deadline, SumoClient, complaint
from connectors.http import Reply
from playbook.errors import BadAnswer, ConfigError, Unreachable

ROOT = "/api/sec/v1"


def utc(value: object) -> object:
    """Text of a time as a UTC time: Cloud SIEM writes UTC without saying so, with or without microseconds."""
    if not isinstance(value, str):
        return value
    when = datetime.fromisoformat(value)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _named(value: object) -> object:
    return value.get("name") if isinstance(value, Mapping) else value


def _filled(value: object) -> object:
    return [record for record in value if record] if isinstance(value, list) else value or []


Moment = Annotated[datetime, BeforeValidator(utc)]
Name = Annotated[str | None, BeforeValidator(_named)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Records = Annotated[list[dict[str, Any]], BeforeValidator(_filled)]


class _Loose(BaseModel):
    # Answers gain keys with every release; what we read is typed, the rest is let go.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Entity(_Loose):
    """Whom an insight or signal is about, in the older shape (a key named after its type) or the newer one."""

    entityType: str | None = None
    value: str | None = None
    name: str | None = None
    ip: Any = None
    hostname: str | None = None
    username: str | None = None

    @property
    def text(self) -> str:
        """Type and value (``_ip 10.0.0.1``). Never taken from the id, in which a ``-`` of the value is doubled."""
        if self.entityType:
            return f"{self.entityType} {self.value or self.name or ''}".strip()
        address = self.ip.get("address") if isinstance(self.ip, Mapping) else self.ip
        older = {"_ip": address, "_hostname": self.hostname, "_username": self.username}
        found = ((kind, value) for kind, value in older.items() if value)
        kind, value = next(found, ("", self.value or self.name or ""))
        return f"{kind} {value}".strip()


class Signal(_Loose):
    """A signal with the normalized records that made its rule fire; ``recordCount`` may be more than came along."""

    id: Id
    name: str | None = None
    ruleId: str | None = None
    recordCount: int | None = Field(default=None, ge=0)
    entity: Entity | None = None
    allRecords: Records = []

    @property
    def lacking(self) -> int:
        """How many of its records did not come along; 1 when it gives neither records nor their number."""
        if self.recordCount is None:
            return 0 if self.allRecords else 1
        return max(0, self.recordCount - len(self.allRecords))


class Reference(_Loose):
    """A signal of an insight, by its id."""

    id: Id


class Insight(_Loose):
    """An insight as it stands now."""

    id: Id
    readableId: str | None = None
    name: str | None = None
    created: Moment
    status: Name = None
    resolution: Name = None
    tags: list[str] = []
    entity: Entity | None = None
    signals: list[Reference] = []


class InsightComment(_Loose):
    """A comment on an insight."""

    body: str | None = None


class Choice(_Loose):
    """One status or resolution of the tenant's own list."""

    name: str
    displayName: str | None = None


def data_of(wire: SumoClient, reply: Reply) -> Any:
    """What an answer carries under ``data``. An answer with errors is none, whatever its status.

    Raises ConfigError for 400 and 404, Unreachable for 5xx, BadAnswer for anything else but 2xx with data.
    """
    if reply.status in (400, 404, 405):
        raise ConfigError(f"{wire.subject}: Cloud SIEM refused the call: {complaint(reply)} ({reply.status})")
    if reply.status >= 500:
        raise Unreachable(f"{wire.subject}: {complaint(reply)} ({reply.status})")
    if not 200 <= reply.status < 300:
        raise BadAnswer(f"{wire.subject}: {complaint(reply)} ({reply.status})")
    body = reply.json()
    if not isinstance(body, dict) or body.get("errors") or body.get("data") is None:
        raise BadAnswer(f"{wire.subject}: expected data from Cloud SIEM: {complaint(reply)} ({reply.status})")
    return body["data"]


def ask(wire: SumoClient, path: str, deadline: Deadline, params: Mapping[str, str | int] | None = None) -> Any:
    """The data of one read under ``/api/sec/v1``. Raises what ``Wire.call`` and ``data_of`` do."""
    return data_of(wire, wire.call("GET", ROOT + path, deadline, params=params))


def objects_of(wire: SumoClient, data: Any, *keys: str) -> list[Any]:
    """The list in ``data``: data itself, or what it holds under ``objects`` or one of ``keys``."""
    held = next((data[key] for key in ("objects", *keys) if key in data), None) if isinstance(data, dict) else data
    if not isinstance(held, list):
        raise BadAnswer(f"{wire.subject}: expected a list of objects from Cloud SIEM")
    return held
