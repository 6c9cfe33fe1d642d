"""Files that cannot be read as they lie on disk, as plain copies in a private folder: a line a record, UTF-8.

Read through a copy: bzip2 and xz, the members of zip and tar archives, UTF-16, JSON arrays and documents, XML events,
and lines inside the records of a shipper or an export. Every other file is read where it lies. A copy costs its size on
disk once; what it stands for is shown in every message (``day.zip/conn.log``).
"""

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import duckdb

from connectors.sources.logs import archives, documents, envelopes
from connectors.sources.logs.decompress import (
    CHUNK,
    FIRST_BYTES,
    NATIVE,
    Bounds,
    DecompressionBomb,
    Packing,
    TruncatedFile,
    packing_of,
    unpacked,
)
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.line_sql import lines as numbered_lines
from connectors.sources.logs.schema import Scan, literal
from playbook.errors import UnknownFormat

_HEAD = 256 << 10
_REJECTS = "unreadable"


class Staging:
    """The copies of one source. ``cut`` says what could not be read to its end, ``notes`` what else was left out."""

    def __init__(self, bounds: Bounds, begin: Callable[[], Engine]) -> None:
        self.cut: list[str] = []
        self.notes: list[str] = []
        self._bounds = bounds
        self._begin = begin
        self._engine: Engine | None = None
        self._origins: dict[str, str] = {}
        self._bomb = False

    def close(self) -> None:
        """Remove the copies; safe to call again."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def shown(self, text: str) -> str:
        """``text`` with the names of the files that a person has in the place of our copies."""
        for copy, origin in reversed(self._origins.items()) if self._origins else ():
            text = text.replace(copy, origin)
        return text

    def plain(self, path: Path) -> tuple[Path, ...]:
        """The file itself, or the plain copies to be read in its place. UnknownFormat for an archive that is not."""
        with path.open("rb") as source:
            first = source.read(FIRST_BYTES)
        if refused := archives.refusal(first, path):
            raise UnknownFormat(refused)
        packing = packing_of(first)
        head = _head(path, packing, self._bounds)
        if archives.is_zip(first) and packing == "plain":
            return self._members(path, archives.zip_members(path, self._bounds))
        if archives.is_tar(head):
            return self._members(path, archives.tar_members(path, packing, self._bounds))
        if packing in NATIVE and _encoding(head) is None and _cut_into(_text(head)) is None:
            return (path,)
        copy = self._copied(path, str(path), unpacked(path, packing, self._bounds), head)
        return (copy,)

    def inner(self, path: Path, recognises: Callable[[str], bool]) -> Path | None:
        """A copy of the lines inside the file's records, when these are lines that ``recognises``; else None."""
        with path.open("rb") as source:
            packing = packing_of(source.read(FIRST_BYTES))
        envelope = envelopes.find(_whole_lines(_text(_head(path, packing, self._bounds))), recognises)
        if envelope is None:
            return None
        target = self._target(f"{path}")
        if envelope.column >= 0:
            rows = _text_lines(_decoded(unpacked(path, packing, self._bounds), "utf-8"))
            self._written(target, str(path), envelopes.csv_lines(rows, envelope))
        else:
            self._opened(path, target, envelope)
        return target

    def _members(self, path: Path, members: Iterator[archives.Member]) -> tuple[Path, ...]:
        copies: list[Path] = []
        self._bomb, known = False, len(self.cut)
        try:
            for member in members:
                pieces = _Ahead(member.pieces)
                name = f"{path}/{member.name}"
                try:
                    pieces.read(_HEAD)
                except TruncatedFile as cut:
                    self.cut.append(f"{name}: {cut}")
                    continue
                if pieces.head.strip(b"\0\r\n\t "):
                    copies += self._member(name, pieces)
                if self._bomb:
                    break
        except TruncatedFile as cut:
            self.cut.append(f"{path}: {cut}")
        if not copies:
            raise UnknownFormat("; ".join(self.cut[known:]) or f"{path}: the archive holds no file")
        return tuple(copies)

    def _member(self, name: str, pieces: "_Ahead") -> Iterator[Path]:
        """A member as a copy of its own; a packed one is unpacked where DuckDB does not do it by itself."""
        packing = packing_of(pieces.head)
        if packing == "plain" and not pieces.head.startswith(b"PAR1"):
            yield self._copied(Path(name), name, pieces, pieces.head)
            return
        raw = self._target(name)
        self._bytes(raw, name, pieces)
        head = _head(raw, packing, self._bounds)
        if packing in NATIVE and _encoding(head) is None and _cut_into(_text(head)) is None:
            yield raw
            return
        yield self._copied(raw, name, unpacked(raw, packing, self._bounds), head)

    def _copied(self, path: Path, name: str, pieces: Iterable[bytes], head: bytes) -> Path:
        target = self._target(name)
        encoding = _encoding(head)
        text = _decoded(pieces, encoding or "utf-8")
        cut = _cut_into(_text(head))
        if cut is None and encoding is None:
            self._bytes(target, name, pieces)
        elif cut is None:
            self._chunks(target, name, text)
        else:
            self._written(target, name, cut(text))
        return target

    def _opened(self, path: Path, target: Path, envelope: envelopes.Envelope) -> None:
        engine, inner = self._opened_engine(), "text"
        for keys in envelope.keys:
            value = f"try(json_extract_string({inner}, {literal(envelopes.pointer(keys))}))"
            inner = f"coalesce({value}, {inner})"
        rejects = Scan(rejects=_REJECTS)
        engine.run(f"DROP TABLE IF EXISTS {_REJECTS}; DROP TABLE IF EXISTS reject_scans")
        try:
            engine.run(
                f"COPY (SELECT trim(translate({inner}, chr(10) || chr(13), '  ')) AS line FROM "
                f"({numbered_lines([str(path)], rejects)}) ORDER BY n) TO {literal(str(target))} "
                "(FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '', NULLSTR '')",
                in_order=True,
            )
        except duckdb.Error as fault:
            self.cut.append(f"{path}: cannot be read: {str(fault).splitlines()[0][:200]}")
        ((unread,),) = (
            engine.believed(f"SELECT count(DISTINCT line) FROM {_REJECTS}") if engine.has(_REJECTS) else ((0,),)
        )
        if unread:
            self.cut.append(f"{path}: {unread:,} lines are longer than 2 MB or not UTF-8 text: left out")

    def _written(self, target: Path, name: str, rows: Iterator[str]) -> None:
        self._chunks(target, name, (row + "\n" for row in rows))

    def _chunks(self, target: Path, name: str, texts: Iterator[str]) -> None:
        self._bytes(target, name, (text.encode("utf-8", "replace") for text in texts))

    def _bytes(self, target: Path, name: str, pieces: Iterable[bytes]) -> None:
        with target.open("wb", buffering=CHUNK) as copy:
            try:
                for piece in pieces:
                    copy.write(piece)
            except TruncatedFile as cut:
                self._bomb = self._bomb or isinstance(cut, DecompressionBomb)
                self.cut.append(f"{name}: {cut}")
            except OSError as fault:
                self.cut.append(f"{name}: cannot be unpacked to {target.parent}: {fault.strerror}")

    def _target(self, name: str) -> Path:
        target = self._opened_engine().folder / f"copy-{len(self._origins)}-of.log"
        self._origins[str(target)] = self.shown(name)
        return target

    def _opened_engine(self) -> Engine:
        if self._engine is None:
            self._engine = self._begin()
        return self._engine


class _Ahead:
    """Pieces of which the first were read already: ``head``, given out again before the others."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.head = b""
        self._pieces = pieces

    def read(self, most: int) -> None:
        """Take pieces until ``most`` bytes are known."""
        while len(self.head) < most and (piece := next(self._pieces, b"")):
            self.head += piece

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        yield from self._pieces


def _head(path: Path, packing: Packing, bounds: Bounds) -> bytes:
    ahead = _Ahead(unpacked(path, packing, bounds))
    with suppress(TruncatedFile):  # what is readable decides; the reading itself reports the cut
        ahead.read(_HEAD)
    return ahead.head[:_HEAD]


_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LOOKED_AT = 400


def _encoding(head: bytes) -> str | None:
    """The encoding of a text that is not UTF-8: by its byte order mark, or by a zero in every second byte."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    even, odd = head[:_LOOKED_AT:2], head[1:_LOOKED_AT:2]
    if len(odd) < 8:
        return None
    if odd.count(0) > 0.9 * len(odd) and not even.count(0):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.9 * len(even) and not odd.count(0) else None


def _text(head: bytes) -> str:
    return head.decode(_encoding(head) or "utf-8", errors="replace").lstrip("\ufeff")


def _whole_lines(text: str) -> str:
    return text if len(text) < _HEAD // 4 else text.rpartition("\n")[0] or text


def _cut_into(text: str) -> Callable[[Iterator[str]], Iterator[str]] | None:
    """How a text that is no lines is cut into them; None when it is lines."""
    if documents.is_documents(text):
        return documents.records
    return documents.events if documents.is_events(text) else None


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    first = True
    for piece in pieces:
        text = decoder.decode(piece)
        yield text.lstrip("\ufeff") if first else text
        first = first and not text
    yield decoder.decode(b"", final=True)


def _text_lines(pieces: Iterator[str]) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from (line + "\n" for line in whole)
    if rest:
        yield rest
