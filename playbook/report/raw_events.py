"""The command line that shows a reader the raw rows behind one detection."""

import shlex
from collections.abc import Callable, Sequence

from playbook.model.detection import Detection

ShowRaw = Callable[[Detection], str | None]


def _argument(path: str) -> str:
    """The path quoted for a POSIX shell, and never taken for an option."""
    return shlex.quote(path if not path.startswith("-") else f"./{path}")


def zgrep_command(detection: Detection, paths: Sequence[str] = ()) -> str:
    """A POSIX pipeline that prints the rows with both addresses from plain or .gz logs under ``paths``.

    Fixed strings, whole words only, so that 10.0.0.5 does not match 10.0.0.50. Without paths the word LOGS
    stands for the folder. .zst files are not read by zgrep.
    """
    where = " ".join(_argument(path) for path in paths) or "LOGS"
    source, target = shlex.quote(detection.src_ip), shlex.quote(detection.dst_ip)
    return f"find {where} -type f -exec zgrep -hwF -e {source} {{}} + | grep -wF -e {target}"


def over(paths: Sequence[str]) -> ShowRaw:
    """The default command over these log paths."""
    return lambda detection: zgrep_command(detection, paths)
