"""What splunkd answers about a search job, as checked values: its status, and one page of its results."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.clients._answer_faults import first_fault
from connectors.http import Reply
from playbook.errors import BadAnswer

T = TypeVar("T", bound=BaseModel)


class _Read(BaseModel):
    """Base of what is read from splunkd: unknown keys are ignored; numbers and truths may be text."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Status(_Read):
    """One poll. ``isDone`` is true of a failed job too; ``isFinalized`` means that it was stopped early."""

    dispatchState: str = Field(max_length=60)
    isDone: bool = False
    isFailed: bool = False
    isFinalized: bool = False
    resultCount: int = Field(default=0, ge=0)
    eventCount: int = Field(default=0, ge=0)


class Entry(_Read):
    """What a poll says of one job."""

    content: dict[str, Any]


class Feed(_Read):
    """One poll; no entry where splunkd does not speak of the job yet."""

    entry: tuple[Entry, ...]


class Page(_Read):
    """One page of results."""

    results: list[dict[str, Any]]
    preview: bool = False


def parsed(model: type[T], reply: Reply, subject: str) -> T:
    """The body of ``reply`` as ``model``; BadAnswer says in a sentence what is wrong with it."""
    if not reply.body.strip():
        raise BadAnswer(f"{subject}: an empty answer where rows were announced")
    return valid(model, reply.json(), subject)


def valid(model: type[T], body: Any, subject: str) -> T:
    """``body`` as ``model``; BadAnswer says in a sentence what is wrong with it."""
    try:
        return model.model_validate(body)
    except ValidationError as fault:
        raise BadAnswer(f"{subject}: Splunk gave an answer that cannot be read: {first_fault(fault)}") from None
