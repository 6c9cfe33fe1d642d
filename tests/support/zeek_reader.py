"""An independent reading of Zeek conn logs in plain Python, and Zeek logs written from rows, for the tests."""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from ipaddress import ip_address, ip_network
from pathlib import Path

from playbook.detections.beaconing import Event

ORDER = (
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
)
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
_INSIDE = [ip_network(text) for text in _PRIVATE]
_IRC = {*range(6660, 6670), 6697, 1080, 4444}


def opened(path: Path) -> Iterator[str]:
    """The lines of a plain or gzip file."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as source:
        yield from (line.rstrip("\n") for line in source)


def rows(path: Path) -> Iterator[Mapping[str, str]]:
    """The rows of a conn log by Zeek's names, ``-`` as ""."""
    names: Sequence[str] = ORDER
    for line in opened(path):
        if line.startswith("#fields"):
            names = line.split("\t")[1:]
        elif line and not line.startswith("#"):
            values = ["" if value == "-" else value for value in line.split("\t")]
            yield dict(zip(names, values, strict=False))


def event(row: Mapping[str, str]) -> Event:
    """A row as the canonical event, by the table of the design."""

    def number(name: str) -> int | None:
        return int(row[name]) if row.get(name) else None

    sent, received = number("orig_bytes"), number("resp_bytes")
    if number("orig_ip_bytes") is not None or number("resp_ip_bytes") is not None:
        sent, received = number("orig_ip_bytes") or 0, number("resp_ip_bytes") or 0
    history = row.get("history", "")
    return Event(
        start=float(row["ts"]),
        src_ip=row["id.orig_h"],
        src_port=number("id.orig_p"),
        dst_ip=row["id.resp_h"],
        dst_port=int(row["id.resp_p"]),
        proto=row["proto"],
        bytes_sent=sent,
        bytes_rcvd=received,
        bytes_total=None if sent is None or received is None else sent + received,
        orig_bytes=number("orig_ip_bytes"),
        sent_packets=number("orig_pkts"),
        rcvd_packets=number("resp_pkts"),
        service=row.get("service", ""),
        continues=row["proto"] == "tcp"
        and history != ""
        and not set("Ss") & set(history)
        and row.get("conn_state") not in ("S0", "REJ", "RSTOS0", "SH", "RSTRH"),
    )


def seed_rows(events: Iterable[Event]) -> list[tuple]:
    """The seed's rule computed anew, sharing no code with the product: its columns up to the totals."""
    groups: dict[tuple, list[Event]] = defaultdict(list)
    for one in events:
        groups[one.src_ip, one.dst_ip, one.dst_port].append(one)
    found = []
    for (src, dst, port), members in groups.items():
        address = ip_address(dst)
        inside = address.version == 4 and any(address in network for network in _INSIDE)
        count, hours = len(members), len({int(one.start // 3600) for one in members})
        if inside or count < 20 or hours < 3:
            continue
        sent, received = sum(one.bytes_sent or 0 for one in members), sum(one.bytes_rcvd or 0 for one in members)
        rate = (Decimal(count) / hours).quantize(Decimal("0.1"), ROUND_HALF_UP)
        size = (Decimal(sent + received) / count).quantize(Decimal(1), ROUND_HALF_UP)
        two = (rate > 10 and size < 500) or (count > 200 and hours >= 6)
        score = 3 if port in _IRC else 2 if two else int(count > 100)
        if score >= 1:
            measures = (count, hours, float(rate), int(size), int(port in _IRC), score, sent, received)
            found.append((src, dst, port, *measures))
    return sorted(found, key=lambda row: (-row[8], -row[3], *row[:3]))


def log_text(lines: Iterable[Mapping[str, object]], order: Sequence[str] = ORDER, header: bool = True) -> str:
    """A conn log in this column order; absent values are ``-``."""
    head = ["#separator \\x09", "#unset_field\t-", "#path\tconn", "\t".join(("#fields", *order))] if header else []
    body = ["\t".join(_text(line.get(name)) for name in order) for line in lines]
    return "\n".join([*head, *body]) + "\n"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    return "-" if value is None else str(value)
