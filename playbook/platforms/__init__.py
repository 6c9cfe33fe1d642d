"""One lens a SOAR platform: the catalogue of actions -> that platform's package, found by lying in this folder.

A lens module offers ``render(catalogue) -> Files``: text or bytes by the file's path inside ``manifests/PLATFORM/``.
It depends on the catalogue and the version alone, so that a committed package can be checked for drift. A lens whose
platform installs one file offers ``build(files) -> {name: bytes}`` too; the others' files are installed as they are.
One that can carry wheels offers ``with_wheels(files, wheels) -> Files``. A name with a leading underscore is shared
by the lenses and no platform.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playbook.actions import Action
from playbook.errors import ConfigError

Files = Mapping[str, str | bytes]


class Drift(NamedTuple):
    """A file of a package that is not what the catalogue makes of it, and how it differs."""

    file: str
    how: str


def platforms() -> tuple[str, ...]:
    """The names of all platforms, read from the folder without importing any of them."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def render(platform: str, catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The package of one platform; ConfigError when no lens of that name lies here."""
    return dict(_lens(platform).render(tuple(catalogue)))


def build(platform: str, catalogue: Sequence[Action], wheels: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """The files that the platform installs, by name: one archive, or the package's own files under its name.

    ConfigError when ``wheels`` are given to a platform whose package holds none.
    """
    lens, files = _lens(platform), render(platform, catalogue)
    if wheels:
        if not hasattr(lens, "with_wheels"):
            raise ConfigError(f"{platform}: its package holds no wheels; leave --wheels out")
        files = dict(lens.with_wheels(files, wheels))
    content = {name: _bytes(text) for name, text in files.items()}
    if not hasattr(lens, "build"):
        return {f"{platform}/{name}": text for name, text in content.items()}
    return dict(lens.build(content))


def write(folder: Path, package: Files) -> None:
    """Make the folder hold exactly this package: other files in it go."""
    for stale in _present(folder) - package.keys():
        (folder / stale).unlink()
    for name, text in package.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(text))


def drift(folder: Path, package: Files) -> tuple[Drift, ...]:
    """Every file that is missing, differs, or does not belong, by name."""
    present = _present(folder)
    found = [Drift(name, "is missing") for name in package.keys() - present]
    found += [Drift(name, "is not made from the catalogue") for name in present - package.keys()]
    found += [
        Drift(name, "differs from what the catalogue makes")
        for name in package.keys() & present
        if (folder / name).read_bytes() != _bytes(package[name])
    ]
    return tuple(sorted(found))


def _lens(platform: str) -> Any:
    if platform not in platforms():
        raise ConfigError(f"{platform!r} is no platform; there are: {', '.join(platforms())}")
    return importlib.import_module(f"{__name__}.{platform}")


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _present(folder: Path) -> set[str]:
    every = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix() for path in every}
