"""A calendar file in a folder, and what it answers."""

from datetime import UTC, datetime
from pathlib import Path

from connectors.enrichers.calendar import Calendar, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, ScheduledWindow
from playbook.model.observable import Observable
from playbook.model.site import Site

SITE = Site(now=datetime(2026, 3, 20, tzinfo=UTC))


def span(start: str, end: str) -> TimeWindow:
    return TimeWindow(start=datetime.fromisoformat(start + "Z"), end=datetime.fromisoformat(end + "Z"))


MARCH = span("2026-03-02T00:00", "2026-03-09T00:00")

GOOD = """
timezone: Europe/Prague
windows:
  - {kind: test, name: "checkout soak", hosts: [runner-01], targets: ["203.0.113.40"],
     from: 2026-03-02T09:00:00+01:00, to: 2026-03-02T15:00:00+01:00}
  - {kind: backup, name: nightly, hosts: [FS-01.corp.example], cron: "0 1 * * 2", duration: 3h}
  - {kind: maintenance, name: patching, from: 2026-03-04 20:00:00, to: 2026-03-04 22:00:00}
owned:
  - {name: staging, targets: ["203.0.113.40", "Staging.example.net", "198.51.100.0/28", ".lab.example.net"]}
"""
ICAL = "\nwindows:\n  - {kind: test, name: team, hosts: [runner-01], ical: team.ics}\n"


def calendar(folder: Path, text: str, ics: str | None = None) -> Calendar:
    (folder / "windows.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    if ics is not None:
        body = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:t\n{ics}\nEND:VCALENDAR\n"
        (folder / "team.ics").write_bytes(body.replace("\n", "\r\n").encode())
    return connect("cal", Settings(path=Path("windows.yaml")), SITE, folder)


def ask(enricher: Calendar, observable: Observable, window: TimeWindow = MARCH) -> Enrichment:
    (answer,) = enricher.look_up([observable], window)
    return answer


def host(name: str) -> Observable:
    return Observable(kind="host", value=name, role="source")


def named(answer: Enrichment) -> list[tuple[str, TimeWindow]]:
    return [(one.name, one.window) for one in answer.answers if isinstance(one, ScheduledWindow)]
