"""One kind of log as a relation in DuckDB, every line accounted for, damaged files repaired."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb

from connectors.sources.logs.decompress import Bounds, FileSurvey, blank_lines, repaired, survey
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.files import LogFile, formats
from connectors.sources.logs.header_changes import split
from connectors.sources.logs.line_sql import file_list
from connectors.sources.logs.rejects import UNREADABLE, Looked, Place, Rejected, carefully, from_table, named
from connectors.sources.logs.schema import CANONICAL, Kind, Recognised, Scan

_NAMED_REJECTS = 50_000
# DuckDB keeps some 25 kB for a line that it refuses, outside its own memory limit.
_MOST_REFUSED = 5_000
# One line costs Python microseconds, and a packed log may hold a million lines in a kilobyte: what may be looked at
# grows with the bytes on disk, and no real log has shorter lines than this.
_LEAST_LOOKED, _BYTES_A_LINE = 500_000, 16


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
    _places: dict[str, Place] = field(default_factory=dict)
    _bombs: set[str] = field(default_factory=set)
    _lost: Rejected = field(default_factory=Rejected)
    _surveys: list[Future[FileSurvey]] = field(default_factory=list)

    @property
    def by_line(self) -> bool:
        """Whether every line of these files is one row, so that lines and rows can be compared."""
        return all(getattr(formats()[form.format], "ROWS_ARE_LINES", False) for form in self.forms)

    @property
    def endpoint_files(self) -> list[str]:
        """The files that machines wrote about themselves, when others saw the network beside them; else none."""
        own = [form for form in self.forms if getattr(formats()[form.format], "ENDPOINT", False)]
        return [str(file.path) for form in own for file in self.forms[form]] if len(own) < len(self.forms) else []

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
        """Count the lines beside the query that reads them, and end the query when a file must not be read whole."""
        self._surveys = [worker.submit(self._survey, file) for file in self._all()]

    def _survey(self, file: LogFile) -> FileSurvey:
        found = survey(file.path, file.packing, self.bounds)
        if found.bomb:
            self._bombs.add(str(file.path))
            self.engine.interrupt()
        return found

    def repair(self) -> bool:
        """Copy every file that DuckDB could not or must not read, cleaned; False when all were repaired before."""
        left = [file for file in self._all() if not {str(file.path)} & (self._originals.keys() | self._places.keys())]
        if not left:
            return False
        left = [file for file in left if str(file.path) in self._bombs] or left
        for form, files in list(self.forms.items()):
            mended = [self._repaired(file, form) if file in left else file for file in files]
            self.forms[form] = [file for file in mended if file is not None]
            if not self.forms[form]:
                del self.forms[form]
        return bool(self.forms)

    def settle(self, usable_rows: int, unusable: int) -> bool:
        """Account for every line; True when the query must run again, over repaired or divided files.

        ``usable_rows`` is what the query saw; ``unusable`` of those have text for an address.
        """
        surveys = [future.result() for future in self._surveys]
        self._note_cuts(surveys)
        if self._divided(surveys):
            return True
        lines, plain = sum(survey.lines for survey in surveys), sum(survey.comments for survey in surveys)
        plain = plain if self._has_headers() else 0
        if lines - plain != usable_rows:
            lines -= sum(blank_lines(file.path, file.packing, self.bounds) for file in self._all())
        if (not unusable and lines - plain == usable_rows) or any(survey.bomb for survey in surveys):
            self.rejected += self._lost
            return False
        known, seen = self._refused() if lines - usable_rows <= _MOST_REFUSED else (Rejected(), 0)
        balanced = lines == usable_rows + seen
        if balanced and not unusable:
            self.rejected += known + self._lost
            return False
        looked = self._looked()
        if looked.whole and looked.good > usable_rows and self.repair():
            return True
        if looked.whole and looked.good > usable_rows:
            self.warnings.append(f"{looked.good - usable_rows} rows could not be accounted for")
        if not looked.whole:
            out = known.count + unusable if balanced else lines - usable_rows + unusable
            self.rejected += Rejected(max(out - looked.rejected.count, 0))
            self.cut += [] if balanced else [self._untold(looked)]
        self.rejected += looked.rejected + self._lost
        return False

    def _looked(self) -> Looked:
        """Every line in plain Python, up to what the size on disk allows."""
        looked, most = Looked(), max(_LEAST_LOOKED, self.size // _BYTES_A_LINE)
        for form, files in self.forms.items():
            for file in map(self._original, files):
                place, left = self._place(str(file.path)), most - looked.lines
                looked += carefully(file, place, form, formats()[form.format], self.bounds, left)
        return looked

    def _untold(self, looked: Looked) -> str:
        paths = [str(file.path) for file in self._all()]
        others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        return (
            f"{self._place(paths[0]).path}{others}: {looked.lines:,} lines were looked at one by one; those after "
            "them were only counted, and good rows may be among those left out"
        )

    def _divided(self, surveys: Sequence[FileSurvey]) -> bool:
        """Divide the files in which a header changes the columns; whether there were any."""
        found = {str(file.path): survey.headers for file, survey in zip(self._all(), surveys, strict=True)}
        done = False
        for form, files in list(self.forms.items()):
            module = formats()[form.format]
            whole = [file for file in files if str(file.path) not in self._places] if self._has_headers() else []
            for file in whole:
                texts = (text.decode(errors="replace").rstrip("\r") for text in found[str(file.path)])
                if all(module.renamed(form, text) is None for text in texts):
                    continue
                parts = split(self._original(file), form, module, self.bounds, self.engine.folder, len(self._places))
                self.forms[form] = [kept for kept in self.forms[form] if kept is not file]
                for kept, part in parts.files:
                    self.forms.setdefault(kept, []).append(part)
                self._places |= parts.places
                self._lost += parts.lost
                done = True
        return done

    def _has_headers(self) -> bool:
        return all(hasattr(formats()[form.format], "renamed") for form in self.forms)

    def _refused(self) -> tuple[Rejected, int]:
        """Read once more, now for the lines that DuckDB refuses; a format without such a table has none."""
        if self._has_headers():
            self.engine.run(
                f"CREATE OR REPLACE TEMP TABLE again AS SELECT count(COLUMNS(*)) FROM ({self.sql(keep_rejects=True)})"
            )
        return self._from_table()

    def bad_rows(self, relation: str) -> None:
        """Count and name the rows that a format itself refused, from a copy with the columns ``bad, file, line``."""
        refused = f"FROM {relation} WHERE start IS NULL AND passed IS NULL"
        ((count,),) = self.engine.believed(f"SELECT count(*) {refused}")
        first = self.engine.believed(f"SELECT file, line, bad {refused} ORDER BY bad IS NULL, file, line LIMIT 5")
        examples = tuple(
            named(*(self._place(path).at(line) if path else ("a row", line)), why or "no usable time or address")
            for path, line, why in first
        )
        _, unread = self._from_table()
        self.rejected += Rejected(count + unread, examples)

    def _from_table(self) -> tuple[Rejected, int]:
        """What DuckDB itself refused, and how many lines that were, headers included."""
        if not self.engine.has(self.scan.rejects):
            return Rejected(), 0
        table = f"{self.scan.rejects} JOIN reject_scans USING (scan_id, file_id)"
        ((seen,),) = self.engine.believed(f"SELECT count(DISTINCT (scan_id, file_id, line)) FROM {self.scan.rejects}")
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
                mine = [(self._place(path), *rest) for path, *rest in rows if path in paths]
                found += from_table(mine, form, module)
        more = seen - len(rows)
        return (found + Rejected(more) if more else found), seen

    def _note_cuts(self, surveys: Sequence[FileSurvey]) -> None:
        for file, found in zip(self._all(), surveys, strict=True):
            if found.cut:
                self.cut.append(f"{self._place(str(file.path)).path}: {found.cut}")

    def _repaired(self, file: LogFile, form: Recognised) -> LogFile | None:
        if dict(form.options).get("file") == "parquet":
            return self._sound(file)
        target = self.engine.folder / f"repaired-{len(self._originals)}.log"
        done = repaired(file.path, file.packing, self.bounds, target)
        self._originals[str(target)] = file
        if done.cut:
            self.cut.append(f"{file.path}: {done.cut}")
        if done.nul_bytes:
            self.warnings.append(f"{file.path}: {done.nul_bytes} NUL bytes taken out")
        return file._replace(path=target, packing="plain")

    def _sound(self, file: LogFile) -> LogFile | None:
        """The Parquet file as it is, or None: it is no text that could be mended."""
        self._originals[str(file.path)] = file
        try:
            self.engine.run(
                f"CREATE OR REPLACE TEMP TABLE probe AS SELECT max(hash(COLUMNS(*))) "
                f"FROM read_parquet({file_list([str(file.path)])})"
            )
        except duckdb.Error as fault:
            self.cut.append(f"{file.path}: left out, it cannot be read: {str(fault).splitlines()[0][:200]}")
            return None
        return file

    def _original(self, file: LogFile) -> LogFile:
        return self._originals.get(str(file.path), file)

    def _place(self, path: str) -> Place:
        """Where a file that DuckDB reads stands in one that a person has."""
        found = self._places.get(path)
        return found or Place(self._originals[path].path if path in self._originals else path)

    def _all(self) -> list[LogFile]:
        return [file for files in self.forms.values() for file in files]

    def _is_lean(self, form: Recognised) -> bool:
        return bool(getattr(formats()[form.format], "ROWS_ARE_LINES", False))
