"""An observable: one typed thing in a detection that an enricher can be asked about."""

from typing import Literal

from playbook.model import Value
from playbook.model.detection import Detection

ObservableKind = Literal["host", "address", "domain", "process"]
Role = Literal["source", "destination"]


class Observable(Value):
    """``value`` is lower case; ``role`` says on which side of the connection it stood."""

    kind: ObservableKind
    value: str
    role: Role


def observables_of(detection: Detection, host: str, names: tuple[str, ...] = ()) -> tuple[Observable, ...]:
    """The host, both addresses, the destination's names and the process names of a detection, without repeats."""
    found = [
        Observable(kind="host", value=host.lower(), role="source"),
        Observable(kind="address", value=detection.src_ip, role="source"),
        Observable(kind="address", value=detection.dst_ip, role="destination"),
        *(Observable(kind="domain", value=name.lower().rstrip("."), role="destination") for name in names if name),
        *(Observable(kind="process", value=name.lower(), role="source") for name in detection.processes if name),
    ]
    return tuple(dict.fromkeys(found))
