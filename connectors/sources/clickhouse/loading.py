"""Rows of log files into a table of ours, each file exactly once, whatever is killed in between.

Every row carries the digest of its file. What an attempt that was cut off left behind is deleted before the file is
sent again, the rows are counted when all are sent, and only then the file is entered in the list of loaded ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from connectors.http import Transport
from connectors.sources.clickhouse import decoding
from connectors.sources.clickhouse.client import Answer, run, write
from connectors.sources.clickhouse.settings import Settings
from playbook.detections.languages.clickhouse import escaping
from playbook.detections.languages.clickhouse.presets import PRESETS
from playbook.errors import ConfigError, Incomplete
from playbook.model.detection import TimeWindow

# As the readers of log files give them; times are UTC.
_COLUMNS = {
    "start": "DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD)",
    "hostname": "LowCardinality(String)",
    "src_ip": "String",
    "src_port": "Nullable(Int32)",
    "dst_ip": "String",
    "dst_port": "Nullable(Int32)",
    "proto": "LowCardinality(String)",
    "conns": "Int64",
    "bytes_sent": "Nullable(Int64)",
    "bytes_rcvd": "Nullable(Int64)",
    "bytes_total": "Nullable(Int64)",
    "orig_bytes": "Nullable(Int64)",
    "sent_packets": "Nullable(Int64)",
    "rcvd_packets": "Nullable(Int64)",
    "process_name": "LowCardinality(String)",
    "service": "LowCardinality(String)",
    "duration": "Nullable(Float64)",
    "answered": "Nullable(Bool)",
    "denied": "Bool",
    "continues": "Bool",
}


class Loader:
    """Writes into the table of a source of preset canonical, and keeps the list of its files beside it."""

    def __init__(self, transport: Transport, settings: Settings, window: TimeWindow) -> None:
        """Raises ConfigError for a preset whose table is somebody else's."""
        if settings.preset != "canonical":
            raise ConfigError(f"{transport.subject}: rows are loaded into a table of preset canonical alone")
        self._transport, self._settings, self._window = transport, settings, window
        table = settings.scope or PRESETS["canonical"].table
        self._table, self._files = escaping.name(table), escaping.name(f"{table}_files")

    def prepare(self) -> None:
        """Create the tables that are not there. Raises ConnectorError or ConfigError."""
        columns = ", ".join(f"`{name}` {kind}" for name, kind in _COLUMNS.items())
        self._write(
            f"CREATE TABLE IF NOT EXISTS {self._table} ({columns}, `loaded_from` LowCardinality(String))"
            " ENGINE = MergeTree PARTITION BY toDate(start) ORDER BY (src_ip, dst_ip, start)"
        )
        self._write(
            f"CREATE TABLE IF NOT EXISTS {self._files} (`digest` String, `name` String, `rows` UInt64)"
            " ENGINE = MergeTree ORDER BY digest"
        )

    def rows_of(self, digest: str) -> int | None:
        """How many rows a file was loaded with; None for one that was not, or not to its end."""
        rows = self._ask(
            f"SELECT max(rows) AS loaded, count() AS entries FROM {self._files} WHERE digest = {_of(digest)}"
        )
        return decoding.whole(rows[0], "loaded") if rows and decoding.whole(rows[0], "entries") else None

    def load(self, digest: str, name: str, parts: Iterable[Path], rows: int) -> None:
        """Send the parts (Parquet files, ``rows`` rows in all). Raises ConnectorError when the file is not whole."""
        self.discard(digest)
        columns = ", ".join(f"`{column}`" for column in (*_COLUMNS, "loaded_from"))
        for part in parts:
            self._write(f"INSERT INTO {self._table} ({columns}) FORMAT Parquet", part.read_bytes())
        arrived = self._count(digest)
        if arrived != rows:
            self.discard(digest)
            raise Incomplete(f"{self._transport.subject}: {name}: {rows:,} rows were sent, {arrived:,} are there")
        # The name of a file is the user's own text; what cannot stand in a query is left out of the list.
        shown = "".join(c for c in name if c.isprintable())[:1000]
        values = f"({_of(digest)}, {escaping.literal(shown)}, {rows})"
        self._write(f"INSERT INTO {self._files} (`digest`, `name`, `rows`) VALUES {values}")

    def discard(self, digest: str) -> None:
        """Delete what an earlier attempt left of a file."""
        if self._count(digest):
            self._write(f"DELETE FROM {self._table} WHERE loaded_from = {_of(digest)}")

    def _count(self, digest: str) -> int:
        rows = self._ask(f"SELECT count() AS rows FROM {self._table} WHERE loaded_from = {_of(digest)}")
        return decoding.whole(rows[0], "rows") if rows else 0

    def _ask(self, text: str) -> Sequence[Mapping[str, object]]:
        answer: Answer = run(self._transport, self._settings, text, self._window)
        return answer.rows

    def _write(self, text: str, body: bytes = b"") -> None:
        write(self._transport, self._settings, text, body)


def _of(digest: str) -> str:
    return escaping.literal(digest)
