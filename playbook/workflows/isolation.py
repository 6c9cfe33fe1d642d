"""An isolation near its end: look for its host's beaconing again; it never ends by time, a person ends it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from playbook.cases import case_rows
from playbook.cases import containments as kept
from playbook.cases.containments import ContainmentRecord
from playbook.errors import ConnectorError
from playbook.model.case import Case
from playbook.ports import DetectionSource
from playbook.workflows.context import WorkflowContext

_LEAD = timedelta(minutes=10)


def near_its_end(found: ContainmentRecord, now: datetime) -> bool:
    """Whether an isolation ends within ten minutes, or within a tenth of a shorter TTL."""
    lead = min(_LEAD, timedelta(seconds=found.step.ttl_s / 10))
    return (
        found.step.kind == "isolate_host"
        and found.state in ("active", "extending")
        and not found.release_by
        and found.until is not None
        and found.until - lead <= now
    )


def why_kept(works: WorkflowContext, key: str) -> str:
    """Run the detection again for the host of this isolation; why it is kept, "" when it is none near its end."""
    with works.outfit.store.reading() as conn:
        found = kept.find(conn, key)
        case = case_rows.case_of(conn, found.case_id) if found is not None else None
        receipts = kept.receipts_of(conn, key)
    if found is None or case is None or not near_its_end(found, works.outfit.now()):
        return ""
    isolated = max((r.at for r in receipts if r.action == "contain" and r.ok), default=found.created_at)
    sources = _who_may_know(works.sources, case)
    if not sources:
        return "no source is configured that could say whether it still beacons"
    said = [_seen_since(source, case, isolated) for source in sources]
    last = max((one for one in said if isinstance(one, datetime)), default=None)
    if last is not None:
        return f"still beaconing, last seen {last:%Y-%m-%d %H:%M} UTC"
    unknown = [one for one in said if isinstance(one, str)]
    if unknown:
        return f"{'; '.join(unknown)}: so nobody knows whether it still beacons"
    return f"no beaconing since {isolated:%Y-%m-%d %H:%M} UTC: a person decides; release it with: release {key}"


def _who_may_know(sources: Mapping[str, DetectionSource], case: Case) -> tuple[DetectionSource, ...]:
    """The sources that raised the case's detections; every one when one of those is not configured any more."""
    raised = {one.enriched.detection.source for one in case.detections}
    chosen = raised if raised and raised <= set(sources) else set(sources)
    return tuple(sources[name] for name in sorted(chosen))


def _seen_since(source: DetectionSource, case: Case, isolated: datetime) -> datetime | str | None:
    """When this source last saw the host beaconing since it was isolated, why it cannot tell, or None for silence."""
    try:
        fetched = source.fetch(None)
    except ConnectorError as fault:
        return f"{source.name} did not answer ({fault})"
    last = max(
        (
            d.last_seen
            for one in fetched
            for d in one.detections
            if (d.host_text == case.host or d.src_ip in case.addresses) and d.last_seen > isolated
        ),
        default=None,
    )
    if last is None and (not fetched or not all(one.health.complete for one in fetched)):
        return f"{source.name} answered in part only"
    return last
