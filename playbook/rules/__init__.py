"""One piece of judgement a file, found by lying in this folder.

A rule module fits ``playbook.ports.RuleModule``. Its first docstring line is the sentence an analyst would say. A
static filter (``FILTER``) is judged first and from offline facts alone.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple, cast

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence
from playbook.ports import RuleModule


class Rule(NamedTuple):
    """A rule as the stages see it: its name (the file's), its parameters' type and its function."""

    name: str
    params: type[Value]
    judge: Callable[[EnrichedDetection, Value], Evidence | None]
    sentence: str
    filter: bool = False


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule in this folder by name, in alphabetical order."""
    found: dict[str, Rule] = {}
    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = cast(RuleModule, importlib.import_module(f"{__name__}.{entry.name}"))
        sentence = (module.__doc__ or "").strip().splitlines()[0]
        found[entry.name] = Rule(entry.name, module.Params, module.judge, sentence, getattr(module, "FILTER", False))
    return MappingProxyType(found)
