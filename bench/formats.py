"""Rows a second and processor time of each log format, against ``wc -l``, a bare DuckDB read of the lines, and Zeek.

``python -m bench.formats [LINES] [TIMES] [NAME...]`` (default 500,000 and 3, the best counts; every format). No format
may read fewer rows a second than a third of Zeek's tab-separated ones in the same run. Where its rows are larger, the
same is said of bytes. Start-up, the same for all, is in every figure. A row is what ``detect`` accounts for: read,
passed over or rejected.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.log_lines import lines
from bench.measuring import WORK, Cost, costs, load, playbook, say
from connectors.sources.logs.files import formats
from connectors.sources.logs.schema import Recognised

SMALL = ("50000", "1")
LEAST_SHARE = 1 / 3
_FIRST = "zeek"  # what the others are held against
_BARE = (
    "import duckdb, sys; duckdb.connect(config={'memory_limit': '320MB'}).execute("
    '"SELECT count(*), min(t) FROM read_csv(\'" + sys.argv[1] + "\', auto_detect = false, header = false, '
    "delim = '\\x01\\x02', quote = '', escape = '', strict_mode = false, columns = {'t': 'VARCHAR'})\").fetchall()"
)


class _Rate(NamedTuple):
    """How fast one format is: rows and bytes of its log, and what reading it took."""

    rows: int
    size: int
    ours: Cost

    @property
    def rows_a_second(self) -> float:
        return self.rows / self.ours.seconds

    @property
    def rows_a_cpu_second(self) -> float:
        return self.rows / self.ours.cpu_s

    @property
    def bytes_a_cpu_second(self) -> float:
        return self.size / self.ours.cpu_s


def main(arguments: Sequence[str] = ()) -> int:
    """Print one line a format; 1 when one is slower than the promise."""
    count, times = (int(text) for text in (*arguments[:2], *("500000", "3")[len(arguments) :]))
    names = dict.fromkeys((_FIRST, *(arguments[2:] or filter(_tells_of_connections, formats()))))
    say(f"{count:,} lines of each format, best of {times}, {load()}")
    rates: dict[str, _Rate] = {}
    for name in names:
        rates[name] = _measured(name, count, times, rates.get(_FIRST))
    slow = [name for name, rate in rates.items() if _share(rate, rates[_FIRST]) < LEAST_SHARE]
    say(f"  slower than a third of Zeek: {', '.join(slow) or 'none'}")
    return int(bool(slow))


def _measured(name: str, count: int, times: int, zeek: _Rate | None) -> _Rate:
    log = _log(name, count)
    commands = [["wc", "-l", str(log)], [sys.executable, "-c", _BARE, str(log)], _detect(name, log)]
    counted, bare, ours = costs(commands, times)
    rate = _Rate(_rows(name, log), log.stat().st_size, ours)
    zeek = zeek or rate
    say(
        f"  {name}: {rate.rows_a_second:,.0f} rows a second ({ours.cpu_s:.1f} s of processor, {ours.peak_mb:.0f} MB); "
        f"a GB {_per_gb(ours, log)} s of processor (DuckDB {_per_gb(bare, log)}, wc {_per_gb(counted, log)}); "
        f"of Zeek {_share(rate, zeek):.2f}x the rows a second, "
        f"{rate.rows_a_cpu_second / zeek.rows_a_cpu_second:.2f}x a second of processor, "
        f"{rate.bytes_a_cpu_second / zeek.bytes_a_cpu_second:.2f}x the bytes ({rate.size // count} a row)"
    )
    return rate


def _tells_of_connections(name: str) -> bool:
    """Whether ``detect`` reads the format: a proxy's log tells of names alone."""
    forms = formats()[name].recognise("\n".join(lines(name, 8)) + "\n", "") or ()
    return any(form.kind == "conn" for form in ((forms,) if isinstance(forms, Recognised) else forms))


def _share(rate: _Rate, zeek: _Rate) -> float:
    return rate.rows_a_second / zeek.rows_a_second


def _detect(name: str, log: Path) -> list[str]:
    return playbook("detect", str(log), "--format", name, "--json")


def _rows(name: str, log: Path) -> int:
    """The rows that ``detect`` accounts for."""
    told = json.loads(subprocess.run(_detect(name, log), capture_output=True, check=False, text=True).stdout)
    return int(told["rows_read"] + told["rows_rejected"] + sum(told["rows_passed"].values()))


def _per_gb(cost: Cost, log: Path) -> str:
    return f"{cost.cpu_s / log.stat().st_size * 1e9:.1f}"


def _log(name: str, count: int) -> Path:
    path = WORK / f"format-{name}-{count}.log"
    if not path.exists():
        WORK.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in lines(name, count))
        part.rename(path)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
