"""The beaconing aggregation over a relation of connections: raw aggregates by window, and what each window holds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.sources.logs.engine import Engine, Progress
from connectors.sources.logs.schema import literal
from playbook.detections.beaconing import MIN_CONNECTIONS, MIN_HOURS, Aggregate, Scope
from playbook.detections.languages.duckdb import MASK_HOURS, Windows, aggregation, fast_path, hours_of, windows_column
from playbook.detections.languages.duckdb.long_connection import sessions
from playbook.detections.long_connection import Session

_FIRST_WORD = 20  # position of the hours of a lean row; the long connections are the last two
_KEY = {"window_no": "INTEGER", "hostname": "VARCHAR", "src_ip": "VARCHAR", "dst_ip": "VARCHAR", "dst_port": "INTEGER"}


@dataclass(frozen=True)
class Summary:
    """The rows of one window: how many, first and last instant (epoch seconds), the hours (since 1970) with a row."""

    rows: int
    oldest: float
    newest: float
    hours: tuple[int, ...] = ()


@dataclass
class Aggregation:
    """Aggregates and summaries by window number; None is what lies in no window. ``unusable`` counts bad addresses.

    ``sessions`` are the long TCP connections, by window.
    """

    aggregates: dict[int, list[Aggregate]] = field(default_factory=lambda: defaultdict(list))
    summaries: dict[int | None, Summary] = field(default_factory=dict)
    unusable: int = 0
    sessions: dict[int, list[Session]] = field(default_factory=lambda: defaultdict(list))

    @property
    def rows(self) -> int:
        """All rows with a usable time."""
        return sum(summary.rows for summary in self.summaries.values()) + self.unusable

    @property
    def oldest(self) -> float:
        """The first instant of the log."""
        return min(summary.oldest for summary in self.summaries.values())

    @property
    def newest(self) -> float:
        """The last instant of the log."""
        return max(summary.newest for summary in self.summaries.values())

    @property
    def too_long_for_lean(self) -> bool:
        """Whether a window spans more hours than the lean form can tell apart."""
        spans = [s.newest // 3600 - s.oldest // 3600 for number, s in self.summaries.items() if number is not None]
        return any(span >= MASK_HOURS for span in spans)


def by_lean(
    engine: Engine,
    relation: str,
    scope: Scope,
    windows: Windows | None,
    progress: Progress | None = None,
    size: int = 0,
) -> Aggregation:
    """One pass, then the doubtful tuples again."""
    found = Aggregation()
    doubtful: list[Sequence[Any]] = []
    joined: list[Sequence[Any]] = []
    unusable: dict[int | None, int] = defaultdict(int)
    for row in engine.rows(fast_path(scope.profile, relation, windows), progress, size):
        number, connections, usable, unsure = row[0], row[5], row[18], row[19]
        if row[3] is None:
            oldest, newest = row[10], row[11]
            hours = hours_of(row[_FIRST_WORD:-2], oldest) if newest // 3600 - oldest // 3600 < MASK_HOURS else ()
            found.summaries[number] = Summary(connections, oldest, newest, hours)
        elif not usable:
            found.unusable += connections
            unusable[number] += connections
        else:
            _place(row, unsure, found, doubtful)
            joined += [row[: len(_KEY)]] if row[-1] else []
    for number, count in unusable.items():
        found.summaries[number] = replace(found.summaries[number], rows=found.summaries[number].rows - count)
    if (doubtful or joined) and not found.too_long_for_lean:
        _again(engine, relation, scope, windows, doubtful, joined, found)
    return found


def _place(row: Sequence[Any], unsure: bool, found: Aggregation, doubtful: list[Sequence[Any]]) -> None:
    """Put a tuple of the lean pass where it belongs: its counts, if they are sure, and its long connections."""
    number, key, connections, hours = row[0], row[1:5], row[5], row[6]
    if unsure and connections >= MIN_CONNECTIONS and hours >= MIN_HOURS:
        doubtful.append(row[: len(_KEY)])
    elif not unsure:
        found.aggregates[number].append(aggregate(row[1:18]))
    if not row[-1]:
        found.sessions[number] += [_session(key, times) for times in row[-2] or ()]


def _session(key: Sequence[Any], times: Sequence[float | None]) -> Session:
    start, end, *counted = times
    sent, received = (None if value is None else int(value) for value in counted)
    return Session._make((*key, start or 0.0, end or 0.0, sent, received))


def by_plain(engine: Engine, relation: str, scope: Scope, windows: Windows | None, counted: str = "") -> Aggregation:
    """The detection as it is printed: windows of any length, host and process names, denied attempts.

    ``counted`` is the relation of all rows, with the column ``records``, when ``relation`` was folded.
    """
    found = Aggregation()
    for row in engine.believed(aggregation(scope.profile, relation, windows, lab=scope.lab)):
        found.aggregates[row[0]].append(aggregate(row[1:]))
    if scope.profile == "default":
        _long_sessions(engine, relation, windows, found)
    for number, count, oldest, newest, hours in engine.believed(_summaries(relation, windows, counted)):
        found.summaries[number] = Summary(count, oldest, newest, tuple(sorted(hours)))
    return found


def aggregate(row: Sequence[Any]) -> Aggregate:
    """A row of the aggregation, without its window."""
    *counts, processes, services, transports, ntp_sized = row
    values: list[Any] = [*counts, _texts(processes), _texts(services), _texts(transports), ntp_sized]
    return Aggregate(*values)


def _texts(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _again(
    engine: Engine,
    relation: str,
    scope: Scope,
    windows: Windows | None,
    doubtful: Sequence[Sequence[Any]],
    joined: Sequence[Sequence[Any]],
    found: Aggregation,
) -> None:
    """Read the tuples once more that one pass cannot tell: sessions in several rows, several services."""
    engine.table("doubtful", _KEY, doubtful)
    engine.table("joined", _KEY, joined)
    again = literal(str(engine.folder / "again.parquet"))
    engine.run(f"""
        COPY (SELECT * FROM {relation} SEMI JOIN (
          SELECT src_ip, dst_ip, dst_port FROM doubtful UNION SELECT src_ip, dst_ip, dst_port FROM joined
        ) USING (src_ip, dst_ip, dst_port)) TO {again} (FORMAT parquet)""")
    rows = f"read_parquet({again})"
    for row in engine.believed(aggregation(scope.profile, rows, windows, "doubtful", scope.lab)):
        found.aggregates[row[0]].append(aggregate(row[1:]))
    if joined:
        _long_sessions(
            engine, f"(SELECT * FROM {rows} SEMI JOIN joined USING (src_ip, dst_ip, dst_port))", windows, found
        )


def _long_sessions(engine: Engine, relation: str, windows: Windows | None, found: Aggregation) -> None:
    """Add the long connections of the relation; one that began in a window is that window's."""
    number = windows_column(windows)
    for row in engine.believed(f"SELECT {number} AS window_no, * FROM ({sessions(relation)})"):
        if row[0] is not None:
            found.sessions[row[0]].append(Session(*row[1:]))


def _summaries(relation: str, windows: Windows | None, counted: str) -> str:
    rows = "sum(coalesce(records, 1))::BIGINT" if counted else "count(*)"
    return f"""
        SELECT {windows_column(windows)} AS window_no, {rows}, min(start), max(start),
          list(DISTINCT floor(start / 3600)::BIGINT)
        FROM {counted or relation} WHERE start IS NOT NULL GROUP BY window_no"""
