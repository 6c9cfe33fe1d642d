"""The background: people at workstations who browse by name, in their own hours and at their own pace."""

from random import Random

from playbook.simulate.flows import HOUR, question, tcp, uid
from playbook.simulate.malicious_hosts import handshake
from playbook.simulate.records import Connection, HttpRequest, Lease, Machine, Telemetry

# (name, address) of a site.
Site = tuple[str, str]
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def workstation(
    rng: Random,
    source: str,
    resolver: str,
    sites: tuple[Site, ...],
    start: float,
    *,
    hours: tuple[float, float] = (7.0, 17.0),
    visits: int = 22,
) -> Telemetry:
    """Visits at random moments of the working hours: a DNS question, then one to three TLS connections with SNI.

    Every eighth visit is plain HTTP. No single destination is visited often enough to count as a detection.
    """
    rows, asked, shakes, requests = [], [], [], []
    number = 0
    for visit in range(visits):
        name, address = rng.choice(sites)
        moment = start + rng.uniform(*hours) * HOUR
        asked.append(question(rng, uid(source, "q", visit), moment, source, resolver, name, (address,)))
        for _ in range(rng.choice((1, 1, 1, 2))):
            moment += 0.05 + rng.expovariate(0.5)
            plain = visit % 8 == 7
            row = tcp(
                rng,
                uid(source, "w", number),
                moment,
                (source, address, 80 if plain else 443),
                rng.randrange(700, 4000),
                int(3000 * rng.paretovariate(1.1)) % 20_000_000,
                rng.expovariate(0.2),
                "http" if plain else "ssl",
            )
            rows.append(row)
            number += 1
            if plain:
                requests.append(_page(row, name, visit))
            else:
                shakes.append(handshake(row, name))
    return Telemetry(
        connections=tuple(rows), questions=tuple(asked), handshakes=tuple(shakes), requests=tuple(requests)
    )


def _page(row: Connection, name: str, visit: int) -> HttpRequest:
    """The request of a plain visit."""
    return HttpRequest(
        ts=round(row.ts + 0.02, 3),
        uid=row.uid,
        src_ip=row.src_ip,
        src_port=row.src_port,
        dst_ip=row.dst_ip,
        dst_port=80,
        host=name,
        uri=f"/{visit}",
        user_agent=_AGENT,
        response_bytes=row.resp_bytes or 0,
    )


def lease(rng: Random, machine: Machine, server: str, start: float) -> Telemetry:
    """The DHCP lease of one machine in the first hour: it tells its own name."""
    row = Lease(
        ts=round(start + 3000 * rng.random(), 3),
        uid=uid(machine.address, "h", 0),
        address=machine.address,
        server=server,
        mac=machine.mac,
        host_name=machine.name,
    )
    return Telemetry(leases=(row,))


def sites(count: int, prefix: str = "203.0.113.", first: int = 128) -> tuple[Site, ...]:
    """``count`` named sites on documentation addresses (RFC 5737), at most 120."""
    return tuple((f"www.site-{n:02d}.example", f"{prefix}{first + n}") for n in range(min(count, 120)))


def people(count: int, prefix: str = "10.1.1.", first: int = 10) -> tuple[Machine, ...]:
    """``count`` workstations ws-01, ws-02 ... with an owner each, at most 200."""
    return tuple(
        Machine(
            name=f"ws-{n + 1:02d}",
            address=f"{prefix}{first + n}",
            roles=("workstation",),
            owner="Office IT",
            mac=f"00:16:3e:01:{n // 256:02x}:{n % 256:02x}",
        )
        for n in range(min(count, 200))
    )
