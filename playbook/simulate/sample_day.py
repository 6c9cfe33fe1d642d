"""The sample day: 2 March 2026 (UTC) at a made-up site of 59 hosts, and what is expected of each actor."""

from datetime import UTC, datetime
from random import Random

from playbook.model import Value
from playbook.model.verdict import Disposition
from playbook.simulate.benign_hosts import antivirus_push, dns_client, load_test_runner, nightly_backup, ntp_client
from playbook.simulate.benign_hosts import peer_to_peer as swarm
from playbook.simulate.flows import HOUR
from playbook.simulate.malicious_hosts import cdn_beacon, flooder, https_beacon, irc_bot, scanner
from playbook.simulate.records import Machine, Telemetry, together
from playbook.simulate.workstations import lease, people, sites, workstation

SEED = 20260302
START = datetime(2026, 3, 2, tzinfo=UTC).timestamp()

RESOLVER = "10.1.0.53"
DHCP = "10.1.0.67"
IRC_SERVER = "198.51.100.23"
C2, C2_OF_RENAMED = "198.51.100.77", "198.51.100.78"
EXCEPTED, FORMERLY_EXCEPTED = "198.51.100.60", "198.51.100.61"
CDN_EDGE = "104.18.32.7"  # inside 104.16.0.0/13, which Cloudflare publishes as its own; shared by its customers
VAULT, VAULT_NAME = "203.0.113.70", "vault-01.backup.example"
BRANCH_VAULT, BRANCH_VAULT_NAME = "203.0.113.71", "vault-02.backup.example"
STAGING, STAGING_NAME = "203.0.113.40", "staging.example.net"
TIME_SERVER = "203.0.113.123"
PUSH, PUSH_NAME = "91.228.166.181", "epns.eset.com"  # inside 91.228.164.0/22, ESET's own network
FLOODED = "198.51.100.200"
SWARM = tuple(f"192.0.2.{n}" for n in range(10, 70))
OTHER_SWARM = tuple(f"192.0.2.{n}" for n in range(70, 126))
SCANNED = tuple(f"192.0.2.{n}" for n in range(130, 250))

OFFICE = people(45)
ALWAYS_PUSHED = OFFICE[:6]
SOMETIMES_PUSHED = OFFICE[6:15]


def _machine(name: str, address: str, owner: str, *roles: str) -> Machine:
    third, fourth = address.split(".")[2:]
    return Machine(
        name=name, address=address, roles=roles, owner=owner, mac=f"00:16:3e:02:{int(third):02x}:{int(fourth):02x}"
    )


NS = _machine("ns-01", RESOLVER, "Network team", "resolver", "server")
FILES = _machine("fs-01", "10.1.0.20", "Storage team", "server")
RUNNER = _machine("runner-01", "10.1.2.10", "Platform team", "runner")
NAMELESS = _machine("acct-07", "10.1.2.21", "Accounting", "workstation")
FRONTED = _machine("acct-12", "10.1.2.22", "Accounting", "workstation")
RENAMED = _machine("veeam-01", "10.1.2.23", "Accounting", "workstation")
APPROVED_P2P = _machine("media-01", "10.1.2.31", "Media team", "workstation")
UNAPPROVED_P2P = _machine("media-02", "10.1.2.32", "Media team", "workstation")
DEVELOPER = _machine("dev-02", "10.1.2.41", "Platform team", "workstation")
CAMERA = _machine("cam-01", "10.1.3.10", "Facilities", "iot")
LIVE = _machine("hvac-01", "10.1.3.20", "Facilities", "iot")
EXPIRED = _machine("kiosk-04", "10.1.3.21", "Facilities", "iot")
METER = _machine("meter-01", "10.1.3.30", "Facilities", "iot")
BRANCH = _machine("branch-fs-01", "10.1.20.5", "Branch IT", "server")
CAST = (
    NS,
    FILES,
    RUNNER,
    NAMELESS,
    FRONTED,
    RENAMED,
    APPROVED_P2P,
    UNAPPROVED_P2P,
    DEVELOPER,
    CAMERA,
    LIVE,
    EXPIRED,
    METER,
    BRANCH,
)
MACHINES = (*OFFICE, *CAST)
# What asks for an address; servers and the branch have fixed ones.
_LEASED = (*OFFICE, NAMELESS, FRONTED, RENAMED, APPROVED_P2P, UNAPPROVED_P2P, DEVELOPER, CAMERA, LIVE, EXPIRED, METER)

BACKUP = (START + 300, START + 3 * HOUR + 2400)  # inside the nightly window 01:00-05:00 in Prague (UTC+1)
TEST = (START + 8 * HOUR + 600, START + 13 * HOUR + 3000)  # inside the test window 09:00-15:00 in Prague


class Expected(Value):
    """What a run over the sample says of one host; ``filter`` is set when all its detections are filtered (no case)."""

    address: str
    shows: str
    disposition: Disposition
    status: str
    filter: str = ""
    blockable: bool = True
    why: str


class Day(Value):
    """The telemetry of the day, together and for the two peer-to-peer clients apart (their sockets are exported)."""

    telemetry: Telemetry
    approved: Telemetry
    unapproved: Telemetry


def simulate(seed: int = SEED) -> Day:
    """The sample day; the same seed gives the same values."""
    rng = Random(seed)
    approved = swarm(rng, APPROVED_P2P.address, SWARM, START + 17 * HOUR)
    unapproved = swarm(rng, UNAPPROVED_P2P.address, OTHER_SWARM, START + 12 * HOUR, port=6881)
    parts = (*_bots(rng), *_honest(rng), *_office(rng), approved, unapproved)
    return Day(telemetry=together(parts), approved=approved, unapproved=unapproved)


def _bots(rng: Random) -> tuple[Telemetry, ...]:
    return (
        irc_bot(rng, CAMERA.address, IRC_SERVER, START),
        scanner(rng, CAMERA.address, SCANNED, START + 15.3 * HOUR),
        flooder(rng, CAMERA.address, FLOODED, START + 16 * HOUR + 60, connections=1100),
        https_beacon(rng, NAMELESS.address, C2, START),
        cdn_beacon(rng, FRONTED.address, CDN_EDGE, START),
        https_beacon(rng, RENAMED.address, C2_OF_RENAMED, START),
        https_beacon(rng, LIVE.address, EXCEPTED, START, interval=560.0, jitter=0.05),
        https_beacon(rng, EXPIRED.address, FORMERLY_EXCEPTED, START, interval=560.0, jitter=0.05),
    )


def _honest(rng: Random) -> tuple[Telemetry, ...]:
    names = sites(24)
    return (
        nightly_backup(rng, FILES.address, VAULT, *BACKUP, name=VAULT_NAME, resolver=RESOLVER),
        nightly_backup(rng, BRANCH.address, BRANCH_VAULT, *BACKUP, name=BRANCH_VAULT_NAME, resolver=RESOLVER),
        load_test_runner(rng, RUNNER.address, STAGING, *TEST, name=STAGING_NAME, resolver=RESOLVER),
        ntp_client(rng, METER.address, TIME_SERVER, START),
        dns_client(rng, DEVELOPER.address, "8.8.8.8", START, names),
        dns_client(rng, DEVELOPER.address, "1.1.1.1", START, names, count=110, kind="k"),
        dns_client(rng, NS.address, "1.1.1.1", START, names, count=140),
        *(antivirus_push(rng, m.address, PUSH, PUSH_NAME, RESOLVER, START, interval=780) for m in ALWAYS_PUSHED),
        *(antivirus_push(rng, m.address, PUSH, PUSH_NAME, RESOLVER, START, interval=2400) for m in SOMETIMES_PUSHED),
    )


def _office(rng: Random) -> tuple[Telemetry, ...]:
    places = sites(60)
    who = (*OFFICE, NAMELESS, FRONTED, RENAMED, APPROVED_P2P, UNAPPROVED_P2P, DEVELOPER)
    return (
        *(workstation(rng, machine.address, RESOLVER, places, START) for machine in who),
        *(
            workstation(rng, m.address, RESOLVER, places, START, hours=(0.0, 24.0), visits=10)
            for m in (CAMERA, LIVE, EXPIRED, METER)
        ),
        *(lease(rng, machine, DHCP, START) for machine in _LEASED),
    )


def _true(machine: Machine, shows: str, why: str, blockable: bool = True) -> tuple[str, Expected]:
    return machine.name, Expected(
        address=machine.address,
        shows=shows,
        disposition="TRUE_POSITIVE",
        status="proposed",
        blockable=blockable,
        why=why,
    )


def _closed(machine: Machine, shows: str, why: str) -> tuple[str, Expected]:
    return machine.name, Expected(
        address=machine.address, shows=shows, disposition="BENIGN_POSITIVE", status="closed", why=why
    )


def _open(machine: Machine, shows: str, why: str) -> tuple[str, Expected]:
    return machine.name, Expected(
        address=machine.address, shows=shows, disposition="UNDETERMINED", status="ticket", why=why
    )


def _filtered(machine: Machine, shows: str, why: str) -> tuple[str, Expected]:
    return machine.name, Expected(
        address=machine.address, shows=shows, disposition="BENIGN_POSITIVE", status="filtered", filter="G3", why=why
    )


EXPECTED: dict[str, Expected] = dict(
    (
        _true(CAMERA, "IRC bot that also scans and floods", "rung 1: IRC spoken over TCP 6667 (Zeek service irc)"),
        _true(
            NAMELESS,
            "regular HTTPS beacon to an address without a name",
            "rung 4: rhythm (beacon score) and destination (no DNS answer, no SNI, both logs cover the day)",
        ),
        _true(
            FRONTED,
            "the same beacon to an address inside a CDN",
            "rung 4 as acct-07; the address is shared, so it is not blockable by address",
            blockable=False,
        ),
        _true(
            RENAMED,
            "the same beacon from a host renamed veeam-01",
            "rung 4 as acct-07; a host name is written by the host and moves no rung",
        ),
        _true(
            EXPIRED,
            "the same beacon, its exception has ended",
            "rung 4 as acct-07; the exception ended on 2026-02-15 and is reported",
        ),
        _closed(
            LIVE,
            "the same beacon under a live exception",
            "rung 2: an exception with owner, reason, source, destination and end date covers it",
        ),
        _closed(
            FILES,
            "honest nightly backup",
            "rung 3: the session covers the connections, dedicated repository address, sent >= 3x received, bytes "
            "match the session",
        ),
        _closed(
            RUNNER,
            "load test by a runner",
            "rung 3: role runner, inside the declared test window, to a destination we own",
        ),
        _closed(
            APPROVED_P2P,
            "approved peer-to-peer client",
            "rung 3: the process that owns the sockets is approved by hash and reaches at least 50 outside addresses",
        ),
        _open(
            UNAPPROVED_P2P,
            "peer-to-peer client that nobody approved",
            "policy ticket: never clean, never contained for that alone; nameless, but without a regular rhythm",
        ),
        _open(
            BRANCH,
            "nightly backup whose record cannot be read",
            "rung 5: the branch's backup sessions did not answer; they would settle it",
        ),
        _filtered(METER, "NTP client", "G3: UDP 123, the log says NTP, 76 bytes of IP a packet"),
        _filtered(DEVELOPER, "client of public resolvers", "G3: port 53 to a listed public resolver"),
        _filtered(NS, "our resolver, forwarding", "G3: port 53 and the source is in networks.resolvers"),
        *(
            _closed(
                machine,
                "antivirus push channel, shared by 15 hosts",
                "rung 3: the vendor's own single-tenant network; used by at least 20 % of the hosts",
            )
            for machine in ALWAYS_PUSHED
        ),
    )
)
