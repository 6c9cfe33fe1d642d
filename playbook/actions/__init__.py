"""What a platform may call: one typed operation a file, found by lying in this folder.

An action module offers ``KIND``, ``READ_ONLY``, ``Input`` and ``Output`` (frozen models of scalars) and
``run(given, outside) -> Result``; one that works on the record offers ``carry(given, record) -> Result`` instead
(``_record.Record``). ``SCOPE`` and ``ROLE`` say what a token needs where the kind does not. Its file name is the
identifier (verb_object); its first docstring line is the description. Lists inside one column are text: names joined
by commas, sentences one a line. A file whose name begins with an underscore is no action.
"""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, Literal, NamedTuple, Protocol, Union, get_args, get_origin

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from playbook.config import Config, Table, validated
from playbook.errors import ConfigError, NotApproved
from playbook.model import Value
from playbook.model.address import Network
from playbook.model.check import CheckResult
from playbook.model.site import Site
from playbook.ports import DetectionSource, Enricher, Toolkit
from playbook.respond import RunTerms

Kind = Literal["investigate", "contain", "correct", "generic", "test"]
Role = Literal["viewer", "responder", "approver", "admin"]
Scope = Literal["intake", "investigate", "approve", "contain"]
KINDS: tuple[Kind, ...] = ("test", "investigate", "generic", "contain", "correct")
Scalar = str | int | float | bool | None
DataType = Literal["text", "integer", "number", "boolean"]

_TYPES: Mapping[type, DataType] = {str: "text", bool: "boolean", int: "integer", float: "number"}


class Flat(Value):
    """Base of every input and output: scalars only, so that any platform can carry it."""

    model_config = ConfigDict(defer_build=True)


class Outside(Protocol):
    """What an action may reach: the configuration, and connectors by way of the assembly."""

    @property
    def config(self) -> Config:
        """The whole configuration."""

    @property
    def file(self) -> str:
        """What it is called in errors."""

    @property
    def now(self) -> datetime:
        """The moment of the call."""

    @property
    def site(self) -> Site:
        """Networks, exceptions and the instant to judge by."""

    def source(self, table: tuple[str, Table]) -> DetectionSource:
        """One source, wired; ConfigError when its table is wrong."""

    def enrichers(self) -> tuple[tuple[Enricher, ...], Mapping[str, tuple[Network, ...]]]:
        """Every enricher, wired, and by name the networks of those that serve only some of our hosts."""

    def around(self, source: DetectionSource) -> tuple[Toolkit, RunTerms]:
        """Everything a run takes, over a source that is there already."""

    def everything(self) -> tuple[Mapping[str, "Checked"], tuple[str, ...]]:
        """Every configured connector by ``section.name``, and warnings about the configuration itself."""


class Checked(Protocol):
    """A connector of any kind, as far as checking it goes."""

    def check(self) -> tuple[CheckResult, ...]:
        """Whether it works, and what to do when it does not."""


class Result(NamedTuple):
    """What an action says: flat rows, one sentence, and whether something that was asked is missing from it."""

    rows: tuple[Flat, ...]
    message: str
    complete: bool = True
    warnings: tuple[str, ...] = ()


class Slot(NamedTuple):
    """One field of an input or output as a manifest needs it; ``contains`` are the types that platforms match on."""

    name: str
    type: DataType
    required: bool
    default: Scalar
    description: str
    contains: tuple[str, ...]
    primary: bool
    choices: tuple[str, ...]
    example: Scalar


class Action(NamedTuple):
    """An action as the catalogue lists it; ``module`` holds its ``run``."""

    identifier: str
    kind: Kind
    read_only: bool
    description: str
    input: type[Flat]
    output: type[Flat]
    module: Any

    @property
    def name(self) -> str:
        """Verb and object, as a platform shows it."""
        return self.identifier.replace("_", " ")

    @property
    def changes(self) -> bool:
        """Whether it contains or releases something, so that a platform marks it as dangerous."""
        return self.kind in ("contain", "correct")

    @property
    def on_record(self) -> bool:
        """Whether it works on the durable record, for an account that is proven."""
        return self.changes or hasattr(self.module, "carry")

    @property
    def scope(self) -> Scope:
        """The scope that a token needs."""
        default: Scope = "contain" if self.changes else "investigate"
        return getattr(self.module, "SCOPE", default)

    @property
    def role(self) -> Role:
        """The least role that a token needs."""
        default: Role = "approver" if self.changes else "viewer" if self.read_only else "responder"
        return getattr(self.module, "ROLE", default)

    @property
    def inputs(self) -> tuple[Slot, ...]:
        """The fields it takes, in their order."""
        return tuple(_slot(name, field) for name, field in self.input.model_fields.items())

    @property
    def outputs(self) -> tuple[Slot, ...]:
        """The columns of its rows, in their order."""
        return tuple(_slot(name, field) for name, field in self.output.model_fields.items())

    def read(self, given: Mapping[str, Any]) -> Flat:
        """The input, checked; null and empty text are "not given". ConfigError names each wrong field."""
        nested = [name for name, value in given.items() if isinstance(value, dict | list)]
        if nested:
            raise ConfigError(
                "\n".join(
                    f"{self.identifier}: {name}: expected text, a number or a boolean, not a list or an object"
                    for name in nested
                )
            )
        faults = [fault for slot in self.inputs if (fault := _no_scalar(slot, given.get(slot.name)))]
        if faults:
            raise ConfigError("\n".join(f"{self.identifier}: {fault}" for fault in faults))
        return self.checked(self.input, given)

    def checked(self, model: type[Flat], given: Mapping[str, Any]) -> Flat:
        """The values as this model. ConfigError names each wrong field, what it is for and an example."""
        present = {name: value for name, value in given.items() if value is not None and value != ""}
        try:
            return validated(model, present, self.identifier, "")
        except ConfigError as fault:
            raise ConfigError(self._spelt_out(str(fault))) from None

    def _spelt_out(self, faults: str) -> str:
        """The faults with what a field is for and an example, never with a pattern of ours."""
        for slot in self.inputs:
            faults = faults.replace(f" {slot.name}: Field required", f" {slot.name}: required: {slot.description}")
            shape = f" {slot.name}: expected {slot.description}, such as {slot.example}"
            # The shape is literal text: its backslashes are no groups.
            literal = shape.replace("\\", r"\\")
            faults = re.sub(rf" {slot.name}: expected a text of the form .*", literal, faults)
        return faults.replace(": Value error, ", ": ")

    def run(self, given: Mapping[str, Any], outside: Outside) -> Result:
        """Check the input and do it. Raises PlaybookError; a partial answer is a Result that says so."""
        checked = self.read(given)
        if not hasattr(self.module, "run"):
            raise NotApproved(
                f"{self.identifier}: refused, nothing was changed: it works on the record, so it needs "
                f"[state] in {outside.file} and an account that proves itself (BOTNET_PLAYBOOK_TOKEN)"
            )
        result: Result = self.module.run(checked, outside)
        return result


def slot(
    description: str,
    default: Any = ...,
    *,
    contains: tuple[str, ...] = (),
    primary: bool = False,
    example: Scalar = None,
    **limits: Any,
) -> Any:
    """A field of an Input or Output: what it is, its default (none: required), and what platforms know it as."""
    known: JsonDict = {"contains": list(contains), "primary": primary, "example": example}
    return Field(default, description=description, json_schema_extra=known, **limits)


@cache
def identifiers() -> tuple[str, ...]:
    """The identifiers of all actions, read from the folder without importing any of them."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def find(identifier: str) -> Action:
    """The one action of this identifier (its name with spaces is accepted too); ConfigError when there is none."""
    known = identifier.strip().replace(" ", "_")
    if known not in identifiers():
        raise ConfigError(f"{identifier!r} is no action; there are: {', '.join(identifiers())}")
    return _declared(known)


def catalogue() -> tuple[Action, ...]:
    """Every action: what tests, investigates, then what changes something; alphabetical within a kind."""
    return tuple(sorted(map(_declared, identifiers()), key=lambda a: (KINDS.index(a.kind), a.identifier)))


@cache
def _declared(identifier: str) -> Action:
    module = importlib.import_module(f"{__name__}.{identifier}")
    sentence = (module.__doc__ or "").strip().splitlines()[0]
    return Action(identifier, module.KIND, module.READ_ONLY, sentence.rstrip("."), module.Input, module.Output, module)


def _slot(name: str, field: FieldInfo) -> Slot:
    known: Mapping[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind, choices = _plain(name, field.annotation)
    return Slot(
        name,
        kind,
        field.is_required(),
        None if field.default is PydanticUndefined else field.default,
        field.description or "",
        tuple(known.get("contains", ())),
        bool(known.get("primary")),
        choices,
        known.get("example"),
    )


def _no_scalar(slot: Slot, value: Any) -> str:
    """Why a boolean or a number is not taken for the other; "" when it is what the field takes, or is text."""
    if isinstance(value, bool) and slot.type in ("integer", "number"):
        return f"{slot.name}: expected {'a whole number' if slot.type == 'integer' else 'a number'}, not a boolean"
    if slot.type == "boolean" and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{slot.name}: expected true or false, not a number"
    return ""


def _plain(name: str, annotation: Any) -> tuple[DataType, tuple[str, ...]]:
    """The scalar type of an annotation, and its choices when it is a Literal of texts; TypeError for anything else."""
    if annotation in _TYPES:
        return _TYPES[annotation], ()
    # An Annotated type inside an Optional still wears its checks.
    parts = tuple(getattr(part, "__origin__", part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) in (Union, UnionType) and len(parts) == 1 and parts[0] in _TYPES:
        return _TYPES[parts[0]], ()
    if get_origin(annotation) is Literal and all(isinstance(part, str) for part in parts):
        return "text", parts
    raise TypeError(f"{name}: {annotation} is no scalar")
