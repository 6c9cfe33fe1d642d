"""Cold start of ``act``: seconds from process start to the answer, the least of several.

``python -m bench.cold_start``; compare ``python -c pass`` and the import of pydantic and click, which nobody can avoid.
Every call is made once before, so that its modules are compiled; the processor's own seconds stand beside the clock's,
which a busy machine stretches.
"""

import sys

from bench.measuring import costs

TIMES = 9
ACT = ("-m", "playbook", "act")
DETECTION = (
    "src_ip=10.2.3.4",
    "dst_ip=45.9.148.20",
    "dst_port=6667",
    "connections=288",
    "hourly_buckets=24",
    "total_bytes_sent=57600",
    "total_bytes_rcvd=28800",
    "first_seen=2026-11-02 00:00:00",
    "last_seen=2026-11-02 23:55:00",
)
PARAMS = tuple(word for pair in DETECTION for word in ("--param", pair))
CALLS = {
    "python alone": ("-c", "pass"),
    "pydantic and click alone": ("-c", "import click, pydantic"),
    "act --help": (*ACT, "--help"),
    "act list_exceptions": (*ACT, "list_exceptions"),
    "act look_up_address": (*ACT, "look_up_address", "--param", "address=8.8.8.8"),
    "act look_up_host": (*ACT, "look_up_host", "--param", "address=10.2.3.4"),
    "act judge_detection": (*ACT, "judge_detection", *PARAMS),
    "act propose_response": (*ACT, "propose_response", *PARAMS),
}


def main() -> None:
    """Print one line per call; every call is made once, unmeasured, before the others."""
    commands = [[sys.executable, *arguments] for arguments in CALLS.values()]
    costs(commands, times=1)
    for name, cost in zip(CALLS, costs(commands, TIMES), strict=True):
        print(f"{name}: {cost}, the best of {TIMES}")


if __name__ == "__main__":
    main()
