"""A set of log files as a detection source."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from connectors.sources.logs.address_holders import holders
from connectors.sources.logs.aggregate import Aggregation, Summary
from connectors.sources.logs.connections import Connections, ReadRequest
from connectors.sources.logs.decompress import Bounds
from connectors.sources.logs.duplicate_files import without_copies
from connectors.sources.logs.engine import Engine, Progress
from connectors.sources.logs.files import LogFile, LogFiles, find_log_files
from connectors.sources.logs.health import Account, health
from connectors.sources.logs.hunts import hunt_rows
from connectors.sources.logs.named_connections import NamedDetections, named_detections
from connectors.sources.logs.overlapping_files import without_parts
from connectors.sources.logs.parquet_parts import parquet_parts
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.rejects import Rejected
from connectors.sources.logs.schema import CANONICAL, Kind, Recognised, Scan
from connectors.sources.logs.settings import Settings
from connectors.sources.logs.side_logs import SideLog
from connectors.sources.logs.staging import Staging
from connectors.sources.logs.traffic import Sources, traffic
from playbook.detections.beaconing import Scope, moment, score, sort_key
from playbook.detections.hunts import HUNTS
from playbook.detections.languages.duckdb import Windows
from playbook.detections.long_connection import score_sessions
from playbook.errors import BadAnswer, PlaybookError, UnknownFormat
from playbook.model.check import CheckResult
from playbook.model.detection import AddressHolder, Detection, Fetched, TimeWindow
from playbook.model.site import Site
from playbook.model.traffic import Traffic

_Y2K = 946684800
_WEB: tuple[Kind, ...] = ("tls", "http")
_NAMING: tuple[Kind, ...] = ("dns", *_WEB)
_BESIDE: tuple[Kind, ...] = (*_NAMING, "irc")


class _OpenLogs(NamedTuple):
    """The files that a source reads, the engine over them, and whether parts of them overlap in time."""

    engine: Engine
    files: LogFiles
    overlap: bool


class LogSource:
    """Detections from log files. ``fetch`` reads them; ``traffic`` answers about the detections of that fetch."""

    def __init__(self, name: str, settings: Settings, site: Site, folder: Path) -> None:
        self.name = name
        self._settings = settings
        self._site = site
        self._paths = tuple(folder / path for path in settings.paths)
        self._scope = Scope(name, settings.profile, site.networks.lab, site.networks.nat64)
        self._bounds = Bounds(settings.most_unpacked_gb << 30, settings.most_ratio)
        self._staging = Staging(self._bounds, self._begin)
        self._logs: _OpenLogs | None = None
        self._connections: Connections | None = None
        self._windows = Windows()
        self._held: tuple[Summary, ...] = ()
        self._side_logs: dict[Kind, SideLog] = {}
        self._named = NamedDetections()

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        """The detections of each window that holds a row; at least one Fetched.

        Raises ConfigError for paths, UnknownFormat when no connection log is among them, BadAnswer when the files
        cannot be read. Everything short of that is in the health of the first Fetched.
        """
        connections = self._opened()
        wish = ReadRequest(window, None if window else self._settings.back_s, self._settings.window == "auto")
        outcome, windows = connections.outcome(wish, self._scope, progress)
        self._windows = windows
        numbers = sorted(number for number in outcome.summaries if number is not None)
        self._held = tuple(outcome.summaries[number] for number in numbers)
        held, faults = self._holders(connections)
        self._named = (
            self._by_name(connections, windows) if outcome.summaries and self._settings.names else NamedDetections()
        )
        told = self._told(connections, outcome, faults)
        return tuple(
            self._fetched(outcome, number, self._window(windows, number, outcome.summaries.get(number)), held, told)
            for number in numbers[:1] or [0]
        ) + tuple(
            self._fetched(outcome, number, self._window(windows, number, outcome.summaries[number]), held, None)
            for number in numbers[1:]
        )

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Raw traffic of these detections; what no log tells is null and named in ``unknown``.

        Raises BadAnswer when the files cannot be read (any more).
        """
        connections = self._opened()
        if not connections.relation:
            self.fetch(None)
        logs = self._gather("conn")
        relations = {"conn": connections.relation} | self._beside(_BESIDE)
        faults = [self._staging.shown(fault) for kind in _BESIDE for fault in self._side_log(kind).faults]
        relations |= {"named": self._named.relation} if self._named.relation else {}
        spanned = {kind: self._spanned(relation) for kind, relation in relations.items()}
        sources, networks = Sources(spanned, self._held, tuple(faults)), self._site.networks
        try:
            return traffic(logs.engine, sources, detections, networks, self._settings.profile)
        except duckdb.Error as fault:
            raise BadAnswer(f"{self.name}: {str(fault).splitlines()[0]}") from fault

    def _side_log(self, kind: Kind) -> SideLog:
        """This kind of log beside the connections, read once."""
        if kind not in self._side_logs:
            logs = self._gather("conn")
            self._side_logs[kind] = SideLog(logs.engine, self._readings(logs, kind))
        return self._side_logs[kind]

    def _beside(self, kinds: Sequence[Kind]) -> dict[str, str]:
        """The relations of those of these logs that are there and can be read."""
        return {kind: relation for kind in kinds if (relation := self._side_log(kind).relation)}

    def _by_name(self, connections: Connections, windows: Windows) -> NamedDetections:
        """What by_name finds, in the default profile: the seed knows no names."""
        networks, logs = self._site.networks, self._gather("conn")
        relations = self._beside(_NAMING if networks.resolvers else _WEB) if self._scope.profile == "default" else {}
        if not relations:
            return NamedDetections()
        relations |= {"conn": connections.relation}
        try:
            return named_detections(logs.engine, relations, networks, self._scope, windows)
        except duckdb.Error as fault:
            raise BadAnswer(f"{self.name}: {str(fault).splitlines()[0]}") from fault

    def hunt(self, hunt: str, endpoint: bool = False) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
        """The rows of a hunt (playbook/detections/hunts.py), times in naive UTC, and what was wrong with its log.

        ``endpoint``: by host and process, of the rows that name a host. Raises KeyError for an unknown hunt,
        UnknownFormat when the kind of log it reads is not among the files.
        """
        kind = HUNTS[hunt].kind
        logs = self._gather(kind)
        aside = SideLog(logs.engine, self._readings(logs, kind))
        if not aside.relation:
            raise BadAnswer("; ".join(aside.faults))
        told = (*logs.files.notes, *self._staging.cut, *aside.faults)
        return hunt_rows(logs.engine, hunt, aside.relation, endpoint), tuple(map(self._staging.shown, told))

    def parts(self, digest: str) -> tuple[tuple[Path, ...], int]:
        """The connections of the last fetch as Parquet files, and how many; as ``parquet_parts``, until ``close``."""
        return parquet_parts(self._gather("conn").engine, self._opened().relation, digest)

    def check(self) -> tuple[CheckResult, ...]:
        """Whether the paths exist and hold connection logs in a known format."""
        try:
            found = self._found()
        except PlaybookError as fault:
            return (CheckResult(subject=self.name, ok=False, message=str(fault)),)
        kinds = sorted({form.kind for file in found.files for form in file.forms})
        return (
            CheckResult(
                subject=self.name,
                ok="conn" in kinds,
                message=f"{len(found.files)} files, kinds: {', '.join(kinds)}"
                + ("" if "conn" in kinds else "; a connection log is needed"),
            ),
        )

    def _begin(self) -> Engine:
        return Engine(self._settings.memory_mb, self._settings.threads)

    def _found(self) -> LogFiles:
        columns = tuple(sorted(self._settings.columns.items()))
        return find_log_files(self._paths, self._settings.format, self._bounds, self._staging, columns)

    def close(self) -> None:
        """Remove the copies and DuckDB's folder; safe to call again."""
        self._staging.close()
        if self._logs is not None:
            self._logs.engine.close()
            self._logs = self._connections = None

    def _spanned(self, relation: str) -> str:
        """The relation within the window that was given or counted back; a log in weeks is one span."""
        if self._windows.start is None or self._windows.end is None:
            return relation
        bounds = f"start >= {self._windows.start!r} AND start < {self._windows.end!r}"
        return f"(SELECT * FROM {relation} WHERE {bounds})"

    def _opened(self) -> Connections:
        if self._connections is None:
            logs = self._gather("conn")
            self._connections = Connections(
                logs.engine, self._readings(logs, "conn"), self._settings.keep_traffic, logs.overlap
            )
        return self._connections

    def _gather(self, kind: Kind) -> "_OpenLogs":
        """The files and the engine over them; UnknownFormat when no log of this kind is among them."""
        files = self._logs.files if self._logs else self._without_copies()
        if not files.of(kind):
            name = {"conn": "connection"}.get(kind, kind)
            raise UnknownFormat(f"{', '.join(map(str, self._paths))}: no {name} log in a known format")
        if self._logs is None:
            engine = self._begin()
            merged = without_parts(files.files, self._bounds, engine)
            notes = (*files.notes, *merged.notes)
            self._logs = _OpenLogs(engine, files._replace(files=merged.files, notes=notes), merged.overlap)
        return self._logs

    def _without_copies(self) -> LogFiles:
        every = self._found()
        files, copies = without_copies(every.files, self._bounds)
        return every._replace(files=files, notes=(*every.notes, *copies))

    def _readings(self, logs: "_OpenLogs", kind: Kind) -> tuple[Reading, ...]:
        """One reading for each format, and for interim states, so that each file is accounted for as it is alone."""
        groups: dict[tuple[str, bool], dict[Recognised, list[LogFile]]] = {}
        for form, files in logs.files.of(kind).items():
            interim = dict(form.options).get("interim") == "yes"
            groups.setdefault((form.format, interim), {})[form] = files
        scan = Scan(rejects=f"rejects_{kind}", year=self._settings.year, time_zone=self._settings.time_zone)
        return tuple(Reading(logs.engine, kind, forms, scan, self._bounds) for forms in groups.values())

    def _holders(self, connections: Connections) -> tuple[tuple[AddressHolder, ...], tuple[str, ...]]:
        """Who held which address, and what was wrong with the logs that say so."""
        logs = self._gather("conn")
        queries = list(connections.named)
        faults: tuple[str, ...] = ()
        if logs.files.of("holders"):
            aside = SideLog(logs.engine, self._readings(logs, "holders"))
            queries += [f"SELECT * FROM {aside.relation}"] if aside.relation else []
            faults = aside.faults
        rows = " UNION ALL ".join(f"SELECT {', '.join(CANONICAL['holders'])} FROM ({query})" for query in queries)
        return holders(logs.engine, rows, self.name) if rows else (), faults

    def _told(self, connections: Connections, outcome: Aggregation, faults: tuple[str, ...]) -> Account:
        """What the first Fetched says about the whole log."""
        readings = connections.readings
        cut = [one for reading in readings for one in reading.cut]
        warnings = [
            *self._gather("conn").files.notes,
            *(one for reading in readings for one in reading.warnings),
            *connections.notes,
            *cut,
            *faults,
        ]
        if not outcome.summaries:
            warnings.append("no usable row in the logs")
        elif outcome.oldest < _Y2K:
            warnings.append(f"times before 2000: the log begins at {moment(outcome.oldest):%Y-%m-%d %H:%M:%S} UTC")
        if outcome.summaries and outcome.newest > self._site.now.timestamp() + 86400:
            newest = f"{moment(outcome.newest):%Y-%m-%d %H:%M:%S} UTC"
            warnings.append(f"times in the future: the newest event is at {newest}")
        # No row, of the log or of the window asked for, says nothing: it must not look like a quiet network.
        warnings = [*map(self._staging.shown, warnings), *self._staging.cut]
        complete = any(number is not None for number in outcome.summaries) and not (cut or self._staging.cut)
        passed = sum((reading.passed for reading in readings), Counter())
        rejected = sum((reading.rejected for reading in readings), Rejected())
        rejected = replace(rejected, examples=tuple(map(self._staging.shown, rejected.examples)))
        return Account(rejected, dict(passed.most_common()), tuple(warnings), complete)

    def _window(self, windows: Windows, number: int, summary: Summary | None) -> TimeWindow:
        if windows.start is not None:
            end = windows.end if windows.every is None else windows.start + (number + 1) * windows.every
            start = windows.start + number * (windows.every or 0)
            return TimeWindow(start=moment(start), end=moment(end))
        if summary is None:
            return TimeWindow(start=self._site.now - timedelta(days=1), end=self._site.now)
        return TimeWindow(start=moment(summary.oldest), end=moment(summary.newest + 1))

    def _fetched(
        self,
        outcome: Aggregation,
        number: int,
        window: TimeWindow,
        held: tuple[AddressHolder, ...],
        told: "Account | None",
    ) -> Fetched:
        scored = (score(aggregate, self._scope) for aggregate in outcome.aggregates.get(number, ()))
        named = self._named.by_window.get(number, ())
        beside = (*named, *score_sessions(outcome.sessions.get(number, ()), self._scope))
        detections = sorted((*(detection for detection in scored if detection is not None), *beside), key=sort_key)
        return Fetched(
            source=self.name,
            window=window,
            detections=tuple(detections),
            holders=held if told else (),
            health=health(outcome.summaries.get(number), told or Account(), bool(outcome.summaries)),
        )
