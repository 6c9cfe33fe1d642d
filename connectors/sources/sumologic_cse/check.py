"""The cheapest calls that tell whether a Cloud SIEM source can work: key, the tenant's words, one signal."""

from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from connectors.clients.sumologic.client import Deadline, SumoClient
from connectors.http import printable
from connectors.sources.sumologic_cse.normalize import event_of
from connectors.sources.sumologic_cse.pagination import created_during
from connectors.sources.sumologic_cse.schemas import Choice, Signal, ask, objects_of
from connectors.sources.sumologic_cse.settings import Settings, Words
from playbook.errors import BadAnswer, ConfigError, ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow

GRANT = "it needs a role with View Cloud SIEM, and to write back: comment on, tag and change the status of insights"
_DEADLINE_S = 120.0


def results(wire: SumoClient, settings: Settings, window: TimeWindow, now: datetime) -> tuple[CheckResult, ...]:
    """Three reads; the third, of one signal, only when the first two came back."""
    found = [_tried("statuses", lambda: _statuses(wire, settings.words))]
    found.append(_tried("resolutions", lambda: _resolutions(wire, settings.words)))
    if all(result.ok for result in found):
        found.append(_tried("signals", lambda: _one_signal(wire, settings, window, now)))
    return tuple(found)


def vocabulary(wire: SumoClient, path: str, deadline: Deadline) -> tuple[Choice, ...]:
    """The tenant's own list of statuses (``/insight-status``) or resolutions (``/insight-resolutions``)."""
    try:
        return tuple(Choice.model_validate(one) for one in objects_of(wire, ask(wire, path, deadline)))
    except ValidationError:
        raise BadAnswer(f"{wire.subject}: {path}: an entry without a name") from None


def word(choices: tuple[Choice, ...], wanted: str) -> str | None:
    """The name by which the API knows a status or resolution that is written in any case, or by its display name."""
    return next(
        (c.name for c in choices if wanted.casefold() in (c.name.casefold(), (c.displayName or "").casefold())), None
    )


def lacking(choices: tuple[Choice, ...], *wanted: str) -> str:
    """What the tenant's list does not have, and what it has; "" when it has all of it."""
    lost = [name for name in wanted if word(choices, name) is None]
    had = printable(", ".join(choice.name for choice in choices))[:300]
    return f"the tenant has no {' and no '.join(map(repr, lost))} among {had}: set words" if lost else ""


def _statuses(wire: SumoClient, words: Words) -> CheckResult:
    choices = vocabulary(wire, "/insight-status", Deadline(wire.transport.clocks, _DEADLINE_S))
    fault = lacking(choices, words.new, words.in_progress, words.closed)
    said = f"the key works; statuses: {', '.join(choice.name for choice in choices)}"
    return CheckResult(subject="statuses", ok=not fault, message=fault or printable(said)[:300])


def _resolutions(wire: SumoClient, words: Words) -> CheckResult:
    choices = vocabulary(wire, "/insight-resolutions", Deadline(wire.transport.clocks, _DEADLINE_S))
    fault = lacking(choices, words.false_positive)
    said = f"{', '.join(choice.name for choice in choices)}; whether we may write back is not tried, as that changes it"
    return CheckResult(subject="resolutions", ok=not fault, message=fault or printable(said)[:400])


def _one_signal(wire: SumoClient, settings: Settings, window: TimeWindow, now: datetime) -> CheckResult:
    deadline = Deadline(wire.transport.clocks, _DEADLINE_S)
    params: dict[str, str | int] = {"q": created_during(window, settings, now), "offset": 0, "limit": 1}
    found = objects_of(wire, ask(wire, "/signals", deadline, params))
    if not found:
        message = "0 signals in the last 24 hours: that records can be read is unproven"
        return CheckResult(subject="signals", ok=False, message=message)
    try:
        signal = Signal.model_validate(found[0])
        events = [event_of(record, settings.object_types) for record in signal.allRecords]
    except (ValidationError, ValueError) as fault:
        message = f"a signal cannot be read: {printable(str(fault))[:200]}"
        return CheckResult(subject="signals", ok=False, message=message)
    seen = sum(event is not None for event in events)
    message = f"one signal of {printable(signal.ruleId or 'no rule')[:60]}: {len(events)} records, {seen} connections"
    return CheckResult(subject="signals", ok=True, message=message)


def _tried(subject: str, attempt: Callable[[], CheckResult]) -> CheckResult:
    try:
        return attempt()
    except (ConnectorError, ConfigError) as fault:
        return CheckResult.failed(subject, fault)
