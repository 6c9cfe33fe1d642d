"""Query languages the detection can be rendered in: one file or folder a language, found by lying here."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any, cast

from playbook.detections.languages._detections import all_detections as all_detections
from playbook.model.detection import RULE
from playbook.ports import QueryLanguageModule


def languages() -> tuple[str, ...]:
    """The names of all renderers, read from the folder without importing any of them; ``_`` is shown as ``-``."""
    return tuple(
        sorted(
            module.name.replace("_", "-")
            for module in pkgutil.iter_modules(__path__)
            if not module.name.startswith("_")
        )
    )


def choices(language: str, rule: str = RULE) -> frozenset[str]:
    """What a language lets one choose for ``render``: the parameters of its ``query`` of that detection.

    KeyError when the language does not render the detection.
    """
    return frozenset(inspect.signature(_renderer(language, rule).query).parameters)


def rules(language: str) -> tuple[str, ...]:
    """The detections that a language renders: the beaconing detection, and each with a file in its folder."""
    folder = getattr(_module(language), "__path__", ())
    own = {module.name for module in pkgutil.iter_modules(folder)}
    return tuple(name for name in all_detections() if name == RULE or name in own)


def presets(language: str, hunt: str | None = None) -> tuple[str, ...]:
    """The presets of a language, of a hunt also those that only hunts read; empty when it has none."""
    module = _module(language)
    known = getattr(module, "PRESETS", {})
    return tuple(getattr(module, "HUNTED", known) if hunt else known)


def preset_of(language: str, profile: str) -> str | None:
    """The preset that means a profile, where a language has one."""
    meant = getattr(_module(language), "PROFILE", {})
    return next((preset for preset, own in meant.items() if own == profile), None)


def asks(language: str, table: Mapping[str, Any]) -> bool:
    """Whether a ``[sources.NAME]`` table is of a source that is asked in this language."""
    module = _module(language)
    own = getattr(module, "SOURCE_PRESET", None)
    return table.get("kind") == getattr(module, "SOURCE_KIND", "") and own in (None, table.get("preset"))


def proof(language: str) -> Mapping[str, tuple[str, str, str]]:
    """What is rendered, what reads it and what runs it, by detection or hunt, as the language says of itself."""
    return getattr(_module(language), "PROOF", {"beaconing": ("yes", "own tests", "never run")})


def render(language: str, rule: str = RULE, **chosen: Any) -> str:
    """The query text that ``query LANGUAGE --rule RULE`` prints; KeyError when no renderer of that name lies here.

    A renderer offers ``query(**chosen) -> str``; the choices are its own (profile, hunt, preset) with defaults.
    ValueError when the source lacks a field that the detection needs.
    """
    return str(_renderer(language, rule).query(**chosen))


def _renderer(language: str, rule: str) -> QueryLanguageModule:
    if rule == RULE:
        return _module(language)
    if rule not in rules(language):
        raise KeyError(f"it does not render {rule}; it renders: {', '.join(rules(language))}")
    folder = f"{__name__}.{language.replace('-', '_')}"
    return cast(QueryLanguageModule, importlib.import_module(f"{folder}.{rule}"))


def _module(language: str) -> QueryLanguageModule:
    if language not in languages():
        raise KeyError(language)
    return cast(QueryLanguageModule, importlib.import_module(f"{__name__}.{language.replace('-', '_')}"))
