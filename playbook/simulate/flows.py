"""Single flows with counters that fit together: payload, packets and IP bytes of TCP and UDP."""

from random import Random

from playbook.simulate.records import Connection, Question

DAY = 86400.0
HOUR = 3600.0
_SEGMENT = 1460


def header(address: str, transport: int) -> int:
    """Bytes of IP and transport header per packet (IPv4 20, IPv6 40; TCP 20, UDP 8)."""
    return (40 if ":" in address else 20) + transport


def uid(source: str, kind: str, number: int) -> str:
    """A Zeek-like connection id: unique per source, actor kind and number, and it packs well."""
    tail = source.replace(":", ".").split(".")
    return f"C{kind}{tail[-2]}x{tail[-1]}n{number:05d}"


def port(rng: Random) -> int:
    """An ephemeral source port."""
    return rng.randrange(49152, 65536)


def tcp(
    rng: Random,
    name: str,
    ts: float,
    pair: tuple[str, str, int],
    sent: int,
    received: int,
    duration: float,
    service: str | None = None,
) -> Connection:
    """A TCP connection that opened, carried the payload and closed; ``pair`` is source, destination, port."""
    head = header(pair[0], 20)
    out_packets = 5 + -(-sent // _SEGMENT) + received // (2 * _SEGMENT)
    in_packets = 4 + -(-received // _SEGMENT) + sent // (2 * _SEGMENT)
    return Connection(
        ts=round(ts, 3),
        uid=name,
        src_ip=pair[0],
        src_port=port(rng),
        dst_ip=pair[1],
        dst_port=pair[2],
        proto="tcp",
        service=service,
        duration=round(duration, 3),
        orig_bytes=sent,
        resp_bytes=received,
        conn_state="SF",
        history="ShADadFf",
        orig_pkts=out_packets,
        orig_ip_bytes=sent + head * out_packets,
        resp_pkts=in_packets,
        resp_ip_bytes=received + head * in_packets,
    )


def unanswered(rng: Random, name: str, ts: float, pair: tuple[str, str, int], refused: bool = False) -> Connection:
    """A TCP attempt without an answer (S0), or refused by a reset (REJ)."""
    head = header(pair[0], 20) + 20
    return Connection(
        ts=round(ts, 3),
        uid=name,
        src_ip=pair[0],
        src_port=port(rng),
        dst_ip=pair[1],
        dst_port=pair[2],
        proto="tcp",
        duration=0.012 if refused else None,
        orig_bytes=0 if refused else None,
        resp_bytes=0 if refused else None,
        conn_state="REJ" if refused else "S0",
        history="Sr" if refused else "S",
        orig_pkts=1,
        orig_ip_bytes=head,
        resp_pkts=int(refused),
        resp_ip_bytes=(head - 20) * refused,
    )


def udp(
    rng: Random,
    name: str,
    ts: float,
    pair: tuple[str, str, int],
    sent: tuple[int, ...],
    received: tuple[int, ...],
    service: str | None = None,
) -> Connection:
    """A UDP exchange; ``sent`` and ``received`` are the payload bytes of each packet."""
    head = header(pair[0], 8)
    return Connection(
        ts=round(ts, 3),
        uid=name,
        src_ip=pair[0],
        src_port=port(rng),
        dst_ip=pair[1],
        dst_port=pair[2],
        proto="udp",
        service=service,
        duration=round(0.002 + 0.03 * rng.random(), 3) if received else None,
        orig_bytes=sum(sent),
        resp_bytes=sum(received),
        conn_state="SF" if received else "S0",
        history="Dd" if received else "D",
        orig_pkts=len(sent),
        orig_ip_bytes=sum(sent) + head * len(sent),
        resp_pkts=len(received),
        resp_ip_bytes=sum(received) + head * len(received),
    )


def question(
    rng: Random,
    name: str,
    ts: float,
    source: str,
    server: str,
    query: str,
    answers: tuple[str, ...] = (),
) -> Question:
    """A DNS question that was answered, or NXDOMAIN when there are no answers."""
    return Question(
        ts=round(ts, 3),
        uid=name,
        src_ip=source,
        src_port=port(rng),
        dst_ip=server,
        query=query,
        qtype="AAAA" if answers and ":" in answers[0] else "A",
        rcode="NOERROR" if answers else "NXDOMAIN",
        answers=answers,
        rtt=round(0.001 + 0.01 * rng.random(), 3),
    )


def ticks(rng: Random, start: float, end: float, interval: float, jitter: float) -> tuple[float, ...]:
    """Times in [start, end): each gap is the interval, off by at most ``jitter`` (a share of it) either way."""
    moments, moment = [], start + interval * rng.random()
    while moment < end:
        moments.append(moment)
        moment += interval * (1 + jitter * rng.uniform(-1, 1))
    return tuple(moments)


def scattered(rng: Random, start: float, end: float, count: int) -> tuple[float, ...]:
    """``count`` independent times in [start, end), ascending."""
    return tuple(sorted(rng.uniform(start, end) for _ in range(count)))
