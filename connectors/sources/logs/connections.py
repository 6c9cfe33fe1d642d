"""The connections of a set of log files: read once, windowed, aggregated, with every line accounted for."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb

from connectors.sources.logs.aggregate import Aggregation, by_lean, by_plain
from connectors.sources.logs.deduplication import Folded, beside_sensors, last_states, over_files, united
from connectors.sources.logs.engine import Engine, Progress
from connectors.sources.logs.parquet_copy import EVERYTHING, copied
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.schema import literal
from playbook.detections.beaconing import Scope
from playbook.detections.languages.duckdb import WEEK_S, Windows
from playbook.errors import BadAnswer
from playbook.model.detection import TimeWindow

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
    """The conn logs of one source as a relation; copied to Parquet when the traffic is kept or several are joined.

    Each reading is accounted for alone. ``named`` are SELECTs of who held an address, from machines' own logs.
    """

    def __init__(self, engine: Engine, readings: Sequence[Reading], keep: bool, compare: bool = False) -> None:
        self.readings = tuple(readings)
        self._engine = engine
        self._compare = compare
        alone = self.readings[0] if len(self.readings) == 1 else None
        self._lean: Reading | None = alone if alone is not None and alone.by_line else None
        if self._lean is not None and (self._lean.interim or compare):
            self._lean = None
        self._copied = keep
        self._ready = False
        self.relation = ""
        self.counted = ""
        self.named: list[str] = []
        self.notes: list[str] = []

    def outcome(self, wish: ReadRequest, scope: Scope, progress: Progress | None = None) -> tuple[Aggregation, Windows]:
        """The aggregates of every window that holds a row, and how the windows were cut.

        Raises BadAnswer when DuckDB cannot read the files even after repair.
        """
        if self._lean is not None:
            return self._outcome_by_line(self._lean, wish, scope, progress)
        if not self._ready:
            self._gather(progress)
            self._ready = True
        try:
            windows = self._windows(wish)
            first = by_plain(self._engine, self.relation, scope, windows, self.counted)
            return self._windowed(first, windows, wish, scope)
        except duckdb.Error as fault:
            raise BadAnswer(f"the logs cannot be read: {str(fault).splitlines()[0]}") from fault

    def _outcome_by_line(
        self, reading: Reading, wish: ReadRequest, scope: Scope, progress: Progress | None
    ) -> tuple[Aggregation, Windows]:
        for _ in range(3):
            try:
                with ThreadPoolExecutor(1) as worker:
                    if not self._ready:
                        reading.start_survey(worker)
                    first, windows = self._first_pass(reading, wish, scope, progress)
                if self._ready or not reading.settle(first.rows, first.unusable):
                    self._ready = True
                    return self._windowed(first, windows, wish, scope)
            except duckdb.Error as fault:
                if not reading.repair():
                    raise BadAnswer(f"the logs cannot be read: {str(fault).splitlines()[0]}") from fault
        raise BadAnswer("the logs cannot be read: rows go missing at each attempt")

    def _first_pass(
        self, reading: Reading, wish: ReadRequest, scope: Scope, progress: Progress | None
    ) -> tuple[Aggregation, Windows]:
        if not self._ready and self._copied:
            self._copy(reading, progress)
        elif not self._ready:
            self.relation = f"({reading.sql()})"
        windows = self._windows(wish)
        told = None if self._copied else progress
        return by_lean(self._engine, self.relation, scope, windows, told, reading.size), windows

    def _copy(self, reading: Reading, progress: Progress | None) -> None:
        target = literal(str(self._engine.folder / "conn.parquet"))
        rows = f"SELECT * EXCLUDE ({', '.join(_COMMON)}) FROM ({reading.sql()})"
        self._engine.run(
            f"COPY ({rows}) TO {target} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440)",
            progress,
            reading.size,
        )
        common = "".join(f", {value} AS {name}" for name, value in _COMMON.items())
        self.relation = f"(SELECT *{common} FROM read_parquet({target}))"

    def _gather(self, progress: Progress | None) -> None:
        """Copy every reading alone, then leave out what another one tells better."""
        relations: dict[int, str] = {}
        for number, reading in enumerate(self.readings):
            columns = (*EVERYTHING, "uid") if reading.interim else EVERYTHING
            try:
                relations[number] = copied(self._engine, reading, columns, progress)
            except BadAnswer as fault:
                if len(self.readings) == 1:
                    raise
                reading.cut.append(str(fault))
        if not relations:
            raise BadAnswer("; ".join(one for reading in self.readings for one in reading.cut))
        self.counted = united(
            [
                f"(SELECT * EXCLUDE (uid) FROM {one})" if self.readings[number].interim else one
                for number, one in relations.items()
            ]
        )
        self._fold(relations)

    def _fold(self, relations: Mapping[int, str]) -> None:
        chosen = {number: self.readings[number] for number in relations}
        interim = [relations[number] for number, reading in chosen.items() if reading.interim]
        own = [relations[number] for number, reading in chosen.items() if reading.is_endpoint]
        others = [
            relations[number] for number, reading in chosen.items() if not reading.interim and not reading.is_endpoint
        ]
        if interim:
            uids = [text for reading in chosen.values() if not reading.interim and (text := reading.uids())]
            self._add(others, last_states(self._engine, united(interim), " UNION ALL ".join(uids)))
        if len(self._files(chosen.values())) > 1 and others:
            folded = over_files(self._engine, united(others), self._shown)
            others = []
            self._add(others, folded)
        if own and others:
            whole = united(own)
            self.named = [
                f"SELECT start, NULL::DOUBLE AS until, src_ip AS address, hostname, 'host' AS written_by "
                f"FROM {whole} WHERE start IS NOT NULL"
            ]
            own = []
            self._add(own, beside_sensors(self._engine, whole, united(others)))
        self.relation = united([*others, *own])

    def _add(self, relations: list[str], folded: Folded) -> None:
        relations.append(folded.relation)
        self.notes += folded.notes

    def _shown(self, path: str) -> str:
        """A file as a person knows it."""
        return next((str(reading.place(path).path) for reading in self.readings if path in reading.paths), path)

    @staticmethod
    def _files(readings: Iterable[Reading]) -> set[str]:
        return {path for reading in readings for path in reading.paths}

    def _windows(self, wish: ReadRequest) -> Windows:
        if wish.given is not None:
            return Windows(wish.given.start.timestamp(), wish.given.end.timestamp())
        if wish.back_s is not None:
            ((newest,),) = self._engine.rows(f"SELECT max(start) FROM {self.relation} WHERE start IS NOT NULL")
            return Windows(newest - wish.back_s, newest + 1) if newest is not None else Windows()
        return Windows()

    def _windowed(
        self, first: Aggregation, windows: Windows, wish: ReadRequest, scope: Scope
    ) -> tuple[Aggregation, Windows]:
        whole = first.summaries.get(0)
        free = wish.weekly and wish.given is None and wish.back_s is None
        if whole and free and whole.newest - whole.oldest > WEEK_S:
            weeks = Windows(whole.oldest // 3600 * 3600, None, WEEK_S)
            if self._lean is None:
                return by_plain(self._engine, self.relation, scope, weeks, self.counted), weeks
            return by_lean(self._engine, self.relation, scope, weeks), weeks
        if self._lean is not None and first.too_long_for_lean:
            return by_plain(self._engine, self.relation, scope, windows), windows
        return first, windows
