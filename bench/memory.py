"""Peak memory of ``detect`` and ``run`` while the rows grow tenfold and the tuples stay the same.

``python -m bench.memory [SMALLEST_MB] [LARGEST_MB]`` (default 300 and 3000).
"""

import sys
from collections.abc import Sequence

from bench.measuring import blocks_of, cost, load, playbook, ratio, say, tiled

MOST_GROWTH = 1.3
MOST_RUN_MB = 500
SMALL = ("30", "300")


def main(arguments: Sequence[str] = ()) -> None:
    """Print the peaks at both sizes, their ratio, and whether ``run`` stays under its bound."""
    smallest, largest = (int(text) for text in (*arguments, *("300", "3000")[len(arguments) :]))
    blocks = blocks_of(smallest)
    say(f"{smallest} to {largest} MB over the tuples of {blocks} blocks of hosts, {load()}")
    for name, words in (("detect", ("detect", "--json")), ("run", ("run", "--dry-run", "--json", "--logs"))):
        less, more = (cost(playbook(*words, str(tiled(size, blocks)))) for size in (smallest, largest))
        say(
            f"  {name}: {less.peak_mb:.0f} -> {more.peak_mb:.0f} MB ({less.seconds:.1f} -> {more.seconds:.1f} s): "
            f"{ratio(more.peak_mb, less.peak_mb, MOST_GROWTH)}"
        )
    kept = "kept" if more.peak_mb < MOST_RUN_MB else "MISSED"
    say(f"  run at {largest} MB: {more.peak_mb:.0f} MB (promise under {MOST_RUN_MB} MB: {kept})")


if __name__ == "__main__":
    main(sys.argv[1:])
