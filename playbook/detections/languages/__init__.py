"""Query languages the detection can be rendered in: one file or folder a language, found by lying here."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any, cast

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


def choices(language: str) -> frozenset[str]:
    """What a language lets one choose for ``render``: the parameters of its ``query``."""
    return frozenset(inspect.signature(_module(language).query).parameters)


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


def render(language: str, **chosen: Any) -> str:
    """The query text that ``query LANGUAGE`` prints; KeyError when no renderer of that name lies here.

    A renderer offers ``query(**chosen) -> str``; the choices are its own (profile, hunt, preset) with defaults.
    """
    return str(_module(language).query(**chosen))


def _module(language: str) -> QueryLanguageModule:
    if language not in languages():
        raise KeyError(language)
    return cast(QueryLanguageModule, importlib.import_module(f"{__name__}.{language.replace('-', '_')}"))
