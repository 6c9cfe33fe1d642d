"""The members of zip and tar archives as streams: nothing is written, no member's name becomes a path of ours.

A member that is no plain file (a folder, a link, a device) is left out. Archives in archives are not opened. What
cannot be read is refused with the command that unpacks it.
"""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from connectors.sources.logs.decompress import (
    CHUNK,
    Bounds,
    DecompressionBomb,
    Packing,
    TruncatedFile,
    bounded,
    too_much,
    unpacked,
)

MOST_MEMBERS = 10_000
_BLOCK = tarfile.BLOCKSIZE
_LONGEST_NAME = 1 << 16
# The directory of a zip is held in memory, some 20 bytes for one of it.
_LARGEST_DIRECTORY = 1 << 20
_END, _END_SIZE, _MOST_COMMENT = b"PK\x05\x06", 22, 1 << 16
_FULL = 0xFFFFFFFF
_SEVEN_ZIP, _RAR = b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"


class Member(NamedTuple):
    """One file of an archive: its name without folders above it, and its content, to be read before the next one."""

    name: str
    pieces: Iterator[bytes]


def is_zip(first: bytes) -> bool:
    """Whether these are the first bytes of a zip archive, an empty one included."""
    return first.startswith((b"PK\x03\x04", _END))


def is_tar(head: bytes) -> bool:
    """Whether these first bytes (of the unpacked content) are a tar archive's."""
    return head[257:262] == b"ustar"


def refusal(first: bytes, path: Path) -> str:
    """For an archive that is not read: the sentence that says so and how to unpack it; "" for any other content."""
    if first.startswith(_SEVEN_ZIP):
        return f"{path}: a 7z archive is not read: unpack it first with: 7z x {path.name}"
    if first.startswith(_RAR):
        return f"{path}: a RAR archive is not read: unpack it first with: unrar x {path.name}"
    return ""


def zip_members(path: Path, bounds: Bounds) -> Iterator[Member]:
    """The files in a zip archive. Raises Cut with the command that unpacks it when one cannot be read."""
    with path.open("rb") as source:
        size = _directory_size(source)
        if size > _LARGEST_DIRECTORY:
            raise TruncatedFile(f"the archive holds too many files: unpack it first with: unzip {path.name}")
        try:
            archive = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as fault:
            raise TruncatedFile(f"damaged zip data ({fault})") from None
        with archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_MEMBERS:
                raise TruncatedFile(
                    f"the archive holds more than {MOST_MEMBERS:,} files: unpack it first with: unzip {path.name}"
                )
            whole = _Whole(path.stat().st_size, bounds)
            for entry in entries:
                yield Member(_shown(entry.filename), whole.of(_zip_content(archive, entry, path)))


def tar_members(path: Path, packing: Packing, bounds: Bounds) -> Iterator[Member]:
    """The files in a tar archive, packed or not. Raises Cut when the archive is damaged or cut short."""
    stream = _Stream(unpacked(path, packing, bounds))
    name, members = "", 0
    while any(block := stream.exactly(_BLOCK)):
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        except tarfile.HeaderError as fault:
            raise TruncatedFile(f"damaged tar data ({fault})") from None
        if info.size < 0:
            raise TruncatedFile("damaged tar data (a negative size)")
        rest = -info.size % _BLOCK
        if info.type == tarfile.GNUTYPE_LONGNAME and info.size <= _LONGEST_NAME:
            name = stream.exactly(info.size).rstrip(b"\0").decode("utf-8", "replace")
            stream.skip(rest)
            continue
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_LONGNAME):
            stream.skip(info.size + rest)
            continue
        if not info.isreg() or info.type == tarfile.GNUTYPE_SPARSE:
            stream.skip(0 if info.type in _WITHOUT_CONTENT else info.size + rest)
            name = ""
            continue
        members += 1
        if members > MOST_MEMBERS:
            raise TruncatedFile(
                f"the archive holds more than {MOST_MEMBERS:,} files: unpack it first with: tar xf {path.name}"
            )
        content = stream.part(info.size)
        yield Member(_shown(name or info.name), content)
        for _ in content:
            pass  # what the caller left unread
        stream.skip(rest)
        name = ""


_WITHOUT_CONTENT = (
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
)


class _Stream:
    """Bytes of an iterator in the lengths that are asked for; Cut when it ends early."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def part(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces of bounded size."""
        while size:
            if not self._rest:
                self._rest = next(self._pieces, b"")
                if not self._rest:
                    raise TruncatedFile("the tar data is cut short")
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield piece

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes at once; a tar may end without its two empty blocks."""
        if size == _BLOCK and not self._rest:
            self._rest = next(self._pieces, b"")
            if not self._rest:
                return b""
        return b"".join(self.part(size))

    def skip(self, size: int) -> None:
        """Leave the next ``size`` bytes out."""
        for _ in self.part(size):
            pass


class _Whole:
    """The bounds of all members of one archive together: many small bombs are one."""

    def __init__(self, size: int, bounds: Bounds) -> None:
        self._size = size
        self._bounds = bounds
        self._done = 0

    def of(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        left = Bounds(max(self._bounds.most_bytes - self._done, 0), self._bounds.most_ratio)
        for piece in bounded(pieces, self._size, left):
            self._done += len(piece)
            if too_much(self._done, self._size, self._bounds):
                raise DecompressionBomb(
                    f"unpacks to more than {self._done >> 20} MiB from {self._size} bytes: the rest is not read"
                )
            yield piece


def _zip_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> Iterator[bytes]:
    if entry.flag_bits & 1:
        raise TruncatedFile(f"{_shown(entry.filename)} is encrypted: unpack it first with: 7z x {path.name}")
    try:
        with archive.open(entry) as content:
            while piece := content.read(CHUNK):
                yield piece
    except NotImplementedError:
        raise TruncatedFile(
            f"{_shown(entry.filename)} is packed in a way that is not read: unpack it first with: 7z x {path.name}"
        ) from None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError) as fault:
        raise TruncatedFile(f"damaged zip data in {_shown(entry.filename)} ({fault})") from None


def _directory_size(source: BinaryIO) -> int:
    """Bytes of a zip's directory, as its end record says (the larger one of zip64); 0 when there is none."""
    end = source.seek(0, 2)
    source.seek(max(end - _END_SIZE - _MOST_COMMENT, 0))
    tail = source.read(_END_SIZE + _MOST_COMMENT)
    at = tail.rfind(_END)
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator.startswith(b"PK\x06\x07"):
        source.seek(min(int.from_bytes(locator[8:16], "little"), end))
        size = max(0 if size == _FULL else size, int.from_bytes(source.read(48)[40:48], "little"))
    source.seek(0)
    return size


def _shown(name: str) -> str:
    """A member's name for messages: no root, no way up, nothing that a terminal acts on."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    text = "/".join(parts) or "a file without a name"
    return "".join(character if character.isprintable() else "?" for character in text)[:200]
