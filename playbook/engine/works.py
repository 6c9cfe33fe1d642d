"""What the workflows run over: the record, the outside, the door to more workflows, the clock and the terms."""

from collections.abc import Callable
from dataclasses import dataclass, field

from playbook.cases.recording import Filing
from playbook.contain import Outfit
from playbook.engine.door import Door
from playbook.model.case import Case, Run
from playbook.model.detection import TimeWindow
from playbook.ports import DetectionSource, Notifier, TicketDesk


@dataclass(frozen=True)
class Works:
    """Wired once by whoever starts a worker.

    ``run`` is one run of the detection over a window (None: the source's own); ``report`` renders a case for its
    ticket. Each may be None: then nothing is detected by itself, nothing attached.
    """

    outfit: Outfit
    door: Door
    source: DetectionSource | None = None
    desks: tuple[TicketDesk, ...] = ()
    notifiers: tuple[Notifier, ...] = ()
    run: Callable[[TimeWindow | None], Run] | None = None
    filing: Filing | None = None
    report: Callable[[Case], bytes] | None = field(default=None)
