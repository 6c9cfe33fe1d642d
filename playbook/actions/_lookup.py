"""Ask every enricher about a few observables at once, and say who did not answer."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from playbook.actions import Outside
from playbook.concurrency import run_concurrently
from playbook.model import Value
from playbook.model.address import Address, within
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable

A = TypeVar("A", bound=Value)
_DAY = timedelta(hours=24)


class LookupAnswers(NamedTuple):
    """What was said, one line per enricher that could not answer, and one per enricher that was not asked."""

    words: tuple[Enrichment, ...]
    unavailable: tuple[str, ...]
    left_out: tuple[str, ...]

    def answers(self, kind: type[A], topic: str = "") -> tuple[A, ...]:
        """Every answer of one type, optionally from one topic, without repeats."""
        return tuple(
            dict.fromkeys(
                answer
                for word in self.words
                if topic in ("", word.topic)
                for answer in word.answers
                if isinstance(answer, kind)
            )
        )


def ask(outside: Outside, observables: tuple[Observable, ...], source: Address | None = None) -> LookupAnswers:
    """Every enricher once, under the configured deadline, about the 24 hours up to the site's now.

    An enricher that serves only some of our hosts (``hosts_in``) is asked when ``source`` is known to be one of them.
    """
    now = outside.site.now
    window = TimeWindow(start=now - _DAY, end=now)
    enrichers, hosts_in = outside.enrichers()
    left_out = [
        e.name
        for e in enrichers
        if (scope := hosts_in.get(e.name)) and not (source is not None and within(source, scope))
    ]
    calls = {e.name: partial(e.look_up, observables, window) for e in enrichers if e.name not in left_out}
    outcomes = run_concurrently(calls, outside.config.limits.enrichment_timeout_s)
    words = tuple(word for outcome in outcomes.values() for word in outcome.value or ())
    silent = [
        f"{name}: {outcome.failure or 'no answer'}" for name, outcome in outcomes.items() if outcome.value is None
    ]
    silent += [f"{word.enricher}: {word.unavailable}" for word in words if word.unavailable is not None]
    return LookupAnswers(
        words,
        tuple(dict.fromkeys(silent)),
        tuple(f"{name} was not asked: it serves only hosts in {joined(hosts_in[name])}" for name in left_out),
    )


def joined(values: Iterable[object]) -> str:
    """Names joined by commas, each once, empty ones left out."""
    return ", ".join(dict.fromkeys(str(value) for value in values if value not in (None, "")))
