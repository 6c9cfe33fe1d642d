"""The backup server itself says that this host was backed up to this repository at these times with these bytes."""

from pydantic import Field

from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import BackupSession, Enrichment, ListEntry
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_SHARED = frozenset({"cdn", "cloud", "shared", "resolver"})


class Params(Value):
    """Shares and ratios of a managed backup: coverage, upload ratio, and bytes against the session's."""

    least_share: float = Field(default=0.9, gt=0, le=1)
    upload_ratio: float = Field(default=3.0, ge=1)
    least_bytes: float = Field(default=0.5, gt=0)
    most_bytes: float = Field(default=2.0, gt=0)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, managed backup. Silent when the destination is not this host's repository."""
    here = [(s, by) for s, by in enriched.answers(BackupSession, "source") if _repository(s, enriched)]
    sessions = tuple(s for s, by in here if by.observable.value in enriched.proven_names)
    if not sessions:
        return _unasked(enriched, params, claimed=bool(here)) or _unproven(enriched, here)
    share = enriched.share_within(TimeWindow(start=s.started, end=s.ended) for s in sessions if s.ended > s.started)
    if share is not None and share < params.least_share:
        return _evidence(
            sessions,
            "hint",
            contradicted=True,
            reason=f"only {share:.0%} of the connections lie in a backup session of this host: no backup explains them",
            missing=(f"a session that covers {params.least_share:.0%} of the connections",),
        )
    missing = _missing(enriched, sessions, share, params)
    job, repository = sessions[0].job, sessions[0].repository
    return _evidence(
        sessions,
        "strong" if missing else "conclusive",
        missing=missing,
        waiting_on=tuple(e.enricher for e in enriched.failed("lists")[:1]) if _unnamed(sessions, enriched) else (),
        reason=f"backup job {job} of this host ran then, to {repository}"
        + (f"; not settled: {'; '.join(missing)}" if missing else ", with the bytes that were sent"),
    )


def _repository(session: BackupSession, enriched: EnrichedDetection) -> bool:
    """By exact name in our resolver's answers, or by a dedicated address; a shared address is never a repository."""
    places = {d.lower().rstrip(".") for d in session.destinations}
    if places & set(enriched.backed_names):
        return True
    shared = any(entry.category in _SHARED for entry, _ in enriched.answers(ListEntry, "destination"))
    return enriched.detection.dst_ip in places and not shared


def _unnamed(sessions: tuple[BackupSession, ...], enriched: EnrichedDetection) -> bool:
    """Whether only the address says that this is the repository, so that others must not share it."""
    return not {d.lower().rstrip(".") for s in sessions for d in s.destinations} & set(enriched.backed_names)


def _missing(
    enriched: EnrichedDetection, sessions: tuple[BackupSession, ...], share: float | None, params: Params
) -> tuple[str, ...]:
    detection = enriched.detection
    sent, received = detection.total_bytes_sent, detection.total_bytes_rcvd
    meeting = [s for s in sessions if s.started <= detection.last_seen and s.ended >= detection.first_seen]
    transferred = sum(s.transferred_bytes for s in meeting)
    faults = []
    beside = enriched.names_beside(d.lower().rstrip(".") for s in sessions for d in s.destinations)
    if beside:
        faults.append(f"other names lead to the same address ({', '.join(beside[:3])})")
    if _unnamed(sessions, enriched) and enriched.failed("lists"):
        faults.append(f"whether others share the address ({enriched.failed('lists')[0].unavailable})")
    if share is None:
        faults.append("the times of the connections are not known")
    if sent is None or received is None:
        return (*faults, "the bytes of the connections are not known")
    if sent < params.upload_ratio * received:
        faults.append(f"sent {sent:,} is under {params.upload_ratio:g} times received {received:,} bytes")
    if not params.least_bytes * transferred <= sent <= params.most_bytes * transferred:
        faults.append(f"sent {sent:,} bytes, but the sessions transferred {transferred:,}")
    return tuple(faults)


def _evidence(sessions: tuple[BackupSession, ...], strength: str, **change: object) -> Evidence:
    facts = tuple(
        Fact(
            name="backup session",
            written_by="us",
            source=f"backup sessions: {s.job}",
            as_of=s.ended,
            value=f"{s.host} to {s.repository}, {s.started:%Y-%m-%d %H:%M} to {s.ended:%H:%M} UTC, "
            f"{s.transferred_bytes:,} bytes",
        )
        for s in sessions[:5]
    )
    return Evidence.model_validate(
        {
            "rule": "backup_agent",
            "role": "explanation",
            "leans": "benign",
            "strength": strength,
            "facts": facts,
            "would_change": "a backup session of this host that covers these connections would close it"
            if strength != "conclusive"
            else "connections outside the session would reopen it",
            **change,
        }
    )


def _unproven(enriched: EnrichedDetection, here: list[tuple[BackupSession, Enrichment]]) -> Evidence | None:
    """A session of a machine that the source only claims to be: it is said, and explains nothing."""
    if not here:
        return None
    session, source = here[0][0], enriched.detection.src_ip
    proof = f"no inventory entry proves that {source} is {session.host}"
    return _evidence(
        (session,),
        "hint",
        missing=(proof,),
        reason=f"a session of {session.host} (job {session.job}) stores at this destination; {proof}",
        would_change=f"a record that {session.host} held {source} all the time (hosts.csv: hostname, addresses, since, "
        "until; [enrichers.NAME] hosts) would let the session count",
    )


def _unasked(enriched: EnrichedDetection, params: Params, claimed: bool) -> Evidence | None:
    """The sessions could not be read, and what was sent could be a backup: then nobody may say it is none.

    ``claimed``: sessions to this repository exist for the name that the machine gives itself; only the host
    inventory can say whether it is that machine.
    """
    failed = enriched.failed("backup_sessions") or (enriched.failed("host") if claimed else ())
    sent, received = enriched.detection.total_bytes_sent, enriched.detection.total_bytes_rcvd
    if not failed or (sent is not None and received is not None and sent < params.upload_ratio * received):
        return None
    return Evidence(
        rule="backup_agent",
        role="explanation",
        leans="benign",
        strength="hint",
        reason=f"it may be a backup: its sessions cannot be read ({failed[0].unavailable})",
        missing=("the backup server's sessions for this host, proven to be this host",),
        waiting_on=(failed[0].enricher,),
        would_change="a backup session of this host that covers these connections would close it",
    )
