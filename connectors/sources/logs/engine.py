"""DuckDB in a private folder that is removed at the end: bounded memory, no extension from outside, progress."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any

import duckdb

from playbook.errors import BadAnswer

Progress = Callable[[int, int], None]

_POLL_S = 0.2
_BATCH = 10_000
# in_clause makes a join of each longer list of words, which takes a third of the time of reading a CSV; type_pushdown
# (DuckDB 2.0) lets a file's reader cast what the query only tries to cast, and rows where that fails disappear.
_NOT_OPTIMIZED = ("in_clause", "type_pushdown")


class Engine:
    """One DuckDB connection and its folder; ``close`` (or the end of the process) removes both."""

    def __init__(self, memory_mb: int, threads: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="botnet-playbook-"))
        os.chmod(self.folder, 0o700)
        self._removed = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        # A fifth of what may be used is left to Python and to the buffers that DuckDB does not count.
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{memory_mb * 4 // 5}MB",
                "temp_directory": str(self.folder / "spill"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                **({"threads": threads} if threads else {}),
            }
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        known = {name for (name,) in self._connection.execute("FROM duckdb_optimizers()").fetchall()}
        off = ",".join(name for name in _NOT_OPTIMIZED if name in known)
        self._connection.execute(f"SET disabled_optimizers = '{off}'")
        ((threads_used,),) = self._connection.execute("SELECT current_setting('threads')").fetchall()
        self.threads: int = threads_used
        self._in_order: bool | None = None

    def close(self) -> None:
        """End the connection and remove the folder; safe to call again."""
        self._connection.close()
        self._removed()

    def run(self, sql: str, progress: Progress | None = None, total: int = 0, in_order: bool = False) -> None:
        """Execute a statement; duckdb.Error when it fails. ``in_order``: rows must keep the order of their file."""
        if in_order != self._in_order:
            self._connection.execute(f"SET preserve_insertion_order = {str(in_order).lower()}")
            self._in_order = in_order
        if progress is None:
            self._connection.execute(sql)
            return
        with ThreadPoolExecutor(1) as worker:
            running = worker.submit(self._connection.execute, sql)
            while True:
                try:
                    running.result(_POLL_S)
                except NotYet:
                    progress(int(max(self._connection.query_progress(), 0.0) * total / 100), total)
                    continue
                progress(total, total)
                return

    def table(self, name: str, columns: Mapping[str, str], rows: Collection[Sequence[Any]]) -> None:
        """Create the temporary table ``name`` with these columns (name to SQL type) and fill it."""
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} ({', '.join(f'{one} {kind}' for one, kind in columns.items())})")
        if rows:
            cells = ", ".join(f"unnest(?::{kind}[])" for kind in columns.values())
            values = [list(column) for column in zip(*rows, strict=True)]
            self._connection.execute(f"INSERT INTO {name} SELECT {cells}", values)

    def has(self, table: str) -> bool:
        """Whether there is a table of this name; DuckDB's own list of all tables takes ten times as long to ask."""
        try:
            self._connection.execute(f"FROM {table} LIMIT 0")
        except duckdb.CatalogException:
            return False
        return True

    def interrupt(self) -> None:
        """End the statement that runs now with a duckdb.Error; for another thread to call."""
        self._connection.interrupt()

    def rows(self, sql: str, progress: Progress | None = None, total: int = 0) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, in batches."""
        self.run(sql, progress, total)
        while batch := self._connection.fetchmany(_BATCH):
            yield from batch

    def believed(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query that must not fail; BadAnswer when it does."""
        try:
            return list(self.rows(sql))
        except duckdb.Error as fault:
            raise BadAnswer(f"DuckDB: {str(fault).splitlines()[0]}") from fault


def unreadable(engine: Engine, parquet: Path) -> str:
    """Why a Parquet file cannot be read to its end, "" when it can: it is no text that could be mended."""
    name = "".join(f"[{c}]" if c in "*?[" else c for c in str(parquet)).replace("'", "''")
    try:
        engine.run(f"CREATE OR REPLACE TEMP TABLE probe AS SELECT max(hash(COLUMNS(*))) FROM read_parquet('{name}')")
    except duckdb.Error as fault:
        return str(fault).splitlines()[0][:200]
    return ""
