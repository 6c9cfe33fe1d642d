"""Backup, test and maintenance windows, and owned destinations, from one YAML file (fixed, cron, iCalendar)."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from connectors.enrichers._files.indexes import (
    DomainIndex,
    HostIndex,
    PrefixIndex,
    address_of,
    host_name,
    network_of,
    short_name,
)
from connectors.enrichers._files.reader import Parsed, Unreadable
from connectors.enrichers._files.schedule import TooManyOccurrences
from connectors.enrichers.calendar.windows import Schedule, WindowsFile, read
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, OwnedDestination, ScheduledWindow
from playbook.model.observable import Observable
from playbook.model.site import Site

_KEPT = 20_000


class Settings(Value):
    """``path`` of windows.yaml."""

    path: Path


class Calendar:
    """Answers from windows.yaml, read once; each entry is expanded once per asked window."""

    remote = False
    topics = ("windows", "owned")

    def __init__(self, name: str, path: Path, site: Site) -> None:
        self.name = name
        self._path = path
        self._nat64 = site.networks.nat64
        self._expanded: dict[tuple[int, TimeWindow], tuple[ScheduledWindow, ...] | str] = {}
        self._answered: dict[tuple[tuple[int, ...], TimeWindow], dict[str, Any]] = {}

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Windows that overlap the asked one and name the host or no host; owned destinations."""
        on_windows, on_owned = (self._template(topic) for topic in self.topics)
        found: list[Enrichment] = []
        for observable in observables:
            if observable.kind == "host":
                update = {"observable": observable, **self._windows(observable, window)}
                found.append(on_windows.model_copy(update=update))
            elif observable.role == "destination" and observable.kind in {"address", "domain"}:
                update = {"observable": observable, "answers": self._owners(observable)}
                found.append(on_owned.model_copy(update=update))
        return tuple(found)

    def check(self) -> tuple[CheckResult, ...]:
        """One result for the windows (not ok when a calendar file cannot be used), one for owned destinations."""
        usable = all(schedule.way for schedule in self._file.schedules.entries)
        return (
            self._result("windows", self._file.schedules, usable),
            self._result("owned", self._file.owned, True),
        )

    def _result(self, topic: str, parsed: Parsed[Any], usable: bool) -> CheckResult:
        return parsed.result(f"{self.name}: {topic}: {self._path.name}", usable)

    def _template(self, topic: str) -> Enrichment:
        parsed: Parsed[Any] = self._file.schedules if topic == "windows" else self._file.owned
        return Enrichment(
            enricher=self.name,
            topic=topic,
            observable=Observable(kind="host", value="", role="source"),
            unavailable=parsed.unavailable,
            as_of=parsed.as_of,
            warning=parsed.warning,
        )

    def _windows(self, observable: Observable, window: TimeWindow) -> dict[str, Any]:
        """The answers, or why there are none; hosts with the same entries share one tuple."""
        named = (*self._by_host.find(observable.value), *self._by_pattern(observable.value), *self._for_all)
        concerned = tuple({pair[0]: pair for pair in named}.values())
        key = (tuple(number for number, _ in concerned), window)
        if key not in self._answered:
            if len(self._answered) >= _KEPT:
                self._answered.clear()
            self._answered[key] = self._answer(concerned, window)
        return self._answered[key]

    def _answer(self, concerned: Sequence[tuple[int, Schedule]], window: TimeWindow) -> dict[str, Any]:
        found: list[ScheduledWindow] = []
        for number, schedule in concerned:
            expanded = self._expand(number, schedule, window)
            if isinstance(expanded, str):
                return {"unavailable": expanded}
            found += expanded
        return {"answers": tuple(sorted(found, key=lambda one: (one.window.start, one.window.end, one.name)))}

    def _expand(self, number: int, schedule: Schedule, window: TimeWindow) -> tuple[ScheduledWindow, ...] | str:
        key = (number, window)
        if key not in self._expanded:
            if len(self._expanded) >= _KEPT:
                self._expanded.clear()
            try:
                self._expanded[key] = schedule.windows(window)
            except (Unreadable, TooManyOccurrences) as fault:
                self._expanded[key] = f"{self._path.name}: {schedule.entry.name}: {fault}"
        return self._expanded[key]

    def _owners(self, observable: Observable) -> tuple[OwnedDestination, ...]:
        networks, domains = self._owned
        if observable.kind == "domain":
            return domains.find(observable.value)
        address = address_of(observable.value, self._nat64)
        return () if address is None else networks.find(address)

    @cached_property
    def _file(self) -> WindowsFile:
        return read(self._path)

    @cached_property
    def _by_host(self) -> HostIndex[tuple[int, Schedule]]:
        numbered = tuple(enumerate(self._file.schedules.entries))
        return HostIndex((host, pair) for pair in numbered for host in pair[1].entry.hosts)

    @cached_property
    def _for_all(self) -> tuple[tuple[int, Schedule], ...]:
        """Windows for every host, and those of a role, which the inventory alone knows."""
        every = enumerate(self._file.schedules.entries)
        return tuple(pair for pair in every if pair[1].entry.roles or not pair[1].entry.hosts)

    @cached_property
    def _patterns(self) -> tuple[tuple[str, tuple[int, Schedule]], ...]:
        """Each shell pattern of ``hosts`` with its entry."""
        numbered = enumerate(self._file.schedules.entries)
        return tuple((host, pair) for pair in numbered for host in pair[1].entry.hosts if set(host) & set("*?["))

    def _by_pattern(self, text: str) -> tuple[tuple[int, Schedule], ...]:
        name = host_name(text)
        names = (name, short_name(name))
        return tuple(pair for host, pair in self._patterns if any(fnmatchcase(one, host) for one in names))

    @cached_property
    def _owned(self) -> tuple[PrefixIndex[OwnedDestination], DomainIndex[OwnedDestination]]:
        pairs = [
            (target, OwnedDestination(name=entry.name, matched=_single(target)))
            for entry in self._file.owned.entries
            for target in entry.targets
        ]
        networks = PrefixIndex((network_of(target), owned) for target, owned in pairs if "/" in target)
        return networks, DomainIndex(pair for pair in pairs if "/" not in pair[0])


def _single(target: str) -> str:
    return target.removesuffix("/32").removesuffix("/128")


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Calendar:
    """An enricher over windows.yaml, its path relative to ``folder``."""
    return Calendar(name, folder / settings.path, site)
