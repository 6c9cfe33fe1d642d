"""An administrator declared this client's backup: this program, on this host, to this repository, of this size."""

from pydantic import Field

from playbook.model import Value
from playbook.model.address import parse, within
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import BackupJob, ListEntry
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_SHARED = frozenset({"cdn", "cloud", "shared", "resolver"})


class Params(Value):
    """Ratios of DESIGN's byte test against the declared daily volume."""

    least_share: float = Field(default=0.9, gt=0, le=1)
    upload_ratio: float = Field(default=3.0, ge=1)
    least_bytes: float = Field(default=0.5, gt=0)
    most_bytes: float = Field(default=2.0, gt=0)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, client-driven backup. Silent when no declared job of this host stores at this destination."""
    jobs = [
        job
        for job, enrichment in enriched.answers(BackupJob, "source")
        if enrichment.observable.value in enriched.proven_names and _stores_there(job, enriched)
    ]
    if not jobs:
        return None
    missing, job = min(((_missing(job, enriched, params), job) for job in jobs), key=lambda pair: len(pair[0]))
    share = None if job.always else enriched.share_within(job.windows)
    contradicted = share is not None and share < params.least_share
    complete = not missing and not contradicted
    return Evidence(
        rule="declared_backup", role="explanation", leans="benign",
        strength="conclusive" if complete else "hint" if contradicted else "strong",
        missing=missing, contradicted=contradicted,
        reason=f"declared backup job {job.job} of {job.owner or 'an administrator'} stores at this destination"
        + (f"; not settled: {'; '.join(missing)}" if missing else ""),
        facts=(
            Fact(
                name="declared job", written_by="us", source=f"backup jobs: {job.job}",
                value=f"{job.host}, {job.product or 'client'}, {job.daily_bytes:,} bytes a day, review by "
                f"{job.review_by or 'no date'}",
            ),
        ),
        would_change="meeting what is not settled would close it" if not complete
        else "another program, destination or volume would reopen it",
    )


def _stores_there(job: BackupJob, enriched: EnrichedDetection) -> bool:
    address = parse(enriched.detection.dst_ip)
    places = {r.lower().rstrip(".") for r in job.repositories}
    if places & set(enriched.backed_names):
        return True
    shared = any(entry.category in _SHARED for entry, _ in enriched.answers(ListEntry, "destination"))
    if enriched.detection.dst_ip in places and not shared:
        return True
    return address is not None and within(address, job.vendor_networks)


def _missing(job: BackupJob, enriched: EnrichedDetection, params: Params) -> tuple[str, ...]:
    return tuple(
        fault
        for fault in (_program(job, enriched), _volume(job, enriched, params), _time(job, enriched, params),
                      _review(job, enriched))
        if fault
    )


def _program(job: BackupJob, enriched: EnrichedDetection) -> str:
    if not job.sha256 and not job.signer:
        return "the job declares neither signer nor hash"
    for owner in enriched.owners:
        if job.sha256 and owner.sha256.lower() == job.sha256.lower():
            return ""
        if job.signer and owner.signed and owner.signer == job.signer:
            return ""
    if not enriched.owners:
        return "no process inventory says which program owns these connections"
    return "the program that owns these connections is not the declared one"


def _volume(job: BackupJob, enriched: EnrichedDetection, params: Params) -> str:
    sent, received = enriched.detection.total_bytes_sent, enriched.detection.total_bytes_rcvd
    if sent is None or received is None:
        return "the bytes of the connections are not known"
    if sent < params.upload_ratio * received:
        return f"sent {sent:,} is under {params.upload_ratio:g} times received {received:,} bytes"
    declared = job.daily_bytes * enriched.days
    if not params.least_bytes * declared <= sent <= params.most_bytes * declared:
        return f"sent {sent:,} bytes in {enriched.days} day(s), declared {declared:,}"
    return ""


def _time(job: BackupJob, enriched: EnrichedDetection, params: Params) -> str:
    if job.always:
        return ""
    share = enriched.share_within(job.windows)
    if share is None:
        return "the times of the connections are not known"
    return "" if share >= params.least_share else f"only {share:.0%} of the connections lie in the job's window"


def _review(job: BackupJob, enriched: EnrichedDetection) -> str:
    if job.review_by is None:
        return "the job has no review date"
    return "" if enriched.site.now.date() <= job.review_by else f"the job's review was due on {job.review_by}"
