"""The log files that were asked for: paths, folders and globs, each recognised from its own first bytes."""

import glob
import importlib
import os
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from connectors.sources.logs import formats as format_modules
from connectors.sources.logs.decompress import FIRST_BYTES, Bounds, Packing, TruncatedFile, packing_of, unpacked
from connectors.sources.logs.formats import tables
from connectors.sources.logs.schema import Columns, Kind, Recognised
from connectors.sources.logs.staging import Staging
from connectors.sources.logs.unknown_files import described
from playbook.errors import ConfigError, UnknownFormat

HEAD = 256 << 10
MOST_FILES = 100_000
_SAMPLES, _SAMPLE = 8, 64 << 10
# Other names of a format, the first as good as its own; the others are what earlier configurations say.
_ALIASES = {"parquet": "csv", "nfdump": "netflow", "canonical": "csv"}


class LogFile(NamedTuple):
    """One file: where it is read from, how it is packed, what it holds, and its size on disk in bytes."""

    path: Path
    packing: Packing
    forms: tuple[Recognised, ...]
    size: int


class _Looked(NamedTuple):
    """A file before its format is known: ``head`` is its first text, ``first`` its first bytes, both unpacked."""

    path: Path
    packing: Packing
    size: int
    head: str
    first: bytes


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

    ``staging`` copies what cannot be read where it lies; ``columns`` names those of tables of the person's own. A
    format that is ``wanted`` is believed: what a file of it holds is seen from its head or assumed. Raises
    UnknownFormat when nothing is recognised, ConfigError when a path does not exist or cannot be read.
    """
    chosen = _chosen(wanted)
    files: list[LogFile] = []
    notes: list[str] = []
    skipped: list[str] = []
    for path in paths:
        for place, alone in _expanded(path):
            copies = _plain(place, alone, staging, skipped)
            for copy in copies:
                seen, forms = _file(copy, wanted, chosen, bounds, staging, columns)
                if forms:
                    _openable(place)
                    files.append(LogFile(seen.path, seen.packing, forms, seen.size))
                    notes += [staging.shown(f"{seen.path}: {form.note}") for form in forms if form.note]
                elif alone and forms is None and len(copies) == 1:
                    raise UnknownFormat(f"{place}: {_unrecognised(seen)} (known: {', '.join(named())})")
                else:
                    name = place.name if copy == place else staging.shown(str(copy))
                    skipped.append(f"{name} ({'not read' if forms == () else _unrecognised(seen)})")
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
    path: Path, wanted: str, modules: Sequence[ModuleType], bounds: Bounds, staging: Staging, columns: Columns
) -> tuple[_Looked, tuple[Recognised, ...] | None]:
    """The file and what it holds by itself or in the lines inside its records; of a wanted format it is assumed."""
    seen = _look(path, bounds)
    forms = _known(seen, modules, bounds, columns)
    if not forms and seen.size:
        inner = staging.inner(path, lambda head: bool(_own(head, columns) or _by_head(head, "", modules)[0]))
        if inner is not None:
            seen = _look(inner, bounds)
            forms = _known(seen, modules, bounds, columns)
    return seen, _assumed(seen, *modules) if not forms and wanted != "auto" else forms


def _own(head: str, columns: Columns, path: str = "") -> tuple[Recognised, ...] | None:
    """A table of the person's own by its columns."""
    mapped = tables.mapped(head, columns, path) if columns else None
    return None if mapped is None else (mapped,)


def _known(
    seen: _Looked, modules: Sequence[ModuleType], bounds: Bounds, columns: Columns
) -> tuple[Recognised, ...] | None:
    return _own(seen.head, columns, str(seen.path)) or _recognised(seen, modules, bounds)


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


def _look(path: Path, bounds: Bounds) -> _Looked:
    try:
        size = path.stat().st_size
        with path.open("rb") as source:
            packing = packing_of(source.read(FIRST_BYTES))
        first = _bytes(path, packing, bounds)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror}") from fault
    whole_lines = first if len(first) < HEAD else first.rpartition(b"\n")[0] or first
    return _Looked(path, packing, size, whole_lines.decode(errors="replace"), first[:64])


def _recognised(seen: _Looked, modules: Sequence[ModuleType], bounds: Bounds) -> tuple[Recognised, ...] | None:
    """What the file holds: None when no format knows it, () when it is known and not read.

    A file whose head no format knows may hold a known one further on; a file of a device's lines those of others.
    """
    forms, module = _by_head(seen.head, str(seen.path), modules)
    if forms is not None and not hasattr(module, "LINE"):
        return forms
    if seen.size <= HEAD or "\0" in seen.head:
        return _of_devices(forms, [seen.head], seen.path, modules) if forms else forms
    later = list(_later(seen, bounds))
    if forms is None:
        forms = next((told for told in (_by_head(text, str(seen.path), modules)[0] for text in later) if told), None)
    return _of_devices(forms, [seen.head, *later], seen.path, modules) if forms else forms


def _by_head(
    head: str, path: str, modules: Sequence[ModuleType]
) -> tuple[tuple[Recognised, ...] | None, ModuleType | None]:
    known, by = None, None
    for module in modules if head.strip() else ():
        forms = module.recognise(head, path)
        if isinstance(forms, Recognised):
            return (forms,), module
        if forms:
            return tuple(forms), module
        known, by = (known, by) if forms is None else ((), module)
    return known, by


def _of_devices(
    forms: tuple[Recognised, ...], texts: Sequence[str], path: Path, modules: Sequence[ModuleType]
) -> tuple[Recognised, ...]:
    """The forms, and those of every other format whose lines stand between, when all are known by single lines."""
    if any(form.columns or not hasattr(formats()[form.format], "LINE") for form in forms):
        return forms
    others: list[Recognised] = []
    for module in (module for module in modules if hasattr(module, "LINE") and forms[0].format != module.NAME):
        more = next((told for told in (module.recognise(text, str(path)) for text in texts) if told), ())
        others += [form for form in ((more,) if isinstance(more, Recognised) else more) if not form.columns]
    if not others:
        return forms
    every = "|".join(f"(?:{formats()[name].LINE})" for name in dict.fromkeys(form.format for form in (*forms, *others)))
    first, *rest = (
        form.model_copy(update={"options": (*form.options, ("lines", formats()[form.format].LINE))})
        for form in (*forms, *others)
    )
    return first.model_copy(update={"options": (*first.options, ("all lines", every))}), *rest


def _assumed(seen: _Looked, module: ModuleType) -> tuple[Recognised, ...] | None:
    """What a file holds that a person says is of this format, when it does not look like it."""
    if not seen.head.strip():
        return None
    return module.assumed(seen.head) if hasattr(module, "assumed") else (Recognised(format=module.NAME, kind="conn"),)


def _bytes(path: Path, packing: Packing, bounds: Bounds) -> bytes:
    pieces: list[bytes] = []
    try:
        for piece in unpacked(path, packing, bounds):
            pieces.append(piece)
            if sum(map(len, pieces)) >= HEAD:
                break
    except TruncatedFile:
        pass  # what is readable decides; the reading itself reports the cut
    return b"".join(pieces)[:HEAD]


def _later(seen: _Looked, bounds: Bounds) -> Iterator[str]:
    """Whole lines from further on in the file: evenly spread in a plain one, at growing distances in a packed one."""
    if seen.packing == "plain":
        with seen.path.open("rb") as source:
            for place in range(1, _SAMPLES + 1):
                source.seek(max(seen.size * place // _SAMPLES - _SAMPLE, HEAD // 2))
                yield _inner(source.read(_SAMPLE))
        return
    done, wanted = 0, HEAD
    try:
        for piece in unpacked(seen.path, seen.packing, bounds):
            done += len(piece)
            if done > wanted:
                yield _inner(piece[-_SAMPLE:])
                wanted *= 2
            if wanted > HEAD << _SAMPLES:
                return
    except TruncatedFile:
        return  # what is readable decides; the reading itself reports the cut


def _inner(piece: bytes) -> str:
    whole = piece.partition(b"\n")[2].rpartition(b"\n")[0] or piece
    return whole.decode(errors="replace")


def _openable(path: Path) -> None:
    """DuckDB takes a file's name as text; a log that it could not open must not be left out quietly."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", errors="replace")
        raise ConfigError(f"{shown}: the file's name is not UTF-8 text; rename it") from None


def _unrecognised(seen: _Looked) -> str:
    if seen.size == 0:
        return "the file is empty"
    return f"not recognised as any known format: {described(seen.first, seen.head, formats())}"


def _nothing(paths: Sequence[Path], skipped: Sequence[str]) -> str:
    seen = f"; seen: {'; '.join(skipped[:5])}" if skipped else ""
    return f"{', '.join(map(str, paths))}: no log in a known format{seen}"
