"""Small builders of valid values for tests: each gives one plausible default and takes changes by keyword."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playbook.model.case import Case, CaseVerdict, JudgedDetection, Run
from playbook.model.detection import Detection, TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Answer, BackupJob, BackupSession, Enrichment, HostRecord, SocketOwner
from playbook.model.measurement import Fact, Measurement
from playbook.model.observable import Observable
from playbook.model.response import Plan, Step
from playbook.model.site import Networks, Site
from playbook.model.traffic import HourOfTraffic, NamedBy, TupleTraffic
from playbook.model.verdict import Evidence, Rung, Verdict

DAY = datetime(2026, 11, 23, tzinfo=UTC)
NOW = DAY + timedelta(days=1, hours=6)
RUNGS = ("conclusive", "exception", "benign explanation", "corroborations", "partial or unanswered", "what is left")


def at(hour: float) -> datetime:
    """``hour`` hours after midnight UTC of the day that the builders use."""
    return DAY + timedelta(hours=hour)


def a_detection(**change: Any) -> Detection:
    """An IRC bot: 10.20.0.31 to 203.0.113.66:6667, 288 connections in 24 hours, score 3."""
    values: dict[str, Any] = {
        "detection_id": "5f" * 32,
        "source": "sample",
        "hostname": "cam-lobby-01",
        "src_ip": "10.20.0.31",
        "dst_ip": "203.0.113.66",
        "dst_port": 6667,
        "connections": 288,
        "hourly_buckets": 24,
        "avg_per_hour": 12.0,
        "avg_bytes_per_conn": 412,
        "irc_port": 1,
        "beaconing_score": 3,
        "total_bytes_sent": 61_920,
        "total_bytes_rcvd": 56_736,
        "processes": (),
        "first_seen": at(0.05),
        "last_seen": at(23.97),
        "bytes_known": True,
        "services": ("irc",),
        "transports": ("tcp",),
    }
    return Detection(**(values | change))


def a_fact(**change: Any) -> Fact:
    """What our flow log says of the service spoken."""
    values: dict[str, Any] = {
        "name": "service",
        "value": "irc",
        "source": "conn.log",
        "written_by": "us",
        "as_of": at(23.97),
    }
    return Fact(**(values | change))


def an_evidence(**change: Any) -> Evidence:
    """The conclusive indicator: IRC was spoken over TCP."""
    values: dict[str, Any] = {
        "rule": "irc_spoken",
        "role": "indicator",
        "leans": "malicious",
        "strength": "conclusive",
        "reason": "IRC was spoken over TCP to 203.0.113.66:6667.",
        "facts": (a_fact(),),
        "would_change": "An exception for 203.0.113.66 that a person enters.",
    }
    return Evidence(**(values | change))


def a_trace(rung: int, why: str) -> tuple[Rung, ...]:
    """All six rungs, with only ``rung`` held."""
    return tuple(
        Rung(number=n, name=name, held=n == rung, reason=why if n == rung else "does not hold")
        for n, name in enumerate(RUNGS, start=1)
    )


def a_verdict(**change: Any) -> Verdict:
    """TRUE_POSITIVE by rung 1, high confidence, proposed."""
    evidence = (an_evidence(),)
    values: dict[str, Any] = {
        "disposition": "TRUE_POSITIVE",
        "confidence": "high",
        "rung": 1,
        "status": "proposed",
        "reasons": tuple(e.reason for e in evidence),
        "evidence": evidence,
        "trace": a_trace(1, evidence[0].reason),
        "would_change": (evidence[0].would_change,),
    }
    return Verdict(**(values | change))


def a_traffic(detection: Detection, **change: Any) -> TupleTraffic:
    """Even hourly traffic over the detection's hours, one host using the destination, no names known."""
    hours = detection.hourly_buckets or 1
    first = detection.first_seen.replace(minute=0, second=0, microsecond=0)
    sent, received = detection.total_bytes_sent, detection.total_bytes_rcvd
    values: dict[str, Any] = {
        "detection_id": detection.detection_id,
        "attempts": detection.connections,
        "hosts_using": 1,
        "hourly": tuple(
            HourOfTraffic(
                hour=first + timedelta(hours=n),
                connections=detection.connections // hours,
                bytes_sent=None if sent is None else sent // hours,
                bytes_rcvd=None if received is None else received // hours,
            )
            for n in range(hours)
        ),
    }
    return TupleTraffic(**(values | change))


def a_judged(detection: Detection | None = None, verdict: Verdict | None = None, **change: Any) -> JudgedDetection:
    """A judged detection; ``change`` goes into its EnrichedDetection."""
    found = detection or a_detection()
    values: dict[str, Any] = {
        "detection": found,
        "host": found.host_text,
        "site": Site(now=NOW),
        "traffic": a_traffic(found),
    }
    return JudgedDetection(enriched=EnrichedDetection(**(values | change)), verdict=verdict or a_verdict())


def a_plan(**change: Any) -> Plan:
    """One block of a pair for four hours through a block list."""
    step = Step(
        kind="block_pair",
        target="10.20.0.31>203.0.113.66:6667",
        scope="TCP 6667, both directions",
        ttl_s=4 * 3600,
        connector="blocklist",
    )
    return Plan(**({"plan_id": "P-000000000001", "digest": "ab" * 32, "steps": (step,)} | change))


def a_case(*detections: JudgedDetection, **change: Any) -> Case:
    """A case of the given judged detections (default: the IRC bot); verdict, host and status follow the first."""
    judged = detections or (a_judged(),)
    worst = judged[0].verdict
    values: dict[str, Any] = {
        "case_id": "C-0123456789ab",
        "host": judged[0].enriched.host,
        "addresses": tuple(dict.fromkeys(d.enriched.detection.src_ip for d in judged)),
        "status": worst.status,
        "verdict": CaseVerdict(
            disposition=worst.disposition,
            confidence=worst.confidence,
            reasons=worst.reasons,
            missing=worst.missing,
            would_change=worst.would_change,
        ),
        "detections": judged,
        "plan": a_plan() if worst.disposition == "TRUE_POSITIVE" else None,
    }
    return Case(**(values | change))


def a_run(*cases: Case, **change: Any) -> Run:
    """A complete run over one day of the sample source; default: one case."""
    values: dict[str, Any] = {
        "run_id": "R-20261124T060000Z",
        "source": "sample",
        "window": TimeWindow(start=DAY, end=at(24)),
        "complete": True,
        "cases": cases or (a_case(),),
        "as_of": NOW,
    }
    return Run(**(values | change))


SOURCE, DESTINATION = "10.20.0.31", "203.0.113.66"
LAB = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")


def a_site(**networks: Any) -> Site:
    """Documentation ranges count as Internet; other networks by keyword; exceptions through ``model_copy``."""
    return Site(now=NOW, networks=Networks.model_validate({"lab": LAB} | networks))


def a_beacon(**change: Any) -> Detection:
    """288 connections in 24 hours from SOURCE to DESTINATION:443, known bytes, no protocol recorded."""
    values = {"dst_port": 443, "irc_port": 0, "beaconing_score": 2, "services": (), "hostname": ""}
    return a_detection(**(values | change))


def said(topic: str, *answers: Answer, about: str = SOURCE, **change: Any) -> Enrichment:
    """An enricher's word on an address or a name; it is the source's unless ``role`` says destination."""
    kind = change.pop("kind", "address" if about[0].isdigit() or ":" in about else "host")
    role = change.pop("role", "destination" if about == DESTINATION or kind == "domain" else "source")
    observable = Observable(kind=kind, value=about, role=role)
    return Enrichment(**({"enricher": topic, "topic": topic, "observable": observable, "answers": answers} | change))


def silent(topic: str, about: str = SOURCE, **change: Any) -> Enrichment:
    """An enricher that did not answer in time."""
    return said(topic, about=about, unavailable="no answer within 20 s", **change)


def an_enriched(*enrichments: Enrichment, detection: Detection | None = None, **change: Any) -> EnrichedDetection:
    """``a_beacon`` with these enrichments; starts every 5 minutes of the builders' day; no names known."""
    found = detection or a_beacon()
    traffic = change.pop("traffic", a_traffic(found, start_times=steady(300)))
    values: dict[str, Any] = {
        "detection": found,
        "host": found.host_text,
        "site": a_site(),
        "enrichments": enrichments,
        "traffic": traffic,
    }
    return EnrichedDetection(**(values | change))


def steady(interval: int, hours: float = 24, first: float = 0) -> tuple[int, ...]:
    """Start times in epoch seconds, one every ``interval`` seconds from ``first`` hours on."""
    begin = int(at(first).timestamp())
    return tuple(range(begin, begin + int(hours * 3600), interval))


def named(*names: str, backed: bool = True, by: str = "dns", detection: Detection | None = None) -> TupleTraffic:
    """Traffic whose destination carries these names."""
    return a_traffic(
        detection or a_beacon(),
        start_times=steady(300),
        names=tuple(NamedBy(name=n, by=by, backed=backed) for n in names),
    )


def measured(**values: Any) -> tuple[Measurement, ...]:
    """Measurements by name with full coverage; a pair is (value, coverage)."""
    pairs = {n: v if isinstance(v, tuple) else (v, 1.0) for n, v in values.items()}
    return tuple(Measurement(name=n, value=v, coverage=c, source="connection log") for n, (v, c) in pairs.items())


def a_record(**change: Any) -> HostRecord:
    """ws-31, a workstation that held SOURCE the whole time."""
    values: dict[str, Any] = {
        "host_id": "H-31",
        "hostname": "ws-31.corp.example",
        "roles": ("workstation",),
        "address_periods": (TimeWindow(start=at(-240), end=at(240)),),
    }
    return HostRecord(**(values | change))


def a_socket(**change: Any) -> SocketOwner:
    """restic owns the sockets to DESTINATION."""
    values: dict[str, Any] = {
        "process_name": "restic",
        "path": "/usr/bin/restic",
        "signed": True,
        "sha256": "aa" * 32,
        "dst_ip": DESTINATION,
        "dst_port": 443,
        "seen": at(12),
    }
    return SocketOwner(**(values | change))


def a_session(**change: Any) -> BackupSession:
    """The server backed ws-31 up to vault-01 all day, one megabyte."""
    values: dict[str, Any] = {
        "host": "ws-31",
        "job": "nightly",
        "repository": "vault-01",
        "destinations": ("vault.backup.example",),
        "started": at(0),
        "ended": at(24),
        "transferred_bytes": 1_000_000,
    }
    return BackupSession(**(values | change))


def a_job(**change: Any) -> BackupJob:
    """An administrator declared restic on ws-31, always, one megabyte a day."""
    values: dict[str, Any] = {
        "job": "restic-ws-31",
        "host": "ws-31",
        "product": "restic",
        "sha256": "aa" * 32,
        "always": True,
        "repositories": ("vault.backup.example",),
        "daily_bytes": 1_000_000,
        "owner": "storage team",
        "review_by": at(24 * 90).date(),
    }
    return BackupJob(**(values | change))
