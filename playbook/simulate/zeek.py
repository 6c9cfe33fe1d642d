"""Writes telemetry as Zeek TSV logs, plain or gzip; the same values give the same bytes."""

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from playbook.simulate.records import Connection, Handshake, HttpRequest, Lease, Question, Telemetry

# log -> (field, Zeek type) in file order.
FIELDS: dict[str, tuple[tuple[str, str], ...]] = {}
_COMMON = (
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
)
FIELDS["conn"] = (
    *_COMMON,
    ("proto", "enum"),
    ("service", "string"),
    ("duration", "interval"),
    ("orig_bytes", "count"),
    ("resp_bytes", "count"),
    ("conn_state", "string"),
    ("local_orig", "bool"),
    ("local_resp", "bool"),
    ("missed_bytes", "count"),
    ("history", "string"),
    ("orig_pkts", "count"),
    ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"),
    ("tunnel_parents", "set[string]"),
)
FIELDS["dns"] = (
    *_COMMON,
    ("proto", "enum"),
    ("trans_id", "count"),
    ("rtt", "interval"),
    ("query", "string"),
    ("qclass", "count"),
    ("qclass_name", "string"),
    ("qtype", "count"),
    ("qtype_name", "string"),
    ("rcode", "count"),
    ("rcode_name", "string"),
    ("AA", "bool"),
    ("TC", "bool"),
    ("RD", "bool"),
    ("RA", "bool"),
    ("Z", "count"),
    ("answers", "vector[string]"),
    ("TTLs", "vector[interval]"),
    ("rejected", "bool"),
)
FIELDS["ssl"] = (
    *_COMMON,
    ("version", "string"),
    ("cipher", "string"),
    ("curve", "string"),
    ("server_name", "string"),
    ("resumed", "bool"),
    ("last_alert", "string"),
    ("next_protocol", "string"),
    ("established", "bool"),
)
FIELDS["http"] = (
    *_COMMON,
    ("trans_depth", "count"),
    ("method", "string"),
    ("host", "string"),
    ("uri", "string"),
    ("referrer", "string"),
    ("version", "string"),
    ("user_agent", "string"),
    ("request_body_len", "count"),
    ("response_body_len", "count"),
    ("status_code", "count"),
    ("status_msg", "string"),
    ("tags", "set[enum]"),
)
FIELDS["dhcp"] = (
    ("ts", "time"),
    ("uids", "set[string]"),
    ("client_addr", "addr"),
    ("server_addr", "addr"),
    ("mac", "string"),
    ("host_name", "string"),
    ("client_fqdn", "string"),
    ("domain", "string"),
    ("requested_addr", "addr"),
    ("assigned_addr", "addr"),
    ("lease_time", "interval"),
    ("client_message", "string"),
    ("server_message", "string"),
    ("msg_types", "vector[string]"),
    ("duration", "interval"),
)
_QTYPE = {"A": 1, "AAAA": 28}
_RCODE = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3}


def conn_row(c: Connection) -> str:
    """One conn.log line without its line end."""
    return _line(
        f"{c.ts:.6f}",
        c.uid,
        c.src_ip,
        c.src_port,
        c.dst_ip,
        c.dst_port,
        c.proto,
        c.service,
        _seconds(c.duration),
        c.orig_bytes,
        c.resp_bytes,
        c.conn_state,
        None,
        None,
        0,
        c.history,
        c.orig_pkts,
        c.orig_ip_bytes,
        c.resp_pkts,
        c.resp_ip_bytes,
        None,
    )


def dns_row(q: Question) -> str:
    """One dns.log line without its line end."""
    return _line(
        f"{q.ts:.6f}",
        q.uid,
        q.src_ip,
        q.src_port,
        q.dst_ip,
        53,
        "udp",
        q.src_port,
        _seconds(q.rtt),
        q.query,
        1,
        "C_INTERNET",
        _QTYPE[q.qtype],
        q.qtype,
        _RCODE[q.rcode],
        q.rcode,
        "F",
        "F",
        "T",
        "T",
        0,
        ",".join(q.answers) or None,
        ",".join("300.000000" for _ in q.answers) or None,
        "F",
    )


def ssl_row(h: Handshake) -> str:
    """One ssl.log line without its line end."""
    return _line(
        f"{h.ts:.6f}",
        h.uid,
        h.src_ip,
        h.src_port,
        h.dst_ip,
        h.dst_port,
        "TLSv13",
        "TLS_AES_256_GCM_SHA384",
        "x25519",
        h.server_name,
        "F",
        None,
        None,
        "T",
    )


def http_row(r: HttpRequest) -> str:
    """One http.log line without its line end."""
    return _line(
        f"{r.ts:.6f}",
        r.uid,
        r.src_ip,
        r.src_port,
        r.dst_ip,
        r.dst_port,
        1,
        "GET",
        r.host,
        r.uri,
        None,
        "1.1",
        r.user_agent,
        0,
        r.response_bytes,
        200,
        "OK",
        "(empty)",
    )


def dhcp_row(x: Lease) -> str:
    """One dhcp.log line without its line end."""
    return _line(
        f"{x.ts:.6f}",
        x.uid,
        x.address,
        x.server,
        x.mac,
        x.host_name,
        None,
        None,
        x.address,
        x.address,
        _seconds(x.lease_s),
        None,
        None,
        "REQUEST,ACK",
        "0.000900",
    )


def lines(log: str, telemetry: Telemetry) -> Iterator[str]:
    """The rows of one kind of log (a key of FIELDS), in the order of the telemetry."""
    rows: dict[str, tuple[Iterable[object], Callable[..., str]]] = {
        "conn": (telemetry.connections, conn_row),
        "dns": (telemetry.questions, dns_row),
        "ssl": (telemetry.handshakes, ssl_row),
        "http": (telemetry.requests, http_row),
        "dhcp": (telemetry.leases, dhcp_row),
    }
    values, write = rows[log]
    return (write(value) for value in values)


def preamble(log: str) -> str:
    """The # lines that open a log; no #open stamp, so that the bytes depend on the values alone."""
    names = "\t".join(name for name, _ in FIELDS[log])
    types = "\t".join(kind for _, kind in FIELDS[log])
    return (
        f"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{log}\n"
        f"#fields\t{names}\n#types\t{types}\n"
    )


def text(log: str, telemetry: Telemetry) -> str:
    """The whole log as text."""
    return preamble(log) + "".join(f"{line}\n" for line in lines(log, telemetry))


def packed(content: bytes) -> bytes:
    """Gzip without a time stamp or file name."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=9, mtime=0) as stream:
        stream.write(content)
    return out.getvalue()


def write(telemetry: Telemetry, folder: Path, *, pack: bool = False) -> tuple[Path, ...]:
    """Write every log that has rows into ``folder`` as NAME.log or NAME.log.gz; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for log in FIELDS:
        if next(lines(log, telemetry), None) is None:
            continue
        path = folder / (f"{log}.log.gz" if pack else f"{log}.log")
        content = text(log, telemetry).encode()
        path.write_bytes(packed(content) if pack else content)
        written.append(path)
    return tuple(written)


def _line(*cells: object) -> str:
    return "\t".join("-" if cell is None else str(cell) for cell in cells)


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"
