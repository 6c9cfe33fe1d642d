"""Cloud SIEM requests per fetch against the least that paging allows, and records made connections and scored a second.

``python -m bench.cse_requests``; a loopback Cloud SIEM with pages of 20.
"""

import math
import time

from connectors.sources.sumologic_cse.normalize import connections
from connectors.sources.sumologic_cse.schemas import Signal
from playbook.detections.beaconing import Event, score_events
from tests.emulators.cse import Behaviour, Tenant
from tests.emulators.cse_objects import insight_of, signals_of
from tests.support.cse_fixtures import CREATED, DAY, SCOPE, START, FakeClock, talking

SIGNALS = (0, 1, 20, 250)
EACH = 40


def events(count: int) -> list[Event]:
    """Connections of a bot that change their destination every two hundred."""
    one = Event(START, "10.0.0.7", "", 6667, "pc", None, "tcp", 1, 9, 9, 18)
    return [
        one._replace(start=START + n % 200 * 400, dst_ip=f"203.0.113.{n // 200 % 250}", src_port=n % 60_000)
        for n in range(count)
    ]


def main() -> None:
    """Print one line per number of signals, with and without records in the list; then the rate of our side."""
    for listed in (True, False):
        for count in SIGNALS:
            signals = signals_of(events(count * EACH), CREATED, EACH)
            insights = [insight_of(f"i{n}", [one["id"]], CREATED) for n, one in enumerate(signals)]
            tenant = Tenant(signals, insights, Behaviour(listed_records=listed))
            with talking(tenant, FakeClock()) as source:
                (got,) = source.fetch(DAY)
            pages = max(1, math.ceil(count / 20))
            least = 2 * pages + (0 if listed else count)
            print(
                f"{'records in the list' if listed else 'records asked for singly'}: {count} signals, "
                f"{got.health.rows_read} records, {len(got.detections)} detections, {len(tenant.log)} requests "
                f"(least {least})"
            )
    given = [Signal.model_validate(one) for one in signals_of(events(20_000), CREATED, EACH)]
    began = time.process_time()
    read = connections(given, ("NetworkFlow",))
    found = score_events(read.events, SCOPE)
    rate = len(read.events) / (time.process_time() - began)
    print(f"{len(read.events)} records scored ({len(found)} detections), {rate:.0f} a second of CPU")


if __name__ == "__main__":
    main()
