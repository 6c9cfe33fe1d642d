"""What bots do: beacons of several shapes, IRC, scans, floods and bursts of generated names."""

from random import Random

from playbook.simulate.flows import DAY, question, scattered, tcp, ticks, uid, unanswered
from playbook.simulate.records import Connection, Handshake, Telemetry


def irc_bot(rng: Random, source: str, server: str, start: float, reconnects: int = 48) -> Telemetry:
    """A bot that speaks IRC on TCP 6667 all day and reconnects; the log names the protocol (conclusive)."""
    gap = DAY / reconnects
    rows = []
    for number in range(reconnects):
        moment = start + gap * (number + 0.02 + 0.05 * rng.random())
        rows.append(
            tcp(
                rng,
                uid(source, "i", number),
                moment,
                (source, server, 6667),
                rng.randrange(180, 240),
                rng.randrange(400, 900),
                gap * 0.9,
                "irc",
            )
        )
    return Telemetry(connections=tuple(rows))


def https_beacon(
    rng: Random,
    source: str,
    server: str,
    start: float,
    *,
    end: float | None = None,
    interval: float = 300.0,
    jitter: float = 0.03,
    sent: tuple[int, int] = (430, 450),
    received: tuple[int, int] = (690, 720),
    port: int = 443,
    sni: str | None = None,
    kind: str = "b",
) -> Telemetry:
    """TLS polls at an interval; ``jitter`` is a share of it, sizes are drawn from the given ranges (bytes).

    No DNS question is asked, so the address stays nameless unless an SNI is given (which then nothing backs).
    """
    rows, shakes = [], []
    for number, moment in enumerate(ticks(rng, start, start + DAY if end is None else end, interval, jitter)):
        row = tcp(
            rng,
            uid(source, kind, number),
            moment,
            (source, server, port),
            rng.randrange(*sent),
            rng.randrange(*received),
            0.4 + 0.1 * rng.random(),
            "ssl",
        )
        rows.append(row)
        shakes.append(handshake(row, sni))
    return Telemetry(connections=tuple(rows), handshakes=tuple(shakes))


def cdn_beacon(rng: Random, source: str, edge: str, start: float, *, sni: str | None = None) -> Telemetry:
    """The same beacon to an address inside a CDN: true, but not blockable by address; nameless unless fronted."""
    return https_beacon(rng, source, edge, start, interval=290.0, sni=sni, kind="c")


def irregular_beacon(rng: Random, source: str, server: str, start: float, *, jitter: float = 0.9) -> Telemetry:
    """A beacon that hides its rhythm: gaps of 5 % to 195 % of 240 s, sizes spread over two decades."""
    return https_beacon(
        rng, source, server, start, interval=240.0, jitter=jitter, sent=(300, 20_000), received=(300, 60_000), kind="j"
    )


def denied_beacon(
    rng: Random, source: str, server: str, start: float, *, port: int = 443, refused: bool = False
) -> Telemetry:
    """A beacon whose every attempt gets no answer, or a reset: something between stops it."""
    moments = ticks(rng, start, start + DAY, 300.0, 0.03)
    rows = (unanswered(rng, uid(source, "d", n), t, (source, server, port), refused) for n, t in enumerate(moments))
    return Telemetry(connections=tuple(rows))


def scanner(
    rng: Random, source: str, targets: tuple[str, ...], start: float, *, ports: tuple[int, ...] = (22, 23)
) -> Telemetry:
    """A scan inside ten minutes: every target on every port once, in random order; one in twenty refuses."""
    pairs = [(target, port) for target in targets for port in ports]
    rng.shuffle(pairs)
    rows = (
        unanswered(rng, uid(source, "s", number), moment, (source, *pair), rng.random() < 0.05)
        for number, (moment, pair) in enumerate(zip(scattered(rng, start, start + 600, len(pairs)), pairs, strict=True))
    )
    return Telemetry(connections=tuple(rows))


def flooder(rng: Random, source: str, victim: str, start: float, *, connections: int = 1200) -> Telemetry:
    """A DDoS burst: that many attempts on one destination inside ten minutes, none answered."""
    rows = (
        unanswered(rng, uid(source, "f", number), moment, (source, victim, 80))
        for number, moment in enumerate(scattered(rng, start, start + 600, connections))
    )
    return Telemetry(connections=tuple(rows))


def dga_bursts(rng: Random, source: str, resolver: str, start: float, *, bursts: int = 3, names: int = 60) -> Telemetry:
    """Bursts of generated names, one in twenty of which exists; each burst lasts five minutes."""
    rows = []
    for burst in range(bursts):
        begin = start + burst * 3 * 3600
        for number, moment in enumerate(scattered(rng, begin, begin + 300, names)):
            label = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(10, 17)))
            answers = (f"192.0.2.{rng.randrange(1, 255)}",) if number % 20 == 0 else ()
            rows.append(
                question(
                    rng, uid(source, "g", burst * names + number), moment, source, resolver, f"{label}.example", answers
                )
            )
    return Telemetry(questions=tuple(rows))


def handshake(row: Connection, sni: str | None) -> Handshake:
    """The ssl.log row of a TLS connection."""
    return Handshake(
        ts=round(row.ts + 0.03, 3),
        uid=row.uid,
        src_ip=row.src_ip,
        src_port=row.src_port,
        dst_ip=row.dst_ip,
        dst_port=row.dst_port,
        server_name=sni,
    )
