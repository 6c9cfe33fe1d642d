"""Archives: what is in them is read, bombs and tricks with names, headers and numbers of members are not."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.sources.logs import archives, decompress
from connectors.sources.logs.decompress import Bounds, TruncatedFile
from playbook.errors import UnknownFormat
from tests.connectors.sources.logs.shapes import ALL, counted, fetched, rows, zeek

LOG = rows(zeek).encode()
NAMES = [
    "conn.log",
    "../../../etc/cron.d/conn.log",
    "/etc/conn.log",
    "C:\\x\\..\\conn.log",
    "a" * 90 + "/conn.log",
    "\x1b[31mred.log",
]


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(*members: tuple[str, bytes], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


PACKED: dict[str, Callable[[], bytes]] = {
    "bz2": lambda: bz2.compress(LOG),
    "xz": lambda: lzma.compress(LOG),
    "two bzip2 streams": lambda: bz2.compress(LOG[:500]) + bz2.compress(LOG[500:]),
    "zip": lambda: zipped(("conn.log", LOG)),
    "stored zip": lambda: zipped(("conn.log", LOG), method=0),
    "lzma zip": lambda: zipped(("conn.log", LOG), method=zipfile.ZIP_LZMA),
    "tar": lambda: tarred(("conn.log", LOG), mode="w"),
    "tar.gz": lambda: tarred(("conn.log", LOG)),
    "tar.bz2": lambda: tarred(("conn.log", LOG), mode="w:bz2"),
    "tar.xz": lambda: tarred(("conn.log", LOG), mode="w:xz"),
    "gzip in tar": lambda: tarred(("conn.log.gz", gzip.compress(LOG)), mode="w"),
    "xz in zip": lambda: zipped(("conn.log.xz", lzma.compress(LOG))),
    "UTF-16 in zip": lambda: zipped(("conn.log", LOG.decode().encode("utf-16"))),
    "beside other files": lambda: tarred(("readme", b"about these logs\n"), ("empty", b""), ("conn.log", LOG)),
}


@pytest.mark.parametrize("kind", PACKED)
def test_what_is_inside_is_read(tmp_path: Path, kind: str) -> None:
    found = fetched(tmp_path, "day.packed", PACKED[kind]())
    assert (counted(found), found.health.rows_rejected, found.health.complete) == (ALL, 0, True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_members_name_is_text_and_no_path(tmp_path: Path, pack: Callable[..., bytes], name: str) -> None:
    found = fetched(tmp_path, "day.packed", pack((name, LOG + b"{bad\n")))
    assert counted(found) == ALL and found.health.rows_rejected == 1
    (example,) = found.health.rejected_examples
    assert example.startswith(f"{tmp_path}/day.packed/") and ".." not in example and "\x1b" not in example
    assert [path.name for path in tmp_path.iterdir()] == ["day.packed"]


def encrypted() -> bytes:
    packed = bytearray(zipped(("conn.log", LOG)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encrypted(), "encrypted: unpack it first with: 7z x day.packed"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z x day.packed"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(40), "unrar x"),
        (zipped(), "holds no file"),
        (zipped(("conn.log", LOG))[:-30], "damaged zip"),
        (b"PK\x03\x04" + bytes(40), "damaged"),
    ],
)
def test_an_archive_that_is_not_read_is_refused_with_the_cure(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(UnknownFormat, match=reason):
        fetched(tmp_path, "day.packed", content)


def test_links_and_devices_in_a_tar_are_left_out(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo("passwd")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("conn.log")
        info.size = len(LOG)
        archive.addfile(info, io.BytesIO(LOG))
    assert counted(fetched(tmp_path, "day.tar", packed.getvalue())) == ALL


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "_RATIO_FROM", 4 << 20)


ZEROS = bytes(64 << 20)


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize(
    "packed",
    [
        lambda: bz2.compress(LOG + ZEROS),
        lambda: lzma.compress(LOG + ZEROS),
        lambda: zipped(("conn.log", LOG + ZEROS)),
        lambda: tarred(("conn.log", LOG + ZEROS)),
        lambda: zipped(("a.zip.log", LOG + ZEROS), ("conn.log", LOG)),
    ],
    ids=["bzip2", "xz", "zip", "tar.gz", "first of two"],
)
def test_a_bomb_is_read_up_to_the_limit_and_said(tmp_path: Path, packed: Callable[[], bytes]) -> None:
    found = fetched(tmp_path, "day.packed", packed())
    assert not found.health.complete
    assert any("the rest is not read" in warning for warning in found.health.warnings)


@pytest.mark.usefixtures("tight")
def test_many_small_bombs_are_one(tmp_path: Path) -> None:
    path = tmp_path / "day.zip"
    path.write_bytes(zipped(*((f"{number}.log", bytes(3 << 20)) for number in range(40))))
    read = 0
    with pytest.raises(TruncatedFile, match="the rest is not read"):
        for member in archives.zip_members(path, Bounds()):
            read += sum(map(len, member.pieces))
    assert read <= path.stat().st_size * Bounds().most_ratio < 40 * (3 << 20)


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 50)
    for pack, command in ((zipped, "unzip day.packed"), (tarred, "tar xf day.packed")):
        found = pack(*((f"{number}.txt", b"x") for number in range(60)))
        with pytest.raises(UnknownFormat, match=command if pack is zipped else "no log in a known format"):
            fetched(tmp_path, "day.packed", found)


def test_a_zip_with_a_huge_directory_is_refused_before_it_is_held(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="too many files: unpack it first with: unzip day"):
        fetched(tmp_path, "day.packed", zipped(*((f"{'n' * 200}{number}", b"") for number in range(5000))))


def test_an_xz_that_wants_much_memory_is_refused(tmp_path: Path) -> None:
    # To pack with a dictionary of 1 GiB takes that memory: the header is rewritten instead.
    packed = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}])
    small = packed.compress(LOG) + packed.flush()
    at = small.index(b"\x21\x01") + 2
    block = bytearray(small)
    block[at] = 36  # 1 GiB
    end = 12 + (block[12] + 1) * 4 - 4
    block[end : end + 4] = zlib.crc32(bytes(block[12:end])).to_bytes(4, "little")
    path = tmp_path / "conn.log.xz"
    path.write_bytes(bytes(block))
    with pytest.raises(TruncatedFile, match=r"damaged xz data .*[Mm]emory"):
        list(decompress.unpacked(path, "xz", Bounds()))


@pytest.mark.parametrize("name", ["bzip2", "xz"])
def test_a_file_cut_short_is_read_to_the_cut(tmp_path: Path, name: str) -> None:
    packed = {"bzip2": bz2.compress, "xz": lzma.compress}[name](LOG * 200)
    path = tmp_path / "conn.log.packed"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(TruncatedFile, match=f"the {name} data is cut short"):
        list(decompress.unpacked(path, decompress.packing_of(packed[:6]), Bounds()))


def test_a_pax_header_that_claims_gigabytes_is_not_held(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    path = tmp_path / "day.tar"
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT if info.size < 8**11 else tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(TruncatedFile, match="cut short"):
        list(archives.tar_members(path, "plain", Bounds()))
