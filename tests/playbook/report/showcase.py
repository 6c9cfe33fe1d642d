"""One realistic run with every kind of case, for looking at the report and for testing both renderers."""

from datetime import timedelta
from typing import Any

from playbook.model.case import Case, JudgedDetection, Run, Ticket
from playbook.model.detection import AddressHolder, SourceHealth, TimeWindow
from playbook.model.enrichment import (
    BackupJob,
    BackupSession,
    Enrichment,
    HostRecord,
    ListEntry,
    NetworkOwner,
    ScheduledWindow,
    SocketOwner,
)
from playbook.model.measurement import Measurement
from playbook.model.observable import Observable
from playbook.model.response import NotBlockable, Step
from playbook.model.traffic import HourOfTraffic, NamedBy
from playbook.model.verdict import FilteredDetection
from tests.support.builders import (
    DAY,
    a_case,
    a_detection,
    a_fact,
    a_judged,
    a_plan,
    a_run,
    a_trace,
    a_traffic,
    a_verdict,
    an_evidence,
    at,
)


def said(enricher: str, topic: str, about: str, *answers: Any, kind: str = "address", **change: Any) -> Enrichment:
    """One enrichment about a destination."""
    thing = Observable(kind=kind, value=about, role="destination")
    return Enrichment(enricher=enricher, topic=topic, observable=thing, answers=answers, **({"as_of": at(6)} | change))


def _measured() -> tuple[Measurement, ...]:
    return (
        Measurement(
            name="beacon_score",
            value=0.93,
            unit="",
            coverage=1.0,
            source="conn.log",
            detail="timestamps 0.97, sizes 0.99, histogram 0.91, duration 0.85",
        ),
        Measurement(name="median_interval", value=300.0, unit="s", coverage=1.0, source="conn.log"),
        Measurement(name="unanswered_share", value=0.02, coverage=1.0, source="conn.log"),
        Measurement(name="nameless", value=True, coverage=0.55, source="dns.log", detail="dns.log misses 10 hours"),
        Measurement(name="days_of_history", value=None, unit="d", coverage=0.0, source="conn.log"),
    )


def bot() -> Case:
    """IRC bot on a camera that also scans."""
    irc = a_detection()
    http = a_detection(
        detection_id="6a" * 32,
        dst_ip="203.0.113.80",
        dst_port=8081,
        irc_port=0,
        beaconing_score=2,
        connections=301,
        avg_per_hour=12.5,
        services=("ssl",),
        first_seen=at(0.2),
        last_seen=at(23.7),
    )
    why = an_evidence(
        rule="regular_traffic",
        role="corroboration",
        group="rhythm",
        strength="strong",
        reason="The contacts come every 300 s (beacon score 0.93).",
        facts=(a_fact(name="beacon_score", value="0.93"), a_fact(name="interval", value="300 s")),
    )
    nameless = an_evidence(
        rule="nameless",
        role="corroboration",
        group="destination",
        strength="strong",
        facts=(),
        reason="No DNS answer, SNI or Host from this source names 203.0.113.80.",
    )
    rung4 = "Corroborations from two groups hold: rhythm, destination."
    second = a_verdict(
        confidence="medium",
        rung=4,
        evidence=(why, nameless),
        reasons=(why.reason, nameless.reason),
        trace=a_trace(4, rung4),
        missing=("no EDR: the owning process is not known",),
    )
    owner = said("asn", "asn", "203.0.113.66", NetworkOwner(asn=64500, organisation="Example Hosting", country="NL"))
    feed = said("feeds", "feed", "203.0.113.66", unavailable="connection refused after 20 s", as_of=None)
    return a_case(
        a_judged(
            irc,
            enrichments=(owner, feed),
            measurements=_measured(),
            traffic=a_traffic(irc, hosts_using=3, other_hosts=("ws-114", "10.20.9.77")),
        ),
        a_judged(http, second, enrichments=(feed,), measurements=_measured()),
        case_id="C-4be11f0a93c1",
        record=HostRecord(
            host_id="inv-0031",
            hostname="cam-lobby-01",
            roles=("iot", "camera"),
            owner="Facility services",
            addresses=("10.20.0.31",),
        ),
        holders=(AddressHolder(address="10.20.0.31", hostname="cam-lobby-01", since=at(0), source="dhcp.log"),),
        plan=a_plan(
            steps=(
                *a_plan().steps,
                Step(
                    kind="block_pair",
                    target="10.20.0.31>203.0.113.80:8081",
                    scope="TCP 8081",
                    ttl_s=14400,
                    connector="blocklist",
                ),
            )
        ),
    )


def cdn_beacon() -> Case:
    """A regular nameless beacon inside a CDN: true, and not blockable by address."""
    found = a_detection(
        detection_id="7b" * 32,
        hostname="ws-114",
        src_ip="10.20.4.114",
        dst_ip="198.51.100.20",
        dst_port=443,
        irc_port=0,
        beaconing_score=2,
        services=("ssl",),
        total_bytes_sent=None,
        total_bytes_rcvd=None,
        avg_bytes_per_conn=None,
        bytes_known=False,
        processes=("svch0st.exe",),
    )
    why = an_evidence(
        rule="regular_traffic",
        role="corroboration",
        group="rhythm",
        strength="strong",
        reason="The contacts come every 300 s (beacon score 0.93).",
    )
    owner = an_evidence(
        rule="unsigned_process",
        role="corroboration",
        group="host",
        strength="strong",
        facts=(),
        reason="The owning process is unsigned and runs from a user-writable path.",
    )
    verdict = a_verdict(
        confidence="medium",
        rung=4,
        evidence=(why, owner),
        reasons=(why.reason, owner.reason),
        trace=a_trace(4, "Corroborations from two groups hold: rhythm, host."),
    )
    listed = said("lists", "lists", "198.51.100.20", ListEntry(name="example-cdn", category="cdn"))
    process = said(
        "processes",
        "processes",
        "ws-114",
        SocketOwner(process_name="svch0st.exe", path=r"C:\Users\Public\svch0st.exe", signed=False),
        kind="host",
        written_by="us",
    )
    return a_case(
        a_judged(found, verdict, enrichments=(listed, process), measurements=_measured()),
        case_id="C-77aa0c1d2e3f",
        plan=None,
        not_blockable=(NotBlockable(address="198.51.100.20", reason="shared by a CDN (list example-cdn, 2026-10-01)"),),
        by_hand=("isolation needs the inventory to prove who held 10.20.4.114 for the whole time",),
        ticket=Ticket(key="T-77aa0c1d", title="ws-114 beacons into a CDN", text="...", case_ids=("C-77aa0c1d2e3f",)),
        record=HostRecord(host_id="inv-0114", hostname="ws-114", roles=("workstation",), owner="Finance"),
    )


def renamed() -> Case:
    """A host renamed veeam-01, with the enricher that could explain it dead."""
    found = a_detection(
        detection_id="8c" * 32,
        hostname="veeam-01",
        src_ip="10.20.7.9",
        dst_ip="203.0.113.99",
        dst_port=443,
        irc_port=0,
        beaconing_score=1,
        services=(),
        connections=140,
        avg_per_hour=5.8,
    )
    hint = an_evidence(
        rule="backup_agent",
        role="explanation",
        leans="benign",
        strength="hint",
        reason="The host name looks like a backup server; a host writes its own name.",
        facts=(a_fact(name="hostname", value="veeam-01", source="dhcp.log", written_by="host"),),
        missing=("no backup session for this host",),
        would_change="A session that covers 90 %.",
    )
    why = "The backup server did not answer, so the explanation cannot be completed."
    verdict = a_verdict(
        disposition="UNDETERMINED",
        confidence="low",
        rung=5,
        status="ticket",
        evidence=(hint,),
        reasons=(why,),
        trace=a_trace(5, why),
        missing=("backup sessions: timed out after 20 s",),
        would_change=("A backup session of veeam-01 that covers the connections.",),
    )
    dead = said("backup_sessions", "backup_sessions", "veeam-01", unavailable="timed out after 20 s", as_of=None)
    return a_case(
        a_judged(found, verdict, enrichments=(dead,)),
        case_id="C-9d0e1f2a3b4c",
        ticket=Ticket(key="T-9d0e1f2a", title="veeam-01", text="...", case_ids=("C-9d0e1f2a3b4c",)),
    )


def backup() -> Case:
    """An honest backup: session, window, repository and volume fit."""
    found = a_detection(
        detection_id="9d" * 32,
        hostname="db-02",
        src_ip="10.20.2.12",
        dst_ip="198.51.100.77",
        dst_port=9392,
        irc_port=0,
        beaconing_score=1,
        connections=240,
        hourly_buckets=4,
        avg_per_hour=60.0,
        avg_bytes_per_conn=2_100_000,
        total_bytes_sent=500_000_000,
        total_bytes_rcvd=4_000_000,
        first_seen=at(1.1),
        last_seen=at(4.9),
        services=("ssl",),
    )
    hours = tuple(
        HourOfTraffic(
            hour=at(1 + n), connections=40 + 20 * (n % 3), bytes_sent=90_000_000 + 30_000_000 * n, bytes_rcvd=1_000_000
        )
        for n in range(4)
    )
    why = "The session nightly-db of db-02 covers 100 % of the connections; repository and volume fit."
    evidence = an_evidence(
        rule="backup_agent",
        role="explanation",
        leans="benign",
        strength="conclusive",
        reason=why,
        disposition="BENIGN_POSITIVE",
        would_change="Traffic outside the session.",
        facts=(a_fact(name="session", value="nightly-db 01:05", source="backup_sessions.csv"),),
    )
    verdict = a_verdict(
        disposition="BENIGN_POSITIVE",
        confidence="high",
        rung=3,
        status="closed",
        reasons=(why,),
        evidence=(evidence,),
        trace=a_trace(3, why),
    )
    session = BackupSession(
        host="db-02",
        job="nightly-db",
        repository="vault",
        started=at(1.08),
        ended=at(4.92),
        transferred_bytes=505_000_000,
    )
    window = ScheduledWindow(kind="backup", name="night", window=TimeWindow(start=at(1), end=at(5)))
    test = ScheduledWindow(kind="test", name="load test", window=TimeWindow(start=at(14), end=at(16)))
    job = BackupJob(job="nightly-db", host="db-02", daily_bytes=600_000_000, owner="Storage team")
    return a_case(
        a_judged(
            found,
            verdict,
            traffic=a_traffic(
                found, hourly=hours, names=(NamedBy(name="vault.backup.example", by="dns", backed=True),)
            ),
            enrichments=(
                said("sessions", "backup_sessions", "db-02", session, kind="host"),
                said("jobs", "backup_jobs", "db-02", job, kind="host"),
                said("windows", "windows", "db-02", window, test, kind="host"),
            ),
        ),
        case_id="C-aa55aa55aa55",
        record=HostRecord(hostname="db-02", roles=("database",), owner="Storage team"),
    )


def watched() -> Case:
    """Nothing speaks for or against it."""
    found = a_detection(
        detection_id="ad" * 32,
        hostname="",
        src_ip="10.20.5.201",
        dst_ip="2001:db8::201",
        dst_port=8443,
        irc_port=0,
        beaconing_score=1,
        services=(),
    )
    why = "No rule speaks for or against it."
    verdict = a_verdict(
        disposition="UNDETERMINED",
        confidence="low",
        rung=6,
        status="watch",
        evidence=(),
        reasons=(why,),
        trace=a_trace(6, why),
        missing=("no inventory is configured",),
        would_change=("A first corroboration makes it a ticket.",),
    )
    judged: JudgedDetection = a_judged(found, verdict, traffic=None)
    return a_case(judged, case_id="C-bb66bb66bb66")


def whole(**change: Any) -> Run:
    """All cases, filtered rows, a dead enricher, an expired exception, a silent hour."""
    filtered = tuple(
        [
            FilteredDetection(
                host=f"ws-{n:03}",
                dst_ip="192.0.2.53",
                dst_port=53,
                filter="G3",
                disposition="BENIGN_POSITIVE",
                reason="DNS to a public resolver",
            )
            for n in range(12)
        ]
        + [
            FilteredDetection(
                host="ws-007",
                dst_ip="239.255.255.250",
                dst_port=1900,
                filter="G1",
                disposition="FALSE_POSITIVE",
                reason="multicast (RFC 5771)",
            )
        ]
    )
    health = SourceHealth(
        rows_read=184_233,
        rows_rejected=3,
        rejected_examples=("conn.log:77: 24 columns instead of 21",),
        newest_event=at(23.99),
        oldest_event=at(0.0),
    )
    values: dict[str, Any] = {
        "filtered": filtered,
        "health": health,
        "warnings": ("conn.log: 3 rows do not parse",),
        "exceptions_expired": ("EX-4 (10.20.4.114 to 198.51.100.0/24, owner M. Weber) ended 2026-11-20",),
        "tickets": (
            Ticket(key="T-77aa0c1d", title="ws-114 beacons into a CDN", text="...", case_ids=("C-77aa0c1d2e3f",)),
            Ticket(
                key="T-9d0e1f2a",
                title="veeam-01: backup sessions did not answer",
                text="...",
                case_ids=("C-9d0e1f2a3b4c",),
            ),
        ),
    }
    return a_run(bot(), cdn_beacon(), renamed(), watched(), backup(), **(values | change))


def silent() -> Run:
    """No case and an incomplete input: the run that must not be called clean."""
    hours = (at(3), at(4))
    return a_run(
        cases=(),
        complete=False,
        health=SourceHealth(rows_read=10, silent_hours=hours, newest_event=at(20), complete=False),
        as_of=DAY + timedelta(days=1),
    )
