"""One kind of log in one format as a relation in DuckDB, every line accounted for, damaged files repaired."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

from connectors.sources.logs.decompress import Bounds, FileSurvey, blank_lines, repaired, survey
from connectors.sources.logs.engine import Engine, unreadable
from connectors.sources.logs.files import LogFile, formats
from connectors.sources.logs.header_changes import split
from connectors.sources.logs.rejects import Looked, Place, Rejected, carefully, in_table, untold
from connectors.sources.logs.schema import ASIDE_DEFAULTS, CANONICAL, Kind, Recognised, Scan, literal
from connectors.sources.logs.year_inference import Years, years

# Past this many files in one query the rows of lines do not say which file they stand in.
_TOLD_APART = 64
# What a format whose rows are lines, all alike, has in the columns beside the kind's own.
_IF_ABSENT = {name: f"coalesce({name}, {value})" for name, value in ASIDE_DEFAULTS.items()}
_NO_ROW = f"(SELECT {', '.join(f'{value} AS {name}' for name, value in ASIDE_DEFAULTS.items())} WHERE false)"
_OF_LINES = {"bad": "NULL::VARCHAR", "passed": "NULL::VARCHAR", "line": "NULL::BIGINT", **ASIDE_DEFAULTS}
# DuckDB keeps some 25 kB for a line that it refuses, outside its own memory limit.
_MOST_REFUSED = 5_000
# One line costs Python microseconds, and a packed log may hold a million lines in a kilobyte: what may be looked at
# grows with the bytes on disk, and no real log has shorter lines than this.
_LEAST_LOOKED, _BYTES_A_LINE = 500_000, 16


@dataclass
class Reading:
    """The files of one kind in one format, so that what is said of a file does not depend on what lies beside it.

    ``forms`` are the files as DuckDB reads them; a repaired one stands in for its original. ``rejected``, ``passed``
    (lines that say nothing to us, by reason) and ``cut`` are known after ``settle`` or ``account`` (accounting.py).
    """

    engine: Engine
    kind: Kind
    forms: dict[Recognised, list[LogFile]]
    scan: Scan
    bounds: Bounds
    rejected: Rejected = field(default_factory=Rejected)
    passed: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    line_copies: tuple[tuple[str, str], ...] = ()  # see line_copies.py
    _originals: dict[str, LogFile] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)
    _bombs: set[str] = field(default_factory=set)
    _torn: set[str] = field(default_factory=set)
    _lost: Rejected = field(default_factory=Rejected)
    _surveys: list[Future[FileSurvey]] = field(default_factory=list)
    _years: dict[str, Years] = field(default_factory=dict)
    _prepared: bool = False

    def __post_init__(self) -> None:
        self.module: ModuleType = formats()[next(iter(self.forms)).format]

    @property
    def by_line(self) -> bool:
        """Whether every line of these files is one row, so that lines and rows can be compared."""
        return getattr(self.module, "ROWS_ARE_LINES", False)

    @property
    def interim(self) -> bool:
        """Whether the rows are states of connections that last, which their final row repeats."""
        return all(dict(form.options).get("interim") == "yes" for form in self.forms)

    @property
    def is_endpoint(self) -> bool:
        """Whether machines wrote these files about themselves."""
        return getattr(self.module, "ENDPOINT", False)

    def prepare(self) -> None:
        """The years of stamps that name none; once."""
        if self._prepared:
            return
        self._prepared = True
        if getattr(self.module, "UNDATED", False):
            by_path = years(self.engine, self._all(), self.scan.year, self._originals)
            self._years = {str(self._original_path(path)): year for path, year in by_path.items()}
            said = "stamps without a year are read as of {}, the latest that the file's own time allows: give --year"
            known = self._years.items() if self.scan.year is None else ()
            self.warnings += [f"{path}: {said.format(year.text)}" for path, year in known]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files as DuckDB reads them."""
        return tuple(str(file.path) for file in self._all())

    @property
    def text_files(self) -> list[LogFile]:
        """The files that hold lines."""
        return [file for form, files in self.forms.items() if ("file", "parquet") not in form.options for file in files]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self._all())

    def sql(self, columns: Sequence[str] = (), keep_rejects: bool = False) -> str:
        """A SELECT of the rows as the files hold them; names of ``columns`` beyond the kind's own are added.

        ``keep_rejects``: what DuckDB refuses goes to the rejects table, which starts empty.
        """
        self.prepare()
        scan, parts = self._dated().model_copy(update={"copies": self.line_copies}), []
        apart = self.by_line and "file" in columns and len(self._all()) <= _TOLD_APART
        if not keep_rejects:
            scan = scan.model_copy(update={"rejects": ""})
        elif not self.line_copies:
            self.engine.run(f"DROP TABLE IF EXISTS {self.scan.rejects}; DROP TABLE IF EXISTS reject_scans")
        for form, files in self.forms.items():
            only = scan.model_copy(update={"only": dict(form.options).get("lines", "")})
            for group in [[file] for file in files] if apart else [files]:
                rows = self.module.select(form, [str(file.path) for file in group], only)
                path = literal(str(group[0].path)) if len(group) == 1 else "'the " + self.module.NAME + " logs'"
                stands_for = _OF_LINES | {"file": path} if self.by_line else _IF_ABSENT
                names = (*CANONICAL[self.kind], *(f"{stands_for.get(name, name)} AS {name}" for name in columns))
                source = rows if self.by_line or not columns else f"{_NO_ROW} UNION ALL BY NAME ({rows})"
                parts.append(f"SELECT {', '.join(names)} FROM ({source})")
        return " UNION ALL ".join(parts)

    def uids(self) -> str:
        """A SELECT of the identities (uid) of these connections; "" for a format that gives none."""
        chosen = (
            [
                self.module.uids(form, [str(file.path) for file in files], self.scan)
                for form, files in self.forms.items()
            ]
            if hasattr(self.module, "uids")
            else []
        )
        return " UNION ALL ".join(chosen)

    def _dated(self) -> Scan:
        """The scan with the years of these files."""
        known = [
            (path, self._years[original])
            for path in self.paths
            if (original := str(self._original_path(path))) in self._years
        ]
        if not known:
            return self.scan
        # A format that knows one year only reads right what lies in one.
        return self.scan.model_copy(
            update={
                "years": tuple((path, *year) for path, year in known),
                "year": self.scan.year or max(year.early for _, year in known),
            }
        )

    def start_survey(self, worker: ThreadPoolExecutor) -> None:
        """Count the lines beside the query that reads them, and end the query when a file must not be read whole."""
        self.prepare()
        text = [
            file for form, files in self.forms.items() for file in files if dict(form.options).get("file") != "parquet"
        ]
        self._surveys = [worker.submit(self._survey, file) for file in text]

    def _survey(self, file: LogFile) -> FileSurvey:
        seen = survey(file.path, file.packing, self.bounds)
        seen.path = str(file.path)
        if seen.bomb:
            self._bombs.add(str(file.path))
            self.engine.interrupt()
        elif seen.torn:
            self._torn.add(str(file.path))
        return seen

    def repair(self) -> bool:
        """Copy every file that DuckDB could not or must not read, cleaned; False when all were repaired before."""
        done = self._originals.keys() | self._places.keys()
        left = [file for file in self._all() if str(file.path) not in done]
        left = [file for file in left if str(file.path) in self._bombs | self._torn] or left
        if not left:
            return False
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
        if self.torn():
            return True
        surveys = [future.result() for future in self._surveys]
        self.note_cuts()
        if self._divided(surveys):
            return True
        lines, plain = sum(survey.lines for survey in surveys), sum(survey.comments for survey in surveys)
        plain = plain if hasattr(self.module, "renamed") else 0
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
        if looked.whole:  # DuckDB may read what a look at the line calls wrong, and the other way round
            left_out = max(sum(survey.lines for survey in surveys) - looked.silent - usable_rows + unusable, 0)
            looked = replace(looked, rejected=replace(looked.rejected, count=left_out))
        else:
            out = known.count + unusable if balanced else lines - usable_rows + unusable
            self.rejected += Rejected(max(out - looked.rejected.count, 0))
            self.cut += [] if balanced else [untold(looked, [self.place(path).path for path in self.paths])]
        self.rejected += looked.rejected + self._lost
        return False

    def _looked(self) -> Looked:
        """Every line in plain Python, up to what the size on disk allows."""
        looked, most = Looked(), max(_LEAST_LOOKED, self.size // _BYTES_A_LINE)
        for form, files in self.forms.items():
            for file in map(self._original, files):
                place, left = self.place(str(file.path)), most - looked.lines
                looked += carefully(file, place, form, self.module, self.bounds, left)
        return looked

    def _divided(self, surveys: Sequence[FileSurvey]) -> bool:
        """Divide the files in which a header changes the columns; whether there were any."""
        found = {str(file.path): survey.headers for file, survey in zip(self._all(), surveys, strict=True)}
        done = False
        for form, files in list(self.forms.items()):
            whole = [file for file in files if str(file.path) not in self._places]
            for file in whole if hasattr(self.module, "renamed") else ():
                texts = (text.decode(errors="replace").rstrip("\r") for text in found[str(file.path)])
                if all(self.module.renamed(form, text) is None for text in texts):
                    continue
                whole_file, folder = self._original(file), self.engine.folder
                parts = split(whole_file, form, self.module, self.bounds, folder, len(self._places))
                self.forms[form] = [kept for kept in self.forms[form] if kept is not file]
                for kept, part in parts.files:
                    self.forms.setdefault(kept, []).append(part)
                self._places |= parts.places
                self._lost += parts.lost
                done = True
        return done

    def _refused(self) -> tuple[Rejected, int]:
        """Read once more, now for the lines that DuckDB refuses; a format without such a table has none."""
        if hasattr(self.module, "renamed"):
            query = f"SELECT count(COLUMNS(*)) FROM ({self.sql(keep_rejects=True)})"
            self.engine.run(f"CREATE OR REPLACE TEMP TABLE again AS {query}")
        return self.from_table()

    def from_table(self) -> tuple[Rejected, int]:
        """What DuckDB itself refused, and how many lines that were, headers included."""
        return in_table(self.engine, self.scan.rejects, self.forms, self.module, self.place)

    def torn(self) -> bool:
        """Whether lines hold what makes two of them; then their files are repaired and must be read again."""
        return any(future.result().path in self._torn for future in self._surveys) and self.repair()

    def note_cuts(self) -> None:
        """Keep what the surveys say of files that end early."""
        surveys = [future.result() for future in self._surveys]
        self.cut += [f"{self.place(seen.path).path}: {seen.cut}" for seen in surveys if seen.cut]

    def _repaired(self, file: LogFile, form: Recognised) -> LogFile | None:
        if dict(form.options).get("file") == "parquet":
            self._originals[str(file.path)] = file
            fault = unreadable(self.engine, file.path)
            self.cut += [f"{file.path}: left out, it cannot be read: {fault}"] if fault else []
            return None if fault else file
        target = self.engine.folder / f"repaired-{self.kind}-{len(self._originals)}-{form.format}.log"
        done = repaired(file.path, file.packing, self.bounds, target)
        self._originals[str(target)] = self._original(file)
        self.cut += [f"{file.path}: {done.cut}"] if done.cut else []
        if done.nul_bytes:
            self.warnings.append(f"{file.path}: {done.nul_bytes} NUL bytes taken out")
        return file._replace(path=target, packing="plain")

    def _original(self, file: LogFile) -> LogFile:
        return self._originals.get(str(file.path), file)

    def _original_path(self, path: str) -> Path:
        return self._originals[path].path if path in self._originals else Path(path)

    def place(self, path: str) -> Place:
        """Where a file that DuckDB reads stands in one that a person has."""
        return self._places.get(path) or Place(self._original_path(path))

    def _all(self) -> list[LogFile]:
        return [file for files in self.forms.values() for file in files]
