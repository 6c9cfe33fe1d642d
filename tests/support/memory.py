"""Folders in memory for tests, and the removal of those that a run which was cut off has left behind."""

import fcntl
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

SHARED = Path("/dev/shm")
_PREFIX = "botnet-playbook-test."
_LOCK = ".in-use"
# Open as long as this process lives: the kernel lets go of a lock however its process ends.
_locks: dict[Path, TextIO] = {}


def new_folder(under: Path | None = None) -> Path:
    """A new folder, in memory where there is any, that counts as in use until it is removed or this process ends."""
    base = under or (SHARED if os.access(SHARED, os.W_OK) else None)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = (folder / _LOCK).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _locks[folder] = lock
    return folder


def remove(folder: Path) -> None:
    """Remove a folder of this process."""
    shutil.rmtree(folder, ignore_errors=True)
    _locks.pop(folder).close()


def remove_abandoned(base: Path = SHARED) -> tuple[Path, ...]:
    """Remove the folders that no living process uses, and end the database servers in them; gives what was removed."""
    abandoned = tuple(folder for folder in sorted(base.glob(f"{_PREFIX}*")) if not _in_use(folder))
    for folder in abandoned:
        _end_server(folder / "data" / "postmaster.pid")
        shutil.rmtree(folder, ignore_errors=True)
    return abandoned


def _in_use(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked, another user's, or only just made
        return True
    return False


def _end_server(pid_file: Path) -> None:
    """End the PostgreSQL server whose data lie beside this file: it would write on into a removed folder."""
    with suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        if str(pid_file.parent).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGQUIT)
