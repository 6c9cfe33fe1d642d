"""What is measured of the names behind a destination: whether there are any, and whether the protocol names one."""

from collections.abc import Sequence

from playbook.model.detection import Detection
from playbook.model.measurement import Measurement
from playbook.model.traffic import HostTraffic, NamedBy, TupleTraffic, Unnamed

_HOUR = 3600
_SHOWN = 50
_LONGEST = 80


def share_covered(detection: Detection, covered: frozenset[int]) -> float:
    """Share of the hours from first to last connection (epoch hours) in which a log tells something."""
    first, last = (int(t.timestamp()) // _HOUR for t in (detection.first_seen, detection.last_seen))
    if not covered:
        return 0.0
    return round(sum(hour in covered for hour in range(first, last + 1)) / (last - first + 1), 4)


def nameless(
    detection: Detection, own: TupleTraffic | None, host: HostTraffic | None, conn: frozenset[int]
) -> Measurement:
    """Whether no name leads there, in the hours (``conn``: those with connections) in which look-ups are visible."""
    look_ups = host.look_ups if host else None
    value, coverage, detail = None, 0.0, "no DNS log that tells of this source"
    if own is not None and own.names is not None and look_ups is not None:
        detail = look_ups.detail
        if look_ups.visible and look_ups.web_visible:
            value = None if own.names_cut else _without_name(own.names)
            coverage = share_covered(detection, conn - frozenset(look_ups.hidden_hours))
            detail = _told(own.names) or detail
    return Measurement(name="nameless", value=value, coverage=coverage, source="DNS, TLS and HTTP logs", detail=detail)


def unnamed_by_protocol(own: TupleTraffic | None, conn: float) -> tuple[Measurement, ...]:
    """HTTP requests and TLS handshakes of the tuple: how many, and the share that names no host."""
    counted = (own.unnamed if own else None) or Unnamed()
    kinds = (
        ("requests", "HTTP requests", "HTTP log", counted.requests, counted.requests_unnamed),
        ("handshakes", "TLS handshakes", "TLS log", counted.handshakes, counted.handshakes_unnamed),
    )
    found: list[Measurement] = []
    for name, what, source, many, bare in kinds:
        share = round(bare / many, 4) if many else None
        found += [
            Measurement(name=name, value=many or None, unit=what, coverage=conn, source=source),
            Measurement(name=f"unnamed_{name}", value=share, unit=f"of the {what}", coverage=conn, source=source),
        ]
    return tuple(found)


def _without_name(names: Sequence[NamedBy]) -> bool | None:
    """Whether no name leads there; unknown when only a server that nobody declared as a resolver says that one does."""
    if any(n.backed for n in names):
        return False
    return None if any(n.by == "dns" for n in names) else True


def _told(names: Sequence[NamedBy]) -> str:
    texts = {f"{_short(n.name)} ({n.by}{'' if n.backed else ', unbacked'})" for n in names[:_SHOWN]}
    return ", ".join(sorted(texts)[:5])


def _short(name: str) -> str:
    """A name that the host chose, at most 80 characters: it stands in a sentence."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
