"""The entries of windows.yaml: backup, test and maintenance windows, and destinations that we own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from connectors.enrichers._files.field_types import Cells, Moment, Name, Zone
from connectors.enrichers._files.indexes import domain_of, host_name, network_of
from connectors.enrichers._files.reader import Parsed, Unreadable, gather
from connectors.enrichers._files.schedule import CronWindow, overlaps, parse_duration
from connectors.enrichers._files.yaml_reader import read_yaml
from connectors.enrichers.calendar import ical
from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ScheduledWindow

_WAYS = "expected exactly one of from and to, cron and duration, ical"
_MAX_FIXED = timedelta(days=366)
# Wider ranges are nobody's test target.
OWNED_V4_BITS = 12
OWNED_V6_BITS = 32


class WindowEntry(Value):
    """One entry of ``windows``: fixed (from, to), recurring (cron, duration) or a calendar file (ical).

    ``hosts``: names or shell patterns (``veeam-*``); ``roles``: as the inventory writes them. An entry of kind
    maintenance without either is for every host; a backup or test window must say whose it is.
    """

    kind: Literal["backup", "test", "maintenance"]
    name: Name
    hosts: Cells = ()
    roles: Cells = ()
    targets: Cells = ()
    timezone: Zone | None = None
    start: Moment | None = Field(default=None, alias="from")
    end: Moment | None = Field(default=None, alias="to")
    cron: str | None = None
    duration: Annotated[timedelta | None, BeforeValidator(parse_duration)] = None
    ical: Path | None = None

    @field_validator("hosts")
    @classmethod
    def _host_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host_name(name) for name in names)

    @field_validator("targets")
    @classmethod
    def _lower(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host_name(target) for target in targets)

    @field_validator("hosts", "roles")
    @classmethod
    def _somebody(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("expected at least one name; without the key a maintenance window is for every host")
        if any(not name.strip("*?. ") for name in names):
            raise ValueError("expected a name, or a pattern with a letter or digit in it")
        return names

    @model_validator(mode="after")
    def _of_somebody(self) -> "WindowEntry":
        if self.kind == "backup" and not (self.hosts or self.roles):
            raise ValueError("a window for nobody explains nothing; expected hosts or roles")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> "WindowEntry":
        pairs = ((self.start, self.end), (self.cron, self.duration), (self.ical, self.ical))
        given = [pair for pair in pairs if pair != (None, None)]
        if len(given) != 1 or None in given[0]:
            raise ValueError(_WAYS)
        return self


class OwnedEntry(Value):
    """One entry of ``owned``: addresses, CIDRs and names (a leading dot covers the names below)."""

    name: Name
    targets: Cells = Field(min_length=1)

    @field_validator("targets")
    @classmethod
    def _known(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_target(target) for target in targets)


def _target(text: str) -> str:
    try:
        return domain_of(text)
    except ValueError:
        pass
    try:
        return str(network_of(text, OWNED_V4_BITS, OWNED_V6_BITS))
    except ValueError:
        expected = f"an address, a domain name, or a CIDR from /{OWNED_V4_BITS} (IPv6 /{OWNED_V6_BITS})"
        raise ValueError(f"{text[:64]!r}: expected {expected}") from None


@dataclass(frozen=True)
class Schedule:
    """One entry that can be expanded; ``unavailable`` says why its calendar file cannot be used."""

    entry: WindowEntry
    way: TimeWindow | CronWindow | ical.TeamCalendar | None
    unavailable: str = ""

    def windows(self, asked: TimeWindow) -> tuple[ScheduledWindow, ...]:
        """The entry's windows that overlap the asked one, unclipped. Raises Unreadable, TooMany."""
        if self.way is None:
            raise Unreadable(self.unavailable)
        if isinstance(self.way, TimeWindow):
            intervals: tuple[TimeWindow, ...] = (self.way,) if overlaps(self.way, asked) else ()
        else:
            intervals = self.way.intervals(asked)
        fixed = {name: getattr(self.entry, name) for name in ("kind", "name", "hosts", "roles", "targets")}
        return tuple(ScheduledWindow(window=interval, **fixed) for interval in intervals)


@dataclass(frozen=True)
class WindowsFile:
    """windows.yaml read: its schedules and its owned destinations, each with what was left out."""

    schedules: Parsed[Schedule]
    owned: Parsed[OwnedEntry]


def read(path: Path) -> WindowsFile:
    """The file at ``path``; never raises: what cannot be used says so."""
    try:
        document, as_of = read_yaml(path)
        zone, windows, owned = _frame(path, document)
    except Unreadable as fault:
        return WindowsFile(Parsed(path, unavailable=str(fault)), Parsed(path, unavailable=str(fault)))
    return WindowsFile(
        _noted(gather(path, as_of, enumerate(windows, 1), lambda row: _schedule(row, zone, path.parent), " windows ")),
        gather(path, as_of, enumerate(owned, 1), OwnedEntry.model_validate, " owned "),
    )


def _frame(path: Path, document: Any) -> tuple[ZoneInfo | None, list[Any], list[Any]]:
    if not isinstance(document, dict) or not set(document) <= {"timezone", "windows", "owned"}:
        raise Unreadable(f"{path}: expected the keys timezone, windows, owned")
    windows, owned = (document.get(key) or [] for key in ("windows", "owned"))
    if not isinstance(windows, list) or not isinstance(owned, list):
        raise Unreadable(f"{path}: expected lists under windows and owned")
    try:
        zone = _Frame.model_validate({"timezone": document.get("timezone")}).timezone
    except ValueError:
        raise Unreadable(f"{path}: timezone: expected a name such as Europe/Prague") from None
    return zone, windows, owned


class _Frame(Value):
    timezone: Zone | None = None


def _schedule(row: Any, file_zone: ZoneInfo | None, folder: Path) -> Schedule:
    own = row.get("timezone") if isinstance(row, dict) else None
    zone = _Frame.model_validate({"timezone": own}).timezone or file_zone
    entry = WindowEntry.model_validate(row, context={"zone": zone})
    if entry.cron is not None:
        return Schedule(
            entry,
            CronWindow.model_validate(
                {"cron": entry.cron, "duration": entry.duration} | ({"timezone": zone} if zone else {})
            ),
        )
    if entry.ical is not None:
        try:
            return Schedule(entry, ical.read(folder / entry.ical, zone))
        except Unreadable as fault:
            return Schedule(entry, None, str(fault))
    return Schedule(entry, _fixed(entry.start, entry.end))


def _fixed(start: datetime | None, end: datetime | None) -> TimeWindow:
    if start is None or end is None or end <= start:
        raise ValueError("to must be after from")
    if end - start > _MAX_FIXED:
        raise ValueError(f"expected at most {_MAX_FIXED.days} days from from to to")
    return TimeWindow(start=start, end=end)


def _noted(parsed: Parsed[Schedule]) -> Parsed[Schedule]:
    notes = [schedule.unavailable or getattr(schedule.way, "warning", "") for schedule in parsed.entries]
    return Parsed(
        parsed.path,
        parsed.entries,
        parsed.as_of,
        parsed.unavailable,
        parsed.rejected,
        parsed.examples,
        tuple(dict.fromkeys(note for note in notes if note)),
    )
