"""Writes docs/configuration.md from the models: every table and key, its kind, default and bounds, and what it is for.

Run by `make manifests`. What a key is for comes from its field's description, else from the sentence of the model's own
docstring that names it.
"""

import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import connectors
from playbook.config import AlertSender, ContainPerHour, Limits, Policy, Serve, State
from playbook.model.site import Networks
from playbook.rules import all_rules
from playbook.web.oidc import Settings as OidcSettings
from scripts.configuration_words import BY_KEY, BY_TABLE

HEAD = """# Configuration

Made from the models by `make manifests`; do not edit. One TOML file, by default `playbook.toml` in the working
directory; `botnet-playbook init` writes a first one and `botnet-playbook check` tries it. Every wrong key is named with
its path and the nearest valid one. Relative paths are relative to the file. A secret never stands in the file: give
`<key>_env = "VARIABLE"` in its place. `http://` is accepted for loopback addresses only.

Words of this page: [glossary](glossary.md). The records and files of connectors: [evidence](evidence.md),
[logs](logs.md), [containment](containment.md), [tickets](tickets.md), [notifications](notifications.md).
"""
_ROLES = {
    "sources": "where connections are read from",
    "enrichers": "who knows something of an address, a name, a host or a process",
    "containments": "what can block or isolate",
    "tickets": "where tickets are opened",
    "notifiers": "who is told",
}
_KINDS = {"AwareDatetime": "time, ISO 8601", "IPv4Network": "network", "IPv6Network": "network"}
_SENTENCE = re.compile(r"(?<=\.)\s+")


def frames() -> tuple[tuple[str, type[BaseModel]], ...]:
    """The tables that every configuration may have."""
    return (
        ("networks", Networks),
        ("state", State),
        ("policy", Policy),
        ("limits", Limits),
        ("limits.max_containments_per_hour", ContainPerHour),
        ("serve", Serve),
        ("serve.oidc", OidcSettings),
        ("alerts.NAME", AlertSender),
    )


def products() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Role, kind and settings of every connector."""
    for role in _ROLES:
        for kind in connectors.catalogue(role):
            yield role, kind, connectors.load(role, kind).Settings


def purpose(table: str, model: type[BaseModel], name: str) -> str:
    """What a key is for, "" when nobody says."""
    description = model.model_fields[name].description
    if description or f"{table}.{name}" in BY_TABLE:
        return " ".join((description or BY_TABLE[f"{table}.{name}"]).split())
    for base in model.__mro__:
        text = " ".join((base.__doc__ or "").split())
        told = next((part for part in _SENTENCE.split(text) if f"``{name}``" in part), "")
        if told:
            return told
    return BY_KEY.get(name, "")


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table of a configuration with its model; that of a product carries the product's kind."""
    yield from frames()
    yield from ((f"policy.rules.{name}", rule.params) for name, rule in all_rules().items())
    yield from ((f"{role}.{kind}", model) for role, kind, model in products())


def kind_of(annotation: Any) -> str:
    """The kind of value as a person says it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in (str, SecretStr) or annotation is SecretStr:
        return "secret, by `_env`" if annotation is SecretStr else "text"
    if origin is typing.Annotated:
        return kind_of(arguments[0])
    if origin is typing.Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(kind_of(one) for one in arguments if one is not type(None)))
    if origin in (tuple, list, frozenset, set):
        return f"list of {kind_of(arguments[0])}" if arguments else "list"
    if origin is dict:
        return f"table of {kind_of(arguments[1])}"
    names = {bool: "true or false", int: "whole number", float: "number", Path: "file", Any: "any"}
    if annotation in names:
        return names[annotation]
    name = getattr(annotation, "__name__", str(annotation))
    return {"AwareDatetime": "time, ISO 8601", "IPv4Network": "network", "IPv6Network": "network"}.get(
        name, name.lower()
    )


def default_of(field: FieldInfo) -> str:
    """The default as TOML shows it, or that there is none."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=False)
    if value is None or value is PydanticUndefined or value in ((), {}, [], "", frozenset()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, BaseModel):
        return "its own table"
    if isinstance(value, tuple | list | frozenset):
        shown = ", ".join(str(one) for one in list(value)[:6])
        return f"`{shown}{', ...' if len(value) > 6 else ''}`"
    return f"`{value}`"


def bounds_of(field: FieldInfo) -> str:
    """From where to where a value may go."""
    found = []
    for one in field.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if getattr(one, name, None) is not None:
                found.append(f"{sign} {getattr(one, name):,}")
    return ", ".join(found)


def table(name_of_table: str, model: type[BaseModel]) -> Iterator[str]:
    """One line a key."""
    yield "| key | value | default | what it is for |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        value = kind_of(field.annotation) + (f", {bounds}" if (bounds := bounds_of(field)) else "")
        cells = (f"`{field.alias or name}`", value, default_of(field), purpose(name_of_table, model, name))
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("``", "`") for cell in cells) + " |"


def _about(model: type[BaseModel]) -> str:
    return (inspect.getdoc(model) or "").strip().replace("``", "`")


def links(text: str) -> tuple[str, ...]:
    """The files that a Markdown text links to, without what is on the network and without the place in the page."""
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return tuple(one.partition("#")[0] for one in found if not re.match(r"[a-z]+:|#", one))


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for name, model in frames():
        lines += [f"## [{name}]", "", _about(model), "", *table(name, model), ""]
    lines += ["## [policy.rules.NAME]", "", "The parameters of each rule; a rule without any is not listed.", ""]
    for name, rule in all_rules().items():
        if rule.params.model_fields:
            where = f"policy.rules.{name}"
            lines += [f"### [{where}]", "", rule.sentence, "", _about(rule.params), ""]
            lines += [*table(where, rule.params), ""]
    shown = ""
    for role, kind, model in products():
        if role != shown:
            lines += [f"## [{role}.NAME]", "", f"{_ROLES[role][:1].upper()}{_ROLES[role][1:]}.", ""]
            shown = role
        lines += [f'### {role}: kind = "{kind}"', "", _about(model), ""]
        lines += [*table(f"{role}.{kind}", model), ""] if model.model_fields else ["No key of its own.", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
