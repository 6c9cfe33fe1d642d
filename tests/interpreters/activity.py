"""Floods, scans and failing calls of two hosts, and what a log and the SIEMs say of their busy quarters of an hour."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from connectors.clients.splunk import decoding as splunk_cells
from connectors.sources._siem import host_activity
from connectors.sources.splunk import mapping as splunk_rows
from connectors.sources.sumologic import mapping as sumo_rows
from playbook.detections.languages import splunk, sumo
from playbook.detections.languages._external_addresses import LEAST_FLOOD, LEAST_PAIRS
from playbook.model.detection import Detection
from playbook.model.site import Networks
from playbook.model.traffic import HostTraffic
from tests.interpreters import spl, users
from tests.interpreters import sumo as sumo_interpreter
from tests.interpreters.telemetry import HALF_HOUR_EAST, LAB, MIDNIGHT
from tests.interpreters.users import BOT, C2, SPLUNK, Connection, over_log, zeek

NETWORKS = Networks(lab=LAB)
OTHER = "fd00::31"
_ANSWERED, _SILENT, _REFUSED, _ODD = (
    ("SF", 900, 1200, 6, 5),
    ("S0", 60, 0, 1, 0),
    ("REJ", 60, 40, 1, 1),
    ("OTH", 500, 90, 4, 2),
)


def detections() -> tuple[Detection, ...]:
    """A detection of each host."""
    first = users.detections()[0]
    return first, first.model_copy(update={"detection_id": "other", "src_ip": OTHER, "dst_ip": "8.8.8.8"})


def calls(count: int, gap: float, start: float, kind: tuple[Any, ...] = _ANSWERED, **more: Any) -> list[Connection]:
    """Equal connections of the bot to its server."""
    return [
        Connection(start + n * gap, **({"src_ip": BOT, "dst_ip": C2} | more))._replace(
            **dict(zip(("state", "sent", "rcvd", "packets_sent", "packets_rcvd"), kind, strict=True))
        )
        for n in range(count)
    ]


def scan(count: int, start: float, silent: int, base: str = "198.51.100.{}", src: str = BOT) -> list[Connection]:
    """One connection to each of many addresses; the first ``silent`` of them do not answer."""
    return [
        one
        for n in range(count)
        for one in calls(
            1, 1, start + n * 800 / count, _SILENT if n < silent else _ANSWERED, src_ip=src, dst_ip=base.format(n)
        )
    ]


@st.composite
def days(draw: st.DrawFn) -> list[Connection]:
    """A call of each host, then floods around the least, scans around the least, and calls that fail."""
    made = calls(1, 1, MIDNIGHT) + calls(1, 1, MIDNIGHT, src_ip=OTHER, dst_ip="8.8.8.8")
    for _ in range(draw(st.integers(1, 3))):
        start = MIDNIGHT + draw(st.sampled_from((0, 450, 899, 900, 7200)))
        src = draw(st.sampled_from((BOT, BOT, OTHER)))
        if draw(st.booleans()):
            count = draw(st.sampled_from((19, 20, 40)))
            base = draw(
                st.sampled_from(
                    (
                        "198.51.100.{}",
                        "8.8.{}.8",
                        "100.64.0.{}",
                        "224.0.0.{}",
                        "2a00:1::{}",
                        "172.40.0.{}",
                        "10.9.9.{}",
                        "2001:{}::1",
                    )
                )
            )
            made += scan(count, start, draw(st.sampled_from((0, count - 1, count))), base, src)
        else:
            made += calls(
                draw(st.sampled_from((1, 99, 100, 130))),
                draw(st.sampled_from((1, 9))),
                start,
                draw(st.sampled_from((_ANSWERED, _SILENT, _REFUSED, _ODD))),
                src_ip=src,
                dst_ip=draw(st.sampled_from((C2, C2, "8.8.8.8", "10.9.9.9", "203.0.113.77"))),
                dst_port=draw(st.sampled_from((443, 443, 53, 80))),
                proto=draw(st.sampled_from(("tcp", "udp"))),
            )
    return made


def fixed() -> list[Connection]:
    """A day that lies on both sides of every edge."""
    made = calls(1, 1, MIDNIGHT) + calls(1, 1, MIDNIGHT, src_ip=OTHER, dst_ip="8.8.8.8")
    for n, count in enumerate((99, 100, 101)):
        made += calls(count, 8, MIDNIGHT + 900 * n, dst_ip="203.0.113.77", dst_port=80)
        made += calls(count, 8, MIDNIGHT + 900 * n, dst_ip="10.9.9.9", dst_port=80)
    made += calls(150, 5, MIDNIGHT + 4500, dst_port=53, dst_ip="8.8.4.4") + calls(120, 5, MIDNIGHT + 300)
    made += [c for n in range(5) for c in calls(3, 100, MIDNIGHT + 3600 * n, (_SILENT, _REFUSED, _ODD)[n % 3])]
    for n, (count, silent) in enumerate(((19, 19), (20, 20), (21, 19), (40, 38))):
        made += scan(count, MIDNIGHT + 10_800 + 900 * n, silent)
    for n, base in enumerate(("100.64.0.{}", "224.0.0.{}", "2a00:1::{}", "172.40.0.{}", "172.31.0.{}", "2001:{}::1")):
        made += scan(30, MIDNIGHT + 18_000 + 900 * n, 30, base)
    made += scan(25, MIDNIGHT + 28_800, 25, src=OTHER) + scan(25, MIDNIGHT + 28_900, 0, src=OTHER)
    return made


class Told(NamedTuple):
    """The busy quarters by source, and by detection the attempts, those unanswered, and their hours."""

    hosts: list[tuple[Any, ...]]
    attempts: list[tuple[int | None, int | None, int | None]]


def by_log(found: Iterable[Connection]) -> Told:
    """What the log connector says, as far as a SIEM is asked: floods and scans from the least on."""
    traffic = over_log([zeek(c) for c in found], NETWORKS, detections())
    hosts = [
        host.model_copy(
            update={
                "distinct_outside": None,
                "bursts": tuple(b for b in host.bursts or () if b.connections >= LEAST_FLOOD),
                "spreads": tuple(s for s in host.spreads or () if s.pairs >= LEAST_PAIRS),
            }
        )
        for host in traffic.hosts
    ]
    return Told(
        [_host(host) for host in hosts], [(t.attempts, t.unanswered, t.unanswered_hours) for t in traffic.tuples]
    )


def _host(host: HostTraffic) -> tuple[Any, ...]:
    return host.src_ip, host.bursts, host.spreads


def _told(read: Any) -> Told:
    found = host_activity.activity(detections(), 1.0, NETWORKS, sumo.tuple_key, lambda _: (read, ""))
    known = [found.attempts[d.src_ip, d.dst_ip, d.dst_port] for d in detections()]
    return Told([_host(host) for host in found.hosts], [tuple(one) for one in known])


KEYS = [sumo.tuple_key(d.src_ip, d.dst_ip, d.dst_port) for d in detections()]


def by_sumo(found: Iterable[Connection], query: str = "") -> Told:
    """What the Zeek preset's query says of the very lines of the file."""
    lines = [(c.start + 5, json.dumps(zeek(c))) for c in found]
    records = sumo_interpreter.run(query or sumo.activity(KEYS, LAB, "zeek-json"), lines)
    return _told(sumo_rows.quarters([{name: str(v) for name, v in row.items()} for row in records]))


def by_splunk(preset: str, found: Iterable[Connection], query: str = "") -> Told:
    """What the search of a preset says of the same connections, for a user half an hour off the hours of UTC."""
    source = [SPLUNK[preset](c) for c in found]
    rows = spl.results(spl.run(query or splunk.activity(KEYS, LAB, preset), source, HALF_HOUR_EAST))
    return _told(splunk_rows.quarters([splunk_cells.cast(row) for row in rows]))
