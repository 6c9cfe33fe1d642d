"""The connections of a set of log files: read once, windowed, aggregated, with every line accounted for."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb

from connectors.sources.logs.aggregate import Aggregation, by_lean, by_plain
from connectors.sources.logs.engine import Engine, Progress
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.schema import literal
from playbook.detections.beaconing import Scope
from playbook.detections.languages.duckdb import WEEK_S, Windows
from playbook.errors import BadAnswer
from playbook.model.detection import TimeWindow

# Clocks of a machine and a sensor, and the time until a new connection is logged.
_CLOCKS_APART_S = 60
_ASIDE = ("bad", "passed", "file", "line")
# What every row of a log whose lines are rows has in common: added to its copy, not written into it.
_COMMON = {
    "hostname": "''",
    "process_name": "''",
    "conns": "1::BIGINT",
    "denied": "false",
    "bytes_total": "bytes_sent + bytes_rcvd",
}


@dataclass(frozen=True)
class ReadRequest:
    """Which windows are wanted: one given, a length back from the newest event, weeks of a long log, all at once."""

    given: TimeWindow | None = None
    back_s: int | None = None
    weekly: bool = True


class Connections:
    """The conn logs of one source as a relation; copied to Parquet when the traffic is kept or a format needs it."""

    def __init__(self, engine: Engine, reading: Reading, keep: bool) -> None:
        self.reading = reading
        self._engine = engine
        self._copied = keep or not reading.by_line
        self._ready = False
        self.relation = ""
        self.named: list[str] = []

    def outcome(self, wish: ReadRequest, scope: Scope, progress: Progress | None = None) -> tuple[Aggregation, Windows]:
        """The aggregates of every window that holds a row, and how the windows were cut.

        Raises BadAnswer when DuckDB cannot read the files even after repair.
        """
        for _ in range(3):
            try:
                with ThreadPoolExecutor(1) as worker:
                    if not self._ready and self.reading.by_line:
                        self.reading.start_survey(worker)
                    first, windows = self._first_pass(wish, scope, progress)
                if self._ready or not self._again(first):
                    self._ready = True
                    return self._windowed(first, windows, wish, scope)
            except duckdb.Error as fault:
                if not self.reading.repair():
                    raise BadAnswer(f"the logs cannot be read: {str(fault).splitlines()[0]}") from fault
        raise BadAnswer("the logs cannot be read: rows go missing at each attempt")

    def _first_pass(self, wish: ReadRequest, scope: Scope, progress: Progress | None) -> tuple[Aggregation, Windows]:
        reading, size = self.reading, self.reading.size
        if not self._ready and self._copied:
            self._copy(progress)
        elif not self._ready:
            self.relation = f"({reading.sql()})"
        windows = self._windows(wish)
        if not reading.by_line:
            return by_plain(self._engine, self.relation, scope, windows), windows
        told = None if self._copied else progress
        return by_lean(self._engine, self.relation, scope, windows, told, size), windows

    def _copy(self, progress: Progress | None) -> None:
        target, by_line = literal(str(self._engine.folder / "conn.parquet")), self.reading.by_line
        rows = self.reading.sql(() if by_line else _ASIDE, keep_rejects=not by_line)
        if by_line:
            rows = f"SELECT * EXCLUDE ({', '.join(_COMMON)}) FROM ({rows})"
        self._engine.run(
            f"COPY ({rows}) TO {target} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440)",
            progress,
            self.reading.size,
            in_order=not by_line,
        )
        common = "".join(f", {value} AS {name}" for name, value in _COMMON.items()) if by_line else ""
        self.relation = f"(SELECT *{common} FROM read_parquet({target}))"
        if own := self.reading.endpoint_files:
            self._count_once(own)

    def _count_once(self, own: Sequence[str]) -> None:
        """Leave out what machines say of connections that a sensor saw too; their names stay, as holders."""
        theirs = f"coalesce(file, '') IN ({', '.join(map(literal, own))})"
        target, whole = literal(str(self._engine.folder / "once.parquet")), self.relation
        self._engine.run(f"""
            COPY (SELECT * FROM {whole} WHERE NOT {theirs} UNION ALL
              SELECT own.* FROM (SELECT * FROM {whole} WHERE {theirs}) own ANTI JOIN
              (SELECT src_ip, src_port, dst_ip, dst_port, start FROM {whole} WHERE NOT {theirs}) seen
              ON own.src_ip = seen.src_ip AND own.src_port = seen.src_port AND own.dst_ip = seen.dst_ip
                AND own.dst_port = seen.dst_port AND abs(own.start - seen.start) <= {_CLOCKS_APART_S}
            ) TO {target} (FORMAT parquet)""")
        self.relation = f"read_parquet({target})"
        ((before, after),) = self._engine.believed(
            f"SELECT (SELECT count(*) FROM {whole}), (SELECT count(*) FROM {self.relation})"
        )
        if before > after:
            self.reading.warnings.append(
                f"{before - after:,} connections stand in an endpoint's log and in a sensor's: counted once"
            )
        self.named = [
            f"SELECT start, NULL::DOUBLE AS until, src_ip AS address, hostname, 'host' AS written_by "
            f"FROM {whole} WHERE {theirs} AND start IS NOT NULL"
        ]

    def _windows(self, wish: ReadRequest) -> Windows:
        if wish.given is not None:
            return Windows(wish.given.start.timestamp(), wish.given.end.timestamp())
        if wish.back_s is not None:
            ((newest,),) = self._engine.rows(f"SELECT max(start) FROM {self.relation} WHERE start IS NOT NULL")
            return Windows(newest - wish.back_s, newest + 1) if newest is not None else Windows()
        return Windows()

    def _again(self, first: Aggregation) -> bool:
        """Whether rows went missing in silence, so that the pass must run again over repaired files."""
        if not self.reading.by_line:
            self.reading.bad_rows(self.relation)
            return False
        return self.reading.settle(first.rows, first.unusable)

    def _windowed(
        self, first: Aggregation, windows: Windows, wish: ReadRequest, scope: Scope
    ) -> tuple[Aggregation, Windows]:
        whole = first.summaries.get(0)
        free = wish.weekly and wish.given is None and wish.back_s is None
        if whole and free and whole.newest - whole.oldest > WEEK_S:
            weeks = Windows(whole.oldest // 3600 * 3600, None, WEEK_S)
            if not self.reading.by_line:
                return by_plain(self._engine, self.relation, scope, weeks), weeks
            return by_lean(self._engine, self.relation, scope, weeks), weeks
        if self.reading.by_line and first.too_long_for_lean:
            return by_plain(self._engine, self.relation, scope, windows), windows
        return first, windows
