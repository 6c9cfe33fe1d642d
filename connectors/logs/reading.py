"""One kind of log as a relation in DuckDB, every line accounted for, damaged files repaired."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from connectors.logs.engine import Engine
from connectors.logs.files import LogFile, formats
from connectors.logs.rejects import UNREADABLE, Rejected, carefully, from_table, named
from connectors.logs.shape import CANONICAL, Kind, Recognised, Scan, literal
from connectors.logs.unpack import Bounds, Survey, repaired, survey

_NAMED_REJECTS = 50_000


@dataclass
class Reading:
    """The files of one kind. ``files`` are those DuckDB reads; a repaired one stands in for its original.

    ``rejected`` and ``cut`` are known after ``settle``.
    """

    engine: Engine
    kind: Kind
    forms: dict[Recognised, list[LogFile]]
    scan: Scan
    bounds: Bounds
    rejected: Rejected = field(default_factory=Rejected)
    warnings: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    _originals: dict[str, LogFile] = field(default_factory=dict)
    _surveys: list[Future[Survey]] = field(default_factory=list)

    @property
    def by_line(self) -> bool:
        """Whether every line of these files is one row, so that lines and rows can be compared."""
        return all(getattr(formats()[form.format], "ROWS_ARE_LINES", False) for form in self.forms)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self._all())

    def sql(self, columns: Sequence[str] = (), keep_rejects: bool = False) -> str:
        """A SELECT of the rows as the files hold them; names of ``columns`` beyond the kind's own are added.

        ``keep_rejects``: what DuckDB refuses goes to the rejects table, which starts empty.
        """
        scan, parts = self.scan if keep_rejects else self.scan.model_copy(update={"rejects": ""}), []
        if keep_rejects:
            self.engine.run(f"DROP TABLE IF EXISTS {self.scan.rejects}; DROP TABLE IF EXISTS reject_scans")
        for form, files in self.forms.items():
            rows = formats()[form.format].select(form, [str(file.path) for file in files], scan)
            extra = "".join(f", {name}" if not self._is_lean(form) else f", NULL AS {name}" for name in columns)
            parts.append(f"SELECT {', '.join(CANONICAL[self.kind])}{extra} FROM ({rows})")
        return " UNION ALL ".join(parts)

    def start_survey(self, worker: ThreadPoolExecutor) -> None:
        """Count the lines beside the query that reads them."""
        self._surveys = [worker.submit(survey, file.path, file.packing, self.bounds) for file in self._all()]

    def repair(self) -> bool:
        """Copy every file that DuckDB could not read, cleaned; False when all were repaired before."""
        left = [file for file in self._all() if str(file.path) not in self._originals]
        if not left:
            return False
        for form, files in self.forms.items():
            self.forms[form] = [self._repaired(file) if file in left else file for file in files]
        return True

    def settle(self, usable_rows: int, must_look: bool) -> bool:
        """Account for every line; True when rows went missing in silence: the query must run again, on repaired files.

        ``usable_rows`` is what the query saw; ``must_look`` says that some of those have text for an address.
        """
        surveys = [future.result() for future in self._surveys]
        self._note_cuts(surveys)
        known, seen = self._from_table()
        if not must_look and sum(survey.lines for survey in surveys) == usable_rows + seen:
            self.rejected += known
            return False
        good, looked = 0, Rejected()
        for form, files in self.forms.items():
            for file in files:
                bad, rows = carefully(self._original(file), form, formats()[form.format], self.bounds)
                looked, good = looked + bad, good + rows
        if good > usable_rows and self.repair():
            return True
        if good > usable_rows:
            self.warnings.append(f"{good - usable_rows} rows could not be accounted for")
        self.rejected += looked
        return False

    def bad_rows(self, relation: str) -> None:
        """Count and name the rows that a format itself refused, from a copy with the columns ``bad, file, line``."""
        refused = f"FROM {relation} WHERE start IS NULL AND passed IS NULL"
        (count,), = self.engine.believed(f"SELECT count(*) {refused}")
        first = self.engine.believed(f"SELECT file, line, bad {refused} ORDER BY bad IS NULL, file, line LIMIT 5")
        examples = tuple(
            named(self._shown(path) if path else "a row", line, why or "no usable time or address")
            for path, line, why in first
        )
        _, unread = self._from_table()
        self.rejected += Rejected(count + unread, examples)

    def _from_table(self) -> tuple[Rejected, int]:
        """What DuckDB itself refused, and how many lines that were, headers included."""
        if not self.engine.believed(f"FROM duckdb_tables() WHERE table_name = {literal(self.scan.rejects)}"):
            return Rejected(), 0
        table = f"{self.scan.rejects} JOIN reject_scans USING (scan_id, file_id)"
        (seen,), = self.engine.believed(f"SELECT count(DISTINCT (scan_id, file_id, line)) FROM {self.scan.rejects}")
        rows = self.engine.believed(
            "SELECT file_path, line, left(any_value(csv_line), 65536), max(error_type::VARCHAR) FILTER "
            f"(error_type::VARCHAR IN {tuple(UNREADABLE)}) FROM {table} "
            f"GROUP BY file_path, line ORDER BY file_path, line LIMIT {_NAMED_REJECTS}"
        )
        found = Rejected()
        for form, files in self.forms.items():
            module = formats()[form.format]
            if hasattr(module, "fault"):
                paths = {str(file.path) for file in files}
                mine = [(self._shown(path), *rest) for path, *rest in rows if path in paths]
                found += from_table(mine, form, module)
        more = seen - len(rows)
        return (found + Rejected(more) if more else found), seen

    def _note_cuts(self, surveys: Sequence[Survey]) -> None:
        for file, found in zip(self._all(), surveys, strict=True):
            if found.cut:
                self.cut.append(f"{self._shown(str(file.path))}: {found.cut}")

    def _repaired(self, file: LogFile) -> LogFile:
        target = self.engine.folder / f"repaired-{len(self._originals)}.log"
        done = repaired(file.path, file.packing, self.bounds, target)
        self._originals[str(target)] = file
        if done.cut:
            self.cut.append(f"{file.path}: {done.cut}")
        if done.nul_bytes:
            self.warnings.append(f"{file.path}: {done.nul_bytes} NUL bytes taken out")
        return file._replace(path=target, packing="plain")

    def _original(self, file: LogFile) -> LogFile:
        return self._originals.get(str(file.path), file)

    def _shown(self, path: str) -> str:
        return str(self._originals[path].path) if path in self._originals else path

    def _all(self) -> list[LogFile]:
        return [file for files in self.forms.values() for file in files]

    def _is_lean(self, form: Recognised) -> bool:
        return bool(getattr(formats()[form.format], "ROWS_ARE_LINES", False))
