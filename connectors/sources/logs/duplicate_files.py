"""Files that hold the same log twice: a log beside its packed copy, or an older copy of one that has grown since."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from connectors.sources.logs.decompress import Bounds, TruncatedFile, unpacked
from connectors.sources.logs.files import LogFile

_HEAD = 4096
_MOST_COMPARED = 500


def without_copies(files: Sequence[LogFile], bounds: Bounds) -> tuple[tuple[LogFile, ...], tuple[str, ...]]:
    """The files whose content stands in no other of them, and one sentence for each that was left out."""
    alike: dict[bytes, list[LogFile]] = defaultdict(list)
    for file in files if len(files) > 1 else ():
        alike[next(_pieces(file, bounds, _HEAD), b"")].append(file)
    left_out: dict[LogFile, str] = {}
    compared = 0
    for group in alike.values():
        kept: list[LogFile] = []
        for file in group:
            for place, other in enumerate(kept):
                compared += 1
                if compared > _MOST_COMPARED:
                    break
                if _begins(file, other, bounds):
                    left_out[file] = f"{file.path}: not read, its content stands in {other.path}: counted once"
                    break
                if _begins(other, file, bounds):
                    left_out[other] = f"{other.path}: not read, its content stands in {file.path}: counted once"
                    kept[place] = file
                    break
            else:
                kept.append(file)
    return tuple(file for file in files if file not in left_out), tuple(left_out.values())


def _begins(short: LogFile, long: LogFile, bounds: Bounds) -> bool:
    """Whether the readable content of ``short`` is the beginning of that of ``long``, or all of it."""
    rest = b""
    others = _pieces(long, bounds)
    for piece in _pieces(short, bounds):
        while len(rest) < len(piece):
            more = next(others, b"")
            if not more:
                return False
            rest += more
        if not rest.startswith(piece):
            return False
        rest = rest[len(piece) :]
    return True


def _pieces(file: LogFile, bounds: Bounds, head: int = 0) -> Iterator[bytes]:
    try:
        for piece in unpacked(file.path, file.packing, bounds):
            yield piece[:head] if head else piece
    except (TruncatedFile, OSError):
        return  # what is readable is compared; reading itself reports the fault
