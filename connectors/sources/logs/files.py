"""The log files that were asked for: paths, folders and globs, each recognised from its own first bytes."""

import glob
import importlib
import os
import pkgutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from connectors.sources.logs import formats as format_modules
from connectors.sources.logs.decompress import FIRST_BYTES, Bounds, Packing, TruncatedFile, packing_of, unpacked
from connectors.sources.logs.formats import tables
from connectors.sources.logs.schema import Columns, Kind, Recognised
from connectors.sources.logs.staging import Staging
from playbook.errors import ConfigError, UnknownFormat

HEAD = 256 << 10
MOST_FILES = 100_000
# Other names of a format, the first as good as its own; the others are what earlier configurations say.
_ALIASES = {"parquet": "csv", "nfdump": "netflow", "canonical": "csv"}


class LogFile(NamedTuple):
    """One file: where it is read from, how it is packed, what it holds, and its size on disk in bytes."""

    path: Path
    packing: Packing
    forms: tuple[Recognised, ...]
    size: int


class LogFiles(NamedTuple):
    """The readable files, and one sentence for each thing that was left out or assumed."""

    files: tuple[LogFile, ...]
    notes: tuple[str, ...]

    def of(self, kind: Kind) -> dict[Recognised, list[LogFile]]:
        """The files that hold this kind of log, by their form."""
        found: dict[Recognised, list[LogFile]] = {}
        for file in self.files:
            for form in file.forms:
                if form.kind == kind:
                    found.setdefault(form.model_copy(update={"note": ""}), []).append(file)
        return found


@lru_cache(maxsize=1)
def formats() -> Mapping[str, ModuleType]:
    """Every format by its name: the modules of the folder formats, save those with a leading underscore."""
    names = [module.name for module in pkgutil.iter_modules(format_modules.__path__)]
    modules = [importlib.import_module(f"{format_modules.__name__}.{name}") for name in sorted(names) if name[0] != "_"]
    return {module.NAME: module for module in sorted(modules, key=lambda module: getattr(module, "ASKED_LAST", False))}


def named() -> list[str]:
    """What a person may call a format, beside ``auto``."""
    return sorted([*formats(), "parquet"])


def find_log_files(
    paths: Sequence[Path], wanted: str, bounds: Bounds, staging: Staging, columns: Columns = ()
) -> LogFiles:
    """The log files under ``paths``; a file named itself must be recognised, in a folder the others are skipped.

    ``staging`` copies what cannot be read where it lies; ``columns`` names those of tables of the person's own.
    Raises UnknownFormat when nothing is recognised, ConfigError when a path does not exist or cannot be read.
    """
    chosen = _chosen(wanted)
    files: list[LogFile] = []
    notes: list[str] = []
    skipped: list[str] = []
    for path in paths:
        for found, named in _expanded(path):
            copies = _plain(found, named, staging, skipped)
            for copy in copies:
                file, forms, size = _file(copy, chosen, bounds, staging, columns)
                if file:
                    _openable(found)
                    files.append(file)
                    notes += [staging.shown(f"{file.path}: {form.note}") for form in file.forms if form.note]
                elif named and forms is None and len(copies) == 1:
                    raise UnknownFormat(_unrecognised(found, size, wanted))
                else:
                    name = found.name if copy == found else staging.shown(str(copy))
                    skipped.append(f"{name} ({'empty' if size == 0 else 'not read' if forms == () else 'unknown'})")
    if not files:
        raise UnknownFormat(_nothing(paths, skipped))
    if skipped:
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        notes.append(f"skipped: {', '.join(skipped[:5])}{more}")
    return LogFiles(tuple(dict.fromkeys(files)), tuple(dict.fromkeys(notes)))


def _plain(path: Path, named: bool, staging: Staging, skipped: list[str]) -> tuple[Path, ...]:
    """The file, or its copies; an archive in a folder that is not read is one more skipped file."""
    try:
        return staging.plain(path)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror}") from fault
    except UnknownFormat as refused:
        if named:
            raise
        skipped.append(str(refused))
        return ()


def _file(
    path: Path, modules: Sequence[ModuleType], bounds: Bounds, staging: Staging, columns: Columns
) -> tuple[LogFile | None, tuple[Recognised, ...] | None, int]:
    """The file when it is recognised, by itself or by the lines inside its records; else why not, and its size."""
    forms, packing, size = _recognised(path, modules, bounds, columns)
    if not forms and size:
        inner = staging.inner(path, lambda head: bool(_known(head, "", modules, columns)))
        if inner is not None:
            forms, packing, size = _recognised(path := inner, modules, bounds, columns)
    return (LogFile(path, packing, forms, size) if forms else None), forms, size


def _chosen(wanted: str) -> list[ModuleType]:
    if wanted == "auto":
        return list(formats().values())
    name = _ALIASES.get(wanted, wanted)
    if name not in formats():
        raise ConfigError(f"format {wanted!r} is not known; known: auto, {', '.join(named())}")
    return [formats()[name]]


def _expanded(path: Path) -> list[tuple[Path, bool]]:
    """The files behind a path, and whether the file was named itself."""
    if path.is_dir():
        inside = (Path(root) / name for root, _, names in os.walk(path) for name in names)
        found = [(file, False) for file in sorted(inside) if file.is_file() and not file.name.startswith(".")]
    elif path.exists():
        found = [(path, True)]
    else:
        matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
        found = [(match, False) for match in matches if match.is_file()]
        if not found:
            raise ConfigError(f"{path}: no such file or folder, and no file matches it as a pattern")
    if len(found) > MOST_FILES:
        raise ConfigError(f"{path}: {len(found)} files, more than {MOST_FILES}")
    return found


def _recognised(
    path: Path, modules: Sequence[ModuleType], bounds: Bounds, columns: Columns
) -> tuple[tuple[Recognised, ...] | None, Packing, int]:
    """What the file holds: None when no format knows it, () when it is known and not read."""
    try:
        size = path.stat().st_size
        with path.open("rb") as source:
            packing = packing_of(source.read(FIRST_BYTES))
        head = _head(path, packing, bounds)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror}") from fault
    return _known(head, str(path), modules, columns), packing, size


def _known(head: str, path: str, modules: Sequence[ModuleType], columns: Columns) -> tuple[Recognised, ...] | None:
    own = tables.mapped(head, columns) if columns else None
    if own is not None:
        return (own,)
    known = None
    for module in modules if head.strip() else ():
        forms = module.recognise(head, path)
        if isinstance(forms, Recognised):
            return (forms,)
        if forms:
            return tuple(forms)
        known = known if forms is None else ()
    return known


def _head(path: Path, packing: Packing, bounds: Bounds) -> str:
    pieces: list[bytes] = []
    try:
        for piece in unpacked(path, packing, bounds):
            pieces.append(piece)
            if sum(map(len, pieces)) >= HEAD:
                break
    except TruncatedFile:
        pass  # what is readable decides; the reading itself reports the cut
    head = b"".join(pieces)[:HEAD]
    whole_lines = head.rpartition(b"\n")[0] or head
    return (head if len(head) < HEAD else whole_lines).decode("utf-8", errors="replace")


def _openable(path: Path) -> None:
    """DuckDB takes a file's name as text; a log that it could not open must not be left out quietly."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", errors="replace")
        raise ConfigError(f"{shown}: the file's name is not UTF-8 text; rename it") from None


def _unrecognised(path: Path, size: int, wanted: str) -> str:
    if size == 0:
        return f"{path}: the file is empty"
    asked = "any known format" if wanted == "auto" else f"a log in the format {wanted}"
    return f"{path}: not recognised as {asked} (known: {', '.join(named())})"


def _nothing(paths: Sequence[Path], skipped: Sequence[str]) -> str:
    seen = f"; seen: {', '.join(skipped[:5])}" if skipped else ""
    return f"{', '.join(map(str, paths))}: no log in a known format{seen}"
