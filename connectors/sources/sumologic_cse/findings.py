"""Writes the outcome of a case back to an insight, once, in the tenant's own words, and as far as policy lets."""

from typing import Any, Literal, NamedTuple, Self

from pydantic import AwareDatetime, Field, ValidationError

from connectors.clients._answer_faults import first_fault
from connectors.clients.sumologic.client import Deadline, SumoClient
from connectors.http import printable, segment
from connectors.sources._siem.write_back_comment import comment_of, mark_of
from connectors.sources.sumologic_cse.check import lacking, vocabulary, word
from connectors.sources.sumologic_cse.schemas import ROOT, Insight, InsightComment, ask, data_of, objects_of
from connectors.sources.sumologic_cse.settings import Words
from playbook.errors import BadAnswer, ConfigError, Unreachable
from playbook.model import Value
from playbook.model.finding_update import FindingUpdate

TAG = "query-or-data"


class InsightFinding(Value):
    """One insight: its id, the number people know it by, and when it was created."""

    insight_id: str = Field(min_length=1, max_length=200)
    readable_id: str = ""
    created: AwareDatetime
    entity: str = ""

    @classmethod
    def of(cls, insight: Insight) -> Self:
        """The insight as a place to write to."""
        return cls(
            insight_id=insight.id,
            readable_id=printable(insight.readableId or "")[:100],
            created=insight.created,
            entity=printable(insight.entity.text)[:300] if insight.entity else "",
        )


class WritePolicy(Value):
    """What may be written. ``close_in_siem`` false: a comment, its tag, and nothing else."""

    close_in_siem: bool = False
    words: Words = Words()


_NEVER = WritePolicy()


class Change(Value):
    """What is to be set: null leaves it as it is. ``status`` and ``resolution`` are names of the tenant."""

    status: str | None = None
    resolution: str | None = None
    tag: str | None = None
    comment: str | None = None


class State(NamedTuple):
    """An insight as it stands."""

    status: str
    resolution: str
    tags: tuple[str, ...]
    comments: tuple[str, ...]


class Written(Value):
    """What became of one insight: ``written`` (what was set) or ``already`` so; ``kept`` is what was not touched."""

    insight_id: str
    did: Literal["written", "already"]
    status: str | None = None
    resolution: str | None = None
    tag: str | None = None
    commented: bool = False
    kept: str = ""


def change_for(outcome: FindingUpdate, policy: WritePolicy) -> Change:
    """What an outcome asks for: only benign and false positives close, a true positive is never closed by us."""
    words = policy.words
    tag = TAG if outcome.disposition == "FALSE_POSITIVE" else None
    status, resolution = {
        "BENIGN_POSITIVE": (words.closed, words.false_positive),
        "FALSE_POSITIVE": (words.closed, words.false_positive),
        "TRUE_POSITIVE": (words.in_progress, None),
        "UNDETERMINED": (None, None),
    }[outcome.disposition]
    if not policy.close_in_siem:
        status, resolution = None, None
    return Change(status=status, resolution=resolution, tag=tag, comment=comment_of(outcome))


def remaining(change: Change, state: State, words: Words) -> tuple[Change | None, str]:
    """What is left to set, and what is kept.

    The comment goes last, so that one that is there says that all of it was done: what a person did since is kept. A
    status is only moved on from where nobody decided anything: from new, and to closed from in progress.
    """
    if change.comment and any(mark_of(change.comment) in comment for comment in state.comments):
        return None, ""
    status, kept = change.status, ""
    found = f"status {printable(state.status)[:60]}"
    open_in = {words.new.casefold()} | ({words.in_progress.casefold()} if status == words.closed else set())
    now = state.status.casefold()
    if status is not None and now == status.casefold():
        if change.resolution and change.resolution.casefold() != state.resolution.casefold():
            kept = f"{found}, resolution {printable(state.resolution)[:60] or 'none'}"
        status = None
    elif status is not None and now not in open_in:
        kept = found + (f", resolution {printable(state.resolution)[:60]}" if state.resolution else "")
        status = None
    left = Change(
        status=status,
        resolution=change.resolution if status else None,
        tag=None if change.tag in state.tags else change.tag,
        comment=change.comment,
    )
    return left, kept


def write_back(
    wire: SumoClient,
    finding: InsightFinding,
    outcome: FindingUpdate,
    policy: WritePolicy = _NEVER,
    deadline_s: float = 120.0,
) -> Written:
    """Bring one insight to what the outcome asks for; a second call with the same outcome changes nothing.

    The state is read first, and again after an answer that was lost, before anything is sent a second time.
    Raises what ``Wire.call`` does, ConfigError for words the tenant does not have or a refusal, BadAnswer otherwise.
    """
    deadline = Deadline(wire.transport.clocks, deadline_s)
    wanted = change_for(outcome, policy)
    # Words are looked up before anything is written, so that a wrong one leaves nothing half done.
    wanted, names = _in_their_words(wire, wanted, policy.words, deadline)
    path = f"/insights/{segment(finding.insight_id)}"
    first: Change | None = None
    tries = 0
    while True:
        left, kept = remaining(wanted, _state(wire, path, deadline), names)
        if left is None:
            return _told(finding, first, kept)
        first = first or left
        try:
            _set(wire, path, left, deadline)
        except Unreachable:
            tries += 1
            if tries >= 2 or not deadline.pause(2.0):
                raise
            continue
        return _told(finding, first, kept)


def _told(finding: InsightFinding, change: Change | None, kept: str) -> Written:
    if change is None:
        return Written(insight_id=finding.insight_id, did="already", kept=kept)
    return Written(
        insight_id=finding.insight_id,
        did="written",
        status=change.status,
        resolution=change.resolution,
        tag=change.tag,
        commented=change.comment is not None,
        kept=kept,
    )


def _in_their_words(wire: SumoClient, change: Change, words: Words, deadline: Deadline) -> tuple[Change, Words]:
    """The change and our words under the names that the API knows them by; nothing is asked when none is needed."""
    if change.status is None:
        return change, words
    statuses = vocabulary(wire, "/insight-status", deadline)
    fault = lacking(statuses, words.new, words.in_progress, words.closed)
    resolutions = vocabulary(wire, "/insight-resolutions", deadline) if change.resolution else ()
    fault = fault or (lacking(resolutions, change.resolution) if change.resolution else "")
    if fault:
        raise ConfigError(f"{wire.subject}: {fault}")
    theirs = {name: word(statuses, getattr(words, name)) for name in ("new", "in_progress", "closed")}
    resolution = word(resolutions, change.resolution) if change.resolution else None
    names = words.model_copy(update=theirs)
    status = names.closed if change.status == words.closed else names.in_progress
    return change.model_copy(update={"status": status, "resolution": resolution}), names


def _state(wire: SumoClient, path: str, deadline: Deadline) -> State:
    insight = _insight(wire, ask(wire, path, deadline, {"exclude": "signals.allRecords"}))
    listed = objects_of(wire, ask(wire, f"{path}/comments", deadline), "comments")
    try:
        comments = [InsightComment.model_validate(one).body or "" for one in listed]
    except ValidationError:
        raise BadAnswer(f"{wire.subject}: expected comments of an insight") from None
    return State(insight.status or "", insight.resolution or "", tuple(insight.tags), tuple(comments))


def _set(wire: SumoClient, path: str, change: Change, deadline: Deadline) -> None:
    if change.tag:
        _sent(wire, "POST", f"{path}/tags", {"tagName": change.tag}, deadline)
    if change.status:
        body = {"status": change.status} | ({"resolution": change.resolution} if change.resolution else {})
        answered = _insight(wire, _sent(wire, "PUT", f"{path}/status", body, deadline))
        if (answered.status or "").casefold() != change.status.casefold():
            said = printable(answered.status or "nothing")[:60]
            raise BadAnswer(f"{wire.subject}: the status was not changed: the insight is in {said}")
    if change.comment:
        _sent(wire, "POST", f"{path}/comments", {"body": change.comment}, deadline)


def _sent(wire: SumoClient, method: str, path: str, body: dict[str, str], deadline: Deadline) -> Any:
    return data_of(wire, wire.call(method, ROOT + path, deadline, json=body))


def _insight(wire: SumoClient, data: Any) -> Insight:
    try:
        return Insight.model_validate(data)
    except ValidationError as fault:
        raise BadAnswer(f"{wire.subject}: expected an insight: {first_fault(fault)}") from None
