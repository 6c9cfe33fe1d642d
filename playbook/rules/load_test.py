"""A runner of ours was testing, in its scheduled window, against a target that is ours."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import OwnedDestination, ScheduledWindow
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """``roles`` that may run tests; ``least_share`` of the connections that a test window must cover."""

    roles: tuple[str, ...] = ("runner", "qa")
    least_share: float = Field(default=0.9, gt=0, le=1)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, load test. Silent for any host that no inventory calls a runner; a runner outside its job is no test."""
    role = next((r for r in params.roles if r in enriched.roles), None)
    if role is None:
        return _unasked(enriched)
    windows = tuple(
        w
        for w, by in enriched.answers(ScheduledWindow, "source")
        if w.kind == "test" and w.written_by == "us" and {h.lower() for h in w.hosts} & enriched.proven_names
    )
    owned, windows = _owned(enriched, windows)
    share = enriched.share_within(w.window for w in windows) if windows else 0.0
    failed = (*enriched.failed("windows"), *enriched.failed("owned"))
    contradicted = not failed and share is not None and share < params.least_share
    missing = tuple(
        fault
        for fault, stands in (
            ("the times of the connections are not known", share is None),
            (f"a test window that covers {params.least_share:.0%} of the connections", contradicted or bool(failed)),
            ("a destination that we own or declared as a target", owned is None),
        )
        if stands
    )
    contradicted = contradicted or (owned is None and not failed)
    complete = not missing and not contradicted
    return Evidence(
        rule="load_test",
        role="explanation",
        leans="benign",
        strength="conclusive" if complete else "hint" if contradicted else "strong",
        missing=missing,
        contradicted=contradicted,
        explains_hunt=complete,
        waiting_on=() if complete else tuple(e.enricher for e in failed[:1]),
        reason=_reason(role, windows, owned, share),
        facts=_facts(enriched, role, windows, owned),
        would_change="traffic outside the window or to another destination would reopen it"
        if complete
        else "a test window of this runner against this destination would close it",
    )


def _owned(
    enriched: EnrichedDetection, windows: tuple[ScheduledWindow, ...]
) -> tuple[str | None, tuple[ScheduledWindow, ...]]:
    """The destination's name in an administrator's list, and the windows in which it may be tested.

    A name counts only when our resolver answered for it. A target that only a window declares is one in that window.
    """
    places = {enriched.detection.dst_ip, *enriched.backed_names}
    for owned, by in enriched.answers(OwnedDestination, "destination"):
        if by.observable.value in places:
            return owned.name, windows
    aimed = tuple(w for w in windows if places & {t.lower() for t in w.targets})
    return (aimed[0].name, aimed) if aimed else (None, windows)


def _reason(role: str, windows: tuple[ScheduledWindow, ...], owned: str | None, share: float | None) -> str:
    if not windows:
        return f"the source is a {role}, but no test was scheduled for it: a {role} outside its job explains nothing"
    covered = "at unknown times" if share is None else f"{share:.0%} of the connections in window"
    where = f"target {owned}" if owned else "the destination is not a declared target"
    return f"{role} in test {windows[0].name}: {covered}, {where}"


def _facts(
    enriched: EnrichedDetection, role: str, windows: tuple[ScheduledWindow, ...], owned: str | None
) -> tuple[Fact, ...]:
    found = [Fact(name="role", value=f"{enriched.host} is a {role}", source="host inventory", written_by="us")]
    found += [
        Fact(
            name="test window",
            value=f"{w.name}: {w.window.start:%Y-%m-%d %H:%M} to {w.window.end:%H:%M} UTC",
            source="calendar",
            written_by="us",
            as_of=w.window.end,
        )
        for w in windows[:3]
    ]
    if owned:
        found.append(Fact(name="target", value=owned, source="declared destinations", written_by="us"))
    return tuple(found)


def _unasked(enriched: EnrichedDetection) -> Evidence | None:
    """No role known because the inventory failed, and the destination is or may be a declared target: then wait."""
    failed = enriched.failed("host")
    claimed = tuple(w for w, _ in enriched.answers(ScheduledWindow, "source") if w.kind == "test")
    target = _owned(enriched, claimed)[0] or enriched.failed("owned") or enriched.failed("windows")
    if not failed or not target:
        return None
    return Evidence(
        rule="load_test",
        role="explanation",
        leans="benign",
        strength="hint",
        reason=f"it may be a test of ours: the host inventory could not be read ({failed[0].unavailable})",
        missing=("the role of the source host",),
        waiting_on=(failed[0].enricher,),
    )
