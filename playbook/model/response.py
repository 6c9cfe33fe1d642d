"""What is proposed and what was done: plan, step, approval, receipt."""

from typing import Literal

from pydantic import AwareDatetime, Field

from playbook.model import Value

StepKind = Literal["block_pair", "block_address", "isolate_host"]


class Step(Value):
    """One reversible change: ``target`` is ``src>dst:port`` for a pair, an address, or a host id.

    ``ttl_s`` is whole seconds; ``connector`` names the configured containment, "" when none offers this kind.
    """

    kind: StepKind
    target: str
    scope: str
    ttl_s: int = Field(gt=0, le=30 * 86400)
    connector: str = ""


class NotBlockable(Value):
    """A destination that may not be blocked by address, and why."""

    address: str
    reason: str


class Plan(Value):
    """The steps proposed for one case; ``digest`` is the SHA-256 of the RFC 8785 JSON of what is approved.

    ``people`` is how many different approvers must agree.
    """

    plan_id: str
    digest: str
    steps: tuple[Step, ...]
    people: int = Field(default=1, ge=1, le=5)


class Proposal(Value):
    """A plan or none, what may not be blocked, and what to do by hand when no step passes the gate."""

    plan: Plan | None = None
    not_blockable: tuple[NotBlockable, ...] = ()
    by_hand: tuple[str, ...] = ()


class Decision(Value):
    """One person's answer to exactly one digest: who, through which door, when, and what they said.

    ``who`` is the name of an account that proved itself; a platform's token counts as one approver.
    """

    case_id: str
    plan_id: str
    digest: str
    who: str = Field(min_length=1)
    via: Literal["cli", "page", "platform"]
    approve: bool
    comment: str = ""
    at: AwareDatetime


class Receipt(Value):
    """What a device said about one step, kept as it was said.

    ``ok``: the state that was wanted is the state now. ``changed`` false: it was already so. ``said`` is the device's
    own text (at most 2,000 characters), ``reference`` what it needs to undo the step (a rule number), and
    ``until`` when the device itself will let go, where it has a TTL.
    """

    connector: str
    action: Literal["contain", "verify", "release", "verify_released"]
    ok: bool
    changed: bool
    said: str = Field(default="", max_length=2000)
    reference: str = ""
    until: AwareDatetime | None = None
    at: AwareDatetime


class Notice(Value):
    """Something people are told: it identifies a case by a link, and decides nothing."""

    key: str
    title: str
    text: str
    link: str = ""
    urgent: bool = False
