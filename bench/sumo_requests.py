"""Sumo Logic requests per fetch against the least that paging allows, and records cast and re-scored per second.

``python -m bench.sumo_requests``; a loopback tenant, rows made to fire so that every one is scored.
"""

import math
import time

from bench.measuring import follow_up
from connectors.sources.sumologic import decoding, mapping
from connectors.sources.sumologic.search_job import PAGE
from playbook.detections.beaconing import Scope
from tests.emulators.sumo import Behaviour, Tenant
from tests.emulators.sumo_records import Records
from tests.support.sumo_fixtures import DAY, FakeClock, a_day, talking

ROWS = (0, 1, 10_000, 25_000)


def records(count: int) -> Records:
    """``count`` tuples of an IRC bot, each to an address of its own."""
    record: dict[str, str | float | int] = {
        "hostname": "",
        "src_ip": "10.0.0.7",
        "dst_port": "6667",
        "connections": 288.0,
        "hourly_buckets": 24.0,
        "row_count": 288.0,
        "sent_known": 288.0,
        "rcvd_known": 288.0,
        "total_known": 288.0,
        "total_bytes_sent": 9e7,
        "total_bytes_rcvd": 9e6,
        "total_bytes": 9.9e7,
        "first_ms": 1795392000000,
        "last_ms": 1795478100000,
        "processes": "",
        "protos": "tcp",
        "services": "",
    }
    return [record | {"dst_ip": f"8.{n // 62500}.{n // 250 % 250}.{n % 250}"} for n in range(count)]


def main() -> None:
    """Print one line per row count, with and without the time a search takes."""
    for states, name in (((), "done at the first poll"), (("GATHERING RESULTS",) * 5, "done at the sixth poll, 46 s")):
        for count in ROWS:
            tenant, clock = Tenant([], Behaviour(states=states), rows=records(count)), FakeClock()
            with talking(tenant, clock, heartbeat=False) as source:
                began = time.perf_counter()
                (fetched,) = source.fetch(DAY)
                took = time.perf_counter() - began
            least = 3 + math.ceil(count / PAGE)
            print(
                f"{name}: {count} rows, {len(fetched.detections)} detections, {len(tenant.log)} requests "
                f"(least {least} + {len(states)} polls), {took:.2f} s of ours"
            )
    told = Tenant()
    given = [{name: told.text(value) for name, value in record.items()} for record in records(25_000)]
    began = time.process_time()
    found, _ = mapping.detections([decoding.folded(record, "sumo") for record in given], Scope(source="sumo"))
    print(f"{len(found)} records cast and re-scored, {len(found) / (time.process_time() - began):.0f} a second of CPU")
    held = Tenant(a_day(), Behaviour(states=()))
    with talking(held, FakeClock()) as source:
        print(follow_up(source, DAY, held.log))


if __name__ == "__main__":
    main()
