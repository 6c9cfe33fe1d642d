"""Triage of many detections with warm caches on one core: seconds for the whole story, microseconds per ``decide``.

``python -m bench.triage [DETECTIONS] [--profile]`` (default 10000). The simulated day's own detections and traffic,
repeated onto new hosts, from a source in memory; enrichers asn, lists, vendors and an inventory of every host.
"""

import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import count, islice
from pathlib import Path
from typing import cast

from bench.measuring import WORK, load, say
from connectors.sources.logs.source import LogSource
from playbook.__main__ import collect_rarely
from playbook.assembly import Assembled, assemble
from playbook.config import Config
from playbook.detections.beaconing import detection_id
from playbook.model.case import Run
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.site import Networks, Site
from playbook.model.traffic import HostTraffic, Traffic, TupleTraffic
from playbook.ports import Progress, Toolkit
from playbook.respond import RunTerms, respond
from playbook.simulate import sample_day, zeek
from playbook.triage.decide import decide

SMALL = ("1000",)
MOST_S = 10.0  # for 10,000: the promise says "seconds"
NOW = datetime(2026, 3, 3, tzinfo=UTC)
LAB = tuple(ip_network(cidr) for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


@dataclass(frozen=True)
class Memory:
    """A detection source that holds everything already."""

    detections: tuple[Detection, ...]
    known: Traffic
    window: TimeWindow
    name: str = "memory"

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        """What it holds."""
        return (Fetched(source=self.name, window=self.window, detections=self.detections),)

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """What it holds."""
        return self.known

    def check(self) -> tuple[()]:
        """Nothing to check."""
        return ()


def main(arguments: Sequence[str] = ()) -> None:
    """Print seconds per stage of the story and microseconds per decision."""
    wanted = int(next((text for text in arguments if text.isdigit()), "10000"))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    collect_rarely()  # as the command line does
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        fetched, traffic = _day(Path(name))
        source = _repeated(fetched, traffic, wanted)
        warm = _assembled(Path(name), source)
        respond(_with(warm.toolkit, _repeated(fetched, traffic, 100)), warm.site, warm.terms)
        toolkit = _with(warm.toolkit, source)
        say(f"{len(source.detections)} detections on one core, warm caches, {load()}")
        if "--profile" in arguments:
            _profiled(toolkit, warm.site, warm.terms)
            return
        began, busy = time.perf_counter(), time.process_time()
        run = respond(toolkit, warm.site, warm.terms)
        took, used = time.perf_counter() - began, time.process_time() - busy
    most = MOST_S * wanted / 10_000
    verdict = "kept" if used <= most else "MISSED"
    say(f"  whole triage: {took:.2f} s ({used:.2f} s of processor; promise {most:g} s: {verdict})")
    say(
        f"  {len(run.cases)} cases, {len(run.filtered)} filtered, "
        f"{dict(Counter(case.verdict.disposition for case in run.cases))}"
    )
    say(f"  decide: {_per_decision(run):.0f} microseconds of processor per detection")


def _per_decision(run: Run) -> float:
    judged = [one for case in run.cases for one in case.detections]
    began = time.process_time()
    for one in judged:
        decide(one.enriched, one.verdict.evidence)
    return (time.process_time() - began) / len(judged) * 1e6


def _profiled(toolkit: Toolkit, site: Site, terms: RunTerms) -> None:
    profile = cProfile.Profile()
    profile.runcall(respond, toolkit, site, terms)
    pstats.Stats(profile).sort_stats("cumulative").print_stats("playbook|connectors|rfc8785|pydantic|json", 45)


def _day(folder: Path) -> tuple[Fetched, Traffic]:
    """The simulated day as the log source sees it."""
    zeek.write(sample_day.simulate().telemetry, folder / "logs")
    config = Config(networks=Networks(lab=LAB), folder=folder)
    assembled = assemble(config, "bench", ("logs", {"kind": "logs", "paths": ["logs"]}), NOW)
    (fetched,) = assembled.toolkit.source.fetch(None)
    traffic = assembled.toolkit.source.traffic(fetched.detections)
    cast(LogSource, assembled.toolkit.source).close()
    return fetched, traffic


def _repeated(fetched: Fetched, traffic: Traffic, wanted: int) -> Memory:
    """``wanted`` detections: the day's, each time on hosts 10.A.B.x of their own."""
    own = {t.detection_id: t for t in traffic.tuples}
    hosts = {h.src_ip: h for h in traffic.hosts}
    pairs = islice(((one, block) for block in count() for one in fetched.detections), wanted)
    detections, tuples, machines = [], [], {}
    for one, block in pairs:
        moved = _on_block(one, block)
        detections.append(moved)
        tuples.append(_same(own[one.detection_id], {"detection_id": moved.detection_id}))
        machines[moved.src_ip] = _same(hosts[one.src_ip], {"src_ip": moved.src_ip})
    changes = {"tuples": tuple(tuples), "hosts": tuple(machines.values()), "active_hosts": len(machines)}
    return Memory(tuple(detections), traffic.model_copy(update=changes), fetched.window)


def _on_block(one: Detection, block: int) -> Detection:
    third, fourth = one.src_ip.split(".")[2:]
    src = f"10.{2 + block // 8}.{block % 8 * 32 + int(third)}.{fourth}"
    identity = detection_id("memory", src, src, one.dst_ip, one.dst_port)
    return one.model_copy(update={"src_ip": src, "detection_id": identity, "source": "memory"})


def _same(value: TupleTraffic | HostTraffic, change: dict[str, str]) -> TupleTraffic | HostTraffic:
    return value.model_copy(update=change)


def _assembled(folder: Path, source: Memory) -> Assembled:
    """The embedded tables, and an inventory that knows every host."""
    rows = [
        f"H-{n},host-{n},{address},workstation,Team {n % 40},2026-01-01T00:00:00Z,"
        for n, address in enumerate(sorted({one.src_ip for one in source.detections}))
    ]
    head = "host_id,hostname,addresses,roles,owner,since,until"
    (folder / "hosts.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    config = Config(
        networks=Networks(lab=LAB), folder=folder, enrichers={"inventory": {"kind": "inventory", "hosts": "hosts.csv"}}
    )
    return assemble(config, "bench", ("logs", {"kind": "logs", "paths": ["logs"]}), NOW)


def _with(toolkit: Toolkit, source: Memory) -> Toolkit:
    return Toolkit(source=source, enrichers=toolkit.enrichers, hosts_in=toolkit.hosts_in)


if __name__ == "__main__":
    main(sys.argv[1:])
