"""MISP over REST: the attributes that are marked for detection and of recent date, as a threat feed.

From the public API description and the source of its own client (pymisp). Whoever may publish to the instance, or to a
community that it is synchronised with, writes these entries.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.enrichers._files.field_types import Name, Text
from connectors.enrichers._files.indicators import FeedRow
from connectors.enrichers._live.feed import Copy, Download, FeedSettings, RemoteFeed, row_of, sorted_out
from connectors.enrichers._live.source import Budget, Row, list_in, read_rows, transport_for, variable_of
from connectors.http import Clocks, Credential, Transport
from playbook.errors import BadAnswer
from playbook.model.site import Site

_PAGE = 2_000
_KINDS = {
    "ip-dst": "address",
    "ip-dst|port": "address",
    "domain": "domain",
    "hostname": "domain",
    "domain|ip": "domain",
    "url": "url",
}


class Settings(FeedSettings):
    """The instance, and the key of a user with the role "Read Only".

    ``days``: attributes changed in the last so many days. ``tags`` limits them to those with one of these tags.
    MISP's own warning lists are applied there.
    """

    key: SecretStr = Field(min_length=1)
    days: int = Field(default=30, ge=1, le=3650)
    tags: tuple[Name, ...] = ()
    total_s: float = Field(default=18.0, ge=1, le=600)


class _Event(Row):
    info: Text = ""


class _Attribute(Row):
    id: Text
    type: Text
    value: Text
    to_ids: bool
    deleted: bool = False
    timestamp: int = Field(ge=0, le=2**33)
    last_seen: Text | None = None
    event: _Event = Field(default=_Event(), validation_alias="Event")


class Misp(RemoteFeed):
    """One instance as a feed."""

    def __init__(self, name: str, settings: Settings, api: Transport, site: Site, folder: Path, clocks: Clocks) -> None:
        self._settings, self._api = settings, api
        super().__init__(name, settings, site, folder, clocks)

    @property
    def _source(self) -> str:
        return f"misp {self._settings.base_url} {self._settings.days} {self._settings.tags}"

    def _download(self, copy: Copy | None) -> Download:
        budget = Budget(self._settings, self.name, self._clocks)
        rows: list[FeedRow | str] = []
        notes: dict[str, None] = {}
        number = 1
        while True:
            page = self._page(number, budget)
            read = read_rows(_Attribute, page, "attributes")
            notes |= dict.fromkeys(read.notes)
            rows += [_row(one) for one in read.entries if one.to_ids and not one.deleted and one.type in _KINDS]
            number += 1
            if len(page) < _PAGE:
                break
        entries, left = sorted_out(rows, "attributes")
        return Download(entries, notes=(*notes, *left))

    def _page(self, number: int, budget: Budget) -> list[Any]:
        question: dict[str, Any] = {
            "returnFormat": "json",
            "type": list(_KINDS),
            "to_ids": 1,
            "deleted": 0,
            "enforceWarninglist": 1,
            "timestamp": f"{self._settings.days}d",
            "page": number,
            "limit": _PAGE,
        }
        if self._settings.tags:
            question["tags"] = list(self._settings.tags)
        reply = self._api.post(
            "/attributes/restSearch",
            json=question,
            headers={"Accept": "application/json"},
            retry=True,
            deadline_s=budget.spend(),
        )
        answer = reply.expect(200).json()
        if not isinstance(answer, dict):
            raise BadAnswer(f"{self.name}: expected an object")
        return list_in(answer.get("response"), "Attribute", self.name)


def _row(one: _Attribute) -> FeedRow | str:
    value, port = one.value, None
    if one.type == "ip-dst|port":
        value, _, port = value.replace(":", "|").rpartition("|") if value.count(":") == 1 else value.rpartition("|")
    elif one.type == "domain|ip":
        value = value.partition("|")[0]
    seen = one.last_seen or datetime.fromtimestamp(one.timestamp, UTC).isoformat()
    return row_of(value, _KINDS[one.type], seen, port=port or None, malware=one.event.info[:200])


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> Misp:  # noqa: B008
    """The feed called ``name``."""
    credential = Credential(variable_of(settings.key, "key"), settings.key, scheme="")
    api = transport_for(settings, name, folder, clocks, credential, settings.most_mb * 2**20)
    return Misp(name, settings, api, site, folder, clocks)
