"""What a sensor would have recorded, as frozen values in Zeek's words; every time is epoch seconds (UTC)."""

from collections.abc import Iterable

from playbook.model import Value


class Connection(Value):
    """One row of conn.log; a null counter or duration is written as unset."""

    ts: float
    uid: str
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    proto: str
    service: str | None = None
    duration: float | None = None
    orig_bytes: int | None = None
    resp_bytes: int | None = None
    conn_state: str
    history: str
    orig_pkts: int
    orig_ip_bytes: int
    resp_pkts: int
    resp_ip_bytes: int


class Question(Value):
    """One row of dns.log."""

    ts: float
    uid: str
    src_ip: str
    src_port: int
    dst_ip: str
    query: str
    qtype: str = "A"
    rcode: str = "NOERROR"
    answers: tuple[str, ...] = ()
    rtt: float = 0.002


class Handshake(Value):
    """One row of ssl.log; ``server_name`` null: the client sent no SNI."""

    ts: float
    uid: str
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    server_name: str | None = None


class HttpRequest(Value):
    """One row of http.log; ``host`` null: the request had no Host header."""

    ts: float
    uid: str
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    host: str | None
    uri: str
    user_agent: str
    response_bytes: int


class Lease(Value):
    """One row of dhcp.log: the client says its own name."""

    ts: float
    uid: str
    address: str
    server: str
    mac: str
    host_name: str
    lease_s: float = 86400.0


class Machine(Value):
    """One host of the simulated site."""

    name: str
    address: str
    roles: tuple[str, ...] = ()
    owner: str = ""
    mac: str = ""


class Telemetry(Value):
    """What one or many actors left in the logs, in no promised order."""

    connections: tuple[Connection, ...] = ()
    questions: tuple[Question, ...] = ()
    handshakes: tuple[Handshake, ...] = ()
    requests: tuple[HttpRequest, ...] = ()
    leases: tuple[Lease, ...] = ()


def together(parts: Iterable[Telemetry]) -> Telemetry:
    """All parts as one, each kind in order of time and uid, as a sensor writes them."""
    kept = tuple(parts)
    return Telemetry(
        connections=tuple(sorted((c for p in kept for c in p.connections), key=_when)),
        questions=tuple(sorted((q for p in kept for q in p.questions), key=_when)),
        handshakes=tuple(sorted((h for p in kept for h in p.handshakes), key=_when)),
        requests=tuple(sorted((r for p in kept for r in p.requests), key=_when)),
        leases=tuple(sorted((x for p in kept for x in p.leases), key=_when)),
    )


def _when(row: Connection | Question | Handshake | HttpRequest | Lease) -> tuple[float, str]:
    return row.ts, row.uid
