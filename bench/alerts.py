"""Alerts: kept a second before the 202, and how long from an alert to its plan that waits.

``python -m bench.alerts [ALERTS]`` (default 10,000). SQLite and, where Debian's is installed, PostgreSQL; every
database on disk with full syncs. Alerts come in bodies of 1, 50 and 1,000 rows through the application, without a
socket; the road is that of the sample's logs, judged in groups as a worker does it.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measuring import WORK, load, say
from playbook.cases.store import open_store
from tests.playbook.alerts.scene import Scene, bot, scene
from tests.support import postgres

SMALL = ("500",)
LIMITS = {"alerts_per_hour": 1_000_000}
SERVE = {"requests_per_minute": 100_000, "alert_bytes": 64 * 2**20}


def rows(number: int, first: int = 0) -> list[dict[str, Any]]:
    """Alerts about different hosts, none of which our own log knows."""
    return [
        bot(src_ip=f"10.{n // 62500 % 250}.{n // 250 % 250}.{n % 250 + 1}", dst_ip="203.0.113.250")
        for n in range(first, first + number)
    ]


def accepted(s: Scene, number: int, size: int) -> float:
    """Alerts a second, each durable at its answer."""
    headers = s.token("siem", "intake")
    bodies = [rows(size, start) for start in range(0, number, size)]
    began = time.perf_counter()
    for body in bodies:
        answer = s.post(body, **headers)
        if answer.status_code != 202:
            raise SystemExit(answer.text)
    return number / (time.perf_counter() - began)


def judged(s: Scene) -> tuple[int, float]:
    """How many alerts were judged and filed, and how many a second."""
    number, began = 0, time.perf_counter()
    while taken := s.work("bench"):
        number += taken
    return number, number / (time.perf_counter() - began)


def to_waiting(s: Scene) -> float:
    """Seconds from posting one alert about the sample's bot to its plan that waits, without a worker's pause."""
    headers = s.token("siem", "intake")
    began = time.perf_counter()
    s.post(bot(), **headers)
    s.work("bench")
    spent = time.perf_counter() - began
    return spent if s.web.request.state == "waiting" else float("nan")


@contextmanager
def urls() -> Iterator[list[tuple[str, str]]]:
    """The databases, by name."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        databases = [("sqlite", f"sqlite:///{folder}/state.db")]
        if postgres.why_not():
            yield databases
            return
        with postgres.server(True, WORK) as server:
            yield [*databases, ("postgresql", server.fresh())]


def main(number: int) -> None:
    """Every figure on every database."""
    WORK.mkdir(parents=True, exist_ok=True)
    say(f"alerts: {number}, load {load()}")
    with urls() as databases:
        for name, url in databases:
            open_store(url, Path()).close()
            with scene(url, limits=LIMITS, serve=SERVE) as s:
                say(f"{name}: an alert of the sample's bot to its waiting plan: {to_waiting(s):.2f} s")
                for size in (1, 50, 1000):
                    some = min(number, 200 * size)
                    with s.store.change() as conn:
                        conn.exec_driver_sql("DELETE FROM alert_senders")
                        conn.exec_driver_sql("DELETE FROM alerts")
                    say(f"{name}: kept in bodies of {size}: {accepted(s, some, size):,.0f} alerts/s")
                count, rate = judged(s)
                say(f"{name}: judged, filed and settled: {count} alerts, {rate:,.0f} alerts/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
