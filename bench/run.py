"""``run`` (detect, measure, judge, propose, one JSON) over a tiled Zeek conn.log against the bare DuckDB query.

``python -m bench.run [MEGABYTES] [TIMES]`` (default 1000 and 3, the best counts).
"""

import sys
from collections.abc import Sequence

from bench.measuring import against, cost, load, playbook, say, tiled

MOST = 2.0
SMALL = ("100", "1")


def main(arguments: Sequence[str] = ()) -> None:
    """Print both times, the ratio and the peaks."""
    megabytes, times = (int(text) for text in (*arguments, *("1000", "3")[len(arguments):]))
    log = str(tiled(megabytes))
    say(f"{megabytes} MB, best of {times}, {load()}")
    floor = cost([sys.executable, "-m", "bench.floor", log], times=times)
    say(f"  bare DuckDB: {floor}")
    ours = cost(playbook("run", "--dry-run", "--json", "--logs", log), times=times)
    say(f"  run: {ours}: {against(ours, floor, MOST)}")


if __name__ == "__main__":
    main(sys.argv[1:])
