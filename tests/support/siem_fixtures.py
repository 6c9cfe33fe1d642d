"""What the tests of evasions over a SIEM share: emulated Sumo Logic and Splunk with given events, and whole runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from playbook import config
from playbook.assembly import assemble
from playbook.detections.beaconing import Event
from playbook.model.case import JudgedDetection
from playbook.model.detection import Detection
from playbook.ports import DetectionSource
from playbook.respond import respond
from tests.emulators import splunk as emulated_splunk
from tests.emulators import sumo as emulated_sumo
from tests.emulators.sumo_records import Event as SumoEvent
from tests.support import splunk_fixtures, sumo_fixtures
from tests.support.sumo_fixtures import DAY, SITE, FakeClock

BOT, C2, HOST = "10.0.0.31", "203.0.113.66", "pc-7"
MIDNIGHT = int(DAY.start.timestamp())
SIEMS = ("sumo", "splunk")
CONFIG = """
[networks]
lab = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
[enrichers.inventory]
kind = "inventory"
hosts = "hosts.csv"
processes = "processes.csv"
[enrichers.feeds]
kind = "feeds"
path = "feed.csv"
"""
HOSTS = f"host_id,hostname,addresses,roles,owner,since,until\nA-1,{HOST},{BOT},workstation,IT,,\n"
PROCESSES = f"""seen,hostname,process_name,path,signer,signed,sha256,command_line,dst_ip,dst_port,outside_addresses
2026-11-23T12:00:00Z,{HOST},upd,/tmp/upd,,no,,/tmp/upd,{C2},443,1
"""
FEED = f"indicator,kind,last_seen,port,malware,feed\n{C2},address,2026-11-20,443,Example RAT,lab\n"
NOBODY = "indicator,kind,last_seen,port,malware,feed\n192.0.2.251,address,2026-11-20,,Example RAT,lab\n"


@contextmanager
def siem(kind: str, events: list[Event], overstated: int = 0) -> Iterator[DetectionSource]:
    """A source over an emulated tenant that holds these events; Sumo Logic reports ``overstated`` rows too many."""
    if kind == "splunk":
        server = emulated_splunk.Server(events, emulated_splunk.Behaviour(states=()))
        with splunk_fixtures.talking(server, FakeClock()) as source:
            yield source
        return
    rows = [
        SumoEvent(e.start, e.src_ip, e.dst_ip, e.dst_port, e.hostname, e.bytes_sent, e.bytes_rcvd, proto=e.proto)
        for e in events
    ]
    behaviour = emulated_sumo.Behaviour(states=(), overstated=overstated)
    with sumo_fixtures.talking(
        emulated_sumo.Tenant(rows, behaviour), FakeClock(), fields={"proto": "protocol"}
    ) as source:
        yield source


def judged(kind: str, events: list[Event], folder: Path, feed: str = NOBODY, overstated: int = 0) -> JudgedDetection:
    """The calls to the server, judged by a whole run: HOST is known to own BOT, and an unsigned program its sockets."""
    (folder / "feed.csv").write_text(feed)
    (folder / "playbook.toml").write_text(CONFIG)
    (folder / "processes.csv").write_text(PROCESSES)
    (folder / "hosts.csv").write_text(HOSTS)
    made = assemble(config.read(folder / "playbook.toml"), "c", ("siem", {"kind": "logs", "paths": ["x"]}), SITE.now)
    with siem(kind, events, overstated) as source:
        run = respond(replace(made.toolkit, source=source), made.site, made.terms, DAY)
    return next(one for case in run.cases for one in case.detections if one.enriched.detection.dst_ip == C2)


def only_what_has_an_address_is_told(source: DetectionSource, found: Sequence[Detection]) -> bool:
    """Whether a detection with a command for a destination is left out of the traffic, and said to be."""
    hostile = found[0].model_copy(update={"dst_ip": "| delete"})
    traffic, nothing = source.traffic((hostile, *found[1:])), source.traffic((hostile,))
    assert {t.detection_id for t in traffic.tuples} == {d.detection_id for d in found[1:]}
    assert any("1 detections" in text for text in traffic.unknown)
    return not nothing.tuples and not nothing.coverage


def calls(
    times: list[float], dst: str = C2, port: int = 443, src: str = BOT, hostname: str = HOST, answered: bool = True
) -> list[Event]:
    """Connections at these seconds after midnight, of 400 bytes and as many back when they are answered."""
    back = 400 if answered else 0
    return [Event(MIDNIGHT + at, src, dst, port, hostname, None, "tcp", 1, 400, back, 400 + back) for at in times]


def every(seconds: float, jitter: float = 0.05) -> list[float]:
    """A beacon's times over the day."""
    rng = Random(1)
    return [n * seconds + rng.uniform(-jitter, jitter) * seconds + seconds for n in range(int(86_000 / seconds) - 1)]
