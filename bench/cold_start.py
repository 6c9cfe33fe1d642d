"""Cold start of ``act``: seconds from process start to the answer, the least and the median of several.

``python -m bench.cold_start``; compare ``python -c pass`` and the import of pydantic and click, which nobody can avoid.
"""

import subprocess
import sys
import time
from statistics import median

TIMES = 9
MODULE = ("-m", "playbook")
CALLS = {
    "python alone": ("-c", "pass"),
    "pydantic and click alone": ("-c", "import click, pydantic"),
    "act --help": (*MODULE, "act", "--help"),
    "act list_exceptions": (*MODULE, "act", "list_exceptions"),
    "act look_up_address": (*MODULE, "act", "look_up_address", "--param", "address=8.8.8.8"),
}


def main() -> None:
    """Print one line per call."""
    for name, arguments in CALLS.items():
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            took.append(time.perf_counter() - began)
        print(f"{name}: {min(took):.2f} s at best, {median(took):.2f} s in the middle of {TIMES}")


if __name__ == "__main__":
    main()
