"""The detection as ClickHouse's own engine runs it: processor time and memory by rows, then two shards.

``python -m bench.clickhouse [ROWS]`` (default 4,000,000): a fourth of them, half, all, then all of them sharded by
source over two engines, whose rows must be those of one. Rows are made inside the engine; wall seconds are of a
machine that others use too.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from math import log
from pathlib import Path
from typing import NamedTuple

from bench.measuring import load
from playbook.detections.languages import clickhouse
from tests.emulators.clickhouse_engine import Engine

SMALL = ("1000000",)
HOSTS = 500
START = 1_795_392_000
DAY = {"start": START, "end": START + 86_400}
COLUMNS = (
    "ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD), `id.orig_h` String, `id.orig_p` UInt16, `id.resp_h` String,"
    " `id.resp_p` UInt16, proto LowCardinality(String), service LowCardinality(String), duration Nullable(Float64),"
    " orig_bytes Nullable(UInt64), resp_bytes Nullable(UInt64), conn_state LowCardinality(String),"
    " history LowCardinality(String), orig_pkts Nullable(UInt64), orig_ip_bytes Nullable(UInt64),"
    " resp_pkts Nullable(UInt64), resp_ip_bytes Nullable(UInt64)"
)


class Cost(NamedTuple):
    """Processor and wall seconds of the query, peak memory in MB, and the rows that came back."""

    cpu_s: float
    wall_s: float
    memory_mb: float
    rows: tuple[str, ...]


def measured(rows: int, shards: int = 1, shard: int = 0) -> Cost:
    """One engine with its share of ``rows``, asked once; such rows say nothing of the size on disk."""
    engine = Engine()
    try:
        _fill(engine, rows, shards, shard)
        text = clickhouse.detection("zeek", "conn")
        before, began = _cpu_s(engine.pid), time.perf_counter()
        found = engine.rows(text, DAY)
        cost = _cpu_s(engine.pid) - before, time.perf_counter() - began
        keys = tuple(sorted(f"{r['src_ip']} {r['dst_ip']} {r['dst_port']} {r['connections']}" for r in found))
        return Cost(*cost, _memory_mb(engine.pid), keys)
    finally:
        engine.close()


def _fill(engine: Engine, rows: int, shards: int, shard: int) -> None:
    """A day in which a tenth of the connections of each host go to one address of its own."""
    engine.run(f"CREATE TABLE conn ({COLUMNS}) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY ts")
    engine.run(f"""
        INSERT INTO conn SELECT toDateTime64({START} + number * 86400 / {rows}, 6, 'UTC'),
          concat('10.', toString(host % 200), '.', toString(intDiv(host, 200)), '.7'),
          1024 + cityHash64(number, 5) % 60000,
          if(cityHash64(number, 2) % 10 = 0, concat('45.9.', toString(host % 250), '.20'),
            concat('8.', toString(cityHash64(number, 3) % 250), '.', toString(cityHash64(number, 4) % 250), '.8')),
          443, 'tcp', 'ssl', 1.5, 200, 300, 'SF', if(cityHash64(number, 6) % 200 = 0, 'DadA', 'ShADadFf'),
          6, 400, 5, 500
        FROM (SELECT number, cityHash64(number, 1) % {HOSTS} AS host FROM numbers({rows}))
        WHERE host % {shards} = {shard}""")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000


def main() -> None:
    """One line a size, the exponent of the growth, and the shards; fails when shards find something else."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
    print(load())
    costs = {size: measured(size) for size in (rows // 4, rows // 2, rows)}
    for size, cost in costs.items():
        print(
            f"{size:,} rows: {cost.cpu_s:.2f} s of processor ({cost.wall_s:.1f} s wall), {cost.memory_mb:,.0f} MB, "
            f"{len(cost.rows)} tuples over the wire",
            flush=True,
        )
    first, last = costs[rows // 4], costs[rows]
    print(f"exponent of processor time over rows: {log(last.cpu_s / first.cpu_s) / log(4):.2f}")
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(lambda shard: measured(rows, 2, shard), (0, 1)))
    same = tuple(sorted((*halves[0].rows, *halves[1].rows))) == last.rows
    spent = " and ".join(f"{half.cpu_s:.2f} s, {half.memory_mb:,.0f} MB" for half in halves)
    print(f"two shards by source: {spent}; {'the same tuples' if same else 'OTHER TUPLES'}")
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
