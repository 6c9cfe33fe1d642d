"""What honest hosts do that looks like a bot to a counter: backups, load tests, peer-to-peer, time, names, push."""

from random import Random

from playbook.simulate.flows import DAY, HOUR, question, scattered, tcp, ticks, udp, uid
from playbook.simulate.malicious_hosts import handshake
from playbook.simulate.records import Telemetry

MEGABYTE = 1_000_000


def nightly_backup(
    rng: Random,
    source: str,
    vault: str,
    start: float,
    end: float,
    *,
    name: str = "",
    resolver: str = "",
    count: int = 130,
    upload: tuple[int, int] = (30 * MEGABYTE, 45 * MEGABYTE),
) -> Telemetry:
    """Big uploads to a vault, all inside [start, end); a DNS answer names the vault when ``name`` is given."""
    rows, shakes, asked = [], [], []
    if name:
        asked.append(question(rng, uid(source, "q", 0), start - 1, source, resolver, name, (vault,)))
    for number, moment in enumerate(scattered(rng, start + 5, end - 60, count)):
        sent = rng.randrange(*upload)
        row = tcp(
            rng, uid(source, "n", number), moment, (source, vault, 443), sent, sent // 60, 20 + 30 * rng.random(), "ssl"
        )
        rows.append(row)
        shakes.append(handshake(row, name or None))
    return Telemetry(connections=tuple(rows), questions=tuple(asked), handshakes=tuple(shakes))


def continuous_backup(
    rng: Random,
    source: str,
    repository: str,
    name: str,
    resolver: str,
    start: float,
    *,
    count: int = 250,
    upload: tuple[int, int] = (4 * MEGABYTE, 12 * MEGABYTE),
) -> Telemetry:
    """A restic-like client: packs of some megabytes around the clock to one named repository."""
    rows, shakes, asked = [], [], []
    for number, moment in enumerate(scattered(rng, start + 5, start + DAY - 60, count)):
        if number % 12 == 0:
            asked.append(question(rng, uid(source, "q", number), moment - 0.1, source, resolver, name, (repository,)))
        sent = rng.randrange(*upload)
        row = tcp(
            rng,
            uid(source, "r", number),
            moment,
            (source, repository, 443),
            sent,
            sent // 90,
            3 + 5 * rng.random(),
            "ssl",
        )
        rows.append(row)
        shakes.append(handshake(row, name))
    return Telemetry(connections=tuple(rows), questions=tuple(asked), handshakes=tuple(shakes))


def load_test_runner(
    rng: Random,
    source: str,
    target: str,
    start: float,
    end: float,
    *,
    name: str = "",
    resolver: str = "",
    count: int = 320,
) -> Telemetry:
    """Short requests at a steady rate to a system under test, inside [start, end)."""
    rows, shakes, asked = [], [], []
    if name:
        asked.append(question(rng, uid(source, "q", 0), start, source, resolver, name, (target,)))
    for number, moment in enumerate(ticks(rng, start + 2, end - 2, (end - start - 4) / count, 0.2)):
        row = tcp(
            rng,
            uid(source, "l", number),
            moment,
            (source, target, 443),
            rng.randrange(500, 700),
            rng.randrange(2000, 9000),
            0.05 + 0.2 * rng.random(),
            "ssl",
        )
        rows.append(row)
        shakes.append(handshake(row, name or None))
    return Telemetry(connections=tuple(rows), questions=tuple(asked), handshakes=tuple(shakes))


def peer_to_peer(
    rng: Random,
    source: str,
    peers: tuple[str, ...],
    start: float,
    *,
    hours: int = 5,
    favourite: int = 115,
    port: int = 51413,
) -> Telemetry:
    """A file-sharing client for some hours: ``favourite`` connections to the first peer, a few to every other.

    Bursts and sizes follow the swarm, so the rhythm is irregular; five active hours leave RITA's duration at 0.
    """
    rows = []
    plan = [peers[0]] * favourite + [peer for peer in peers[1:] for _ in range(rng.randrange(1, 4))]
    # Bursts round a few centres: most gaps are short and some are very long, as pieces become available.
    centres = [start + (hour + 0.15 + 0.7 * rng.random()) * HOUR for hour in range(hours)]
    for number, peer in enumerate(plan):
        moment = centres[number % hours] + rng.gauss(0, 90) * rng.random() ** 3
        pieces = int(rng.paretovariate(0.7) * 400)
        row = tcp(
            rng,
            uid(source, "p", number),
            moment,
            (source, peer, port),
            min(pieces, 4 * MEGABYTE),
            min(int(rng.paretovariate(0.7) * 900), 9 * MEGABYTE),
            1 + 40 * rng.random(),
        )
        rows.append(row)
    return Telemetry(connections=tuple(rows))


def ntp_client(rng: Random, source: str, server: str, start: float, interval: float = 512.0) -> Telemetry:
    """Time synchronisation: one packet of 76 bytes of IP each way at every poll."""
    moments = ticks(rng, start, start + DAY, interval, 0.02)
    rows = (
        udp(rng, uid(source, "t", number), moment, (source, server, 123), (48,), (48,), "ntp")
        for number, moment in enumerate(moments)
    )
    return Telemetry(connections=tuple(rows))


def dns_client(
    rng: Random,
    source: str,
    server: str,
    start: float,
    names: tuple[tuple[str, str], ...],
    count: int = 150,
    kind: str = "u",
) -> Telemetry:
    """A client that asks one resolver all day; ``names`` are (name, address) pairs of the answers.

    ``kind`` keeps the ids apart when one host asks two resolvers.
    """
    rows, asked = [], []
    for number, moment in enumerate(scattered(rng, start, start + DAY, count)):
        name, address = rng.choice(names)
        row = udp(
            rng, uid(source, kind, number), moment, (source, server, 53), (len(name) + 18,), (len(name) + 34,), "dns"
        )
        rows.append(row)
        asked.append(
            question(rng, row.uid, moment, source, server, name, (address,)).model_copy(
                update={"src_port": row.src_port}
            )
        )
    return Telemetry(connections=tuple(rows), questions=tuple(asked))


def antivirus_push(
    rng: Random,
    source: str,
    server: str,
    name: str,
    resolver: str,
    start: float,
    *,
    interval: float = 720.0,
    port: int = 8883,
) -> Telemetry:
    """A vendor's push channel: as regular as a bot, but named, backed by DNS and used by many hosts."""
    rows, shakes, asked = [], [], []
    for number, moment in enumerate(ticks(rng, start, start + DAY, interval, 0.01)):
        if number % 20 == 0:
            asked.append(question(rng, uid(source, "a", number), moment - 0.05, source, resolver, name, (server,)))
        row = tcp(rng, uid(source, "v", number), moment, (source, server, port), 212, 268, 0.2, "ssl")
        rows.append(row)
        shakes.append(handshake(row, name))
    return Telemetry(connections=tuple(rows), questions=tuple(asked), handshakes=tuple(shakes))


def recursive_resolver(rng: Random, source: str, servers: tuple[str, ...], start: float, each: int = 130) -> Telemetry:
    """A domain controller that resolves by itself: many questions to each authoritative server."""
    rows = []
    for index, server in enumerate(servers):
        for number, moment in enumerate(scattered(rng, start, start + DAY, each)):
            rows.append(
                udp(
                    rng,
                    uid(source, "y", index * each + number),
                    moment,
                    (source, server, 53),
                    (44,),
                    (rng.randrange(80, 400),),
                    "dns",
                )
            )
    return Telemetry(connections=tuple(rows))


def mail_relay(
    rng: Random,
    source: str,
    partners: tuple[tuple[str, str], ...],
    resolver: str,
    start: float,
    *,
    busy: int = 130,
    quiet: int = 4,
) -> Telemetry:
    """A relay that delivers to many exchangers on port 25; the first of ``partners`` (name, address) gets the most."""
    rows, asked = [], []
    number = 0
    for index, (name, address) in enumerate(partners):
        for moment in scattered(rng, start, start + DAY, busy if index == 0 else quiet):
            asked.append(question(rng, uid(source, "q", number), moment - 0.2, source, resolver, name, (address,)))
            rows.append(
                tcp(
                    rng,
                    uid(source, "m", number),
                    moment,
                    (source, address, 25),
                    int(rng.paretovariate(0.9) * 1500) % (8 * MEGABYTE),
                    rng.randrange(300, 900),
                    0.5 + 2 * rng.random(),
                    "smtp",
                )
            )
            number += 1
    return Telemetry(connections=tuple(rows), questions=tuple(asked))
