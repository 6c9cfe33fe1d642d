"""Whether what a SIEM says is an answer to what was asked: of the asked time, each row once, and readable.

A page that is served twice, another search's result or a type that changed would else look like a whole answer.
"""

from collections.abc import Sequence
from datetime import timedelta

from connectors.sources._siem.coverage import Read
from playbook.model.detection import Detection, TimeWindow

# Clocks of devices run ahead or behind, and a connection may have begun long before its log line.
_SLACK = timedelta(days=1)


def fitting(found: Sequence[Detection], read: Read[object], window: TimeWindow) -> tuple[tuple[Detection, ...], str]:
    """The detections that belong to ``window``, each once, and why others may be missing ("" when none is)."""
    inside = [d for d in found if window.start - _SLACK <= d.last_seen <= window.end + _SLACK]
    once = tuple(dict.fromkeys(inside))
    faults = []
    if len(inside) < len(found):
        faults.append(f"{len(found) - len(inside)} rows are of another time than was asked for")
    if len(once) < len(inside):
        faults.append(f"{len(inside) - len(once)} rows came twice, so that others may be missing")
    if read.rejected and not read.values:
        faults.append(f"none of the {read.rejected} rows could be read")
    return once, "; ".join(faults)
