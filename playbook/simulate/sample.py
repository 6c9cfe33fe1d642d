"""The shipped sample: the day's logs, packed, with the inventories, schedules and configuration of its site."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from playbook.simulate import inventories as files
from playbook.simulate import sample_day as site
from playbook.simulate.flows import HOUR
from playbook.simulate.inventories import DeclaredException, InstalledProgram
from playbook.simulate.records import Machine
from playbook.simulate.zeek import FIELDS, packed, text

TORRENT = InstalledProgram(
    name="transmission-daemon", path="/usr/bin/transmission-daemon", sha256=files.digest("transmission-daemon 4.0.6")
)
# Signed and installed where only an administrator can write: what is wrong with it is that nobody approved it.
UNAPPROVED = InstalledProgram(
    name="qbittorrent.exe",
    path=r"C:\Program Files\qBittorrent\qbittorrent.exe",
    signer="Example Publisher",
    signed=True,
    sha256=files.digest("qbittorrent 5.0.3"),
)

CONFIG = """\
# The configuration of the sample: one made-up day, offline, nothing stored. See ABOUT.md.

[networks]
home = ["10.0.0.0/8"]
resolvers = ["10.1.0.53"]
protected = ["10.1.0.0/24"]
# Documentation ranges stand for the Internet here; never set this outside an exercise.
lab = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]

[sources.sample]
kind = "logs"
paths = ["logs"]

[enrichers.asn]
kind = "asn"

[enrichers.lists]
kind = "lists"

[enrichers.vendors]
kind = "vendors"

[enrichers.inventory]
kind = "inventory"
hosts = "hosts.csv"
processes = "processes.csv"
software = "software.csv"

[enrichers.backups]
kind = "backups"
jobs = "backup_jobs.yaml"
sessions = "backup_sessions.csv"
hosts_in = ["10.1.0.0/20"]

# Dead on purpose: the branch's export does not arrive, so its backup can be neither closed nor convicted.
[enrichers.branch_backups]
kind = "backups"
jobs = "branch_jobs.yaml"
sessions = "branch_sessions.csv"
hosts_in = ["10.1.20.0/24"]

[enrichers.calendar]
kind = "calendar"
path = "windows.yaml"

[enrichers.feeds]
kind = "feeds"
path = "feed.csv"

[policy]
exceptions = "exceptions.json"
# The clock of the sample: exceptions and list ages are judged as on the morning after the day.
now = "2026-03-03T00:00:00Z"
"""

_JOBS = """\
repositories:
  vault-01: {{addresses: ["{vault}"], names: ["{vault_name}"]}}
# A backup that a client runs by itself: what an administrator declares, so that it is known before it is seen.
jobs:
  - {{job: restic-dev-02, host: {developer}, product: restic, sha256: "{restic}", repositories: [vault-01],
     window: {{cron: "0 3 * * *", duration: 2h, timezone: Europe/Prague}},
     daily_bytes: 2000000000, owner: "Storage team", review_by: 2026-08-31}}
"""
_BRANCH_JOBS = """\
repositories:
  vault-02: {{addresses: ["{vault}"], names: ["{vault_name}"]}}
jobs: []
"""
_WINDOWS = """\
timezone: Europe/Prague
windows:
  - {{kind: test, name: "checkout soak", hosts: [{runner}], targets: ["{staging}"],
     from: 2026-03-02T09:00:00+01:00, to: 2026-03-02T15:00:00+01:00}}
  - {{kind: backup, name: nightly, hosts: [{files}], cron: "0 1 * * *", duration: 4h, timezone: Europe/Prague}}
owned:
  - {{name: staging, targets: ["{staging}", "{staging_name}"]}}
"""


def sample_files(day: site.Day) -> dict[str, bytes]:
    """Path inside the sample folder -> content of every file of the sample."""
    logs = {f"logs/{log}.log.gz": packed(text(log, day.telemetry).encode()) for log in FIELDS}
    written = {**_inventories(day), "sample.toml": CONFIG, "ABOUT.md": about(site.EXPECTED)}
    return logs | {name: content.encode() for name, content in written.items()}


def write_sample(folder: Path) -> tuple[Path, ...]:
    """Write the sample into ``folder``; the paths written, in order of name."""
    written = []
    for name, content in sorted(sample_files(site.simulate()).items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return tuple(written)


def about(expected: Mapping[str, site.Expected]) -> str:
    """The page that says what each actor shows and what a run should answer."""
    rows = "\n".join(
        f"| {host} | {e.address} | {e.shows} | {e.disposition} | {e.filter or e.status} | {e.why} |"
        for host, e in expected.items()
    )
    return _ABOUT.format(
        seed=site.SEED,
        hosts=len(site.MACHINES),
        rows=rows,
        live=site.LIVE.name,
        expired=site.EXPIRED.name,
        quiet=len(site.MACHINES) - len(expected),
    )


_ABOUT = """\
# The sample

Made by `scripts/build_sample.py` from seed {seed}; nothing here was recorded from anybody's network. One day
(2026-03-02, UTC) of {hosts} hosts in 10.1.0.0/16, as a Zeek sensor at the border writes it. The sensor also sees the
questions to our resolver (dns.log); connections between our own hosts are not in conn.log. Outside addresses are
documentation ranges (RFC 5737), which `networks.lab` calls global, except one address in a CDN's published range, one
in an antivirus vendor's own network, and two public resolvers.

| host | address | what it shows | expected disposition | status or filter | why |
|---|---|---|---|---|---|
{rows}

- A filtered host is no case: it is listed under `filtered` with the filter and its reason.
- The exception of {live} is live on the sample's own clock (`policy.now`); that of {expired} has ended.
- `branch_sessions.csv` is missing on purpose: it is the dead enricher.
- The other {quiet} hosts browse by name and raise no detection.
"""


def _inventories(day: site.Day) -> dict[str, str]:
    owners = [
        *files.sockets(site.APPROVED_P2P, TORRENT, day.approved.connections, site.START + 18 * HOUR),
        *files.sockets(site.UNAPPROVED_P2P, UNAPPROVED, day.unapproved.connections, site.START + 13 * HOUR),
    ]
    approved = [(TORRENT.name, "p2p", TORRENT.sha256, "", "", "Media team")]
    runner, staging = site.RUNNER.name, site.STAGING
    return {
        "hosts.csv": files.hosts_csv(site.MACHINES),
        "processes.csv": files.table(files.PROCESSES, owners),
        "software.csv": files.table(files.SOFTWARE, approved),
        "backup_jobs.yaml": _JOBS.format(
            vault=site.VAULT,
            vault_name=site.VAULT_NAME,
            developer=site.DEVELOPER.name,
            restic=files.digest("restic 0.18.0"),
        ),
        "branch_jobs.yaml": _BRANCH_JOBS.format(vault=site.BRANCH_VAULT, vault_name=site.BRANCH_VAULT_NAME),
        "backup_sessions.csv": files.table(files.SESSIONS, [_session(day, site.FILES)]),
        "windows.yaml": _WINDOWS.format(
            runner=runner,
            staging=staging,
            files=site.FILES.name,
            staging_name=site.STAGING_NAME,
        ),
        "feed.csv": files.table(files.FEED, _FEED),
        "exceptions.json": files.exceptions_json(_EXCEPTIONS),
    }


def _session(day: site.Day, machine: Machine) -> tuple[object, ...]:
    rows = [c for c in day.telemetry.connections if c.src_ip == machine.address]
    # The server counts after compression and without TLS: a little less than the wire.
    transferred = int(files.sent_bytes(rows, site.VAULT) * 0.96)
    started, ended = files.moment(site.BACKUP[0]), files.moment(site.BACKUP[1] + 120)
    return (machine.name, "nightly", "vault-01", started, ended, transferred)


# Nothing in the day touches these: a feed that is configured, answers, and lists none of the destinations.
_FEED = (
    ("update-check.bad.example", "domain", "2026-02-27", "", "Example loader", "sample"),
    ("http://files.bad.example/gate.php", "url", "2026-02-20", "", "Example loader", "sample"),
    ("192.0.2.251", "address", "2026-02-25", "8443", "Example RAT", "sample"),
)
_EXCEPTIONS = (
    DeclaredException(
        exception_id="EX-1",
        owner="Facilities",
        source=site.LIVE.address,
        destination=site.EXCEPTED,
        reason="controller polls its maker's portal by address; checked with the maker",
        entered=date(2026, 2, 1),
        ends=date(2026, 6, 30),
    ),
    DeclaredException(
        exception_id="EX-2",
        owner="Facilities",
        source=site.EXPIRED.address,
        destination=site.FORMERLY_EXCEPTED,
        reason="kiosk pilot of last autumn; to be reviewed when the pilot ends",
        entered=date(2025, 9, 1),
        ends=date(2026, 2, 15),
    ),
)
