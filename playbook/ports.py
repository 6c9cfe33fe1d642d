"""What the stages ask of the outside, and of every plug-in module, as small protocols.

Connectors and the files of the plug-in folders fulfil them without importing this file; ``make lint`` holds every one
against its protocol (scripts/plug_in_contracts.py). A log format is the log source's own kind of plug-in, and its
protocol stands beside the columns it fills: ``connectors.sources.logs.schema.Format``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, runtime_checkable

from playbook.model import Value
from playbook.model.address import Network
from playbook.model.case import Ticket
from playbook.model.check import CheckResult as CheckResult
from playbook.model.detection import Detection, Fetched, Threshold, TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Enrichment
from playbook.model.event import Event
from playbook.model.finding_update import FindingUpdate
from playbook.model.observable import Observable
from playbook.model.response import Notice, Receipt, Step, StepKind
from playbook.model.site import Site
from playbook.model.traffic import Traffic
from playbook.model.verdict import Evidence

# Called with (bytes or rows done, total or 0 when unknown).
Progress = Callable[[int, int], None]


class DetectionSource(Protocol):
    """A SIEM or a set of log files that can run the beaconing detection."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        """Run the detection; one ``Fetched`` per window (a SIEM: one; long logs: consecutive 7-day windows).

        ``window`` None means the source's own default. Raises ConnectorError when nothing can be believed; an
        incomplete answer is a ``Fetched`` whose health says so.
        """

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Raw traffic of these detections (the newest 5,000 starts each); unknown is said, never guessed."""

    def check(self) -> tuple[CheckResult, ...]:
        """Try connectivity, permissions, scope and fields with the cheapest calls there are."""


@runtime_checkable
class FindingWriter(Protocol):
    """A source whose detections come with findings of its own, and that is told what became of them."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    def write_back(self, reference: str, outcome: FindingUpdate, may_change: bool) -> str:
        """Bring one finding to its outcome; a repeat changes nothing. What a person had set and was kept, or "".

        ``may_change`` false: a comment with its tag, never a status. Raises ConnectorError or ConfigError when it is
        not known to be written.
        """


@runtime_checkable
class DeclaresEndpoints(Protocol):
    """Settings of a connector whose table does not show by a URL or ``host`` which hosts it talks to."""

    def places(self, folder: Path) -> tuple[str, ...]:
        """Names or addresses of those hosts; ``folder`` is the configuration's. Raises ConfigError for a bad file."""


class Enricher(Protocol):
    """Something that knows about observables. ``remote`` enrichers are asked only after the static gates."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What it knows about, by the names of the evidence (docs/evidence.md)."""

    @property
    def remote(self) -> bool:
        """Whether asking it leaves this machine."""

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """One Enrichment per observable and topic it is responsible for, in any order; failures are values.

        An observable of a kind the enricher does not serve gets no Enrichment.
        """

    def check(self) -> tuple[CheckResult, ...]:
        """Whether it can answer at all, and as of when."""


class Containment(Protocol):
    """A product that carries out a step and undoes it. Every method is safe to repeat under the same key.

    ``contain`` looks before it creates; "already so" is success (``changed`` false). ``release`` undoes only what was
    set under this key; "already gone" is success. The two verifications read the device again. They raise
    ConnectorError when no answer arrived, and then nothing is known about the effect.
    """

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    @property
    def kinds(self) -> tuple[StepKind, ...]:
        """The steps that it can carry out."""

    def contain(self, step: Step, key: str) -> Receipt:
        """Set the step, with its TTL on the device where the device has one."""

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether the step is in force now."""

    def release(self, step: Step, key: str) -> Receipt:
        """Undo it."""

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether nothing of it is in force now."""

    def check(self) -> tuple[CheckResult, ...]:
        """Connectivity and permissions, changing nothing."""


class TicketDesk(Protocol):
    """A ticket system. ``open`` searches by the ticket's key before it creates, and again after an unclear answer."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    def open(self, ticket: Ticket) -> str:
        """The reference of the one ticket with this key, created when there is none."""

    def comment(self, reference: str, text: str, key: str) -> None:
        """Add a comment once; ``key`` marks it so that a repeat is recognised."""

    def attach(self, reference: str, name: str, content: bytes) -> None:
        """Attach a file, such as the HTML report of a case."""

    def check(self) -> tuple[CheckResult, ...]:
        """Connectivity and permissions, changing nothing."""


class Notifier(Protocol):
    """A way to tell people something."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    def tell(self, notice: Notice) -> None:
        """Deliver the notice; raises ConnectorError when it was not taken."""

    def check(self) -> tuple[CheckResult, ...]:
        """Connectivity and permissions, telling nobody."""


@runtime_checkable
class TakesEvents(Protocol):
    """A notifier that a platform reads: it is sent every event, where ``takes_events`` says so."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    @property
    def takes_events(self) -> bool:
        """Whether it is configured to be sent events."""

    def send_event(self, event: Event) -> None:
        """Deliver the event; raises ConnectorError when it was not taken."""


Connector_co = TypeVar("Connector_co", covariant=True)


class ConnectorModule(Protocol[Connector_co]):
    """A product in a role's folder of ``connectors``: its settings, and how one is made of them."""

    @property
    def Settings(self) -> type[Value]:  # a class of the module
        """The model of its configuration table; every fault of a table is told by its key."""

    def connect(self, name: str, settings: Any, site: Site, folder: Path) -> Connector_co:
        """One product, wired and not yet asked anything; relative paths start in ``folder``. Raises ConfigError."""


class RuleModule(Protocol):
    """A file of ``playbook/rules``. ``FILTER = True`` (default False) makes it a static filter, judged first."""

    @property
    def Params(self) -> type[Value]:  # a class of the module
        """Its parameters with their defaults, for ``[policy.rules.NAME]``."""

    def judge(self, enriched: EnrichedDetection, params: Any) -> Evidence | None:
        """The evidence it finds, or None; pure: no clock, file, network or settings."""


class DetectionModule(Protocol):
    """A file of ``playbook/detections`` with a ``NAME``: what to look for, found by lying there.

    An engine counts, ``score`` decides: each query language that can count it has a file of the same name in its
    folder, with ``query`` as a language has (``playbook/detections/languages``).
    """

    @property
    def NAME(self) -> str:  # a constant of the module
        """What rows carry as ``rule``, and ``query --rule`` takes."""

    @property
    def TITLE(self) -> str:  # a constant of the module
        """What it looks for, in one sentence without a full stop."""

    @property
    def THRESHOLDS(self) -> tuple[Threshold, ...]:  # a constant of the module
        """Every number it compares with, and where that comes from."""

    @property
    def score(self) -> Callable[[Any, Any], Detection | None]:
        """(aggregate, scope) -> the detection it makes, or None; pure."""


class QueryLanguageModule(Protocol):
    """A file or folder of ``playbook/detections/languages``.

    Beside ``query`` it may state, each with a default: ``PRESETS`` (empty; the shapes of fields it knows, by name),
    ``HUNTED`` (``PRESETS``; those that a hunt knows), ``PROFILE`` (empty; which preset means which profile),
    ``SOURCE_KIND`` ("": no connector asks in it), ``SOURCE_PRESET`` (None: of any preset) and ``PROOF`` (never run:
    what is rendered, read and run, by detection or hunt).
    """

    @property
    def query(self) -> Callable[..., str]:
        """The text of the detection or a hunt; its parameters, all with defaults, are what ``query`` offers."""


class PlatformModule(Protocol):
    """A file or folder of ``playbook/platforms``: the catalogue of actions -> the package of that platform.

    ``build(files) -> {name: bytes}`` (the files that the platform installs; default: the package's own files) and
    ``with_wheels(files, wheels)`` (where a package can carry them) may be left out.
    """

    def render(self, catalogue: Any) -> Mapping[str, str] | Mapping[str, str | bytes]:
        """Text or bytes by the file's path inside the package, from the catalogue and the version alone."""


class ActionModule(Protocol):
    """A file of ``playbook/actions``; ``SCOPE`` and ``ROLE`` say what a token needs where its kind does not.

    It offers ``run(given, outside) -> Result`` (``Outside``: configuration and connectors), or, when it works on the
    record, ``carry(given, record) -> Result``.
    """

    @property
    def KIND(self) -> str:  # a constant of the module
        """test, investigate, generic, contain or correct."""

    @property
    def READ_ONLY(self) -> bool:  # a constant of the module
        """Whether it changes nothing anywhere."""

    @property
    def Input(self) -> type[Value]:  # a class of the module
        """Its parameters, scalars only."""

    @property
    def Output(self) -> type[Value]:  # a class of the module
        """A row of what it gives, scalars only."""


@dataclass(frozen=True)
class Toolkit:
    """Everything a run needs from the outside, wired by ``assembly.assemble``; a run tells nobody and opens no ticket.

    What a worker needs beside it (desks, notifiers, every source) is wired by ``assembly.assemble_all``.
    ``hosts_in`` limits an enricher (by name) to detections whose source lies in these networks.
    """

    source: DetectionSource
    enrichers: tuple[Enricher, ...] = ()
    containments: tuple[Containment, ...] = ()
    hosts_in: Mapping[str, tuple[Network, ...]] = field(default_factory=lambda: MappingProxyType({}))
