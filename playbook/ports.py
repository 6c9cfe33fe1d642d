"""What the stages ask of the outside, as small protocols; connectors fulfil them without importing this file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from playbook.model.address import Network
from playbook.model.check import CheckResult as CheckResult
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable
from playbook.model.response import StepKind
from playbook.model.traffic import Traffic

# Called with (bytes or rows done, total or 0 when unknown).
Progress = Callable[[int, int], None]


class DetectionSource(Protocol):
    """A SIEM or a set of log files that can run the beaconing detection."""

    name: str

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        """Run the detection; one ``Fetched`` per window (a SIEM: one; long logs: consecutive 7-day windows).

        ``window`` None means the source's own default. Raises ConnectorError when nothing can be believed; an
        incomplete answer is a ``Fetched`` whose health says so.
        """

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Raw traffic of these detections (DESIGN: newest 5,000 starts each); unknown is said, never guessed."""

    def check(self) -> tuple[CheckResult, ...]:
        """Try connectivity, permissions, scope and fields with the cheapest calls there are."""


class Enricher(Protocol):
    """Something that knows about observables. ``remote`` enrichers are asked only after the static gates."""

    name: str
    topics: tuple[str, ...]
    remote: bool

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """One Enrichment per observable and topic it is responsible for, in any order; failures are values.

        An observable of a kind the enricher does not serve gets no Enrichment.
        """

    def check(self) -> tuple[CheckResult, ...]:
        """Whether it can answer at all, and as of when."""


class Containment(Protocol):
    """A product that can carry out a step; today only its name and the kinds it offers are used, for the plan."""

    name: str
    kinds: tuple[StepKind, ...]


@dataclass(frozen=True)
class Toolkit:
    """Everything a run needs from the outside, wired once by assembly.

    ``hosts_in`` limits an enricher (by name) to detections whose source lies in these networks.
    """

    source: DetectionSource
    enrichers: tuple[Enricher, ...] = ()
    containments: tuple[Containment, ...] = ()
    hosts_in: Mapping[str, tuple[Network, ...]] = field(default_factory=lambda: MappingProxyType({}))
