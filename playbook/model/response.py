"""What is proposed and what was done: plan, step, approval, receipt."""

from typing import Literal

from pydantic import Field

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
    """The steps proposed for one case; ``digest`` is the SHA-256 of the RFC 8785 JSON of what is approved."""

    plan_id: str
    digest: str
    steps: tuple[Step, ...]


class Proposal(Value):
    """A plan or none, what may not be blocked, and what to do by hand when no step passes the gate."""

    plan: Plan | None = None
    not_blockable: tuple[NotBlockable, ...] = ()
    by_hand: tuple[str, ...] = ()
