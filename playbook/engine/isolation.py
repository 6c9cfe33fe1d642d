"""An isolation near its end: look for its host's beaconing again; it never ends by time, a person ends it."""

from datetime import datetime, timedelta

from playbook.cases import containments as kept
from playbook.cases import record
from playbook.cases.containments import Contained
from playbook.engine.works import Works
from playbook.errors import ConnectorError

_LEAD = timedelta(minutes=10)


def near_its_end(found: Contained, now: datetime) -> bool:
    """Whether an isolation ends within ten minutes, or within a tenth of a shorter TTL."""
    lead = min(_LEAD, timedelta(seconds=found.step.ttl_s / 10))
    return (
        found.step.kind == "isolate_host" and found.state in ("active", "extending") and not found.release_by
        and found.until is not None and found.until - lead <= now
    )


def why_kept(works: Works, key: str) -> str:
    """Run the detection again for the host of this isolation; why it is kept, "" when it is none near its end."""
    with works.outfit.store.reading() as conn:
        found = kept.contained(conn, key)
        case = record.case_of(conn, found.case_id) if found is not None else None
        receipts = kept.receipts_of(conn, key)
    if found is None or case is None or not near_its_end(found, works.outfit.now()):
        return ""
    isolated = max((r.at for r in receipts if r.action == "contain" and r.ok), default=found.created_at)
    if works.source is None:
        return "no source is configured that could say whether it still beacons"
    try:
        fetched = works.source.fetch(None)
    except ConnectorError as fault:
        return f"{works.source.name} did not answer, so nobody knows whether it still beacons: {fault}"
    last = max((
        d.last_seen for one in fetched for d in one.detections
        if (d.host_text == case.host or d.src_ip in case.addresses) and d.last_seen > isolated
    ), default=None)
    if last is not None:
        return f"still beaconing, last seen {last:%Y-%m-%d %H:%M} UTC"
    if not fetched or not all(one.health.complete for one in fetched):
        return f"{works.source.name} answered in part only, so nobody knows whether it still beacons"
    return f"no beaconing since {isolated:%Y-%m-%d %H:%M} UTC: a person decides; release it with: release {key}"
