"""A TAXII 2.1 collection of STIX 2.1 indicators, as a threat feed.

From the OASIS standards. Only a pattern that is one address, domain or URL, or an OR of such, is an entry; any other
pattern would be read as more than it says, so it is counted and left out.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.enrichers._files.field_types import Moment, Text
from connectors.enrichers._files.indicators import FeedRow
from connectors.enrichers._live.feed import Copy, Download, FeedSettings, RemoteFeed, row_of, sorted_out
from connectors.enrichers._live.source import Budget, Row, read_rows, transport_for, variable_of
from connectors.http import Clocks, Credential, Transport, segment
from playbook.errors import BadAnswer, Incomplete
from playbook.model.site import Site

_PAGE = 1_000
_ACCEPT = "application/taxii+json;version=2.1"
_KINDS = {"ipv4-addr": "address", "ipv6-addr": "address", "domain-name": "domain", "url": "url"}
_ONE = r"\[\s*(ipv4-addr|ipv6-addr|domain-name|url):value\s*=\s*'((?:[^'\\]|\\.){1,2048})'\s*\]"
_COMPARISON = re.compile(_ONE)
_PATTERN = re.compile(rf"\s*{_ONE}(?:\s+OR\s+{_ONE})*\s*")
_HARMLESS = frozenset({"benign", "anonymization", "unknown"})


class Settings(FeedSettings):
    """``base_url`` is the API root (https://taxii.example/api1), ``collection`` the id of a collection there.

    A user who may read it: ``user`` and ``token`` (its password), or ``token`` alone in the header ``header``.
    """

    collection: Text = Field(min_length=1, max_length=200)
    user: str = ""
    token: SecretStr | None = None
    header: str = Field(default="Authorization", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")
    total_s: float = Field(default=18.0, ge=1, le=600)


class _Indicator(Row):
    id: Text
    pattern: str = Field(max_length=100_000)
    pattern_type: Text = "stix"
    modified: Moment
    valid_from: Moment
    valid_until: Moment | None = None
    revoked: bool = False
    name: Text = ""
    indicator_types: tuple[Text, ...] = ()


class Taxii(RemoteFeed):
    """One collection as a feed."""

    def __init__(self, name: str, settings: Settings, api: Transport, site: Site, folder: Path, clocks: Clocks) -> None:
        self._settings, self._api = settings, api
        super().__init__(name, settings, site, folder, clocks)

    @property
    def _source(self) -> str:
        return f"taxii {self._settings.base_url} {self._settings.collection}"

    def _download(self, copy: Copy | None) -> Download:
        raw = [one for one in self._objects() if isinstance(one, dict) and one.get("type") == "indicator"]
        read = read_rows(_Indicator, raw, "indicators")
        newest: dict[str, _Indicator] = {}
        for one in sorted(read.entries, key=lambda one: one.modified):
            newest[one.id] = one
        rows = [row for one in newest.values() if _in_force(one, self._now()) for row in _rows(one)]
        entries, left = sorted_out(rows, "indicators")
        return Download(entries, notes=(*read.notes, *left))

    def _objects(self) -> list[Any]:
        budget = Budget(self._settings, self.name, self._clocks)
        path = f"/collections/{segment(self._settings.collection)}/objects/"
        objects: list[Any] = []
        following = ""
        while True:
            params: dict[str, str | int] = {"match[type]": "indicator", "limit": _PAGE}
            if following:
                params["next"] = following
            reply = self._api.get(path, params=params, headers={"Accept": _ACCEPT}, deadline_s=budget.spend())
            answer = reply.expect(200).json()
            if not isinstance(answer, dict) or not isinstance(answer.get("objects", []), list):
                raise BadAnswer(f"{self.name}: an answer without objects")
            if not answer.keys() & {"objects", "more", "next"} and answer:
                raise BadAnswer(f"{self.name}: not an envelope of TAXII 2.1")
            objects += answer.get("objects", [])
            if answer.get("more") is not True:
                return objects
            last, following = following, str(answer.get("next") or "")
            if not following or following == last:
                raise Incomplete(f"{self.name}: there is more, but no way to ask for it")


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> Taxii:  # noqa: B008
    """The feed called ``name``."""
    credential = None
    if settings.token is not None:
        scheme = "Bearer" if settings.header == "Authorization" else ""
        credential = Credential(
            variable_of(settings.token, "token"),
            settings.token,
            user=settings.user,
            header=settings.header,
            scheme=scheme,
        )
    api = transport_for(settings, name, folder, clocks, credential, settings.most_mb * 2**20)
    return Taxii(name, settings, api, site, folder, clocks)


def _in_force(one: _Indicator, now: datetime) -> bool:
    ended = one.valid_until is not None and one.valid_until <= now
    return not one.revoked and not ended and not _HARMLESS & set(one.indicator_types)


def _rows(one: _Indicator) -> list[FeedRow | str]:
    if one.pattern_type != "stix" or not _PATTERN.fullmatch(one.pattern):
        return ["a pattern that is no address, domain or URL"]
    return [
        row_of(
            re.sub(r"\\(.)", r"\1", value),
            _KINDS[kind],
            max(one.modified, one.valid_from).isoformat(),
            malware=one.name[:200],
        )
        for kind, value in _COMPARISON.findall(one.pattern)
    ]
