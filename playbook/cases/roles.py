"""Roles of accounts and scopes of their tokens: which a token may have, and which go never together."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, get_args

from playbook.errors import ConfigError

Role = Literal["viewer", "responder", "approver", "admin"]
Scope = Literal["intake", "investigate", "approve", "contain"]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
# The least role whose account may hold a token of this scope.
ROLE_FOR: Mapping[Scope, Role] = MappingProxyType(
    {"intake": "responder", "investigate": "viewer", "approve": "approver", "contain": "approver"}
)


def scopes_of(role: Role, wanted: Iterable[Scope]) -> tuple[Scope, ...]:
    """The scopes of a token of this role; none wanted: all that the role reaches but intake. ConfigError otherwise."""
    listed = set(wanted)
    unknown = listed - set(SCOPES)
    if unknown:
        raise ConfigError(f"scope {min(unknown)!r}: expected one of {', '.join(SCOPES)}")
    if "intake" in listed and listed & {"approve", "contain"}:
        raise ConfigError(
            "a token that files alerts may neither approve nor contain: make a second one, of another account"
        )
    beyond = [one for one in SCOPES if one in listed and ROLES.index(ROLE_FOR[one]) > ROLES.index(role)]
    if beyond:
        raise ConfigError(f"scope {beyond[0]}: takes the role {ROLE_FOR[beyond[0]]}, and the token's is {role}")
    chosen = listed or {one for one in SCOPES if one != "intake" and ROLES.index(ROLE_FOR[one]) <= ROLES.index(role)}
    return tuple(one for one in SCOPES if one in chosen)
