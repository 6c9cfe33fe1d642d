"""Raw traffic of a detection -> measured evidence; the only place where traffic becomes numbers, for every source."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from playbook.model.detection import Detection
from playbook.model.measurement import Measurement
from playbook.model.traffic import HostTraffic, LogKind, Traffic, TupleTraffic
from playbook.triage.beacon_score import DAY, HOUR, Regularity, regularity
from playbook.triage.measure_host import of_host
from playbook.triage.measure_names import nameless, share_covered, unnamed_by_protocol

_WINDOW_STEP = 6 * HOUR


def measure(detection: Detection, traffic: Traffic) -> tuple[Measurement, ...]:
    """Every measurement of one detection; what the source could not tell has value null and says why."""
    own = next((t for t in traffic.tuples if t.detection_id == detection.detection_id), None)
    host = next((h for h in traffic.hosts if h.src_ip == detection.src_ip), None)
    return measure_one(detection, own, host, hours_by_kind(traffic), traffic)


def hours_by_kind(traffic: Traffic) -> Mapping[LogKind, frozenset[int]]:
    """The covered hours of each kind of log as epoch hours."""
    return {c.kind: frozenset(int(h.timestamp()) // HOUR for h in c.hours) for c in traffic.coverage}


def measure_one(
    detection: Detection,
    own: TupleTraffic | None,
    host: HostTraffic | None,
    hours: Mapping[LogKind, frozenset[int]],
    traffic: Traffic,
) -> tuple[Measurement, ...]:
    """As ``measure``, with this detection's traffic and the coverage already looked up (for many detections)."""
    conn = share_covered(detection, hours.get("conn", frozenset()))
    return (
        _beacon_score(detection, own, hours.get("conn", frozenset()), conn),
        *_unanswered(own, conn),
        nameless(detection, own, host, hours.get("conn", frozenset())),
        *unnamed_by_protocol(own, conn),
        *_prevalence(own, traffic, conn),
        *_novelty(detection, own, traffic, conn),
        *of_host(detection, host, conn, share_covered(detection, hours.get("dns", frozenset()))),
        Measurement(
            name="longest_connection",
            value=own.longest_s if own else None,
            unit="s",
            coverage=conn,
            source="connection log",
        ),
    )


def _beacon_score(detection: Detection, own: TupleTraffic | None, covered: frozenset[int], share: float) -> Measurement:
    if own is None or not own.start_times or own.sizes is None or len(own.sizes) != len(own.start_times):
        return Measurement(
            name="beacon_score",
            value=None,
            coverage=0.0,
            source="connection log",
            detail="start times or sizes are not known",
        )
    per_hour = _per_hour(own)
    best = (
        _best_day(own.start_times, own.sizes, covered)
        if per_hour is None
        else _last_day(own.start_times, own.sizes, covered, per_hour)
    )
    if best is None:
        return Measurement(
            name="beacon_score",
            value=None,
            coverage=share,
            source="connection log",
            detail="fewer than 4 distinct start times in any 24 hours",
        )
    if not own.starts_complete and per_hour is None:
        # The best day needs a day: of a week, the newest starts are enough when they span that.
        needed = min(float(DAY), max(1.0, (detection.last_seen - detection.first_seen).total_seconds()))
        share = round(min(share, (own.start_times[-1] - own.start_times[0]) / needed), 4)
    return Measurement(
        name="beacon_score",
        value=best.score,
        unit="of 1",
        coverage=share,
        source="connection log",
        detail=(
            f"intervals {best.intervals:.2f}, sizes {best.sizes:.2f}, "
            f"hourly shape {best.shape:.2f}, duration {best.duration:.2f}; median interval {best.median_gap:g} s"
        ),
    )


def _per_hour(own: TupleTraffic) -> Mapping[int, int] | None:
    """All connections by epoch hour where the start times kept do not span a day; else None: they tell it all."""
    spanned = own.start_times is not None and own.start_times[-1] - own.start_times[0] >= DAY
    if own.starts_complete or not own.hourly or spanned:
        return None
    return {int(h.hour.timestamp()) // HOUR: h.connections for h in own.hourly if h.connections}


def _last_day(
    times: Sequence[int], sizes: Sequence[int], covered: frozenset[int], per_hour: Mapping[int, int]
) -> Regularity | None:
    """The 24 hours that end with the newest connection: more calls than are kept must not hide their own rhythm."""
    return regularity(times, sizes, (times[-1] // HOUR + 1) * HOUR - DAY, covered, per_hour) if per_hour else None


def _best_day(times: Sequence[int], sizes: Sequence[int], covered: frozenset[int]) -> Regularity | None:
    """The best 24-hour window; windows start at the first connection's hour and move by 6 hours."""
    first, last = times[0] // HOUR * HOUR, times[-1]
    starts = [first] if last - first < DAY else range(first, last - DAY + _WINDOW_STEP + 1, _WINDOW_STEP)
    found = [regularity(times, sizes, start, covered) for start in starts]
    scored = [r for r in found if r is not None]
    return max(scored, key=lambda r: r.score) if scored else None


def _unanswered(own: TupleTraffic | None, coverage: float) -> tuple[Measurement, Measurement]:
    share = hours = None
    if own is not None and own.attempts and own.unanswered is not None:
        share, hours = round(own.unanswered / own.attempts, 4), own.unanswered_hours
    source = "connection states"
    return (
        Measurement(name="unanswered_share", value=share, unit="of attempts", coverage=coverage, source=source),
        Measurement(name="unanswered_hours", value=hours, unit="h", coverage=coverage, source=source),
    )


def _prevalence(own: TupleTraffic | None, traffic: Traffic, coverage: float) -> tuple[Measurement, ...]:
    using, answered = (own.hosts_using, own.hosts_answered) if own else (None, None)
    if own is not None and own.hosts_returning is not None:
        answered = own.hosts_returning
    active = traffic.active_hosts
    share = round(answered / active, 4) if answered is not None and active else None
    detail = "" if share is not None else "it is not told how many of our hosts speak with this destination"
    return tuple(
        Measurement(name=name, value=value, unit=unit, coverage=coverage, source="connection log", detail=detail)
        for name, value, unit in (
            ("hosts_using", using, "hosts"),
            ("hosts_answered", answered, "hosts"),
            ("active_hosts", active, "hosts"),
            ("prevalence", share, "of hosts"),
        )
    )


def _novelty(
    detection: Detection, own: TupleTraffic | None, traffic: Traffic, coverage: float
) -> tuple[Measurement, ...]:
    age = None
    if own is not None and own.destination_first_seen is not None:
        age = round((detection.last_seen - own.destination_first_seen) / timedelta(days=1), 2)
    return (
        Measurement(name="destination_age", value=age, unit="days", coverage=coverage, source="connection log"),
        Measurement(
            name="history", value=traffic.history_days, unit="days", coverage=coverage, source="connection log"
        ),
    )
