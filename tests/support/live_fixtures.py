"""What tests of live evidence sources share: the window, observables, and clocks that read no real time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.http import Clocks
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Answer, Enrichment
from playbook.model.observable import Observable
from playbook.model.site import Site

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SITE = Site(now=NOW)
WINDOW = TimeWindow(start=NOW - timedelta(days=1), end=NOW)
HERE = Path()


class FakeTime:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed, self.slept = 0.0, []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.sleep, lambda: self.elapsed, lambda: NOW.timestamp() + self.elapsed)


def recorded(cassette) -> Clocks:
    """The clocks of a cassette, its wall clock at ``NOW``."""
    return Clocks(cassette.clocks.sleep, cassette.clocks.monotonic, lambda: NOW.timestamp())


def host(name: str) -> Observable:
    return Observable(kind="host", value=name, role="source")


def address(text: str, role: str = "source") -> Observable:
    return Observable.model_validate({"kind": "address", "value": text, "role": role})


def domain(text: str) -> Observable:
    return Observable(kind="domain", value=text, role="destination")


def at(text: str) -> datetime:
    """A moment of the tests' days, ``10-31 22:00`` UTC."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def answers(words: tuple[Enrichment, ...], value: str) -> tuple[Answer, ...]:
    """All answers on one observable, none of which may be unavailable."""
    mine = [word for word in words if word.observable.value == value]
    assert mine and all(word.unavailable is None for word in mine), mine
    return tuple(answer for word in mine for answer in word.answers)


def reasons(words: tuple[Enrichment, ...]) -> set[str | None]:
    return {word.unavailable for word in words}


def failures(results: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [one for one in results if not one.ok]
