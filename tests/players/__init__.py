"""A player a platform: it installs the built package into a folder of its own and calls it as the platform does.

A module offers ``install(built, folder, access) -> Player``: ``built`` is what `manifests build` made. What a platform
shows its user comes back as a ``Reply``. ``CONTAINS = False`` in a module: the package offers no containment.
``TOKEN_TEXT`` and ``DOWN_TEXT``: what it shows for a wrong token and a service that is down, where no program of ours
is in between.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

# The interpreter itself: an environment has our packages.
PYTHON = getattr(sys, "_base_executable", sys.executable)


class Access(NamedTuple):
    """Where the service is, and the two tokens of a platform."""

    address: str
    token: str
    response_token: str


class Reply(NamedTuple):
    """What the platform's user gets: whether it went well, the rows, and the text."""

    ok: bool
    rows: tuple[dict[str, Any], ...]
    text: str


class Player(Protocol):
    """A platform with the package installed."""

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """One action, as the platform calls it."""


def process(
    command: Sequence[str | Path], folder: Path, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in this folder with nothing of ours: no site of ours on the path, and a bare environment."""
    bare = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**bare, **(environment or {})},
    )
