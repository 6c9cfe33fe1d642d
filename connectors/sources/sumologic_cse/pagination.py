"""Reads the signals and insights that were created about a window: every page once, every id once, gaps said."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from connectors.clients._answer_faults import first_fault
from connectors.clients.sumologic.client import Deadline, SumoClient
from connectors.http import printable, segment
from connectors.sources.sumologic_cse.schemas import Insight, Signal, ask, objects_of
from connectors.sources.sumologic_cse.settings import Settings
from playbook.errors import BadAnswer, ConfigError, ConnectorError
from playbook.model.detection import TimeWindow

M = TypeVar("M", bound=BaseModel)
MAX_EXAMPLES = 5
_PASSES = 2


class Listing(NamedTuple):
    """Objects by id in the order they came; why some are missing, or ""."""

    objects: Mapping[str, Any]
    missing: str


class Seen(NamedTuple):
    """Signals and insights that could be read, what is missing, and what could not be read."""

    signals: tuple[Signal, ...]
    insights: tuple[Insight, ...]
    missing: tuple[str, ...]
    rejected: int
    examples: tuple[str, ...]


def created_during(window: TimeWindow, settings: Settings, now: datetime) -> str:
    """The query for what was created about the window.

    Signals and insights appear after the traffic they speak of, so that it reaches past the window; it starts a
    little before it, as clocks differ. What is read twice is counted once, by its id.
    """
    start = window.start - timedelta(seconds=settings.overlap_s)
    end = max(window.end, min(now, window.end + timedelta(hours=settings.late_h)))
    return "created:" + "..".join(t.astimezone(UTC).isoformat(timespec="seconds") for t in (start, end))


def read(
    wire: SumoClient,
    settings: Settings,
    window: TimeWindow,
    now: datetime,
    progress: Callable[[int, int], None],
) -> Seen:
    """Signals with their records, and insights with the ids of theirs. Raises ConnectorError when neither came."""
    deadline = Deadline(wire.transport.clocks, settings.deadline_s)
    q = created_during(window, settings, now)
    rules = ",".join(f'"{rule}"' for rule in settings.rule_ids)
    wanted = f"{q} ruleId:in({rules})" if rules else q
    listed = listing(wire, "/signals", {"q": wanted, "limit": settings.page_size}, deadline, settings.max_signals)
    signals, bad = _valid(Signal, listed.objects)
    missing = [listed.missing]
    insights, worse, fault = _insights(wire, settings, q, deadline)
    missing.append(fault)
    unlisted = () if rules else _unlisted(insights, listed.objects)[: settings.max_signals]
    whole, faults = _completed(wire, signals, unlisted, deadline, progress)
    missing += faults
    examples = (*bad, *worse)
    return Seen(whole, insights, tuple(m for m in missing if m), len(examples), examples[:MAX_EXAMPLES])


def listing(wire: SumoClient, path: str, params: Mapping[str, str | int], deadline: Deadline, most: int) -> Listing:
    """Every object of a list, in either form of paging; at most ``most``.

    A list may move while it is read: ids that come twice count once, and when fewer came than the last page
    announced the list is read once more before the rest is called missing. Raises ConnectorError or ConfigError when
    not one object came; a failure after that is what is missing.
    """
    found: dict[str, Any] = {}
    total: int | None = None
    for _ in range(_PASSES):
        try:
            total, fault = _pass(wire, path, params, deadline, most, found)
        except ConnectorError as failure:
            if not found:
                raise
            fault = f"{len(found)} came, then: {failure}"
        if fault:
            return Listing(found, f"{path}: {fault}")
        if total is None or len(found) >= total:
            return Listing(found, "")
    return Listing(found, f"{path}: {total} were announced, {len(found)} came, though it was read {_PASSES} times")


def _pass(
    wire: SumoClient,
    path: str,
    params: Mapping[str, str | int],
    deadline: Deadline,
    most: int,
    found: dict[str, Any],
) -> tuple[int | None, str]:
    offset, total = 0, None
    tokens: set[str] = set()
    place: dict[str, str | int] = {} if path.endswith("/all") else {"offset": 0}
    while True:
        data = ask(wire, path, deadline, {**params, **place})
        if not isinstance(data, dict):
            raise BadAnswer(f"{wire.subject}: expected a page of {path} from Cloud SIEM")
        page = objects_of(wire, data)
        for number, one in enumerate(page):
            name = one.get("id") if isinstance(one, dict) else None
            found[name if isinstance(name, str) else f"{path} {offset + number}"] = one
        offset += len(page)
        total = data["total"] if isinstance(data.get("total"), int) else None
        token = data.get("nextPageToken")
        if not (token or data.get("hasNextPage")):
            return total, ""
        if len(found) >= most:
            return total, f"more than {most} were announced; the rest was not read"
        if not page or token in tokens:
            return total, "an empty or repeated page said that more follow"
        tokens |= {token} if token else set()
        place = {"nextPageToken": str(token)} if token else {"offset": offset}


def _insights(
    wire: SumoClient, settings: Settings, q: str, deadline: Deadline
) -> tuple[tuple[Insight, ...], list[str], str]:
    path = "/insights/all" if settings.paging == "token" else "/insights"
    params: dict[str, str | int] = {"q": q, "exclude": "signals.allRecords"}
    if settings.paging == "offset":
        # Ascending, so that what appears while we page comes after what was read.
        params |= {"sorts": "created", "limit": settings.page_size}
    try:
        listed = listing(wire, path, params, deadline, settings.max_signals)
    except (ConnectorError, ConfigError) as fault:
        return (), [], f"the insights could not be read: {fault}"
    insights, bad = _valid(Insight, listed.objects)
    return insights, bad, listed.missing


def _unlisted(insights: Iterable[Insight], listed: Mapping[str, Any]) -> tuple[str, ...]:
    names = (reference.id for insight in insights for reference in insight.signals)
    return tuple(dict.fromkeys(name for name in names if name not in listed))


def _completed(
    wire: SumoClient,
    signals: tuple[Signal, ...],
    unlisted: tuple[str, ...],
    deadline: Deadline,
    progress: Callable[[int, int], None],
) -> tuple[tuple[Signal, ...], list[str]]:
    """The signals with all their records: those that came short, and those known by id alone, are asked for singly."""
    whole: dict[str, Signal | None] = {signal.id: signal for signal in signals} | dict.fromkeys(unlisted)
    short = [name for name, signal in whole.items() if signal is None or signal.lacking]
    faults: list[str] = []
    for done, name in enumerate(short, start=1):
        if deadline.left() <= 0:
            faults += [f"signal {printable(late)[:60]}: the deadline passed" for late in short[done - 1 :]]
            break
        try:
            whole[name] = Signal.model_validate(ask(wire, f"/signals/{segment(name)}", deadline))
        except ValidationError as fault:
            faults.append(f"signal {printable(name)[:60]}: {printable(first_fault(fault))[:160]}")
        except (ConnectorError, ConfigError) as fault:
            faults.append(f"signal {printable(name)[:60]}: {printable(str(fault))[:160]}")
        progress(done, len(short))
    found = tuple(signal for signal in whole.values() if signal is not None)
    lacking = sum(signal.lacking for signal in found)
    said = [f"{len(faults)} signals could not be read: {'; '.join(faults[:MAX_EXAMPLES])}"] if faults else []
    if lacking:
        said.append(f"{lacking} records of signals did not come along with them")
    return found, said


def _valid(model: type[M], objects: Mapping[str, Any]) -> tuple[tuple[M, ...], list[str]]:
    good: list[M] = []
    bad: list[str] = []
    for name, one in objects.items():
        try:
            good.append(model.model_validate(one))
        except ValidationError as fault:
            bad.append(printable(f"{model.__name__.lower()} {name}: {first_fault(fault)}")[:200])
    return tuple(good), bad
