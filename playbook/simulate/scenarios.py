"""The scenarios of the evasion tests, in pairs: each function makes a forgery or, with other options, its twin."""

from datetime import date
from random import Random

from playbook.simulate import inventories as files
from playbook.simulate.benign_hosts import (
    continuous_backup,
    load_test_runner,
    mail_relay,
    nightly_backup,
    peer_to_peer,
    recursive_resolver,
)
from playbook.simulate.flows import DAY, HOUR, question
from playbook.simulate.inventories import InstalledProgram
from playbook.simulate.malicious_hosts import denied_beacon, flooder, https_beacon
from playbook.simulate.records import Machine, Telemetry
from playbook.simulate.sample_day import START
from playbook.simulate.scenario import RESOLVER, Scenario, scenario, write
from playbook.simulate.scenario_files import (
    BACKUP_CLIENT,
    declared_job,
    exceptions_file,
    feed_file,
    owned_sockets,
    repositories,
    windows,
)
from playbook.simulate.workstations import sites, workstation

__all__ = [
    "BACKUP_CLIENT",
    "BUCKET",
    "C2",
    "C2_BUCKET",
    "CDN_EDGE",
    "PUBLIC_RESOLVER",
    "TORRENT",
    "UPDATER",
    "Scenario",
    "approved_peer_to_peer",
    "beacon",
    "c2_in_bucket",
    "declared_backup",
    "domain_controller",
    "iot_without_agent",
    "ipv6_only",
    "load_test",
    "mail_server",
    "managed_backup",
    "nat_source",
    "write",
]

SEED = 7
C2 = "198.51.100.77"
C2_V6 = "2001:db8:77::10"
CDN_EDGE = "104.18.32.7"
PUBLIC_RESOLVER = "8.8.8.8"
VAULT, VAULT_NAME = "203.0.113.70", "vault-01.backup.example"
# Two addresses of one storage region that many customers share (Amazon S3, us-east-1).
BUCKET, BUCKET_NAME = "52.216.8.43", "acme-backups.s3.us-east-1.amazonaws.com"
C2_BUCKET, C2_BUCKET_NAME = "52.216.8.51", "cdn-assets-77.s3.us-east-1.amazonaws.com"
STAGING, STAGING_NAME = "203.0.113.40", "staging.example.net"
SWARM = tuple(f"192.0.2.{n}" for n in range(10, 80))

TORRENT = InstalledProgram(
    name="transmission-daemon", path="/usr/bin/transmission-daemon", sha256=files.digest("transmission-daemon 4.0.6")
)
UPDATER = InstalledProgram(
    name="updater.exe",
    path=r"C:\Program Files\Updater\updater.exe",
    signer="Example Publisher",
    signed=True,
    sha256=files.digest("updater"),
)
_NIGHT = (START + 300, START + 3 * HOUR + 2400)


# ``interval`` in seconds (default 300, 100 by night), ``jitter`` a share of it; ``night_only``: in the hours that
# ``backup_window`` declares; ``sni`` is claimed, ``backed`` by a DNS answer too; ``denied`` S0 or REJ; ``watched``: a
# process inventory answers; ``program`` owns the sockets and ``approve`` lists its hash; ``feed``: (indicator, kind).
def beacon(
    *,
    seed: int = SEED,
    host: str = "ws-60",
    address: str = "10.1.2.60",
    roles: tuple[str, ...] = ("workstation",),
    destination: str = C2,
    port: int = 443,
    interval: float | None = None,
    jitter: float = 0.03,
    night_only: bool = False,
    watched: bool = False,
    sni: str | None = None,
    backed: bool = False,
    denied: str = "",
    program: InstalledProgram | None = None,
    approve: bool = False,
    backup_window: bool = False,
    floods: bool = False,
    listed: bool = True,
    feed: tuple[tuple[str, str], ...] = (),
    excepted_until: date | None = None,
    networks: dict[str, tuple[str, ...]] | None = None,
) -> Scenario:
    """A beacon and what its author may try; the defaults are nameless, regular, all day, port 443."""
    rng = Random(seed)
    subject = Machine(name=host, address=address, roles=roles, owner="Office IT")
    start, end = _NIGHT if night_only else (START, START + DAY)
    if denied:
        own = denied_beacon(rng, address, destination, START, port=port, refused=denied == "REJ")
    else:
        each = interval or (100.0 if night_only else 300.0)
        own = https_beacon(rng, address, destination, start, end=end, jitter=jitter, port=port, sni=sni, interval=each)
    if sni and backed:
        answer = question(rng, "Cbacked", start, address, RESOLVER, sni, (destination,))
        own = own.model_copy(update={"questions": (answer,)})
    parts = [own, _everyday(rng, address)]
    if floods:
        parts.append(flooder(rng, address, "198.51.100.200", START + 16 * HOUR + 60))
    more = owned_sockets(subject, program, own, approve, watched) | feed_file(feed)
    more |= {"windows.yaml": windows("backup", host, ())} if backup_window else {}
    more |= exceptions_file(address, destination, port, excepted_until)
    target = (destination, port)
    return scenario("beacon", rng, subject, target, parts, more_files=more, listed=listed, networks=networks)


def nat_source(*, shared: bool = True, floods: bool = False) -> Scenario:
    """The beacon seen behind a NAT gateway; ``shared`` names it in ``networks.shared_sources``."""
    return beacon(
        host="nat-01",
        address="10.1.4.1",
        roles=("nat", "gateway"),
        floods=floods,
        networks={"shared_sources": ("10.1.4.1",)} if shared else None,
    )


def ipv6_only(*, jitter: float = 0.03) -> Scenario:
    """The beacon of a host that has no IPv4 address, to an IPv6 destination."""
    return beacon(host="six-01", address="2001:db8:1::60", destination=C2_V6, jitter=jitter)


def iot_without_agent() -> Scenario:
    """A device that no endpoint sensor can watch: the process inventory answers, and knows nothing of it."""
    return beacon(host="cam-07", address="10.1.3.60", roles=("iot",), watched=True)


def c2_in_bucket(*, beside: bool = True, seed: int = SEED) -> Scenario:
    """C2 through a bucket; ``beside`` an honest, declared backup of the same host to another bucket of the region."""
    rng = Random(seed)
    subject = Machine(name="lab-3", address="10.1.2.63", roles=("server",), owner="Lab IT")
    own = https_beacon(rng, subject.address, C2_BUCKET, START, sni=C2_BUCKET_NAME)
    own = own.model_copy(
        update={
            "questions": (question(rng, "Cbucket", START, subject.address, RESOLVER, C2_BUCKET_NAME, (C2_BUCKET,)),)
        }
    )
    parts, more = [own, _everyday(rng, subject.address)], {}
    if beside:
        honest = continuous_backup(rng, subject.address, BUCKET, BUCKET_NAME, RESOLVER, START)
        parts.append(honest)
        more = declared_job(subject, honest, "", BUCKET_NAME) | owned_sockets(subject, BACKUP_CLIENT, honest, False)
    return scenario("c2_in_bucket", rng, subject, (C2_BUCKET, 443), parts, more_files=more)


def declared_backup(*, declared: bool = True, volume: float = 1.0, bucket: bool = False, seed: int = SEED) -> Scenario:
    """A restic job around the clock that an administrator declared, to a vault of its own or to a shared bucket.

    ``volume``: what was sent, as a multiple of the declared daily bytes (honest: 0.5 to 2).
    """
    rng = Random(seed)
    subject = Machine(name="lab-3", address="10.1.2.63", roles=("server",), owner="Lab IT")
    place, name = (BUCKET, BUCKET_NAME) if bucket else (VAULT, VAULT_NAME)
    own = continuous_backup(rng, subject.address, place, name, RESOLVER, START)
    more = owned_sockets(subject, BACKUP_CLIENT, own, False)
    if declared:
        more |= declared_job(subject, own, "" if bucket else place, name, volume)
    return scenario(
        "declared_backup", rng, subject, (place, 443), (own, _everyday(rng, subject.address)), more_files=more
    )


def managed_backup(
    *, session: bool = True, answers: bool = True, transferred: float = 0.96, late_hours: float = 0.0, seed: int = SEED
) -> Scenario:
    """A nightly backup with the server's session for it.

    ``session`` false: the server answers and knows none. ``answers`` false: its export is missing (an outage).
    ``transferred``: the session's bytes as a multiple of what was sent. ``late_hours`` moves the session away.
    """
    rng = Random(seed)
    subject = Machine(name="fs-01", address="10.1.0.20", roles=("server",), owner="Storage team")
    own = nightly_backup(rng, subject.address, VAULT, *_NIGHT, name=VAULT_NAME, resolver=RESOLVER)
    begin, finish = (moment + late_hours * HOUR for moment in (_NIGHT[0], _NIGHT[1] + 120))
    size = int(files.sent_bytes(own.connections, VAULT) * transferred)
    row = (subject.name, "nightly", "vault-01", files.moment(begin), files.moment(finish), size)
    more = {
        "backup_jobs.yaml": repositories("vault-01", VAULT, VAULT_NAME) + "jobs: []\n",
        "windows.yaml": windows("backup", subject.name, ()),
    }
    if answers:
        more["backup_sessions.csv"] = files.table(files.SESSIONS, [row] if session else [])
    return scenario(
        "managed_backup",
        rng,
        subject,
        (VAULT, 443),
        (own, _everyday(rng, subject.address)),
        more_files=more,
        missing=() if answers else ("backup_sessions.csv",),
    )


def approved_peer_to_peer(*, approved: bool = True, seed: int = SEED) -> Scenario:
    """A file-sharing client with 70 peers whose sockets the endpoint sensor exports; ``approved`` by hash or not."""
    rng = Random(seed)
    subject = Machine(name="media-01", address="10.1.2.31", roles=("workstation",), owner="Media team")
    own = peer_to_peer(rng, subject.address, SWARM, START + 17 * HOUR)
    return scenario(
        "peer_to_peer",
        rng,
        subject,
        (SWARM[0], 51413),
        (own, _everyday(rng, subject.address)),
        more_files=owned_sockets(subject, TORRENT, own, approved),
    )


def load_test(
    *, in_job: bool = True, role: str = "runner", target: str = STAGING, owned: bool = True, seed: int = SEED
) -> Scenario:
    """A runner that tests in its declared window; out of its job the same traffic runs in the evening.

    ``owned`` false: neither window nor inventory declares the destination.
    """
    rng = Random(seed)
    subject = Machine(name="runner-01", address="10.1.2.10", roles=(role,), owner="Platform team")
    begin = START + (8 if in_job else 16) * HOUR + 600
    own = load_test_runner(
        rng,
        subject.address,
        target,
        begin,
        begin + 5.7 * HOUR,
        name=STAGING_NAME if target == STAGING else "",
        resolver=RESOLVER,
    )
    more = {"windows.yaml": windows("test", subject.name, (STAGING, STAGING_NAME) if owned else ())}
    return scenario("load_test", rng, subject, (target, 443), (own, _everyday(rng, subject.address)), more_files=more)


def domain_controller(*, declared: bool = True, seed: int = SEED) -> Scenario:
    """A domain controller that resolves recursively; ``declared`` puts it into networks.resolvers."""
    rng = Random(seed)
    subject = Machine(name="dc-01", address="10.1.0.5", roles=("domain_controller", "resolver"), owner="Network team")
    servers = tuple(f"203.0.113.{n}" for n in range(200, 204))
    own = recursive_resolver(rng, subject.address, servers, START)
    networks = {"resolvers": (RESOLVER, subject.address)} if declared else {}
    return scenario("domain_controller", rng, subject, (servers[0], 53), (own,), networks=networks)


def mail_server(*, seed: int = SEED) -> Scenario:
    """A mail relay that delivers to 60 exchangers on port 25, most to one partner."""
    rng = Random(seed)
    subject = Machine(name="mx-01", address="10.1.0.25", roles=("mail",), owner="Messaging team")
    exchangers = tuple((f"mx.partner-{n:02d}.example", f"198.51.100.{100 + n}") for n in range(60))
    own = mail_relay(rng, subject.address, exchangers, RESOLVER, START)
    return scenario("mail_server", rng, subject, (exchangers[0][1], 25), (own,))


def _everyday(rng: Random, address: str) -> Telemetry:
    """What the subject does besides: it looks names up and browses a little, so it is in every log."""
    return workstation(rng, address, RESOLVER, sites(40), START, hours=(0.0, 24.0), visits=9)
