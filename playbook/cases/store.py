"""The durable record's database: opened by one URL, SQLite or PostgreSQL, every change one serialised transaction."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as Alembic
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, make_url

from playbook.errors import ConfigError, Incomplete, Unreachable

# One lock for every writer: on PostgreSQL changes queue behind it as they do behind SQLite's IMMEDIATE, so that no
# two transactions can take rows and the audit trail in different order.
_WRITERS = 0x626F746E
_BUSY_MS = 30_000
# The baseline: revisions are four digits, so that their order is that of their texts.
_OLDEST = "0007"
# A worker that stands still, or whose machine lost its power, lets go of what it locks: the server ends a transaction
# in which nothing is asked any more, and a session whose other side is gone. What a URL or the server sets stays.
_PATIENCE = {
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_LOCKED = {"lock_timeout": "60s"}
KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON")


@dataclass(frozen=True)
class Store:
    """An open database. ``engine`` is ours and may be handed to the workflow engine; ``file`` is SQLite's, or None."""

    engine: sa.Engine
    file: Path | None

    @contextmanager
    def change(self) -> Iterator[sa.Connection]:
        """One transaction that may write: all of it or none. Raises Incomplete or Unreachable when it cannot."""
        with _told(self.engine), self.engine.connect() as conn:
            conn.execution_options(playbook_begin="BEGIN IMMEDIATE")
            with conn.begin():
                hold_writers(conn)
                yield conn

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view that holds no writer up."""
        with _told(self.engine), self.engine.connect() as conn:
            yield conn.execution_options(playbook_begin="BEGIN")

    def migrate(self) -> None:
        """Bring the tables up to this version's; a database of a newer version is a ConfigError."""
        with self.change() as conn:
            if _revision(conn) == _scripts().get_current_head():
                return
            settings = _alembic()
            settings.attributes["connection"] = conn
            command.upgrade(settings, "head")

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def open_store(url: str, folder: Path = Path(), migrate: bool = True) -> Store:
    """The store at ``url``; a relative SQLite path is relative to ``folder``, and the file is made for its owner only.

    Raises ConfigError for a URL that is neither ``sqlite:///FILE`` nor ``postgresql://...``, Unreachable when the
    database does not answer.
    """
    address = address_of(url, folder)
    file = Path(str(address.database)) if address.get_backend_name() == "sqlite" else None
    if file is not None:
        _make_private(file)
    if file is not None:
        engine = sa.create_engine(address)
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = sa.create_engine(address, pool_pre_ping=True, pool_size=10, connect_args=KEEPALIVES)
        sa.event.listen(engine, "connect", lambda connection, _: set_up_postgresql(connection, _PATIENCE | _LOCKED))
    store = Store(engine, file)
    if migrate:
        store.migrate()
    return store


def address_of(url: str, folder: Path) -> URL:
    """The URL with the driver we ship and an absolute path."""
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        address = None
    backend = address.get_backend_name() if address is not None else ""
    if address is not None and backend == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if address is None or backend != "sqlite" or address.database in (None, "", ":memory:"):
        raise ConfigError('state.url: expected "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"')
    if address.query:
        raise ConfigError(f"state.url: a SQLite file takes no parameters: {', '.join(address.query)}")
    return address.set(drivername="sqlite", database=str((folder / str(address.database)).absolute()))


def hold_writers(conn: sa.Connection) -> None:
    """Wait for our turn to write; let go at the end of the transaction. Repeating it is harmless."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS})


def _make_private(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as fault:
        raise Unreachable(f"state.url: {file}: {fault.strerror}") from fault


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def set_up_postgresql(connection: Any, settings: Mapping[str, str] = MappingProxyType(_PATIENCE)) -> None:
    """Settings of a session, each unless it is set already."""
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false) WHERE current_setting(%s) = '0'", (name, value, name))
    connection.commit()


def _begin_sqlite(conn: sa.Connection) -> None:
    """Begin before the first read, not (as the driver does) before the first write, in the transactions of a Store.

    The workflow engine shares the SQLAlchemy engine and begins its transactions itself.
    """
    begin = conn.get_execution_options().get("playbook_begin")
    if begin:
        conn.exec_driver_sql(begin)


@contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Faults of the database as ours: it could not be reached, or it could not keep what was to be written."""
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError) as fault:
        if fault.statement is None:
            # Said before anything was asked: the driver refuses a parameter of the URL.
            raise ConfigError(f"state.url: {fault.orig}") from None
        raise
    except sa.exc.DatabaseError as fault:
        name = engine.url.render_as_string(hide_password=True)
        raise Incomplete(f"the record at {name} could not be read or written: {fault.orig}") from fault
    except (sa.exc.InterfaceError, sa.exc.TimeoutError) as fault:
        raise Unreachable(f"the record did not answer: {fault}") from fault


def _alembic() -> Alembic:
    settings = Alembic()
    settings.set_main_option("script_location", "playbook.cases:migrations")
    return settings


@cache
def _scripts() -> ScriptDirectory:
    """The migrations that this program has, loaded once."""
    return ScriptDirectory.from_config(_alembic())


def _revision(conn: sa.Connection) -> str | None:
    """The revision of the tables; None when there are none yet."""
    current = MigrationContext.configure(conn).get_current_revision()
    if current is not None and current < _OLDEST:
        raise ConfigError(
            f"state.url: the database is of revision {current} and upgrades begin at {_OLDEST}: open it once with the"
            " release 0.1"
        )
    if current is not None and current not in {script.revision for script in _scripts().walk_revisions()}:
        raise ConfigError(f"state.url: the database is of a newer version ({current}) than this program")
    return current
