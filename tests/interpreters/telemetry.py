"""Events near every threshold, and the same events as each kind of source would hold them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any, NamedTuple

from hypothesis import strategies as st

from connectors.sources.sumologic import mapping as sumo_rows
from playbook.detections.beaconing import SEED_INTERNAL, Aggregate, Event, Scope, score, score_events, sort_key
from playbook.detections.languages import splunk
from playbook.detections.languages import sumo as sumo_language
from playbook.model.address import parse
from playbook.model.detection import Detection
from tests.interpreters import spl, sumo

MIDNIGHT = 1_795_392_000.0  # 2026-11-23 00:00 UTC
LAB = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
SCOPE = Scope(source="siem", lab=LAB)
HALF_HOUR_EAST = 19_800  # UTC+05:30
Fields = dict[str, Any]

_DESTINATIONS = (
    "203.0.113.66",
    "198.51.100.9",
    "2001:db8::66",
    "172.32.0.1",
    "172.16.0.1",
    "10.1.2.3",
    "192.168.0.9",
    "127.0.0.1",
    "169.254.1.1",
    "::ffff:10.0.0.1",
    "::ffff:203.0.113.5",
    "2002:cb00:7105::1",
    "64:ff9b::a00:1",
    "fe80::1%eth0",
    "224.0.0.1",
    "8.8.8.8",
)
_BYTES = ((215, 284), (215, 285), (0, 0), (None, None), (300, None), (None, 300), (10**11, 7))


def flow(
    count: int,
    gap: float,
    dst: str = "203.0.113.66",
    port: int = 6667,
    start: float = MIDNIGHT - 600,
    **more: Any,
) -> list[Event]:
    """``count`` equal connections, one every ``gap`` seconds; ``bytes`` is (sent, received)."""
    sent, received = more.pop("bytes", (215, 284))
    total = more.pop("total", None if sent is None or received is None else sent + received)
    more = {"src_ip": "10.0.0.31"} | more
    return [
        Event(
            start=start + n * gap,
            dst_ip=dst,
            dst_port=port,
            src_port=40_000 + n,
            bytes_sent=sent,
            bytes_rcvd=received,
            bytes_total=total,
            **more,
        )
        for n in range(count)
    ]


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """One to four flows of a few hosts, most of them within one of a threshold."""
    made: list[Event] = []
    for _ in range(draw(st.integers(1, 4))):
        count = draw(st.sampled_from((1, 19, 20, 20, 21, 32, 101)))
        own = flow(
            count,
            draw(st.sampled_from((0.125, 60, 359.875, 378.5, 600, 900))),
            draw(st.sampled_from(_DESTINATIONS)),
            draw(st.sampled_from((6667, 6667, 4444, 443, 0, 65535))),
            MIDNIGHT + draw(st.sampled_from((-7200, -1800, -0.125, 0, 1799.5, 3599.875))),
            src_ip=draw(st.sampled_from(("10.0.0.31", "10.0.0.32", "fd00::31"))),
            hostname=draw(st.sampled_from(("", "", "pc-1", "PC-1"))),
            bytes=draw(st.sampled_from(_BYTES)),
            proto=draw(st.sampled_from(("tcp", "tcp", "udp", "icmp", "icmpv6"))),
            process_name=draw(st.sampled_from(("", "svchost.exe", "a b.exe"))),
            service=draw(st.sampled_from(("", "irc"))),
        )
        odd = draw(st.sampled_from((None, "denied", "bytes", "all denied", "half")))
        if odd == "bytes":
            own[-1] = own[-1]._replace(bytes_sent=None, bytes_rcvd=None, bytes_total=None)
        elif odd == "half":  # an average of exactly 499.5
            own = [
                e._replace(bytes_sent=215 + n % 2, bytes_rcvd=284, bytes_total=499 + n % 2) for n, e in enumerate(own)
            ]
        elif odd:
            own = [e._replace(denied=odd == "all denied" or n % 3 == 0) for n, e in enumerate(own)]
        made += own
    return made


def cim(e: Event) -> list[Fields]:
    """A CIM event: names beside addresses, texts for numbers, a port twice, the firewall's own name."""
    odd = (e.src_port or 0) % 2
    return [
        {
            "_time": e.start,
            "src": e.hostname or e.src_ip,
            "src_ip": e.src_ip if e.hostname or odd else None,
            "src_host": e.hostname or ("" if odd else None),
            "dvc": "fw-1",
            "dest": "c2.example" if odd else e.dst_ip,
            "dest_ip": e.dst_ip if odd else None,
            "dest_port": [str(e.dst_port)] * 2 if odd else str(e.dst_port),
            "transport": e.proto.upper(),
            "app": e.service or None,
            "process_name": e.process_name or None,
            "bytes_out": _text(e.bytes_sent),
            "bytes_in": _text(e.bytes_rcvd),
            "bytes": _text(e.bytes_total),
            "action": "blocked" if e.denied else "allowed",
            "date_hour": str(int(e.start // 3600) % 24),
        }
    ]


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def raw(e: Event) -> list[Fields]:
    """The same as three vendors log it: Palo Alto start and end, ASA Built and Teardown, Zeek with a further row."""
    place = {"_time": e.start, "src_host": e.hostname or None, "dvc": "fw-1", "process_name": e.process_name or None}
    kind = (e.src_port or 0) % 3
    if kind == 0 or e.denied:
        row = place | {
            "src_ip": e.src_ip,
            "dest_ip": e.dst_ip,
            "dest_port": str(e.dst_port),
            "transport": e.proto,
            "app": e.service or "",
            "bytes_out": _text(e.bytes_sent),
            "bytes_in": _text(e.bytes_rcvd),
            "bytes": _text(e.bytes_total),
            "repeat_count": "1",
            "log_subtype": "end",
            "action": "drop" if e.denied else "allow",
        }
        return [row, row | {"log_subtype": "start"}]
    if kind == 1:
        row = place | {
            "src": e.src_ip,
            "dest": e.dst_ip,
            "dest_port": str(e.dst_port),
            "transport": e.proto.upper(),
            "bytes_out": _text(e.bytes_sent),
            "bytes_in": _text(e.bytes_rcvd),
            "bytes": _text(e.bytes_total),
            "service": e.service or None,
            "message_id": "302014",
            "vendor_action": "Teardown",
        }
        return [row, row | {"message_id": "302013", "vendor_action": "Built"}]
    row = place | {
        "id.orig_h": e.src_ip,
        "id.resp_h": e.dst_ip,
        "id.resp_p": str(e.dst_port),
        "proto": e.proto,
        "service": e.service or None,
        "orig_ip_bytes": _text(e.bytes_sent),
        "history": "ShADadFf",
        "resp_ip_bytes": _text(e.bytes_rcvd),
        "bytes": _text(e.bytes_total),
    }
    return [row, row | {"history": "DadA"}] if e.proto == "tcp" else [row]


def model(e: Event) -> list[Fields]:
    """A row of the Network_Traffic data model; the newest hour lies in no summary yet."""
    odd = (e.src_port or 0) % 2
    fields = {
        "src": e.hostname or e.src_ip,
        "src_ip": e.src_ip if e.hostname or odd else None,
        "dvc": "fw-1",
        "dest": "c2.example" if odd else e.dst_ip,
        "dest_ip": e.dst_ip if odd else None,
        "dest_port": str(e.dst_port),
        "transport": e.proto,
        "app": e.service or None,
        "bytes_out": _text(e.bytes_sent),
        "bytes_in": _text(e.bytes_rcvd),
        "bytes": _text(e.bytes_total),
        "action": "blocked" if e.denied else "allowed",
    }
    return [
        {f"All_Traffic.{name}": value for name, value in fields.items()}
        | {"_time": e.start, "_summarized": e.start < MIDNIGHT + 7200}
    ]


def sysmon(e: Event) -> list[Fields]:
    """Sysmon EID 3: no bytes, no firewall."""
    return [
        {
            "_time": e.start,
            "Computer": e.hostname or None,
            "SourceIp": e.src_ip,
            "DestinationIp": e.dst_ip,
            "DestinationPort": str(e.dst_port),
            "Image": e.process_name or None,
            "Protocol": e.proto,
        }
    ]


def cse(e: Event) -> Fields:
    """A Cloud SIEM record: numbers are numbers, absent is null or blank."""
    size = lambda value: None if value is None else float(value)  # noqa: E731
    return {
        "_messageTime": e.start * 1000,
        "srcDevice_hostname": e.hostname or None,
        "device_hostname": "fw-1",
        "srcDevice_ip": e.src_ip,
        "dstDevice_ip": e.dst_ip,
        "dstPort": float(e.dst_port),
        "bytesOut": size(e.bytes_sent),
        "bytesIn": size(e.bytes_rcvd),
        "baseImage": e.process_name or None,
        "ipProtocol": e.proto.upper(),
        "application": e.service or "",
    }


WRITERS = {"cim": cim, "raw": raw, "tstats": model, "sysmon": sysmon}


def told(preset: str, found: Sequence[Event]) -> list[Event]:
    """The events as far as the preset's source can know them."""
    if preset == "tstats":
        return [e._replace(process_name="") for e in found]
    if preset == "sysmon":
        return [e._replace(bytes_sent=None, bytes_rcvd=None, bytes_total=None, service="", denied=False) for e in found]
    if preset == "cse":
        both = [e.bytes_sent is not None and e.bytes_rcvd is not None for e in found]
        return [
            e._replace(denied=False, bytes_total=e.bytes_total if b else None) for e, b in zip(found, both, strict=True)
        ]
    return list(found)


class Found(NamedTuple):
    """The detections after the reference scorer, as values, and the keys of all rows that were handed to it."""

    detections: list[Fields]
    candidates: list[tuple[str, ...]]


def by_splunk(query: str, preset: str, found: Sequence[Event], zone_s: int = 0) -> Found:
    """What the search finds in the events, scored by the reference scorer."""
    source = [row for e in found for row in WRITERS[preset](e)]
    aggregates = [aggregate(row) for row in spl.results(spl.run(query, source, zone_s))]
    made = (score(one, SCOPE) for one in aggregates)
    return _found(sorted((d for d in made if d is not None), key=sort_key), aggregates)


def by_sumo(query: str, found: Sequence[Event]) -> Found:
    """What the Cloud SIEM preset's query finds, read by the connector's own reader."""
    records = [{k: str(v) for k, v in row.items()} for row in sumo.run(query, (), [cse(e) for e in found])]
    made, read = sumo_rows.detections(records, SCOPE)
    assert read.rejected == 0, read.examples
    return _found(made, [sumo_rows.aggregate(record) for record in records])


def by_reference(preset: str, found: Sequence[Event]) -> Found:
    """What plain Python finds in what the source can know, and which tuples reach a threshold without a score."""
    known = told(preset, found)
    groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    for e in known:
        if e.proto not in ("icmp", "icmpv6") and not any(
            (address := parse(e.dst_ip)) and address.version == 4 and address in network for network in SEED_INTERNAL
        ):
            groups[e.hostname, e.src_ip, e.dst_ip, str(e.dst_port), e.denied].append(e)
    reached = {key[:4] for key, own in groups.items() if len(own) >= 20 and len({e.start // 3600 for e in own}) >= 3}
    return _found(score_events(known, SCOPE), sorted(reached))


def _found(made: Iterable[Detection], candidates: Iterable[Any]) -> Found:
    """Packet sizes are asked of no SIEM."""
    keys = [
        one if isinstance(one, tuple) else (one.hostname, one.src_ip, one.dst_ip, str(one.dst_port))
        for one in candidates
    ]
    return Found([d.model_dump(exclude={"ntp_sized"}) for d in made], sorted(keys))


def aggregate(row: Fields) -> Aggregate:
    """A result row as what the scorer takes: an absent host is ``unknown``, a sum counts if every row had its part."""
    whole = {name: int(value) for name, value in row.items() if isinstance(value, str) and value.isdigit()}
    rows, names = whole["row_count"], {}
    for name in ("processes", "protos", "services"):
        value = row.get(name, [])
        names[name] = tuple(value if isinstance(value, list) else [value])
    known = {
        name: whole[f"{total}"] if rows and whole[counter] == rows else None
        for name, total, counter in (
            ("bytes_sent", "total_bytes_sent", "sent_known"),
            ("bytes_rcvd", "total_bytes_rcvd", "rcvd_known"),
            ("bytes_total", "total_bytes", "total_known"),
        )
    }
    return Aggregate(
        hostname="" if row["hostname"] == "unknown" else row["hostname"],
        src_ip=row["src_ip"],
        dst_ip=row["dst_ip"],
        dst_port=whole["dst_port"],
        connections=whole["connections"],
        hourly_buckets=whole["hourly_buckets"],
        **known,
        first_seen=whole["first_ms"] / 1000,
        last_seen=whole["last_ms"] / 1000,
        denied=whole["denied"],
        denied_hours=whole["denied_hours"],
        processes=names["processes"],
        services=names["services"],
        transports=names["protos"],
    )


QUERIES = {preset: splunk.detection(preset) for preset in WRITERS}
SUMO_QUERY = sumo_language.detection("cse")
