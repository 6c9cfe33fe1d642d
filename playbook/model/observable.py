"""An observable: one typed thing in a detection that an enricher can be asked about."""

from functools import lru_cache
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

    def __hash__(self) -> int:
        # A key of every look-up, and pydantic's own hash takes four times as long.
        return hash((self.kind, self.value, self.role))


def observables_of(detection: Detection, host: str, names: tuple[str, ...] = ()) -> tuple[Observable, ...]:
    """The host, both addresses, the destination's names and the process names of a detection, without repeats."""
    found = [
        _observable("host", host.lower(), "source"),
        _observable("address", detection.src_ip, "source"),
        _observable("address", detection.dst_ip, "destination"),
        *(_observable("domain", name.lower().rstrip("."), "destination") for name in names if name),
        *(_observable("process", name.lower(), "source") for name in detection.processes if name),
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=65536)
def _observable(kind: ObservableKind, value: str, role: Role) -> Observable:
    """The same value each time: detections share their destinations, and identity is the quick equality."""
    return Observable(kind=kind, value=value, role=role)
