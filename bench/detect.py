"""``detect`` over a tiled Zeek conn.log against a bare DuckDB query that reads the same columns: whole commands.

``python -m bench.detect [MEGABYTES] [TIMES]`` (default 1000 and 3, the best counts).
"""

import sys
from collections.abc import Sequence

from bench.measuring import against, costs, floor, load, playbook, say, tiled

MOST = 1.3
SMALL = ("100", "1")


def main(arguments: Sequence[str] = ()) -> None:
    """Print both times, the ratio and the peaks."""
    megabytes, times = (int(text) for text in (*arguments, *("1000", "3")[len(arguments) :]))
    log = tiled(megabytes)
    say(f"{megabytes} MB, best of {times}, {load()}")
    bare, ours = costs([floor(log), playbook("detect", str(log), "--json")], times)
    say(f"  bare DuckDB: {bare}")
    say(f"  detect: {ours}: {against(ours, bare, MOST)}")


if __name__ == "__main__":
    main(sys.argv[1:])
