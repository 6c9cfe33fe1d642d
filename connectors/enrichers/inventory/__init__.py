"""Host, process and approved-software inventories from files (CSV, JSON, JSON lines) that an administrator exported."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import model_validator

from connectors.enrichers._files.field_types import Zone
from connectors.enrichers._files.indexes import HostIndex
from connectors.enrichers._files.reader import Parsed, read_records
from connectors.enrichers._files.schedule import ALWAYS
from connectors.enrichers.inventory.hosts import host_book
from connectors.enrichers.inventory.rows import HostRow, ProcessRow, SoftwareRow
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Answer, ApprovedSoftware, Enrichment, SocketOwner
from playbook.model.observable import Observable
from playbook.model.site import Site

MAX_SOFTWARE = 10_000
MAX_SOCKETS_OF_A_HOST = 5_000


class Settings(Value):
    """Paths of the exports, each optional but one at least; ``timezone`` is for times that name no zone."""

    hosts: Path | None = None
    processes: Path | None = None
    software: Path | None = None
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _something(self) -> "Settings":
        if not (self.hosts or self.processes or self.software):
            raise ValueError("expected at least one of hosts, processes, software")
        return self


@dataclass(frozen=True)
class _Book:
    """One file read and indexed."""

    parsed: Parsed[Any]
    find: Callable[[Observable], tuple[Answer, ...]]
    cut: str = ""

    def template(self, enricher: str, topic: str) -> Enrichment:
        """Everything of an enrichment but the observable and its answers."""
        return Enrichment(
            enricher=enricher,
            topic=topic,
            observable=Observable(kind="host", value="", role="source"),
            unavailable=self.parsed.unavailable,
            as_of=self.parsed.as_of,
            warning="; ".join(part for part in (self.parsed.warning, self.cut) if part),
        )


def _hosts(path: Path, settings: Settings) -> _Book:
    parsed = read_records(path, HostRow, settings.timezone)
    return _Book(parsed, host_book(parsed.entries).find)


def _processes(path: Path, settings: Settings) -> _Book:
    parsed = read_records(path, ProcessRow, settings.timezone)
    index = HostIndex((row.hostname, row.answer) for row in parsed.entries)
    rows_of = Counter(row.hostname for row in parsed.entries)
    over = [host for host, count in rows_of.items() if count > MAX_SOCKETS_OF_A_HOST]
    cut = f"{len(over)} hosts with more than {MAX_SOCKETS_OF_A_HOST} rows: only the newest count" if over else ""

    def newest(observable: Observable) -> tuple[SocketOwner, ...]:
        found = sorted(index.find(observable.value), key=lambda owner: owner.seen or ALWAYS.start, reverse=True)
        return tuple(found[:MAX_SOCKETS_OF_A_HOST])

    return _Book(parsed, newest, cut)


def _software(path: Path, settings: Settings) -> _Book:
    parsed = read_records(path, SoftwareRow, settings.timezone)
    approved = tuple(ApprovedSoftware(**row.model_dump()) for row in parsed.entries[:MAX_SOFTWARE])
    cut = f"only the first {MAX_SOFTWARE} rows count" if len(parsed.entries) > MAX_SOFTWARE else ""
    return _Book(parsed, lambda _: approved, cut)


_READERS = {"host": _hosts, "processes": _processes, "software": _software}


class Inventory:
    """Answers from exported inventories; every file is read once, at the first question that needs it."""

    remote = False

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        self.name = name
        self._settings = settings
        paths = {"host": settings.hosts, "processes": settings.processes, "software": settings.software}
        self._paths = {topic: folder / path for topic, path in paths.items() if path}
        self._books: dict[str, _Book] = {}
        self.topics = tuple(self._paths)

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Host records for hosts and source addresses; sockets and approved software for hosts. Any time counts."""
        found: list[Enrichment] = []
        for topic in self.topics:
            book = self._book(topic)
            template = book.template(self.name, topic)
            found += [
                template.model_copy(update={"observable": observable, "answers": book.find(observable)})
                for observable in observables
                if _serves(topic, observable)
            ]
        return tuple(found)

    def check(self) -> tuple[CheckResult, ...]:
        """One result a file: entries, age, rows left out."""
        return tuple(
            self._book(topic).parsed.result(f"{self.name}: {topic}: {self._paths[topic].name}") for topic in self.topics
        )

    def _book(self, topic: str) -> _Book:
        if topic not in self._books:
            self._books[topic] = _READERS[topic](self._paths[topic], self._settings)
        return self._books[topic]


def _serves(topic: str, observable: Observable) -> bool:
    if observable.kind == "address":
        return topic == "host" and observable.role == "source"
    return observable.kind == "host"


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Inventory:
    """An enricher over the exports that ``settings`` names, relative to ``folder``."""
    return Inventory(name, settings, folder)
