"""What is measured of a host beside one detection: floods, scans and failed names, how often they recur and where."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from playbook.detections.languages._external_addresses import UNANSWERED_SHARE
from playbook.model.detection import Detection
from playbook.model.measurement import Measurement
from playbook.model.traffic import Burst, HostTraffic, NameBurst, Spread

# A burst that comes again in this many separate hours is a habit of the machine, not one page or one forger.
_HOURS = 3
_HOUR = 3600
# Failed names are a burst from this share of the distinct names on; chosen after looking at public captures.
FAILED_SHARE = 0.3
_CONNECTIONS = "connection log of the host"
_NAMES = "DNS log of the host"
_PLACES = "destination and port pairs in 15 min"


def of_host(detection: Detection, host: HostTraffic | None, conn: float, dns: float) -> tuple[Measurement, ...]:
    """Every measurement of the host; ``conn`` and ``dns`` are the shares of the time that these logs cover."""
    bursts, spreads, names = (host.bursts, host.spreads, host.name_bursts) if host else (None, None, None)
    return (
        *_flood(detection, bursts, conn),
        *_scan(spreads, conn),
        *_failed_names(names, dns),
        Measurement(
            name="distinct_outside",
            value=host.distinct_outside if host else None,
            unit="addresses",
            coverage=conn,
            source=_CONNECTIONS,
        ),
    )


def _flood(detection: Detection, bursts: Sequence[Burst] | None, coverage: float) -> tuple[Measurement, ...]:
    unit, untold = "connections in 15 min", "it is not told what else the host did"
    if bursts is None:
        names = ("flood", "flood_here", "flood_third_hour")
        return tuple(_measurement(name, None, unit, coverage, _CONNECTIONS, untold) for name in names)
    worst = max(bursts, key=lambda b: b.connections, default=None)
    where = f"to {worst.dst_ip} port {worst.dst_port} from {_clock(worst.start)}" if worst else ""
    here = max((b.connections for b in bursts if b.dst_ip == detection.dst_ip), default=0)
    again = _third_hour((b.start, b.connections) for b in bursts)
    return (
        _measurement("flood", worst.connections if worst else 0, unit, coverage, _CONNECTIONS, where),
        _measurement("flood_here", here, unit, coverage, _CONNECTIONS, "to this destination"),
        _measurement("flood_third_hour", again, unit, coverage, _CONNECTIONS, "in the third busiest hour"),
    )


def _scan(spreads: Sequence[Spread] | None, coverage: float) -> tuple[Measurement, ...]:
    """The widest quarter hour; the share of unanswered pairs goes beside it, for the rule to weigh."""
    widest = max(spreads or (), key=lambda s: (s.unanswered_share >= UNANSWERED_SHARE, s.pairs), default=None)
    empty = 0 if spreads is not None else None
    failures = max((round(s.pairs * s.unanswered_share) for s in spreads), default=0) if spreads else empty
    scans = [(s.start, s.pairs) for s in spreads or () if s.unanswered_share >= UNANSWERED_SHARE]
    again = _third_hour(scans) if spreads is not None else None
    refused = widest.refused_ports_share if widest else empty
    when = f"from {_clock(widest.start)}" if widest else ""
    return (
        _measurement("scan_pairs", widest.pairs if widest else empty, _PLACES, coverage, _CONNECTIONS, when),
        _measurement(
            "scan_unanswered", widest.unanswered_share if widest else empty, "of pairs", coverage, _CONNECTIONS
        ),
        _measurement("scan_failures", failures, f"unanswered {_PLACES}", coverage, _CONNECTIONS),
        _measurement("scan_third_hour", again, _PLACES, coverage, _CONNECTIONS, "in the third widest hour"),
        _measurement("scan_refused_ports", refused, "of pairs to ports that browsers refuse", coverage, _CONNECTIONS),
    )


def _failed_names(bursts: Sequence[NameBurst] | None, coverage: float) -> tuple[Measurement, ...]:
    worst = max(bursts or (), key=lambda b: (_failing(b), b.failed_domains), default=None)
    empty = 0 if bursts is not None else None
    share = worst.failed_names / worst.names if worst and worst.names else empty
    again = None if bursts is None else _third_hour((b.start, b.failed_domains) for b in bursts if _failing(b))
    unit, when = "registered domains in 15 min", f"from {_clock(worst.start)}" if worst else ""
    return (
        _measurement("failed_domains", worst.failed_domains if worst else empty, unit, coverage, _NAMES, when),
        _measurement("failed_names_share", None if share is None else round(share, 4), "of names", coverage, _NAMES),
        _measurement("failed_domains_third_hour", again, unit, coverage, _NAMES, "in the third busiest hour"),
    )


def _failing(burst: NameBurst) -> bool:
    return burst.failed_names >= FAILED_SHARE * burst.names


def _third_hour(counts: Iterable[tuple[datetime, int]]) -> int:
    """The most of a quarter hour in the third busiest separate hour (UTC); 0 when fewer hours had any."""
    by_hour: dict[int, int] = {}
    for start, count in counts:
        hour = int(start.timestamp()) // _HOUR
        by_hour[hour] = max(count, by_hour.get(hour, 0))
    return sorted(by_hour.values(), reverse=True)[_HOURS - 1] if len(by_hour) >= _HOURS else 0


def _measurement(
    name: str, value: float | None, unit: str, coverage: float, source: str, detail: str = ""
) -> Measurement:
    return Measurement(name=name, value=value, unit=unit, coverage=coverage, source=source, detail=detail)


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
