"""What time brings about: silence becomes a no, halves are reminded of, what is due starts, what is done goes."""

from datetime import timedelta

from playbook.cases import containments as kept
from playbook.cases import deadlines, schedules
from playbook.workflows.context import WorkflowContext
from playbook.workflows.isolation import near_its_end

# Finished workflows are kept for a while, for whoever wants to look.
_KEPT = timedelta(hours=1)


def start_runs(works: WorkflowContext) -> int:
    """Start the detection over each source whose time has come, once whoever else looks; how many."""
    now = works.outfit.now()
    with works.outfit.store.reading() as conn:
        due = [one for one in works.errands if schedules.is_due(conn, one, now)]
    return sum(works.door.start_run(one, now) for one in due)


def expire(works: WorkflowContext) -> int:
    """End the requests that nobody answered in time; how many."""
    with works.outfit.store.change() as conn:
        return len(deadlines.expire(conn, works.outfit.now()))


def remind(works: WorkflowContext) -> int:
    """Put a reminder into the outbox for each request past its half time; how many."""
    with works.outfit.store.change() as conn:
        return len(deadlines.remind(conn, works.outfit.now()))


def start_due(works: WorkflowContext) -> int:
    """Start the work that is due: steps not yet carried out, releases, isolations near their end; how many."""
    now = works.outfit.now()
    with works.outfit.store.reading() as conn:
        due = kept.due(conn, now)
        near = [
            one for one in kept.list_containments(conn, ("active", "extending"), limit=10_000) if near_its_end(one, now)
        ]
    work = {("contain_case", one.request_id) for one in due if one.state == "intended"}
    work |= {("release", one.key) for one in due if one.state != "intended" and not near_its_end(one, now)}
    work |= {("reconsider", one.key) for one in near}
    return sum(works.door.start(name, subject) for name, subject in sorted(work))


def forget(works: WorkflowContext) -> int:
    """Delete workflows that finished an hour ago or earlier; how many."""
    return works.door.forget_finished(works.outfit.now() - _KEPT)


def anchor(works: WorkflowContext) -> int:
    """Keep the head of the audit trail outside the record; 1 when it was kept anew."""
    return works.anchor_trail() if works.anchor_trail is not None else 0
