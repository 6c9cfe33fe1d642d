"""Connections of many sources to a few destinations, and what a log and the SIEMs say of who uses those."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from connectors.clients.splunk import decoding as splunk_cells
from connectors.sources import logs
from connectors.sources._siem import prevalence
from connectors.sources.splunk import mapping as splunk_rows
from connectors.sources.sumologic import mapping as sumo_rows
from playbook.detections.beaconing import moment
from playbook.detections.languages import splunk, sumo
from playbook.detections.languages._answered import UNANSWERED
from playbook.model.address import Address, Network, parse, within
from playbook.model.detection import Detection
from playbook.model.site import Networks, Site
from playbook.model.traffic import Traffic
from tests.interpreters import spl
from tests.interpreters import sumo as sumo_interpreter
from tests.interpreters.telemetry import HALF_HOUR_EAST, LAB, MIDNIGHT

BOT, C2, SERVICE = "10.0.0.31", "203.0.113.66", "2001:db8:ffff::1"
WANTED = (C2, SERVICE)
HOMES: tuple[tuple[Network, ...], ...] = (
    Networks().home,
    tuple(map(ip_network, ("10.0.0.0/18", "10.0.77.0/30", "172.16.0.0/13", "192.168.7.9", "2001:db8:1::/48"))),
    tuple(map(ip_network, ("0.0.0.0/0",))),
    (ip_network("::/0"),),
)
_SOURCES = (
    BOT,
    "10.0.0.32",
    "10.0.1.5",
    "10.0.1.130",
    "172.23.1.1",
    "172.24.0.1",
    "192.168.7.9",
    "192.168.7.99",
    "100.64.3.3",
    "fd00::31",
    "FD00::32",
    "fe80::1",
    "2001:db8:1::5",
    "2001:db8:1:0:0:0:0:6",
    "2001:db8:2::5",
    "::ffff:10.0.0.9",
    "203.0.113.200",
    "198.51.100.7",
)
# State, bytes and packets of both sides: conversations, single answers, refusals, and what is not known.
_KINDS = (
    ("SF", 900, 1200, 6, 5),
    ("S1", 300, 120, 3, 2),
    ("S1", 120, 60, 2, 1),
    ("S0", 60, 0, 1, 0),
    ("REJ", 60, 40, 1, 1),
    ("RSTO", 400, 300, 5, 1),
    ("SH", 180, 60, 3, 2),
    ("OTH", 500, 0, 4, 0),
    ("SF", 500, 700, None, None),
    ("S1", 150, 120, 2, 2),
    ("SF", 0, 700, None, None),
    ("SF", None, None, None, None),
    ("OTH", None, None, 5, 4),
    ("SF", 80, 90, 5, None),
)


class Connection(NamedTuple):
    """One connection, with what a log may tell of it."""

    start: float
    src_ip: str
    dst_ip: str
    proto: str = "tcp"
    state: str = "SF"
    sent: int | None = 900
    rcvd: int | None = 1200
    packets_sent: int | None = 6
    packets_rcvd: int | None = 5
    dst_port: int = 443
    denied: bool = False


@st.composite
def connections(draw: st.DrawFn) -> list[Connection]:
    """One connection of the bot, and up to forty of others, most of them to the destinations that are asked for."""
    made = [Connection(MIDNIGHT, BOT, C2)]
    for n in range(draw(st.integers(0, 40))):
        made.append(
            Connection(
                MIDNIGHT + 30 * n,
                draw(st.sampled_from(_SOURCES)),
                draw(st.sampled_from((*WANTED, C2, "198.51.100.9", "10.9.9.9"))),
                draw(st.sampled_from(("tcp", "tcp", "tcp", "udp", "icmp"))),
                *draw(st.sampled_from(_KINDS)),
            )
        )
    return made


def fixed() -> list[Connection]:
    """Every source with every kind to one of the destinations, so that no source is told by its other rows."""
    made = [Connection(MIDNIGHT, BOT, C2)]
    for n, kind in enumerate(_KINDS):
        made += [
            Connection(MIDNIGHT + 100 + n, f"10.0.{n}.{host}", WANTED[host % 2], "tcp", *kind)
            for host in range(1, 2 * n + 4)
        ]
    made += [Connection(MIDNIGHT + 700 + n, src, C2) for n, src in enumerate(_SOURCES)]
    made += [Connection(MIDNIGHT + 800 + n, f"10.0.77.{n}", C2, "udp") for n in range(1, 4)]
    made += [Connection(MIDNIGHT + 900 + n, f"10.0.78.{n}", "10.9.9.9") for n in range(1, 6)]
    return made


@cache
def datasets() -> list[list[Connection]]:
    """Those, and what makes a difference where they do not: what is told, what is not, one slot, one side, denials."""
    full = [c for c in fixed() if None not in (c.sent, c.rcvd, c.packets_sent, c.packets_rcvd)]
    silent = [c._replace(state="", sent=None, rcvd=None, packets_sent=None, packets_rcvd=None) for c in fixed()]
    one_slot = [Connection(MIDNIGHT + n, BOT, C2, packets_rcvd=back) for n, back in enumerate((5, 1))]
    one_side = [c._replace(packets_sent=None, packets_rcvd=None, rcvd=None) for c in fixed()]
    denied = [c._replace(denied=n % 3 == 0) for n, c in enumerate(full)]
    return [fixed(), full, silent, one_slot, one_side, denied]


def zeek(c: Connection) -> dict[str, Any]:
    """A row of conn.log."""
    row = {
        "ts": c.start,
        "id.orig_h": c.src_ip,
        "id.orig_p": 40_000,
        "id.resp_h": c.dst_ip,
        "id.resp_p": c.dst_port,
        "proto": c.proto,
        "conn_state": c.state,
        "orig_ip_bytes": c.sent,
        "resp_ip_bytes": c.rcvd,
        "orig_pkts": c.packets_sent,
        "resp_pkts": c.packets_rcvd,
        "history": "ShADadFf" if c.proto == "tcp" else "Dd",
    }
    return {name: value for name, value in row.items() if value is not None}


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if name in ("_time", "_summarized") or value is None else str(value) for name, value in row.items()
    }


def raw(c: Connection) -> dict[str, Any]:
    """conn.log as it is indexed."""
    return _texts(zeek(c) | {"_time": c.start, "action": "blocked" if c.denied else "allowed"})


def cim(c: Connection) -> dict[str, Any]:
    """The same under the names of the information model, with the state that the add-on leaves."""
    return _texts(
        {
            "_time": c.start,
            "src": c.src_ip,
            "dest_ip": c.dst_ip,
            "dest_port": c.dst_port,
            "transport": c.proto.upper(),
            "bytes_out": c.sent,
            "bytes_in": c.rcvd,
            "packets_out": c.packets_sent,
            "packets_in": c.packets_rcvd,
            "conn_state": c.state,
            "action": "blocked" if c.denied else "allowed",
        }
    )


def model(c: Connection) -> dict[str, Any]:
    """A row of the data model, which has no states."""
    return {
        f"All_Traffic.{name}" if name != "_time" else name: value
        for name, value in cim(c).items()
        if name != "conn_state"
    } | {"_summarized": False}


SPLUNK: dict[str, Callable[[Connection], dict[str, Any]]] = {"raw": raw, "cim": cim, "tstats": model}


def detections() -> tuple[Detection, ...]:
    """One detection for each destination that is asked for."""
    return tuple(
        Detection(
            detection_id=str(n),
            source="s",
            hostname="",
            src_ip=BOT,
            dst_ip=dst,
            dst_port=443,
            connections=20,
            hourly_buckets=3,
            avg_per_hour=1,
            avg_bytes_per_conn=None,
            irc_port=0,
            beaconing_score=1,
            total_bytes_sent=None,
            total_bytes_rcvd=None,
            processes=(),
            first_seen=moment(MIDNIGHT),
            last_seen=moment(MIDNIGHT + 9000),
            bytes_known=False,
        )
        for n, dst in enumerate(WANTED)
    )


class Told(NamedTuple):
    """Active hosts, and by destination the hosts that use it, provably so, and the second since when."""

    active: int | None
    users: list[tuple[int | None, int | None, int | None]]


def over_log(rows: Iterable[dict[str, Any]], networks: Networks, asked: Sequence[Detection]) -> Traffic:
    """The traffic that the log connector gives over the same rows as a file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "conn.log").write_text("".join(json.dumps(row) + "\n" for row in rows))
        site = Site(networks=networks, now=moment(MIDNIGHT + 86_400))
        source = logs.connect("log", logs.Settings(paths=(Path("conn.log"),)), site, Path(folder))
        try:
            return source.traffic(asked)
        finally:
            source.close()


def by_log(rows: Iterable[dict[str, Any]], home: Sequence[Network]) -> Told:
    """What the log connector says of the users of the destinations."""
    traffic = over_log(rows, Networks(home=home, lab=LAB), detections())
    return Told(
        traffic.active_hosts,
        [(t.hosts_using, t.hosts_answered, _second(t.destination_first_seen)) for t in traffic.tuples],
    )


def by_reference(found: Iterable[Connection], home: Sequence[Network]) -> Told:
    """The same counted in plain Python, which costs a thousandth."""
    ours: dict[Address, list[Connection]] = defaultdict(list)
    for c in found:
        address = parse(c.src_ip)
        if address is not None and within(address, home):
            ours[address].append(c)
    return Told(
        len(ours),
        [
            _users([own for all_of in ours.values() if (own := [c for c in all_of if c.dst_ip == dst])])
            for dst in WANTED
        ],
    )


def _users(by_host: Sequence[Sequence[Connection]]) -> tuple[int | None, int | None, int | None]:
    reached = sum(any(c.state not in UNANSWERED for c in own) for own in by_host)
    held = sum(any(c.proto == "tcp" and c.state not in UNANSWERED and _both_ways(c) for c in own) for own in by_host)
    untold = any(c.state not in UNANSWERED and _both_ways(c) is None for own in by_host for c in own)
    first = min((int(c.start) for own in by_host for c in own), default=None)
    return reached or len(by_host), held if held or not untold else None, first


def _both_ways(c: Connection) -> bool | None:
    """Whether it is more than a handshake, by packets, or else by bytes; null when it tells neither."""
    return _least(3, c.packets_sent, 2, c.packets_rcvd, _least(1, c.sent, 1, c.rcvd, None))


def _least(few: int, sent: int | None, back: int, rcvd: int | None, otherwise: bool | None) -> bool | None:
    if (sent is not None and sent < few) or (rcvd is not None and rcvd < back):
        return False
    return otherwise if sent is None or rcvd is None else True


def _second(at: Any) -> int | None:
    return None if at is None else int(at.timestamp())


def _told(read: Any, home: Sequence[Network]) -> Told:
    found = prevalence.prevalence(detections(), home, lambda _: (read, ""))
    assert found.unknown == (), found.unknown
    return Told(
        found.active_hosts,
        [
            (use.hosts_using, use.hosts_answered, _second(use.first))
            for use in map(found.by_destination.get, WANTED)
            if use is not None
        ],
    )


def by_sumo(found: Iterable[Connection], home: Sequence[Network], query: str = "") -> Told:
    """What the Zeek preset's query says of the very lines of the file."""
    lines = [(c.start + 5, json.dumps(zeek(c))) for c in found]
    records = sumo_interpreter.run(query or sumo.popularity(WANTED, home, "zeek-json"), lines)
    return _told(sumo_rows.users([{name: str(v) for name, v in row.items()} for row in records]), home)


def by_splunk(preset: str, found: Iterable[Connection], home: Sequence[Network], query: str = "") -> Told:
    """What the search of a preset says of the same connections, for a user half an hour off the hours of UTC."""
    source = [SPLUNK[preset](c) for c in found]
    rows = spl.results(spl.run(query or splunk.popularity(WANTED, home, preset), source, HALF_HOUR_EAST))
    return _told(splunk_rows.users([splunk_cells.cast(row) for row in rows]), home)
