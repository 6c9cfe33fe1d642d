"""Rows a second and processor time per GB of each log format, against ``wc -l`` and a bare DuckDB read of the lines.

``python -m bench.formats [LINES] [TIMES]`` (default 500,000 and 3, the best counts). No format may read fewer rows a
second than a third of Zeek's tab-separated ones; start-up, the same for all, is in every figure.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.log_lines import LINES
from bench.measuring import WORK, Cost, costs, load, playbook, say

SMALL = ("50000", "1")
LEAST_SHARE = 1 / 3
_BARE = (
    "import duckdb, sys; duckdb.connect(config={'memory_limit': '320MB'}).execute("
    '"SELECT count(*), min(t) FROM read_csv(\'" + sys.argv[1] + "\', auto_detect = false, header = false, '
    "delim = '\\x01\\x02', quote = '', escape = '', strict_mode = false, columns = {'t': 'VARCHAR'})\").fetchall()"
)


def main(arguments: Sequence[str] = ()) -> int:
    """Print one line a format; 1 when one is slower than the promise."""
    lines, times = (int(text) for text in (*arguments, *("500000", "3")[len(arguments) :]))
    say(f"{lines:,} lines of each format, best of {times}, {load()}")
    rates = {}
    for name in LINES:
        log = _log(name, lines)
        counted, bare, ours = costs(
            [["wc", "-l", str(log)], [sys.executable, "-c", _BARE, str(log)], _detect(log)], times
        )
        rates[name] = lines / ours.seconds
        say(
            f"  {name}: {rates[name]:,.0f} rows a second, {_per_gb(ours, log)} s of processor a GB "
            f"(DuckDB {_per_gb(bare, log)}, wc {_per_gb(counted, log)}), {ours.peak_mb:.0f} MB, "
            f"{rates[name] / rates['zeek']:.2f}x of Zeek"
        )
    slow = [name for name, rate in rates.items() if rate < LEAST_SHARE * rates["zeek"]]
    say(f"  slower than a third of Zeek: {', '.join(slow) or 'none'}")
    return int(bool(slow))


def _detect(log: Path) -> list[str]:
    return playbook("detect", str(log), "--json")


def _per_gb(cost: Cost, log: Path) -> str:
    return f"{cost.cpu_s / log.stat().st_size * 1e9:.1f}"


def _log(name: str, lines: int) -> Path:
    path = WORK / f"format-{name}-{lines}.log"
    if not path.exists():
        WORK.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in LINES[name](lines))
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
