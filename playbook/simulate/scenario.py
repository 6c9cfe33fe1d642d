"""One question to the whole playbook: a day of a small site with one subject in it, and its files for one run."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random

from playbook.simulate import inventories as files
from playbook.simulate.records import Connection, Machine, Telemetry, together
from playbook.simulate.sample_day import START
from playbook.simulate.workstations import people, sites, workstation
from playbook.simulate.zeek import write as write_logs

RESOLVER = "10.1.0.53"
BACKGROUND = people(52)
CONFIG_NAME = "playbook.toml"

_HOME = ("10.0.0.0/8", "2001:db8:1::/48")
_LAB = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
# file -> (enricher name, kind, setting); files of one enricher share a table.
_TABLES = (
    ("hosts.csv", "inventory", "inventory", "hosts"),
    ("processes.csv", "inventory", "inventory", "processes"),
    ("software.csv", "inventory", "inventory", "software"),
    ("backup_jobs.yaml", "backups", "backups", "jobs"),
    ("backup_sessions.csv", "backups", "backups", "sessions"),
    ("windows.yaml", "calendar", "calendar", "path"),
    ("feed.csv", "feeds", "feeds", "path"),
)


class Scenario(Telemetry):
    """Telemetry and files of one day; the subject is the tuple that the detection is expected to raise."""

    name: str
    host: str
    src_ip: str
    dst_ip: str
    dst_port: int = 443
    files: dict[str, str]


def scenario(
    name: str,
    rng: Random,
    subject: Machine,
    target: tuple[str, int],
    parts: Iterable[Telemetry],
    *,
    more_files: Mapping[str, str] | None = None,
    missing: tuple[str, ...] = (),
    listed: bool = True,
    networks: Mapping[str, tuple[str, ...]] | None = None,
) -> Scenario:
    """The subject's ``parts`` among 52 background hosts, with inventories and a configuration.

    ``missing`` names files that the configuration asks for and that do not exist (a dead enricher). ``listed``
    false: no inventory knows the subject.
    """
    background = (
        workstation(rng, m.address, RESOLVER, sites(40), START, hours=(0.0, 24.0), visits=9) for m in BACKGROUND
    )
    rows = together((*background, *parts))
    machines = (*BACKGROUND, subject) if listed else BACKGROUND
    written = {"hosts.csv": files.hosts_csv(machines), **(more_files or {})}
    written[CONFIG_NAME] = config({*written, *missing}, networks or {})
    return Scenario(
        name=name,
        host=subject.name if listed else subject.address,
        src_ip=subject.address,
        dst_ip=target[0],
        dst_port=target[1],
        files=written,
        connections=rows.connections,
        questions=rows.questions,
        handshakes=rows.handshakes,
        requests=rows.requests,
        leases=rows.leases,
    )


def config(present: Iterable[str], networks: Mapping[str, tuple[str, ...]]) -> str:
    """The configuration of one run: the tables that the files need, and the networks (defaults where not given)."""
    names = set(present)
    places = {"home": _HOME, "lab": _LAB, "resolvers": (RESOLVER,), **networks}
    lines = ["[networks]", *(f"{key} = [{_quoted(values)}]" for key, values in places.items())]
    lines += ["", "[sources.logs]", 'kind = "logs"', 'paths = ["logs"]']
    for kind in ("asn", "lists", "vendors"):
        lines += ["", f"[enrichers.{kind}]", f'kind = "{kind}"']
    opened: set[str] = set()
    for file, enricher, kind, setting in _TABLES:
        if file not in names:
            continue
        if enricher not in opened:
            lines += ["", f"[enrichers.{enricher}]", f'kind = "{kind}"']
            opened.add(enricher)
        lines.append(f'{setting} = "{file}"')
    lines += ["", "[policy]", 'now = "2026-03-03T00:00:00Z"']
    if "exceptions.json" in names:
        lines.append('exceptions = "exceptions.json"')
    return "\n".join(lines) + "\n"


def write(what: Scenario, folder: Path) -> Path:
    """Write logs, inventories and configuration into ``folder``; the configuration's path."""
    write_logs(what, folder / "logs")
    for name, content in what.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / CONFIG_NAME


def tuple_rows(what: Scenario) -> tuple[Connection, ...]:
    """The subject's connections to its destination and port."""
    return tuple(
        c for c in what.connections if (c.src_ip, c.dst_ip, c.dst_port) == (what.src_ip, what.dst_ip, what.dst_port)
    )


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)
