"""What live sources of evidence share: settings, one budget a look-up, pages, rows that may be bad, a short memory.

A source that cannot be read to its end gives nothing: what was read of it would look like all there is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AliasGenerator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

from connectors.enrichers._files.field_types import Name
from connectors.enrichers._files.indexes import address_of, domain_of
from connectors.enrichers._files.reader import explain
from connectors.http import Clocks, Credential, ReplyBounds, Transport, printable
from playbook.errors import BadAnswer, Incomplete
from playbook.model import Value
from playbook.model.enrichment import Answer, Enrichment, WrittenBy
from playbook.model.observable import Observable

T = TypeVar("T")
M = TypeVar("M", bound=Value)
K = TypeVar("K")

_EXAMPLES = 2
_MOST_IN_MEMORY = 64


class Live(Value):
    """Settings of every live source; times in seconds.

    ``deadline_s`` bounds one call, ``total_s`` and ``most_requests`` one look-up of everything that was asked,
    ``interval_s`` is our pace between calls, ``keep_s`` how long an answer is used again. ``ca_file`` is relative to
    the configuration.
    """

    base_url: str
    ca_file: Path | None = None
    deadline_s: float = Field(default=10.0, ge=1, le=300)
    total_s: float = Field(default=15.0, ge=1, le=600)
    interval_s: float = Field(default=0.0, ge=0, le=60)
    keep_s: float = Field(default=300.0, ge=0, le=86400)
    most_requests: int = Field(default=100, ge=1, le=10_000)


class Row(Value):
    """One row of an answer: what is not named is not read, names may be written in camelCase."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=to_camel),
    )


def _place(text: str) -> str:
    address = address_of(text)
    if address is not None:
        return str(address)
    if text.startswith("."):
        raise ValueError("expected an exact name or a single address")
    return domain_of(text)


# One dedicated address or exact name.
Place = Annotated[Name, AfterValidator(_place)]


def transport_for(
    settings: Live,
    subject: str,
    folder: Path,
    clocks: Clocks,
    credential: Credential | None,
    max_bytes: int = 16 * 1024 * 1024,
) -> Transport:
    """A transport to ``base_url`` under the settings' bounds. Raises ConfigError for a URL that may not be used."""
    bounds = ReplyBounds(
        deadline_s=settings.deadline_s,
        max_bytes=max_bytes,
        attempts=3,
        min_interval_s=settings.interval_s,
    )
    return Transport(
        settings.base_url,
        subject=subject,
        credential=credential,
        bounds=bounds,
        clocks=clocks,
        ca_file=settings.ca_file and folder / settings.ca_file,
    )


def variable_of(secret: SecretStr, setting: str) -> str:
    """What an error names for a secret: the variable it came from, else its setting."""
    return str(getattr(secret, "variable", setting))


@dataclass
class Budget:
    """What one look-up may still cost, in requests and seconds."""

    settings: Live
    subject: str
    clocks: Clocks
    requests: int = 0
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = self.clocks.monotonic() + self.settings.total_s

    def spend(self) -> float:
        """Count one request and give the seconds it may take. Raises Incomplete when nothing is left."""
        left = self._until - self.clocks.monotonic()
        if left <= 0:
            raise Incomplete(f"{self.subject}: the {self.settings.total_s:g} s for one look-up were used up")
        if self.requests >= self.settings.most_requests:
            raise Incomplete(f"{self.subject}: more than {self.settings.most_requests} requests for one look-up")
        self.requests += 1
        return min(left, self.settings.deadline_s)


class Memory(Generic[K, T]):
    """The newest answers by question, each for ``keep_s`` seconds; a failure is never remembered."""

    def __init__(self, keep_s: float, clocks: Clocks) -> None:
        self._keep_s, self._clocks = keep_s, clocks
        self._entries: dict[K, tuple[float, T]] = {}

    def get(self, question: K, ask: Callable[[], T]) -> T:
        """The remembered answer, or ``ask``'s."""
        now = self._clocks.monotonic()
        entry = self._entries.get(question)
        if entry is not None and now < entry[0]:
            return entry[1]
        answer = ask()
        if len(self._entries) >= _MOST_IN_MEMORY:
            self._entries.clear()
        self._entries[question] = (now + self._keep_s, answer)
        return answer


@dataclass(frozen=True)
class Rows(Generic[T]):
    """The usable rows of an answer, and what a reader must know of the others."""

    entries: tuple[T, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def warning(self) -> str:
        """The notes as one text."""
        return "; ".join(self.notes)


def read_rows(model: type[M], rows: Iterable[Any], what: str, context: Mapping[str, Any] | None = None) -> Rows[M]:
    """Each row as a value of ``model``; one that is none is left out, number_in, and the first two are explained."""
    entries: list[M] = []
    faults: list[str] = []
    for row in rows:
        try:
            entries.append(model.model_validate(row, context=dict(context or {})))
        except ValidationError as fault:
            faults.append(explain(fault))
    examples = "; ".join(printable(one)[:200] for one in dict.fromkeys(faults[:_EXAMPLES]))
    note = (f"{len(faults)} {what} left out: {examples}",) if faults else ()
    return Rows(tuple(entries), note)


def list_in(answer: Any, key: str, subject: str) -> list[Any]:
    """The list under ``key`` of an answer that must be an object. Raises BadAnswer."""
    rows = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise BadAnswer(f"{subject}: an answer without the list {key!r}")
    return rows


def number_in(answer: Any, key: str, subject: str) -> int:
    """The number of rows that an answer announces under ``key``. Raises BadAnswer."""
    total = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise BadAnswer(f"{subject}: an answer without the number {key!r}")
    return total


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in runs of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def answers_of(
    enricher: str,
    topic: str,
    answers: Iterable[tuple[Observable, tuple[Answer, ...]]],
    *,
    warning: str = "",
    written_by: WrittenBy = "us",
    as_of: Any = None,
) -> tuple[Enrichment, ...]:
    """One enrichment an observable, all with the same warning, author and age."""
    template = Enrichment(
        enricher=enricher,
        topic=topic,
        observable=Observable(kind="host", value="", role="source"),
        warning=warning,
        written_by=written_by,
        as_of=as_of,
    )
    return tuple(
        template.model_copy(update={"observable": observable, "answers": given}) for observable, given in answers
    )


def no_answer(
    enricher: str, topic: str, observables: Iterable[Observable], reason: str, written_by: WrittenBy = "us"
) -> tuple[Enrichment, ...]:
    """The same reason for every observable that was asked about."""
    return tuple(
        Enrichment(enricher=enricher, topic=topic, observable=one, unavailable=reason, written_by=written_by)
        for one in observables
    )
