"""Splunk requests per fetch against the least that paging allows, and rows cast and re-scored per second on our side.

``python -m bench.splunk_requests``; a loopback splunkd, rows made to fire so that every one is scored.
"""

import math
import time

from bench.measuring import follow_up
from connectors.clients.splunk import decoding
from connectors.clients.splunk.search_job import PAGE
from connectors.sources.splunk import mapping
from tests.emulators.splunk import Behaviour, Server
from tests.emulators.splunk_records import Rows, sent
from tests.support.splunk_fixtures import DAY, SCOPE, FakeClock, a_day, talking

ROWS = (0, 1, 10_000, 25_000)


def made(count: int) -> Rows:
    """``count`` tuples of an IRC bot, each to an address of its own."""
    row = {
        "hostname": "unknown",
        "src_ip": "10.0.0.7",
        "dst_port": 6667,
        "connections": 288,
        "hourly_buckets": 24,
        "row_count": 288,
        "sent_known": 288,
        "rcvd_known": 288,
        "total_known": 288,
        "total_bytes_sent": 90_000_000,
        "total_bytes_rcvd": 9_000_000,
        "total_bytes": 99_000_000,
        "first_ms": 1795392000000,
        "last_ms": 1795478100000,
        "denied": 0,
        "denied_hours": 0,
        "processes": ["a", "b"],
        "protos": ["tcp"],
        "services": [],
    }
    return [row | {"dst_ip": f"8.{n // 62500}.{n // 250 % 250}.{n % 250}"} for n in range(count)]


def main() -> None:
    """Print one line per row count, with and without the time a search takes; then the rate of casting and scoring."""
    for states, name in (((), "done at the first poll"), (("RUNNING",) * 5, "done at the sixth poll, 46 s")):
        for count in ROWS:
            server, clock = Server([], Behaviour(states=states), rows=made(count)), FakeClock()
            with talking(server, clock, heartbeat=False) as source:
                began = time.perf_counter()
                (fetched,) = source.fetch(DAY)
                took = time.perf_counter() - began
            least = 3 + math.ceil(count / PAGE)
            print(
                f"{name}: {count} rows, {len(fetched.detections)} detections, {len(server.log)} requests "
                f"(least {least} + {len(states)} polls), {took:.2f} s of ours"
            )
    given = [sent(row) for row in made(25_000)]
    began = time.process_time()
    found, _ = mapping.detections([decoding.cast(row) for row in given], SCOPE)
    print(f"{len(found)} rows cast and re-scored, {len(found) / (time.process_time() - began):.0f} a second of CPU")
    held = Server(a_day(), Behaviour(states=()))
    with talking(held, FakeClock()) as source:
        print(follow_up(source, DAY, held.log))


if __name__ == "__main__":
    main()
