"""What the workflows run over: the record, the outside, the door to more workflows, the clock and the terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from playbook.cases.schedules import ScheduledJob
from playbook.model.case import Case
from playbook.ports import DetectionSource, Notifier, TicketDesk
from playbook.workflows.client import WorkflowClient
from playbook.workflows.executor import ExecutionContext


@dataclass(frozen=True)
class WorkflowContext:
    """Wired once by whoever starts a worker. ``sources`` by name are asked again near the end of an isolation.

    ``errands`` are carried out when they are due: ``carry`` runs the one of this name as of a moment and files it, and
    gives the requests that were asked (raises PlaybookError when the source gave nothing). ``report`` renders a case
    for its ticket; with None nothing is attached. ``take_alerts`` judges and files alerts that wait, as the holder of
    this name, and says how many it took. ``anchor_trail`` keeps the head of the audit trail outside the record.
    """

    outfit: ExecutionContext
    door: WorkflowClient
    sources: Mapping[str, DetectionSource] = field(default_factory=lambda: MappingProxyType({}))
    desks: tuple[TicketDesk, ...] = ()
    notifiers: tuple[Notifier, ...] = ()
    errands: tuple[ScheduledJob, ...] = ()
    carry: Callable[[str, datetime], tuple[str, ...]] | None = None
    report: Callable[[Case], bytes] | None = field(default=None)
    take_alerts: Callable[[str], int] | None = field(default=None)
    anchor_trail: Callable[[], int] | None = field(default=None)
