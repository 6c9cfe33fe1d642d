"""Archives that are the same bytes whenever and wherever they are made: sorted, one date, nobody's, not compressed.

What compresses differs from one zlib to the next, so entries are stored; packages are small, and wheels are compressed.
"""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping

# The first day that a zip file can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_SECONDS = 315_532_800
_FILE, _FOLDER = 0o644, 0o755


def tar_gz(files: Mapping[str, bytes], top: str = "") -> bytes:
    """A tar.gz of these files by path, under one folder ``top`` when it is given; owner 0, files 0644, folders 0755."""
    placed = {f"{top}/{path}" if top else path: content for path, content in files.items()}
    stream = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=0, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for folder in _folders(placed):
            archive.addfile(_entry(folder, tarfile.DIRTYPE, _FOLDER))
        for path in sorted(placed):
            entry = _entry(path, tarfile.REGTYPE, _FILE)
            entry.size = len(placed[path])
            archive.addfile(entry, io.BytesIO(placed[path]))
    return stream.getvalue()


def zip_file(files: Mapping[str, bytes], top: str = "") -> bytes:
    """A zip file of these files by path, under one folder ``top`` when it is given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{top}/{path}" if top else path, _DATE)
            entry.create_system, entry.external_attr = 3, _FILE << 16
            archive.writestr(entry, files[path])
    return stream.getvalue()


def _folders(paths: Mapping[str, bytes]) -> tuple[str, ...]:
    parts = (path.split("/")[:-1] for path in paths)
    return tuple(sorted({"/".join(one[: n + 1]) for one in parts for n in range(len(one))}))


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.mtime = kind, mode, _SECONDS
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
