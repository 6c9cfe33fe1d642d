"""The backup schedule names this host or its role, and the connections lie in that window and mostly send."""

from fnmatch import fnmatchcase

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import ScheduledWindow
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_RECORD = (
    "the backup server's session of this host (backup_sessions.csv: host, job, repository, started, ended, bytes; "
    "[enrichers.NAME] sessions) or a declared job (backup_jobs.yaml; [enrichers.NAME] jobs)"
)


class Params(Value):
    """``least_share`` of the connections in the window, and how many times what it received the host must send."""

    least_share: float = Field(default=0.9, gt=0, le=1)
    upload_ratio: float = Field(default=3.0, ge=1)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, strong but never complete: a schedule says what was planned, not what ran. Silent without such an entry.

    A pattern or a name that nobody proves is a hint: it says the same, and stands in no conviction's way.
    """
    windows = [w for w, _ in enriched.answers(ScheduledWindow, "source") if w.kind == "backup" and w.written_by == "us"]
    proven = [w for w in windows if _is_proven(w, enriched)]
    named = proven or [w for w in windows if _is_claimed(w, enriched)]
    if not named:
        return None
    share = enriched.share_within(w.window for w in named)
    doubts = _doubts(enriched, params, share, named[0], bool(proven))
    covered = "at unknown times" if share is None else f"{int(share * 100)}% of the connections lie in it"
    return Evidence(
        rule="scheduled_backup",
        role="explanation",
        leans="benign",
        strength="hint" if doubts else "strong",
        missing=(*doubts, _RECORD),
        reason=f"backup window {named[0].name} names this host, {covered}; a window alone closes nothing: {doubts[0]}"
        if doubts
        else f"it looks like the scheduled backup {named[0].name}: {covered}, and it sent "
        f"{_times(enriched)} times what it received",
        facts=tuple(
            Fact(
                name="backup window",
                value=f"{w.name}: {w.window.start:%Y-%m-%d %H:%M} to {w.window.end:%H:%M} UTC",
                source="calendar",
                written_by="us",
                as_of=w.window.end,
            )
            for w in named[:3]
        ),
        would_change=f"{_RECORD} would close it",
    )


def _is_proven(window: ScheduledWindow, enriched: EnrichedDetection) -> bool:
    """Whether the entry names, exactly or by its role, the machine that an inventory proves to be the source."""
    if enriched.holder is None:
        return False
    by_name = {host.lower() for host in window.hosts} & enriched.proven_names
    return bool(by_name) or bool({_role(one) for one in window.roles} & enriched.roles)


def _is_claimed(window: ScheduledWindow, enriched: EnrichedDetection) -> bool:
    names = {enriched.host.lower(), enriched.host.lower().partition(".")[0], *enriched.proven_names}
    return any(fnmatchcase(name, host.lower()) for host in window.hosts for name in names)


def _role(text: str) -> str:
    return "_".join(text.lower().replace("-", " ").replace("_", " ").split())


def _doubts(
    enriched: EnrichedDetection, params: Params, share: float | None, window: ScheduledWindow, proven: bool
) -> tuple[str, ...]:
    """Why the schedule is not even strong evidence, the nearest first."""
    sent, received = enriched.detection.total_bytes_sent, enriched.detection.total_bytes_rcvd
    source, host = enriched.detection.src_ip, enriched.host
    if any(sign in name for name in window.hosts for sign in "*?["):
        identity = "its entry is a pattern, and a host name is what its owner makes it"
    else:
        identity = (
            f"no inventory entry proves that {source} is {host} (hosts.csv: hostname, addresses, since, until; "
            "[enrichers.NAME] hosts)"
        )
    known = sent is not None and received is not None
    return tuple(
        fault
        for fault, stands in (
            (identity, not proven),
            ("the times of the connections are not known", share is None),
            (f"under {params.least_share:.0%} of the connections", share is not None and share < params.least_share),
            ("the bytes of the connections are not known", not known),
            (
                f"sent {sent or 0:,} is under {params.upload_ratio:g} times received {received or 0:,} bytes",
                known and (sent or 0) < params.upload_ratio * (received or 0),
            ),
        )
        if stands
    )


def _times(enriched: EnrichedDetection) -> str:
    sent, received = enriched.detection.total_bytes_sent or 0, enriched.detection.total_bytes_rcvd or 0
    return f"{sent / received:.1f}" if received else "any number of"
