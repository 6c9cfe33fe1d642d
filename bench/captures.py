"""The public captures with their labels, each read once, so that a run can be repeated with other thresholds."""

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest.mock import patch

from connectors.sources.logs import source as log_source
from connectors.sources.logs.source import LogSource
from playbook.assembly import Assembled, assemble
from playbook.config import Config
from playbook.detections import beaconing
from playbook.detections.beaconing import Aggregate, Scope, score, sort_key
from playbook.detections.languages import duckdb
from playbook.errors import UnknownFormat
from playbook.model.address import Network
from playbook.model.case import Run
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.site import Networks
from playbook.model.traffic import Traffic
from playbook.ports import DetectionSource, Progress
from playbook.respond import respond

DATA = Path(os.environ.get("PLAYBOOK_REAL_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "beacon"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SUFFIXES = (".csv.gz", ".binetflow.gz", ".binetflow.tsv.gz", ".eve.json.gz", ".nfdump.csv.gz", ".log")

# Home networks as the issue gives them; where nothing is said, RFC 1918 is home. Never anything else about a capture.
RFC_1918 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_HOME = (("zeek/ctu50-", ("147.32.80.0/22",)), ("zeek/rita-missing-host-72h", ("73.54.23.243/32",)))

# Bots that the captures' own pages label, but not in truth_tuples.csv (fewer than 20 connections, or not by tuple):
# (capture, destination port or None for all of the host's traffic, what the page says).
BY_PAGE: tuple[tuple[str, int | None, str], ...] = (
    ("zeek/androidtester-rat", 1337, "port 1337/tcp is malicious"),
    ("suricata/test6-malicious", None, "malicious capture"),
    ("netflow/test1-malicious", None, "malicious (scan)"),
    ("zeek-json/apt29-day1", None, "APT29 emulation, all command servers have private addresses"),
)
Key = tuple[str, str, int]


class Label(NamedTuple):
    """One row of truth_tuples.csv."""

    capture: str
    key: Key
    connections: int
    hourly_buckets: int
    seed_score: int
    truth: str


@dataclass(frozen=True)
class Capture:
    """A capture that was read: every tuple it holds, the largest first, and all that a run over it asks for.

    ``unread`` says why no connection could be read (then there are no tuples); ``labels`` are those of this capture.
    """

    name: str
    labels: tuple[Label, ...]
    assembled: Assembled
    aggregates: tuple[Aggregate, ...] = ()
    fetched: tuple[Fetched, ...] = ()
    known: Traffic = field(default_factory=Traffic)
    unread: str = ""

    def run(self, params: Mapping[str, Any] | None = None) -> Run:
        """The whole story with the thresholds as they are at this moment, and these rules' parameters changed."""
        terms = self.assembled.terms
        rules = replace(terms.rules, params={**terms.rules.params, **(params or {})})
        toolkit = replace(self.assembled.toolkit, source=Remembered(self))
        return respond(toolkit, self.assembled.site, replace(terms, rules=rules))

    def detections(self) -> tuple[Detection, ...]:
        """What the detection keeps with its thresholds as they are at this moment."""
        networks = self.assembled.site.networks
        scope = Scope("logs", "default", networks.lab, networks.nat64)
        least = beaconing.MIN_CONNECTIONS
        found = (score(one, scope) for one in takewhile(lambda one: _most(one) >= least, self.aggregates))
        return tuple(sorted((one for one in found if one is not None), key=sort_key))


class Remembered:
    """A source that answers from what was read before."""

    def __init__(self, capture: Capture) -> None:
        self.name = "logs"
        self._capture = capture

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        """The one fetch, scored anew."""
        first, *others = self._capture.fetched
        return (
            first.model_copy(update={"detections": self._capture.detections()}),
            *(one.model_copy(update={"detections": ()}) for one in others),
        )

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """The traffic of everything that any threshold could have kept."""
        return self._capture.known

    def check(self) -> tuple[()]:
        """Nothing to check."""
        return ()


def names(data: Path = DATA) -> tuple[str, ...]:
    """Every capture below the folder, as truth_tuples.csv calls them: FOLDER/NAME, whatever its format."""
    found = [
        f"{kind.name}/{_stem(entry)}"
        for kind in sorted(data.iterdir())
        if kind.is_dir()
        for entry in sorted(kind.iterdir())
        if entry.is_dir() or entry.name.endswith(SUFFIXES)
    ]
    return tuple(dict.fromkeys(found))


def labels(data: Path = DATA) -> dict[str, tuple[Label, ...]]:
    """The truth by capture: of truth_tuples.csv the columns capture, src, dst, dport, truth are needed.

    ``truth`` is malicious, benign, inbound_attack_or_scan or non_global_destination.
    """
    found: dict[str, list[Label]] = defaultdict(list)
    with (data / "truth_tuples.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            key = (row["src"], row["dst"], int(row["dport"]))
            found[row["capture"]].append(
                Label(
                    row["capture"],
                    key,
                    int(row.get("connections") or 0),
                    int(row.get("hourly_buckets") or 0),
                    int(row.get("seed_score") or 0),
                    row["truth"],
                )
            )
    return {capture: tuple(rows) for capture, rows in found.items()}


def read(
    name: str, told: tuple[Label, ...], union: Callable[[Capture], tuple[Detection, ...]], data: Path = DATA
) -> Capture:
    """Read one capture: all its tuples, then the traffic of ``union`` (what any threshold would keep)."""
    config = Config(networks=Networks(home=home(name, data)))
    table = {"kind": "logs", "paths": [str(path) for path in _paths(name, data)]}
    assembled = assemble(config, "bench", ("logs", table), NOW)
    source = cast(LogSource, assembled.toolkit.source)
    try:
        fetched, every = every_tuple(source)
        outside = (one for one in every if beaconing.external(one.dst_ip, Scope("logs")))
        capture = Capture(name, told, assembled, tuple(sorted(outside, key=_most, reverse=True)), fetched)
        wanted = union(capture)
        known = source.traffic(wanted) if wanted else Traffic()
        return replace(capture, known=known)
    except UnknownFormat as fault:
        return Capture(name, told, assembled, unread=str(fault).rpartition(": ")[2])
    finally:
        source.close()


def _most(one: Aggregate) -> int:
    return max(one.connections, one.denied)


def home(name: str, data: Path = DATA) -> tuple[Network, ...]:
    """The home networks of a capture: those that home.csv (capture, network) beside the truth gives, if it is there."""
    given: tuple[str, ...] = next((cidrs for prefix, cidrs in _HOME if name.startswith(prefix)), RFC_1918)
    if (data / "home.csv").is_file():
        with (data / "home.csv").open(encoding="utf-8", newline="") as table:
            given = tuple(row["network"] for row in csv.DictReader(table) if row["capture"] == name) or RFC_1918
    return tuple(ip_network(cidr) for cidr in given)


def every_tuple(source: DetectionSource) -> tuple[tuple[Fetched, ...], tuple[Aggregate, ...]]:
    """One fetch with the least thresholds there are, scoring nothing, and every tuple that the scorer was shown."""
    shown: list[Aggregate] = []

    def watched(aggregate: Aggregate, scope: Scope) -> None:
        shown.append(aggregate)

    with (
        patch.object(log_source, "score", watched),
        patch.multiple(duckdb, MIN_CONNECTIONS=1, MIN_HOURS=1, SOME_CONNECTIONS=0),
    ):
        fetched = source.fetch(None)
    return fetched, tuple(shown)


def _paths(name: str, data: Path) -> tuple[Path, ...]:
    folder = data / name
    if folder.is_dir():
        return (folder,)
    return tuple(
        path for path in sorted(folder.parent.iterdir()) if _stem(path) == folder.name and path.name.endswith(SUFFIXES)
    )


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name.partition(".")[0]
