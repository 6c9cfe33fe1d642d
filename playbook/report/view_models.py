"""What a page of the report shows, worked out from the run: plain values, no markup."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from playbook.model.case import Case, JudgedDetection, Run
from playbook.model.detection import Detection, TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.measurement import Measurement
from playbook.model.response import Step
from playbook.report.raw_events import ShowRaw
from playbook.report.sanitize import count, plain, several, size, utc
from playbook.report.timeline import LEGEND, Shade, draw, shades

_CASE_ID = re.compile(r"C-[0-9a-f]{12}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_LONG = timedelta(days=14)
_PLURALS = frozenset({"hosts", "days"})


def page_name(case_id: str) -> str:
    """The file name of a case's page; an id of another form is hashed, so that it can never be a path."""
    if _CASE_ID.fullmatch(case_id):
        return f"{case_id}.html"
    return f"C-{hashlib.sha256(case_id.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}.html"


def pages_by_host(run: Run) -> dict[str, str]:
    """Page name per lower-case host name and address of every case."""
    found: dict[str, str] = {}
    for case in run.cases:
        for name in (case.host, *case.addresses):
            found.setdefault(name.lower(), page_name(case.case_id))
    return found


@dataclass(frozen=True)
class OtherHost:
    """Another host of ours that touched the destination; ``page`` is "" when it has no case."""

    host: str
    page: str


@dataclass(frozen=True)
class AnswerView:
    """One enrichment as words."""

    who: str
    about: str
    words: tuple[str, ...]
    enrichment: Enrichment

    @property
    def tells(self) -> bool:
        """Whether there is anything to read: an answer, why there is none, or what was left out of it."""
        return bool(self.words or self.enrichment.unavailable or self.enrichment.warning)


@dataclass(frozen=True)
class DetectionView:
    """One detection as its section shows it; ``svg`` is "" when no hour is known, ``raw`` None when there is no way."""

    judged: JudgedDetection
    detection: Detection
    columns: tuple[tuple[str, str], ...]
    svg: str
    legend: tuple[tuple[str, str, str], ...]
    names: tuple[str, ...] | None
    others: tuple[OtherHost, ...]
    hosts_using: int | None
    raw: str | None
    said: tuple[AnswerView, ...]

    @property
    def answered(self) -> tuple[AnswerView, ...]:
        """What says something, also why there is no answer."""
        return tuple(one for one in self.said if one.tells)

    @property
    def silent(self) -> tuple[tuple[str, str], ...]:
        """Of each thing that was asked about: who knows nothing of it, with the topics."""
        by_about: dict[str, dict[str, list[str]]] = {}
        for one in self.said:
            if not one.tells:
                by_about.setdefault(one.about, {}).setdefault(one.who, []).append(one.enrichment.topic)
        return tuple(
            (about, ", ".join(f"{who} ({', '.join(topics)})" for who, topics in by_who.items()))
            for about, by_who in by_about.items()
        )


def columns(detection: Detection) -> tuple[tuple[str, str], ...]:
    """The columns of the detection, in their order, as text; unknown bytes say so."""
    return (
        ("hostname", detection.hostname or "(none in the log)"),
        ("src_ip", detection.src_ip),
        ("dst_ip", detection.dst_ip),
        ("dst_port", str(detection.dst_port)),
        ("connections", count(detection.connections)),
        ("hourly_buckets", str(detection.hourly_buckets)),
        ("avg_per_hour", f"{detection.avg_per_hour:.1f}"),
        ("avg_bytes_per_conn", count(detection.avg_bytes_per_conn)),
        ("irc_port", str(detection.irc_port)),
        ("beaconing_score", str(detection.beaconing_score)),
        ("total_bytes_sent", size(detection.total_bytes_sent)),
        ("total_bytes_rcvd", size(detection.total_bytes_rcvd)),
        ("processes", ", ".join(detection.processes) or "(none in the log)"),
        ("first_seen", utc(detection.first_seen, seconds=True)),
        ("last_seen", utc(detection.last_seen, seconds=True)),
    )


def _word(value: Any) -> str:
    if isinstance(value, Mapping) and {"start", "end"} <= value.keys():
        return f"{edge(value['start'])} to {edge(value['end'])}"
    if isinstance(value, datetime):
        return utc(value.astimezone(UTC))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        more = f" and {len(value) - 6} more" if len(value) > 6 else ""
        return ", ".join(_word(item) for item in value[:6]) + more
    return plain(value, 200)


def answer_words(answer: Any) -> str:
    """The fields of one answer that hold something: ``asn 64500 · organisation Example Hosting``."""
    fields = answer.model_dump()
    kind = fields.pop("answer").replace("_", " ")
    told = [f"{name.replace('_', ' ')} {_word(v)}" for name, v in fields.items() if v not in (None, "", (), [])]
    return f"{kind}: {' · '.join(told)}"


def edge(moment: datetime) -> str:
    """The start or end of a period; the far ends that stand for "always" are called no limit."""
    return "no limit" if moment.year <= _FIRST_YEAR or moment.year >= _LAST_YEAR else utc(moment)


def split_measured(all_of_them: tuple[Measurement, ...]) -> tuple[tuple[Measurement, ...], tuple[str, ...]]:
    """What was measured, or read but covered too little; and the names of what nobody could tell, with the reason."""
    read = tuple(m for m in all_of_them if m.value is not None)
    unknown = tuple(
        f"{m.name} ({m.source}{': ' + m.detail if m.detail else ''})" for m in all_of_them if m.value is None
    )
    return read, unknown


def measured(measurement: Measurement) -> str:
    """The value with its unit, or that it is unknown and why."""
    value = measurement.value
    if value is None:
        return "unknown"
    text = ("yes" if value else "no") if isinstance(value, bool) else _quantity(value, measurement.unit)
    return text if measurement.known is not None else f"unknown (its log covers too little; read {text})"


def _quantity(value: float, unit: str) -> str:
    """A share ("of attempts") in per cent, and one of a kind in the singular."""
    if unit.startswith("of ") and unit != "of 1":
        return f"{value * 100:.3g} % {unit}"
    number = f"{value:,.4g}"
    return f"{number} {unit.removesuffix('s') if value == 1 and unit in _PLURALS else unit}".strip()


def _window(run: Run, detection: Detection) -> TimeWindow:
    """The run's window, or the detection's own days when the run spans more than two weeks."""
    if run.window.end - run.window.start <= _LONG:
        return run.window
    return TimeWindow(start=detection.first_seen - timedelta(hours=1), end=detection.last_seen + timedelta(hours=1))


def _legend(found: tuple[Shade, ...], window: TimeWindow) -> tuple[tuple[str, str, str], ...]:
    lines: list[tuple[str, str, str]] = []
    for shade in found:
        if shade.end >= window.start and shade.start < window.end:
            letter, meaning = LEGEND[shade.kind]
            lines.append((shade.kind, letter, f"{meaning} {shade.name}, {utc(shade.start)} to {utc(shade.end)}"))
    return tuple(lines)


def _names(judged: JudgedDetection) -> tuple[str, ...] | None:
    traffic = judged.enriched.traffic
    if traffic is None or traffic.names is None:
        return None
    return tuple(
        f"{plain(n.name, 200)} ({n.by}{'' if n.by == 'dns' or n.backed else ', not backed by a DNS answer'})"
        for n in traffic.names
    )


def detection_view(run: Run, judged: JudgedDetection, pages: dict[str, str], show_raw: ShowRaw) -> DetectionView:
    """Everything that one detection's section shows."""
    enriched, found = judged.enriched, judged.enriched.detection
    traffic, window, scheduled = enriched.traffic, _window(run, found), shades(enriched.enrichments)
    title = f"Connections and bytes per hour, {enriched.host} to {found.dst_ip} port {found.dst_port}"
    return DetectionView(
        judged=judged,
        detection=found,
        columns=columns(found),
        svg=draw(traffic.hourly if traffic else (), window, scheduled, title),
        legend=_legend(scheduled, window),
        names=_names(judged),
        hosts_using=traffic.hosts_using if traffic else None,
        raw=show_raw(found),
        others=tuple(OtherHost(h, pages.get(h.lower(), "")) for h in (traffic.other_hosts if traffic else ())),
        said=tuple(
            AnswerView(
                e.enricher,
                f"{e.observable.kind} {plain(e.observable.value, 120)}",
                tuple(answer_words(a) for a in e.answers),
                e,
            )
            for e in enriched.enrichments
        ),
    )


def _address_of(step: Step) -> str:
    """The destination address in a step's target: ``src>dst:port`` for a pair, the target itself for an address."""
    if step.kind != "block_pair":
        return step.target
    return step.target.rpartition(">")[2].rpartition(":")[0].strip("[]")


def blast_radius(case: Case, step: Step) -> str:
    """Who else would feel the step, as far as the window's traffic tells."""
    if step.kind == "isolate_host":
        return "everything this host does; no other host"
    address = _address_of(step)
    used = [
        d.enriched.traffic.hosts_using
        for d in case.detections
        if d.enriched.detection.dst_ip == address and d.enriched.traffic and d.enriched.traffic.hosts_using
    ]
    talking = (
        f"{several(max(used), 'host')} of ours used {address} in this window"
        if used
        else (f"how many of our hosts use {address} is unknown")
    )
    reach = "this host only" if step.kind == "block_pair" else "every host of ours"
    return f"{reach}; {talking}"
