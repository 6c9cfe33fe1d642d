"""Debian's PostgreSQL on a unix socket in a temporary folder, for tests: started once, a database or schema a test."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support import memory

_NUMBERS = itertools.count(1)


def binaries() -> Path | None:
    """The newest installed server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def why_not() -> str | None:
    """Why no server can be started here, or None when one can."""
    if binaries() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL does not run as root and there is no account 'postgres'"
    return None


def _unprivileged() -> str | None:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


@dataclass
class Server:
    """A running server; ``user`` runs it when the tests run as root."""

    folder: Path
    user: str | None
    sync: str = "off"

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def fresh(self, **settings: str) -> str:
        """The URL of a new, empty database; ``settings`` are those of every session in it."""
        name = f"t{next(_NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}")
            for setting, value in settings.items():
                conn.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        return self.url(name)

    def schema(self) -> str:
        """The URL of a new, empty schema: much cheaper than a database."""
        name = f"t{next(_NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE SCHEMA {name}")
        return self.url("postgres") + f"&options=-csearch_path%3D{name}"

    def start(self) -> None:
        """Start it; nothing happens when it runs."""
        if not self.running():
            self.run(
                "pg_ctl",
                "-D",
                str(self.folder / "data"),
                "-w",
                "-l",
                str(self.folder / "log"),
                "-o",
                f"-k {self.folder} -c listen_addresses='' -c fsync={self.sync} -c max_connections=60 "
                "-c max_wal_size=64MB",
                "start",
            )

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: ``immediate`` as a crash does, ``fast`` as an administrator does."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "stop")

    def running(self) -> bool:
        """Whether it answers."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as the unprivileged account."""
        done = subprocess.run(
            [str((binaries() or Path()) / program), *arguments],
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def server(synced: bool = False, under: Path | None = None) -> Iterator[Server]:
    """A server that lives as long as the block; nothing is synced (unless wished), since nobody needs its data.

    ``under`` is where its data shall lie, else in memory (synced: on the disk).
    """
    folder = memory.new_folder(under or (Path(tempfile.gettempdir()) if synced else None))
    one = Server(folder, _unprivileged() if os.geteuid() == 0 else None, "on" if synced else "off")
    if one.user:
        shutil.chown(folder, one.user)
    try:
        one.run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-sync")
        one.start()
        yield one
    finally:
        one.stop()
        memory.remove(folder)
