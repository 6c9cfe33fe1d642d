"""A threat feed in one file over HTTPS (CSV, plain list or JSON, as abuse.ch and many others publish them).

Asked with the ETag and date of the last reading, so that an unchanged feed costs one small answer.
"""

import csv
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr

from connectors.enrichers._files.field_types import Name
from connectors.enrichers._files.indexes import address_of
from connectors.enrichers._files.indicators import FeedRow, kind_of
from connectors.enrichers._files.reader import lines_of
from connectors.enrichers._live.feed import MAX_ENTRIES, Copy, Download, FeedSettings, RemoteFeed, row_of, sorted_out
from connectors.enrichers._live.source import variable_of
from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, checked_url
from playbook.errors import BadAnswer, ConfigError
from playbook.model.site import Site

_MOST_LINE = 16_384


class Settings(FeedSettings):
    """``base_url`` is the file itself. ``token`` goes in the header ``header``, where the feed wants one.

    ``fields`` names the columns of a CSV file in their order when it has no header line of its own (a comment is none).
    ``columns`` says which column or key is the ``indicator``, ``last_seen``, and if there are any ``port`` and
    ``malware``. A ``plain`` list has no dates: the day it was last changed counts.
    """

    format: Literal["csv", "plain", "json"] = "csv"
    fields: tuple[Name, ...] = ()
    columns: dict[Literal["indicator", "last_seen", "port", "malware"], Name] = {}
    comment: str = Field(default="#", max_length=4)
    token: SecretStr | None = None
    header: str = Field(default="Authorization", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")


class HttpFeed(RemoteFeed):
    """One file as a feed."""

    def __init__(self, name: str, settings: Settings, api: Transport, site: Site, folder: Path, clocks: Clocks) -> None:
        self._settings, self._api = settings, api
        super().__init__(name, settings, site, folder, clocks)

    @property
    def _source(self) -> str:
        given = self._settings
        return f"file {given.base_url} {given.format} {given.fields} {sorted(given.columns.items())}"

    def _download(self, copy: Copy | None) -> Download:
        parts = urlsplit(self._settings.base_url)
        since = {} if copy is None else {"If-None-Match": copy.etag, "If-Modified-Since": copy.modified}
        reply = self._api.get(
            parts.path or "/",
            headers={name: value for name, value in since.items() if value},
            deadline_s=self._settings.total_s,
        )
        etag, modified = (reply.headers.get(name, "")[:200] for name in ("etag", "last-modified"))
        if reply.status == 304 and copy is not None:
            return Download(None, etag or copy.etag, modified or copy.modified)
        rows, notes = sorted_out(self._rows(reply.expect(200)), "rows")
        if not rows:
            raise BadAnswer(f"{self.name}: no row can be used{': ' + notes[0] if notes else ''}")
        return Download(rows, etag, modified, notes)

    def _rows(self, reply: Reply) -> Iterator[FeedRow | str]:
        if self._settings.format == "plain":
            day = _day(reply.headers.get("last-modified", "")) or self._now().date().isoformat()
            yield from (_row({"indicator": line.split()[0], "last_seen": day}) for line in self._lines(reply.body))
        elif self._settings.format == "json":
            yield from (
                self._mapped(row) if isinstance(row, dict) else "expected an object"
                for row in _objects(reply.json(), self.name)
            )
        else:
            yield from self._csv_rows(reply.body)

    def _csv_rows(self, body: bytes) -> Iterator[FeedRow | str]:
        lines = csv.reader(self._lines(body), skipinitialspace=True)
        names: list[str] = [name.lower() for name in self._settings.fields]
        try:
            for cells in lines:
                if not names:
                    names = [cell.strip().lower() for cell in cells]
                elif len(cells) != len(names):
                    yield f"{len(cells)} cells; expected {len(names)}"
                else:
                    yield self._mapped(dict(zip(names, cells, strict=True)))
        except csv.Error as fault:
            yield f"not CSV: {fault}"

    def _lines(self, body: bytes) -> Iterator[str]:
        for count, line in enumerate(lines_of(body.removeprefix(b"\xef\xbb\xbf"))):
            if count > 2 * MAX_ENTRIES:
                raise BadAnswer(f"{self.name}: more than {2 * MAX_ENTRIES} lines")
            text = line[:_MOST_LINE].decode("utf-8", "replace").strip()
            if text and not (self._settings.comment and text.startswith(self._settings.comment)):
                yield text

    def _mapped(self, row: Mapping[str, Any]) -> FeedRow | str:
        names = {
            name: self._settings.columns.get(name, name).lower()
            for name in ("indicator", "last_seen", "port", "malware")
        }
        lower = {str(key).lower(): value for key, value in row.items()}
        return _row({name: lower.get(column) for name, column in names.items()})


def _row(cells: Mapping[str, Any]) -> FeedRow | str:
    """One entry from its cells; ``192.0.2.7:443`` is an address and its port."""
    indicator, port = str(cells.get("indicator") or "").strip(), cells.get("port") or None
    host, colon, number = indicator.rpartition(":")
    bare = host.strip("[]")
    if colon and number.isdecimal() and address_of(indicator) is None and address_of(bare) is not None:
        indicator, port = bare, port or number
    seen = str(cells.get("last_seen") or "").strip().removesuffix(" UTC")
    return row_of(indicator, kind_of(indicator), seen, port=port, malware=str(cells.get("malware") or "")[:200])


def _day(modified: str) -> str:
    """The day of an HTTP date; "" for none."""
    try:
        return parsedate_to_datetime(modified).date().isoformat()
    except (ValueError, TypeError):
        return ""


def _objects(answer: Any, subject: str) -> list[Any]:
    """The list itself, the only list of an object, or the lists of an object of lists, one after the other."""
    if isinstance(answer, list):
        return answer
    lists = [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else []
    if not lists:
        raise BadAnswer(f"{subject}: expected a list of objects")
    return [row for one in lists for row in one]


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> HttpFeed:  # noqa: B008
    """The feed called ``name``. Raises ConfigError for a URL without a path."""
    parts = urlsplit(checked_url(settings.base_url, name))
    if not parts.path.strip("/"):
        raise ConfigError(f"{name}: base_url: expected the URL of a file")
    credential = None
    if settings.token is not None:
        scheme = "Bearer" if settings.header == "Authorization" else ""
        credential = Credential(
            variable_of(settings.token, "token"), settings.token, header=settings.header, scheme=scheme
        )
    api = Transport(
        urlunsplit((parts.scheme, parts.netloc, "", "", "")),
        subject=name,
        credential=credential,
        clocks=clocks,
        bounds=ReplyBounds(deadline_s=settings.total_s, max_bytes=settings.most_mb * 2**20),
        ca_file=settings.ca_file and folder / settings.ca_file,
    )
    return HttpFeed(name, settings, api, site, folder, clocks)
