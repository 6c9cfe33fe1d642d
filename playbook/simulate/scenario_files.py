"""The inventories and schedules of a scenario, as the text of the files that a site would have."""

from datetime import date

from playbook.simulate import inventories as files
from playbook.simulate.inventories import DeclaredException, InstalledProgram
from playbook.simulate.records import Machine, Telemetry

BACKUP_CLIENT = InstalledProgram(name="restic", path="/usr/bin/restic", sha256=files.digest("restic 0.18.0"))


def owned_sockets(
    subject: Machine, program: InstalledProgram | None, own: Telemetry, approve: bool, watched: bool = True
) -> dict[str, str]:
    """Which process owns the sockets of a machine, and what is approved."""
    if program is None:
        return {"processes.csv": files.table(files.PROCESSES, ())} if watched else {}
    rows = files.sockets(subject, program, own.connections, own.connections[-1].ts)
    approved = [(program.name, "p2p", program.sha256, "", "", "Media team")] if approve else []
    return {"processes.csv": files.table(files.PROCESSES, rows), "software.csv": files.table(files.SOFTWARE, approved)}


def repositories(name: str, address: str, host: str) -> str:
    """The backup repositories of a site."""
    addresses = f'["{address}"]' if address else "[]"
    return f'repositories:\n  {name}: {{addresses: {addresses}, names: ["{host}"]}}\n'


def declared_job(subject: Machine, own: Telemetry, address: str, name: str, volume: float = 1.0) -> dict[str, str]:
    """A declared backup job of a machine."""
    daily = int(sum(c.orig_bytes or 0 for c in own.connections) / volume)
    return {
        "backup_jobs.yaml": repositories("vault-02", address, name)
        + (
            f'jobs:\n  - {{job: restic-{subject.name}, host: {subject.name}, product: restic, signer: "", '
            f'sha256: "{BACKUP_CLIENT.sha256}", repositories: [vault-02],\n     vendor_networks: [], window: always, '
            f'daily_bytes: {daily}, owner: "Lab IT", review_by: 2027-01-31}}\n'
        )
    }


def windows(kind: str, host: str, targets: tuple[str, ...]) -> str:
    """The nightly backup window (cron), or the test window 09:00 to 15:00 in Prague with its declared targets."""
    if kind == "backup":
        return (
            "timezone: Europe/Prague\nwindows:\n"
            f'  - {{kind: backup, name: nightly, hosts: [{host}], cron: "0 1 * * *", duration: 4h}}\n'
        )
    listed = ", ".join(f'"{target}"' for target in targets)
    owned = f"owned:\n  - {{name: staging, targets: [{listed}]}}\n" if targets else ""
    return (
        "timezone: Europe/Prague\nwindows:\n"
        f'  - {{kind: test, name: "checkout soak", hosts: [{host}], targets: [{listed}],\n'
        f"     from: 2026-03-02T09:00:00+01:00, to: 2026-03-02T15:00:00+01:00}}\n{owned}"
    )


def exception(source: str, destination: str, port: int, ends: date) -> str:
    """One exception entry."""
    entered = date.fromordinal(ends.toordinal() - 150)
    return files.exceptions_json(
        [
            DeclaredException(
                exception_id="EX-1",
                owner="Facilities",
                reason="polls its maker's portal by address",
                source=source,
                destination=destination,
                port=port,
                entered=entered,
                ends=ends,
            )
        ]
    )


def feed_file(feed: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """A feed that lists these (indicator, kind) pairs since yesterday; no file where none is listed."""
    rows = [(indicator, kind, "2026-03-01", "", "Example RAT", "test") for indicator, kind in feed]
    return {"feed.csv": files.table(files.FEED, rows)} if rows else {}


def exceptions_file(source: str, destination: str, port: int, ends: date | None) -> dict[str, str]:
    """An exception that ends on this day; no file without one."""
    return {"exceptions.json": exception(source, destination, port, ends)} if ends else {}
