"""``python -m bench [NAME...] [--small]``: the benchmarks one after the other, each in a process of its own.

``--small`` takes sizes for a look while developing; the promises are made at the full sizes, on an idle machine.
"""

import os
import subprocess
import sys

from bench import act_batch, alerts, clickhouse, detect, engine, formats, memory, peers, run, serve, triage

# Name -> what it measures, its arguments at full size and with --small.
BENCHES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "detect": ("detect against a bare DuckDB query, 1 GB", (), detect.SMALL),
    "run": ("run against the same query, 1 GB", (), run.SMALL),
    "memory": ("peak memory from 300 MB to 3 GB over the same tuples", (), memory.SMALL),
    "peers": ("detect against plain Python, chdb, Polars, zat with pandas, msticpy", (), peers.SMALL),
    "formats": ("rows a second and processor time per GB of each log format", (), formats.SMALL),
    "fuzz": ("100,000 mutated lines over all formats", (), ("10000",)),
    "triage": ("triage of 10,000 detections, and decide alone", (), triage.SMALL),
    "truth": ("seed rule -> gates -> ladder over the public captures, and every threshold moved", (), ()),
    "rdap": ("WHOIS requests against networks; mutated bodies", (), ("2000",)),
    "sumo_requests": ("Sumo Logic requests per fetch; records cast and re-scored per second", (), ()),
    "splunk_requests": ("Splunk requests per fetch; rows cast and re-scored per second", (), ()),
    "cse_requests": ("Cloud SIEM requests per fetch; records scored per second", (), ()),
    "clickhouse": ("the detection in ClickHouse's own engine: growth, and two shards", (), clickhouse.SMALL),
    "languages": ("rendered Splunk and Sumo Logic texts over the public captures, against plain Python", (), ()),
    "alerts": ("alerts kept and judged a second, alert to waiting plan", (), alerts.SMALL),
    "engine": ("cases a second to waiting, approval to effect, TTL to verified release", (), engine.SMALL),
    "serve": ("memory of serve idle and with 1,000 and 10,000 pending, and how long its pages take", (), serve.SMALL),
    "mutation": ("small changes to judgement and safety that no test notices", ("200",), ("10",)),
    "act_batch": ("actions a second of act --batch", (), act_batch.SMALL),
    "cold_start": ("seconds to the answer of one action", (), ()),
}


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 1 when one failed, 2 for an unknown name."""
    small = "--small" in arguments
    names = [name for name in arguments if name != "--small"] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are:", file=sys.stderr)
        for name, (what, _, _) in BENCHES.items():
            print(f"  {name}: {what}", file=sys.stderr)
        return 2
    print(f"load {' '.join(f'{one:.1f}' for one in os.getloadavg())}, {os.cpu_count()} cores", flush=True)
    failed = [name for name in names if _one(name, small)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _one(name: str, small: bool) -> int:
    what, full, less = BENCHES[name]
    print(f"\n== {name}: {what}", flush=True)
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *(less if small else full)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
