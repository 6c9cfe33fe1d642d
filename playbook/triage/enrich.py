"""Ask each enricher about each observable, once and under a deadline; a failure becomes a value with a reason."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from playbook.concurrency import run_concurrently
from playbook.model.address import Network, parse, within
from playbook.model.detection import AddressHolder, Detection, TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable, observables_of
from playbook.model.site import Site
from playbook.ports import Enricher

_HOST = "host"
# Topics that are asked by host name; "host" itself by address too; all others speak of the destination.
_BY_HOST_NAME = frozenset({"processes", "software", "backup_sessions", "backup_jobs", "windows"})


@dataclass
class Enrichers:
    """The enrichers of one run; one that failed as a whole is not asked again in this run."""

    enrichers: Sequence[Enricher]
    deadline_s: float
    hosts_in: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    _dead: dict[str, str] = field(default_factory=dict)
    _said: dict[str, dict[Observable, tuple[Enrichment, ...]]] = field(default_factory=lambda: defaultdict(dict))

    def identify(
        self, detections: Sequence[Detection], site: Site, window: TimeWindow, holders: Iterable[AddressHolder]
    ) -> tuple[EnrichedDetection, ...]:
        """Every detection with its host named and what the local (not remote) enrichers say of it."""
        claims = _claims(holders)
        bare = [
            EnrichedDetection(detection=d, host=d.host_text, site=site, observables=observables_of(d, d.host_text))
            for d in detections
        ]
        known = self._extend(bare, window, lambda e: _HOST in e.topics, lambda o: o.kind == "address")
        named = _without_borrowed([_named(e, claims.get(e.detection.src_ip, ())) for e in known])
        return self._extend(named, window, lambda e: not e.remote, lambda o: True)

    def complete(self, passed: Sequence[EnrichedDetection], window: TimeWindow) -> tuple[EnrichedDetection, ...]:
        """What passed the filters, with the names behind its destination and the remote enrichers asked as well."""
        domains = [
            e.replaced(observables=observables_of(e.detection, e.host, e.names) + _aliases(e, e.host)) for e in passed
        ]
        local = self._extend(domains, window, lambda e: not e.remote, lambda o: o.kind == "domain")
        return self._extend(local, window, lambda e: e.remote, lambda o: True)

    def unfit(self) -> tuple[str, ...]:
        """What the local (not remote) enrichers cannot read or left out, a sentence each, whoever was asked.

        Also of a run whose detections were all filtered: a file that nobody reads is found missing when it is needed.
        """
        local = [e for e in self.enrichers if not e.remote]
        outcomes = run_concurrently({e.name: e.check for e in local if e.name not in self._dead}, self.deadline_s)
        told: list[str] = []
        for name in (e.name for e in local):
            outcome = outcomes.get(name)
            if outcome is None or outcome.value is None:
                told.append(f"enrichers.{name}: {outcome.failure if outcome else self._dead[name]}")
                continue
            told += [r.told(f"enrichers.{name}", r.warning) for r in outcome.value if not r.ok or r.warning]
        return tuple(dict.fromkeys(told))

    def _extend(
        self,
        detections: Sequence[EnrichedDetection],
        window: TimeWindow,
        chosen: Callable[[Enricher], bool],
        about: Callable[[Observable], bool],
    ) -> tuple[EnrichedDetection, ...]:
        """The detections with the chosen enrichers' words on the observables in question; nothing is asked twice."""
        asked = [e for e in self.enrichers if chosen(e)]
        wanted = {
            e.name: tuple(dict.fromkeys(o for d in detections if self._serves(e, d) for o in d.observables if about(o)))
            for e in asked
        }
        self._ask(asked, wanted, window)
        return tuple(
            d.replaced(
                enrichments=_once(
                    (
                        *d.enrichments,
                        *(
                            found
                            for e in asked
                            if self._serves(e, d)
                            for o in d.observables
                            for found in self._said[e.name].get(o, ())
                        ),
                    )
                )
            )
            for d in detections
        )

    def _serves(self, enricher: Enricher, enriched: EnrichedDetection) -> bool:
        scope = self.hosts_in.get(enricher.name)
        return not scope or (enriched.source is not None and within(enriched.source, scope))

    def _ask(self, asked: Sequence[Enricher], wanted: Mapping[str, tuple[Observable, ...]], window: TimeWindow) -> None:
        """Who is not done by the deadline, or raised, is unavailable for all it was asked, now and later."""
        new = {e.name: tuple(o for o in wanted[e.name] if o not in self._said[e.name]) for e in asked}
        calls = {
            e.name: partial(e.look_up, new[e.name], window) for e in asked if new[e.name] and e.name not in self._dead
        }
        outcomes = run_concurrently(calls, self.deadline_s)
        for enricher in (e for e in asked if new[e.name]):
            outcome = outcomes.get(enricher.name)
            if outcome is not None and outcome.value is None:
                self._dead[enricher.name] = outcome.failure or "no answer"
            if enricher.name in self._dead:
                answers = _unavailable(enricher, new[enricher.name], self._dead[enricher.name])
            else:
                answers = outcome.value if outcome is not None and outcome.value is not None else ()
            self._keep(enricher.name, new[enricher.name], answers)

    def _keep(self, name: str, asked: Iterable[Observable], answers: Iterable[Enrichment]) -> None:
        by_observable: dict[Observable, list[Enrichment]] = {o: [] for o in asked}
        for enrichment in answers:
            if enrichment.observable in by_observable:
                by_observable[enrichment.observable].append(enrichment)
        self._said[name] |= {o: tuple(dict.fromkeys(found)) for o, found in by_observable.items()}


def _once(words: Iterable[Enrichment]) -> tuple[Enrichment, ...]:
    """Each word once, told by identity: what was said is kept once, and to hash an answer means to hash all of it."""
    return tuple({id(word): word for word in words}.values())


def _unavailable(enricher: Enricher, observables: Iterable[Observable], reason: str) -> tuple[Enrichment, ...]:
    return tuple(
        Enrichment(enricher=enricher.name, topic=topic, observable=o, unavailable=reason)
        for topic in enricher.topics
        for o in observables
        if _speaks_of(topic, o)
    )


def _speaks_of(topic: str, observable: Observable) -> bool:
    if topic in _BY_HOST_NAME:
        return observable.kind == "host"
    if topic == _HOST:
        return observable.role == "source" and observable.kind in ("host", "address")
    return observable.role == "destination" and observable.kind in ("address", "domain")


def _claims(holders: Iterable[AddressHolder]) -> dict[str, list[AddressHolder]]:
    by_address: dict[str, list[AddressHolder]] = defaultdict(list)
    for holder in holders:
        by_address[holder.address].append(holder)
    return by_address


def _named(enriched: EnrichedDetection, claims: Sequence[AddressHolder]) -> EnrichedDetection:
    """The host's name: the proven holder's, else the row's own, else that of the latest lease, else the address."""
    detection = enriched.detection
    host = detection.host_text
    if enriched.holder is not None:
        host = _plain(enriched.holder.hostname) or host
    elif host == detection.src_ip:
        held = [
            c for c in claims if c.since <= detection.last_seen and (c.until is None or c.until > detection.first_seen)
        ]
        host = _plain(max(held, key=lambda c: c.since).hostname) or host if held else host
    return _called(enriched, host)


def _without_borrowed(named: Sequence[EnrichedDetection]) -> tuple[EnrichedDetection, ...]:
    """A name that an inventory proves for one address names no other address that only claims it."""
    proven = {e.host for e in named if e.holder is not None}
    return tuple(_called(e, e.detection.src_ip) if e.holder is None and e.host in proven else e for e in named)


def _called(enriched: EnrichedDetection, host: str) -> EnrichedDetection:
    return enriched.replaced(host=host, observables=observables_of(enriched.detection, host) + _aliases(enriched, host))


def _plain(name: str) -> str:
    return name.strip().lower().rstrip(".")


def _aliases(enriched: EnrichedDetection, host: str) -> tuple[Observable, ...]:
    """The other proven names of the source, so that a record kept under any of them is found."""
    return tuple(
        Observable(kind="host", value=name, role="source")
        for name in sorted(enriched.proven_names - {host})
        if parse(name) is None
    )
