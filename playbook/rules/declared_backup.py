"""An administrator declared this client's backup: this program, on this host, to this repository, of this size."""

from ipaddress import ip_network

from pydantic import Field

from playbook.model import Value
from playbook.model.address import Network, within
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import BackupJob, ListEntry, SocketOwner
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_SHARED = frozenset({"cdn", "cloud", "shared", "resolver"})


class Params(Value):
    """Ratios of the byte test against the declared daily volume."""

    least_share: float = Field(default=0.9, gt=0, le=1)
    upload_ratio: float = Field(default=3.0, ge=1)
    least_bytes: float = Field(default=0.5, gt=0)
    most_bytes: float = Field(default=2.0, gt=0)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, client-driven backup. Silent when no declared job of this host stores at this destination."""
    here = [(job, by) for job, by in enriched.answers(BackupJob, "source") if _stores_there(job, enriched)]
    jobs = [job for job, by in here if by.observable.value in enriched.proven_names]
    if not jobs:
        return _unasked(enriched, params, claimed=bool(here)) or _unproven(enriched, [job for job, _ in here])
    missing, job = min(((_missing(job, enriched, params), job) for job in jobs), key=lambda pair: len(pair[0]))
    share = None if job.always else enriched.share_within(job.windows)
    known = bool(enriched.owners and (job.sha256 or job.signer))
    strange = known and not any(_declared(owner, job) for owner in enriched.owners)
    contradicted = strange or (share is not None and share < params.least_share)
    complete = not missing and not contradicted
    return Evidence(
        rule="declared_backup",
        role="explanation",
        leans="benign",
        strength="conclusive" if complete else "hint" if contradicted else "strong",
        missing=missing,
        contradicted=contradicted,
        waiting_on=() if contradicted else _waiting_on(job, enriched),
        reason=f"declared backup job {job.job} of {job.owner or 'an administrator'} stores at this destination"
        + (f"; not settled: {'; '.join(missing)}" if missing else ""),
        facts=(
            Fact(
                name="declared job",
                written_by="us",
                source=f"backup jobs: {job.job}",
                value=f"{job.host}, {job.product or 'client'}, {job.daily_bytes:,} bytes a day, review by "
                f"{job.review_by or 'no date'}",
            ),
        ),
        would_change="meeting what is not settled would close it"
        if not complete
        else "another program, destination or volume would reopen it",
    )


def _stores_there(job: BackupJob, enriched: EnrichedDetection) -> bool:
    return _named(job, enriched) or _addressed(job, enriched)


def _named(job: BackupJob, enriched: EnrichedDetection) -> bool:
    return bool({r.lower().rstrip(".") for r in job.repositories} & set(enriched.backed_names))


def _addressed(job: BackupJob, enriched: EnrichedDetection) -> bool:
    """By a dedicated address or the vendor's own network; an address that others share is never a repository."""
    if any(entry.category in _SHARED for entry, _ in enriched.answers(ListEntry, "destination")):
        return False
    address = enriched.destination
    vendor = tuple(network for text in job.vendor_networks if (network := _network(text)) is not None)
    return enriched.detection.dst_ip in job.repositories or (address is not None and within(address, vendor))


def _network(text: str) -> Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _unproven(enriched: EnrichedDetection, here: list[BackupJob]) -> Evidence | None:
    """A declared job of a machine that the source only claims to be: it is said, and explains nothing."""
    if not here:
        return None
    job, source = here[0], enriched.detection.src_ip
    proof = f"no inventory entry proves that {source} is {job.host}"
    return Evidence(
        rule="declared_backup",
        role="explanation",
        leans="benign",
        strength="hint",
        missing=(proof,),
        reason=f"declared backup job {job.job} of {job.host} stores at this destination; {proof}",
        would_change=f"a record that {job.host} held {source} all the time (hosts.csv: hostname, addresses, since, "
        "until; [enrichers.NAME] hosts) would let the job count",
    )


def _unasked(enriched: EnrichedDetection, params: Params, claimed: bool) -> Evidence | None:
    """The jobs could not be read, or not whose machine this is: what was sent could be a declared backup."""
    failed = enriched.failed("backup_jobs") or (enriched.failed("host") if claimed else ())
    sent, received = enriched.detection.total_bytes_sent, enriched.detection.total_bytes_rcvd
    if not failed or (sent is not None and received is not None and sent < params.upload_ratio * received):
        return None
    return Evidence(
        rule="declared_backup",
        role="explanation",
        leans="benign",
        strength="hint",
        reason=f"it may be a declared backup: {failed[0].enricher} could not be read ({failed[0].unavailable})",
        missing=("the declared backup jobs of this host, proven to be this host",),
        waiting_on=(failed[0].enricher,),
        would_change="a declared job of this host with this destination would close it",
    )


def _waiting_on(job: BackupJob, enriched: EnrichedDetection) -> tuple[str, ...]:
    """Who failed and could have completed this job's explanation."""
    topics = (("processes", not enriched.owners), ("lists", not _named(job, enriched)))
    return tuple(dict.fromkeys(e.enricher for topic, needed in topics if needed for e in enriched.failed(topic)[:1]))


def _missing(job: BackupJob, enriched: EnrichedDetection, params: Params) -> tuple[str, ...]:
    return tuple(
        fault
        for fault in (
            _place(job, enriched),
            _program(job, enriched),
            _volume(job, enriched, params),
            _time(job, enriched, params),
            _review(job, enriched),
        )
        if fault
    )


def _place(job: BackupJob, enriched: EnrichedDetection) -> str:
    if _named(job, enriched):
        beside = enriched.names_beside(r.lower().rstrip(".") for r in job.repositories)
        return f"other names lead to the same address ({', '.join(beside[:3])})" if beside else ""
    failed = enriched.failed("lists")
    return f"whether others share the address is not known ({failed[0].unavailable})" if failed else ""


def _program(job: BackupJob, enriched: EnrichedDetection) -> str:
    """Every program with connections there must be the declared one: a bot may share the address with it."""
    if not job.sha256 and not job.signer:
        return "the job declares neither signer nor hash"
    if not enriched.owners:
        return "no process inventory says which program owns these connections"
    strange = next((o.process_name for o in enriched.owners if not _declared(o, job)), None)
    if strange is None and any(o.written_by != "us" for o in enriched.owners):
        return "only an agent that the host can write to says which program owns these connections"
    return "" if strange is None else f"{strange}, which owns connections there, is not the declared program"


def _declared(owner: SocketOwner, job: BackupJob) -> bool:
    by_hash = bool(job.sha256) and owner.sha256.lower() == job.sha256.lower()
    return by_hash or (bool(job.signer) and bool(owner.signed) and owner.signer == job.signer)


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
