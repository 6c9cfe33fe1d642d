"""The one table of the block list, in the database of the cases: a row for each key, kept after its end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from connectors.containments._targets import single
from connectors.http import printable
from playbook.errors import ConfigError, ConnectorError, Unreachable
from playbook.model.address import Address

METADATA = sa.MetaData()
# Times are whole seconds of the epoch, UTC; released_at NULL means that only ``until_at`` ends the entry.
ENTRIES = sa.Table(
    "blocklist_entries",
    METADATA,
    sa.Column("feed", sa.String(100), primary_key=True),
    sa.Column("entry_key", sa.String(64), primary_key=True),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("set_at", sa.BigInteger, nullable=False),
    sa.Column("until_at", sa.BigInteger, nullable=False),
    sa.Column("released_at", sa.BigInteger),
    sa.Index("blocklist_entries_active", "feed", "released_at", "until_at"),
)
# Both dialects have the same upsert; SQLAlchemy gives it no common type.
_INSERT: Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_BUSY_S = 10
# PostgreSQL's counterpart of BEGIN IMMEDIATE: two writers could both see room for one, or both make the table.
_WRITERS = 0x626C6F63


@dataclass(frozen=True)
class Entry:
    """One row: which key asked for which address, since when and until when (epoch seconds)."""

    key: str
    address: Address
    set_at: int
    until_at: int
    released_at: int | None = None

    def active(self, now: int) -> bool:
        """Whether the entry is in force at ``now``."""
        return self.released_at is None and self.until_at > now


class BlocklistTable:
    """The rows of one feed. Every method is one transaction; any fault of the database is ConnectorError."""

    def __init__(self, url: str, folder: Path, feed: str) -> None:
        self._feed = feed
        address = _address(url, folder, feed)
        lite = address.get_backend_name() == "sqlite"
        try:
            self._engine = sa.create_engine(
                address,
                pool_pre_ping=not lite,
                connect_args={"timeout" if lite else "connect_timeout": _BUSY_S},
            )
        except (NoSuchModuleError, ImportError) as fault:
            raise ConfigError(f"{feed}: state_url: {type(fault).__name__}: its driver is not installed") from None
        if lite:
            sa.event.listen(self._engine, "connect", _durable)
            sa.event.listen(self._engine, "begin", _begin)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def prepare(self) -> None:
        """Create the table unless it is there; several workers may do so at once."""
        with self._told("the table could not be created"), self._writing() as connection:
            connection.execute(sa.schema.CreateTable(ENTRIES, if_not_exists=True))
            for index in ENTRIES.indexes:
                connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))

    def read(self, key: str) -> Entry | None:
        """The row of ``key``, in force or not."""
        with self._told("it could not be read"), self._reading() as connection:
            return self._row(connection, key)

    def active(self, now: int) -> tuple[Entry, ...]:
        """Every row in force at ``now``; ConnectorError when a single one cannot be read."""
        mine = sa.and_(ENTRIES.c.feed == self._feed, ENTRIES.c.released_at.is_(None), ENTRIES.c.until_at > now)
        with self._told("it could not be read"), self._reading() as connection:
            return tuple(_entry(row) for row in connection.execute(sa.select(ENTRIES).where(mine)))

    def changed_at(self, now: int) -> int:
        """When the list last changed, up to ``now``: the latest setting, release or end of a row; 0 for never."""
        ended = sa.case((ENTRIES.c.until_at <= now, ENTRIES.c.until_at), else_=0)
        latest = [sa.func.max(value) for value in (ENTRIES.c.set_at, ENTRIES.c.released_at, ended)]
        with self._told("it could not be read"), self._reading() as connection:
            row = connection.execute(sa.select(*latest).where(ENTRIES.c.feed == self._feed)).one()
        return max(value or 0 for value in row)

    def put(self, entry: Entry, most: int) -> Entry | None:
        """Set the row of ``entry.key``; the row as it was. ConnectorError when the list is full."""
        values = {
            "feed": self._feed,
            "entry_key": entry.key,
            "address": str(entry.address),
            "set_at": entry.set_at,
            "until_at": entry.until_at,
            "released_at": None,
        }
        upsert = (
            _INSERT[self._engine.dialect.name](ENTRIES)
            .values(values)
            .on_conflict_do_update(
                index_elements=["feed", "entry_key"],
                set_=values,
            )
        )
        with self._told("it could not be written"), self._writing() as connection:
            before = self._row(connection, entry.key)
            if before is not None and before.address != entry.address:
                raise ConfigError(f"{self._feed}: key {entry.key} stands for {before.address}, not {entry.address}")
            self._room(connection, entry, most)
            connection.execute(upsert)
        return before

    def end(self, key: str, address: Address, now: int) -> bool:
        """Release the row of ``key``; whether it was in force."""
        mine = sa.and_(
            ENTRIES.c.feed == self._feed,
            ENTRIES.c.entry_key == key,
            ENTRIES.c.address == str(address),
            ENTRIES.c.released_at.is_(None),
        )
        # The end by TTL is kept: a release after it changes nothing.
        ends = sa.update(ENTRIES).where(mine, ENTRIES.c.until_at > now).values(released_at=now)
        with self._told("it could not be written"), self._writing() as connection:
            return connection.execute(ends).rowcount > 0

    def _row(self, connection: sa.Connection, key: str) -> Entry | None:
        mine = sa.and_(ENTRIES.c.feed == self._feed, ENTRIES.c.entry_key == key)
        row = connection.execute(sa.select(ENTRIES).where(mine)).one_or_none()
        return None if row is None else _entry(row)

    def _room(self, connection: sa.Connection, entry: Entry, most: int) -> None:
        others = sa.and_(
            ENTRIES.c.feed == self._feed,
            ENTRIES.c.released_at.is_(None),
            ENTRIES.c.until_at > entry.set_at,
            ENTRIES.c.address != str(entry.address),
        )
        count = connection.execute(sa.select(sa.func.count(ENTRIES.c.address.distinct())).where(others)).scalar_one()
        if count >= most:
            raise ConnectorError(f"{self._feed}: the block list is full ({most} addresses): nothing was added")

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            yield connection.execution_options(reads_only=True)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS})
            yield connection

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as fault:
            # The driver's first line; never the statement, whose parameters are not ours to show.
            lines = str(getattr(fault, "orig", None) or type(fault).__name__).splitlines() or [type(fault).__name__]
            raise Unreachable(f"{self._feed}: the block list: {what}: {printable(lines[0])[:200]}") from None


def _entry(row: Any) -> Entry:
    try:
        return Entry(row.entry_key, single(row.address), row.set_at, row.until_at, row.released_at)
    except ConfigError:
        raise ConnectorError(f"the block list holds a row that is no address (key {row.entry_key!r})") from None


def _address(url: str, folder: Path, feed: str) -> URL:
    """The same database that the cases are in: a relative file is relative to the configuration's folder."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    if address is not None and address.get_backend_name() == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if address is None or address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        raise ConfigError(f'{feed}: state_url: expected "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"')
    file = quote(str((folder / str(address.database)).absolute()))
    # mode=rw: a file that is missing is a fault and never a new, empty block list.
    return URL.create("sqlite", database=f"file:{file}", query={"mode": "rw", "uri": "true"})


def _durable(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late to hold a read and a write together
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
