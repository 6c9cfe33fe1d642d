"""Actions a second of ``act --batch``: one process, its start taken off, every row another detection.

``python -m bench.act_batch [ROWS]``; the promise is 200 a second. Processor seconds stand beside the clock's, which a
busy machine stretches.
"""

import json
import sys
from collections.abc import Iterator

from bench.cold_start import DETECTION
from bench.measuring import WORK, costs

ROWS, TIMES = 2000, 3
SMALL = ("200",)


def _inputs(action: str, rows: int) -> Iterator[dict[str, object]]:
    """Rows that differ in their destination, so that nothing is answered from the row before."""
    base: dict[str, object] = {name: value for name, _, value in (pair.partition("=") for pair in DETECTION)}
    for number in range(rows):
        address = f"45.9.{number // 250 % 250}.{number % 250 + 1}"
        yield {"address": address} if action == "look_up_address" else base | {"dst_ip": address}


def main(arguments: list[str]) -> None:
    """Print a line an action."""
    rows = int(arguments[0]) if arguments else ROWS
    WORK.mkdir(exist_ok=True)
    for action in ("judge_detection", "propose_response", "look_up_address"):
        commands = []
        for many in (1, rows + 1):
            file = WORK / f"batch_{action}_{many}.jsonl"
            lines = ({"action": action, "input": row} for row in _inputs(action, many))
            file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            commands.append([sys.executable, "-m", "playbook", "act", "--batch", str(file)])
        one, all_of_them = costs(commands, TIMES)
        wall, cpu = all_of_them.seconds - one.seconds, all_of_them.cpu_s - one.cpu_s
        print(f"{action}: {rows / wall:.0f} a second by the clock, {rows / cpu:.0f} a second of processor", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
