"""The per-hour timeline of one detection as a self-contained SVG: connections, bytes, and what was scheduled."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from math import ceil
from typing import Literal

from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupSession, Enrichment, ScheduledWindow
from playbook.model.traffic import HourOfTraffic
from playbook.report.sanitize import plain, size, utc

HOUR = timedelta(hours=1)
MOST_BARS = 192
_WIDTH, _LEFT, _RIGHT = 960, 60, 8
_TOP, _PANEL, _GAP, _FOOT = 42, 96, 30, 26
_HEIGHT = _TOP + _PANEL + _GAP + _PANEL + _FOOT

ShadeKind = Literal["backup", "session", "test", "maintenance"]
LEGEND: dict[ShadeKind, tuple[str, str]] = {
    "backup": ("B", "backup window"),
    "session": ("S", "backup session"),
    "test": ("T", "test window"),
    "maintenance": ("M", "maintenance window"),
}


class Shade(Value):
    """One scheduled interval to shade behind the bars; ``end`` may equal ``start``."""

    kind: ShadeKind
    name: str
    start: datetime
    end: datetime


def shades(enrichments: Iterable[Enrichment]) -> tuple[Shade, ...]:
    """Every scheduled window and backup session that an enricher named, in time order, without repeats."""
    found: set[Shade] = set()
    for answer in (answer for enrichment in enrichments for answer in enrichment.answers):
        if isinstance(answer, ScheduledWindow):
            found.add(Shade(kind=answer.kind, name=answer.name, start=answer.window.start, end=answer.window.end))
        elif isinstance(answer, BackupSession):
            found.add(Shade(kind="session", name=answer.job, start=answer.started, end=answer.ended))
    return tuple(sorted(found, key=lambda s: (s.start, s.end, s.kind, s.name)))


@dataclass(frozen=True)
class _Bar:
    start: datetime
    connections: int
    octets: int | None


@dataclass(frozen=True)
class _Axis:
    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _total(hour: HourOfTraffic) -> int | None:
    if hour.bytes_sent is None and hour.bytes_rcvd is None:
        return None
    return (hour.bytes_sent or 0) + (hour.bytes_rcvd or 0)


def _bars(hourly: Sequence[HourOfTraffic], axis: _Axis, step: timedelta) -> tuple[_Bar, ...]:
    """One bar per step that had traffic; its bytes are unknown as soon as those of one hour in it are."""
    groups: dict[int, list[HourOfTraffic]] = {}
    for hour in hourly:
        if axis.start <= hour.hour < axis.end:
            groups.setdefault((hour.hour - axis.start) // step, []).append(hour)
    bars: list[_Bar] = []
    for index, hours in sorted(groups.items()):
        totals = [_total(hour) for hour in hours]
        known = [total for total in totals if total is not None]
        bars.append(
            _Bar(
                axis.start + index * step,
                sum(h.connections for h in hours),
                sum(known) if len(known) == len(totals) else None,
            )
        )
    return tuple(bars)


def _nice(most: float) -> int:
    """The smallest of 1, 2, 5 times a power of ten that is at least ``most``: the top of an axis."""
    top = 1
    while True:
        for factor in (1, 2, 5):
            if top * factor >= most:
                return top * factor
        top *= 10


def _text(x: float, y: float, words: str, css: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(words)}</text>'


def _drawn(css: str, x: float, y: float, width: float, height: float, title: str) -> str:
    return (
        f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _panel(bars: Sequence[_Bar], axis: _Axis, step: timedelta, base: float, of_bytes: bool) -> list[str]:
    """One panel standing on ``base``: its grid, its bars with a title each, unknown bytes as an outlined stub."""
    heights = [bar.octets if of_bytes else bar.connections for bar in bars]
    top = _nice(max((h for h in heights if h is not None), default=1) or 1)
    label: Callable[[int], str] = size if of_bytes else "{:,}".format
    known = any(height is not None for height in heights)
    unit = "an hour" if step == HOUR else f"in {step // HOUR} hours"
    head = (f"bytes {unit}, both directions" if known else "bytes: unknown") if of_bytes else f"connections {unit}"
    parts = [_text(_LEFT, base - _PANEL - 8, head, "tl-head")]
    for share in (0.5, 1.0):
        y = base - share * _PANEL
        parts.append(f'<line class="tl-grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if known and (share == 1.0 or top > 1):
            parts.append(_text(_LEFT - 6, y + 4, label(int(top * share)), "tl-tick", "end"))
    parts.append(f'<line class="tl-base" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>')
    for bar, height in zip(bars, heights, strict=True):
        left, right = axis.x(bar.start), axis.x(bar.start + step)
        gap = min(2.0, (right - left) * 0.2)
        left, wide = left + gap / 2, right - left - gap
        when = f"{utc(bar.start)} UTC"
        if height is None:
            parts.append(_drawn("tl-unknown", left, base - 8, wide, 8, f"{when}: bytes unknown"))
            continue
        tall = max(height / top * _PANEL, 1.0 if height else 0.0)
        what = size(height) if of_bytes else f"{height:,} connections"
        css = "tl-bytes" if of_bytes else "tl-conns"
        parts.append(_drawn(css, left, base - tall, wide, tall, f"{when}: {what}"))
    return parts


def _shading(found: Iterable[Shade], axis: _Axis) -> list[str]:
    parts: list[str] = []
    for shade in found:
        if shade.end < axis.start or shade.start >= axis.end:
            continue
        left, right = axis.x(shade.start), axis.x(shade.end)
        width = max(right - left, 3.0)
        letter, meaning = LEGEND[shade.kind]
        title = f"{meaning} {plain(shade.name, 80)}: {utc(shade.start)} to {utc(shade.end)} UTC"
        parts.append(_drawn(f"tl-shade tl-{shade.kind}", left, _TOP, width, _HEIGHT - _TOP - _FOOT, title))
        across = left + 2 + 13 * list(LEGEND).index(shade.kind)
        parts.append(_text(min(across, _WIDTH - 12), 14, letter, f"tl-mark tl-mark-{shade.kind}"))
    return parts


def _ticks(axis: _Axis) -> list[str]:
    """About twelve labels at whole steps from midnight: hours of the day, and the date at midnight."""
    hours = (axis.end - axis.start) / HOUR
    every = next((n for n in (1, 2, 3, 6, 12, 24, 48, 168) if hours / n <= 12), ceil(hours / 12 / 24) * 24)
    first = axis.start + timedelta(hours=-int(axis.start.timestamp() // 3600) % every)
    parts: list[str] = []
    for index in range(int((axis.end - first) / HOUR // every) + 1):
        moment = first + index * every * HOUR
        x = axis.x(moment)
        anchor = "middle" if _LEFT + 20 < x < _WIDTH - 24 else "start" if x < _WIDTH / 2 else "end"
        parts.append(_text(x, _HEIGHT - 8, moment.strftime("%H:%M" if moment.hour else "%m-%d"), "tl-tick", anchor))
    return parts


def step_of(window: TimeWindow) -> timedelta:
    """The time one bar stands for: an hour, or more when the window has more than 192 hours."""
    return max(1, ceil((window.end - _floor(window.start)) / HOUR / MOST_BARS)) * HOUR


def draw(hourly: Sequence[HourOfTraffic], window: TimeWindow, found: Iterable[Shade] = (), title: str = "") -> str:
    """An SVG element of the window (UTC), a bar per hour in two panels; "" when no hour is known.

    ``found`` is shaded behind the bars. The text in it is escaped; the colours come from the page's style sheet.
    """
    if not hourly:
        return ""
    step = step_of(window)
    start = _floor(window.start)
    axis = _Axis(start, start + max(1, ceil((window.end - start) / step)) * step)
    bars = _bars(hourly, axis, step)
    first = _TOP + _PANEL
    parts = [
        *_shading(found, axis),
        *_panel(bars, axis, step, first, of_bytes=False),
        *_panel(bars, axis, step, first + _GAP + _PANEL, of_bytes=True),
        *_ticks(axis),
        _text(_LEFT - 6, _HEIGHT - 8, "UTC", "tl-tick", "end"),
    ]
    name = escape(plain(title or "Connections and bytes per hour", 200), quote=True)
    return (
        f'<svg class="timeline" role="img" aria-label="{name}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{name}</title>{"".join(parts)}</svg>'
    )
