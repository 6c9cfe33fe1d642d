"""Bytes of plain, gzip, zstd, bzip2 and xz files, with flat memory and a bound on their size; the repair copy."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import zstandard

Packing = Literal["plain", "gzip", "zstd", "bzip2", "xz"]
NATIVE: tuple[Packing, ...] = ("plain", "gzip", "zstd")  # what DuckDB reads by itself
FIRST_BYTES = 6  # enough for ``packing_of``

CHUNK = 1 << 20
SEPARATOR = b"\x01\x02\x03\x04"  # between columns where a line is one column: no sound line has it
LONGEST_LINE = 1 << 20
# The ratio is only judged after this much: a short log of one repeated line packs better than any bomb.
_RATIO_FROM = 256 << 20
# No log packs a line into less than a byte; what claims to is not read to its end.
_LINES_FROM = 2_000_000
_HEADER = b"#fields"
_MOST_HEADERS = 1000
# A zstd block of 4 bytes unpacks to at most 128 KiB, so that this many bytes of input stay below 64 MiB.
_ZSTD_INPUT = 1 << 11
# An xz header may ask for a dictionary of 4 GiB; the strongest preset (xz -9) needs 65 MiB.
_XZ_MEMORY = 128 << 20


class TruncatedFile(Exception):
    """The packed data ends early, is damaged, or unpacks to more than allowed; what came before was readable."""


class DecompressionBomb(TruncatedFile):
    """The packed data unpacks to more bytes or lines than allowed: nobody else may read it to its end either."""


@dataclass(frozen=True)
class Bounds:
    """How much a packed file may unpack to: in bytes, and as a multiple of its packed size."""

    most_bytes: int = 64 << 30
    most_ratio: int = 400


@dataclass
class FileSurvey:
    """What a careful reading of a file found; ``cut`` is why reading ended early, ``bomb`` that it had to.

    ``comments`` counts the lines that begin with #, ``headers`` holds the distinct texts from a ``#fields`` on,
    ``torn`` counts what DuckDB would take for the end of a line or column: a CR inside a line, ``SEPARATOR``.
    """

    lines: int = 0
    comments: int = 0
    headers: set[bytes] = field(default_factory=set)
    cut: str = ""
    bomb: bool = False
    path: str = ""
    torn: int = 0


@dataclass
class Repair:
    """What a repair copy left out: line numbers (the first few) of over-long lines, and counts."""

    overlong: int = 0
    overlong_lines: tuple[int, ...] = ()
    nul_bytes: int = 0
    cut: str = ""


def packing_of(first: bytes) -> Packing:
    """How the content is packed, from its first bytes."""
    if first.startswith(b"\x1f\x8b"):
        return "gzip"
    if first.startswith(b"BZh") and first[3:4].isdigit():
        return "bzip2"
    if first.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return "zstd" if first.startswith(b"\x28\xb5\x2f\xfd") else "plain"


def unpacked(path: Path, packing: Packing, bounds: Bounds) -> Iterator[bytes]:
    """The content in pieces of bounded size; raises Cut after the last readable piece, OSError when unreadable."""
    if packing == "plain":
        with path.open("rb", buffering=0) as source:
            while piece := source.read(CHUNK):
                yield piece
        return
    yield from bounded(_STREAMS[packing](path), path.stat().st_size, bounds)


def bounded(pieces: Iterable[bytes], size: int, bounds: Bounds) -> Iterator[bytes]:
    """The pieces until they are more than ``size`` packed bytes may give: then Bomb is raised."""
    done, lines = 0, 0
    for piece in pieces:
        done += len(piece)
        if too_much(done, size, bounds):
            raise DecompressionBomb(f"unpacks to more than {done >> 20} MiB from {size} bytes: the rest is not read")
        yield piece
        lines += piece.count(b"\n")
        if lines > max(_LINES_FROM, size):
            raise DecompressionBomb(f"unpacks to more than {lines:,} lines from {size:,} bytes: the rest is not read")


def too_much(done: int, size: int, bounds: Bounds) -> bool:
    """Whether ``done`` unpacked bytes are more than ``size`` packed ones may give."""
    return done > bounds.most_bytes or (done > _RATIO_FROM and done > size * bounds.most_ratio)


def survey(path: Path, packing: Packing, bounds: Bounds) -> FileSurvey:
    """How many lines the file has, and whether it can be read to its end."""
    found, last, rest = FileSurvey(), b"\n", b""
    try:
        for piece in unpacked(path, packing, bounds):
            found.lines += piece.count(b"\n")
            if b"\r" in piece or last == b"\r":
                found.torn += piece.count(b"\r") - piece.count(b"\r\n") - (last == b"\r" and piece.startswith(b"\n"))
            found.torn += piece.count(SEPARATOR) if SEPARATOR[:1] in piece else 0
            if rest or b"#" in piece:
                found.comments += piece.count(b"\n#") + (last == b"\n" and piece.startswith(b"#"))
                rest = _headers(rest + piece, found.headers)
            last = piece[-1:]
    except TruncatedFile as cut:
        found.cut, found.bomb = str(cut), isinstance(cut, DecompressionBomb)
    found.lines += last != b"\n"
    return found


def _headers(text: bytes, found: set[bytes]) -> bytes:
    """Add every ``#fields`` line to ``found``; what may be the beginning of one is returned, for the next piece."""
    at = text.find(_HEADER)
    while at >= 0:
        end = text.find(b"\n", at)
        if end < 0:
            return text[at : at + LONGEST_LINE]
        if len(found) < _MOST_HEADERS:
            found.add(text[at:end])
        at = text.find(_HEADER, end)
    tail = text[-len(_HEADER) :]
    return tail[tail.rfind(b"#") :] if b"#" in tail else b""


def blank_lines(path: Path, packing: Packing, bounds: Bounds) -> int:
    """How many lines of the readable part are empty, which no reader of tables counts as rows."""
    blank, rest = 0, b""
    try:
        for piece in unpacked(path, packing, bounds):
            *whole, last = piece.split(b"\n")
            if whole:
                whole[0] = rest + whole[0]
            blank += whole.count(b"") + whole.count(b"\r")
            rest = last[:2] if whole else (rest + last)[:2]
    except TruncatedFile:
        pass
    return blank


def lines_of(path: Path, packing: Packing, bounds: Bounds) -> Iterator[bytes | None]:
    """The lines without their end (LF, CRLF or CR LF mixed); None for one over ``LONGEST_LINE``. Raises Cut."""
    rest, too_long = b"", False
    for piece in unpacked(path, packing, bounds):
        *whole, rest_of_piece = piece.split(b"\n")
        for line in whole:
            yield None if too_long or len(rest) + len(line) > LONGEST_LINE else (rest + line).rstrip(b"\r")
            rest, too_long = b"", False
        rest = b"" if too_long else rest + rest_of_piece
        if len(rest) > LONGEST_LINE:
            rest, too_long = b"", True
    if rest or too_long:
        yield None if too_long else rest.rstrip(b"\r")


def repaired(path: Path, packing: Packing, bounds: Bounds, target: Path) -> Repair:
    """Write a plain copy with as many lines as were readable: over-long ones blank, without NUL bytes and CR."""
    done = Repair()
    numbers: list[int] = []
    with target.open("wb") as copy:
        try:
            for number, line in enumerate(_kept_to_the_cut(path, packing, bounds, done), 1):
                if line is None:
                    done.overlong += 1
                    numbers += [number] if len(numbers) < 5 else []
                    copy.write(b"\n")
                    continue
                done.nul_bytes += line.count(0)
                copy.write(line.replace(b"\0", b"").replace(b"\r", b" ").replace(SEPARATOR, b"    ") + b"\n")
        finally:
            done.overlong_lines = tuple(numbers)
    return done


def _kept_to_the_cut(path: Path, packing: Packing, bounds: Bounds, done: Repair) -> Iterator[bytes | None]:
    try:
        yield from lines_of(path, packing, bounds)
    except TruncatedFile as cut:
        done.cut = str(cut)


def _gunzipped(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as source:
        stream = zlib.decompressobj(wbits=31)
        packed = b""
        while packed := packed or source.read(CHUNK):
            try:
                piece = stream.decompress(packed, CHUNK)
            except zlib.error as fault:
                raise TruncatedFile(f"damaged gzip data ({fault})") from None
            if piece:
                yield piece
            packed = stream.unconsumed_tail
            if stream.eof:
                packed = stream.unused_data.lstrip(b"\0") or source.read(CHUNK)
                if not packed:
                    return
                stream = zlib.decompressobj(wbits=31)
    raise TruncatedFile("the gzip data is cut short")


def _unzstd(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        stream = zstandard.ZstdDecompressor().decompressobj()
        packed = b""
        while packed := packed or source.read(_ZSTD_INPUT):
            try:
                piece = stream.decompress(packed)
            except zstandard.ZstdError as fault:
                raise TruncatedFile(f"damaged zstd data ({fault})") from None
            if piece:
                yield piece
            packed = b""
            if stream.eof:
                packed = stream.unused_data or source.read(_ZSTD_INPUT)
                if not packed:
                    return
                stream = zstandard.ZstdDecompressor().decompressobj()
    raise TruncatedFile("the zstd data is cut short")


def _unbzip2(path: Path) -> Iterator[bytes]:
    yield from _stream(path, bz2.BZ2Decompressor, "bzip2")


def _unxz(path: Path) -> Iterator[bytes]:
    yield from _stream(path, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), "xz")


def _stream(path: Path, begin: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], name: str) -> Iterator[bytes]:
    """The streams of a file one after the other, each piece at most ``CHUNK`` bytes long."""
    with path.open("rb", buffering=0) as source:
        stream, packed = begin(), source.read(CHUNK)
        while packed or not stream.needs_input:
            try:
                piece = stream.decompress(packed, CHUNK)
            except (OSError, lzma.LZMAError, ValueError) as fault:
                raise TruncatedFile(f"damaged {name} data ({fault})") from None
            if piece:
                yield piece
            packed = b"" if stream.eof or not stream.needs_input else source.read(CHUNK)
            if stream.eof:
                packed = stream.unused_data.lstrip(b"\0") or source.read(CHUNK)
                if not packed:
                    return
                stream = begin()
    raise TruncatedFile(f"the {name} data is cut short")


_STREAMS: Mapping[Packing, Callable[[Path], Iterator[bytes]]] = {
    "gzip": _gunzipped,
    "zstd": _unzstd,
    "bzip2": _unbzip2,
    "xz": _unxz,
}
