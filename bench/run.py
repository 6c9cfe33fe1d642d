"""``run`` (detect, measure, judge, propose, one JSON) over a tiled Zeek conn.log against the bare DuckDB query.

``python -m bench.run [MEGABYTES] [TIMES]`` (default 1000 and 3, the best counts). Twice: over the hosts of a site (590
at 1 GB, 300 detections), which the promise is about, and over ten times as many, whose detections are judged besides.
"""

import sys
from collections.abc import Sequence

from bench.measuring import against, blocks_of, costs, floor, load, playbook, say, tiled

MOST = 2.0
SMALL = ("100", "1")


def main(arguments: Sequence[str] = ()) -> None:
    """Print both times, the ratio and the peaks."""
    megabytes, times = (int(text) for text in (*arguments, *("1000", "3")[len(arguments) :]))
    for blocks in sorted({max(1, blocks_of(megabytes) // 10), blocks_of(megabytes)}):
        log = tiled(megabytes, blocks)
        say(f"{megabytes} MB, {blocks} blocks of 59 hosts and 30 detections, best of {times}, {load()}")
        ours = playbook("run", "--dry-run", "--json", "--logs", str(log))
        bare, run = costs([floor(log, measured=True), ours], times)
        say(f"  bare DuckDB: {bare}")
        say(f"  run: {run}: {against(run, bare, MOST)}")


if __name__ == "__main__":
    main(sys.argv[1:])
