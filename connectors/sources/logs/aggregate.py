"""The beaconing aggregation over a relation of connections: raw aggregates by window, and what each window holds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.sources.logs.engine import Engine, Progress
from playbook.detections.beaconing import Aggregate, Scope
from playbook.detections.languages.duckdb import MASK_HOURS, Windows, aggregation, fast_path, hours_of, windows_column

_FIRST_WORD = 20  # position of the hours of a lean row
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
    """Aggregates and summaries by window number; None is what lies in no window. ``unusable`` counts bad addresses."""

    aggregates: dict[int, list[Aggregate]] = field(default_factory=lambda: defaultdict(list))
    summaries: dict[int | None, Summary] = field(default_factory=dict)
    unusable: int = 0

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
    found, doubtful = Aggregation(), []
    unusable: dict[int | None, int] = defaultdict(int)
    for row in engine.rows(fast_path(scope.profile, relation, windows), progress, size):
        number, connections, usable, unsure = row[0], row[5], row[18], row[19]
        if row[3] is None:
            oldest, newest = row[10], row[11]
            hours = hours_of(row[_FIRST_WORD:], oldest) if newest // 3600 - oldest // 3600 < MASK_HOURS else ()
            found.summaries[number] = Summary(connections, oldest, newest, hours)
        elif not usable:
            found.unusable += connections
            unusable[number] += connections
        elif unsure:
            doubtful.append(row[: len(_KEY)])
        else:
            found.aggregates[number].append(aggregate(row[1:18]))
    for number, count in unusable.items():
        found.summaries[number] = replace(found.summaries[number], rows=found.summaries[number].rows - count)
    if doubtful and not found.too_long_for_lean:
        _again(engine, relation, scope, windows, doubtful, found)
    return found


def by_plain(engine: Engine, relation: str, scope: Scope, windows: Windows | None, counted: str = "") -> Aggregation:
    """The detection as it is printed: windows of any length, host and process names, denied attempts.

    ``counted`` is the relation of all rows, with the column ``records``, when ``relation`` was folded.
    """
    found = Aggregation()
    for row in engine.believed(aggregation(scope.profile, relation, windows, lab=scope.lab)):
        found.aggregates[row[0]].append(aggregate(row[1:]))
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
    keys: Sequence[Sequence[Any]],
    found: Aggregation,
) -> None:
    engine.table("doubtful", _KEY, keys)
    for row in engine.believed(aggregation(scope.profile, relation, windows, "doubtful", scope.lab)):
        found.aggregates[row[0]].append(aggregate(row[1:]))


def _summaries(relation: str, windows: Windows | None, counted: str) -> str:
    rows = "sum(coalesce(records, 1))::BIGINT" if counted else "count(*)"
    return f"""
        SELECT {windows_column(windows)} AS window_no, {rows}, min(start), max(start),
          list(DISTINCT floor(start / 3600)::BIGINT)
        FROM {counted or relation} WHERE start IS NOT NULL GROUP BY window_no"""
