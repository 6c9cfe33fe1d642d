"""Query languages the detection can be rendered in: one file or folder a language, found by lying here."""

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any


def languages() -> tuple[str, ...]:
    """The names of all renderers, read from the folder without importing any of them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def render(language: str, **choices: Any) -> str:
    """The query text that ``query LANGUAGE`` prints; KeyError when no renderer of that name lies here.

    A renderer offers ``query(**choices) -> str``; the choices are its own (profile, hunt, preset) with defaults.
    """
    if language not in languages():
        raise KeyError(language)
    return str(_module(language).query(**choices))


def choices(language: str) -> frozenset[str]:
    """The names of the choices that a language's renderer knows."""
    return frozenset(inspect.signature(_module(language).query).parameters)


def _module(language: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{language}")
