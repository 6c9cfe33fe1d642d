"""One lens a SOAR platform: the catalogue of actions -> that platform's package, found by lying in this folder.

A lens module offers ``render(catalogue) -> dict[str, str]``: text by the file's path inside ``manifests/PLATFORM/``.
The text depends on the catalogue and the version alone, so that a committed package can be checked for drift.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from playbook.actions import Action
from playbook.errors import ConfigError


class Drift(NamedTuple):
    """A file of a package that is not what the catalogue makes of it, and how it differs."""

    file: str
    how: str


def platforms() -> tuple[str, ...]:
    """The names of all platforms, read from the folder without importing any of them."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))


def render(platform: str, catalogue: Sequence[Action]) -> dict[str, str]:
    """The package of one platform; ConfigError when no lens of that name lies here."""
    if platform not in platforms():
        raise ConfigError(f"{platform!r} is no platform; there are: {', '.join(platforms())}")
    files: dict[str, str] = importlib.import_module(f"{__name__}.{platform}").render(tuple(catalogue))
    return files


def write(folder: Path, package: dict[str, str]) -> None:
    """Make the folder hold exactly this package: other files in it go."""
    for stale in _present(folder) - package.keys():
        (folder / stale).unlink()
    for name, text in package.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def drift(folder: Path, package: dict[str, str]) -> tuple[Drift, ...]:
    """Every file that is missing, differs, or does not belong, by name."""
    present = _present(folder)
    found = [Drift(name, "is missing") for name in package.keys() - present]
    found += [Drift(name, "is not made from the catalogue") for name in present - package.keys()]
    found += [
        Drift(name, "differs from what the catalogue makes")
        for name in package.keys() & present
        if (folder / name).read_bytes() != package[name].encode()
    ]
    return tuple(sorted(found))


def _present(folder: Path) -> set[str]:
    every = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix() for path in every}
