"""The timeline is a well-formed SVG with a bar and a title an hour, shading what was scheduled."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupSession, Enrichment, ScheduledWindow
from playbook.model.observable import Observable
from playbook.model.traffic import HourOfTraffic
from playbook.report.timeline import MOST_BARS, Shade, draw, shades, step_of
from tests.playbook.report.hostile import HOSTILE
from tests.support.builders import DAY, at

WINDOW = TimeWindow(start=DAY, end=at(24))
NS = "{http://www.w3.org/2000/svg}"


def rects(svg: str, css: str) -> list[ElementTree.Element]:
    return [r for r in ElementTree.fromstring(svg).iter(f"{NS}rect") if css in (r.get("class") or "").split()]


def titles(svg: str, css: str) -> list[str]:
    return [r.findtext(f"{NS}title") or "" for r in rects(svg, css)]


def an_hour(hour: float, connections: int = 10, octets: int | None = 500) -> HourOfTraffic:
    return HourOfTraffic(hour=at(hour), connections=connections, bytes_sent=octets, bytes_rcvd=octets)


def test_one_bar_an_hour_with_a_title():
    svg = draw((an_hour(0), an_hour(1, 20)), WINDOW)
    assert titles(svg, "tl-conns") == ["2026-11-23 00:00 UTC: 10 connections", "2026-11-23 01:00 UTC: 20 connections"]
    assert titles(svg, "tl-bytes")[0] == "2026-11-23 00:00 UTC: 1 kB"
    first, second = rects(svg, "tl-conns")
    assert float(second.get("height")) == pytest.approx(2 * float(first.get("height")), abs=0.2)


def test_unknown_bytes_are_marked_and_never_zero():
    svg = draw((an_hour(0, octets=None), an_hour(1)), WINDOW)
    assert titles(svg, "tl-unknown") == ["2026-11-23 00:00 UTC: bytes unknown"]
    assert len(rects(svg, "tl-bytes")) == 1
    assert "bytes: unknown" in draw((an_hour(0, octets=None),), WINDOW)


def test_no_hours_is_no_picture():
    assert draw((), WINDOW) == ""


def test_traffic_outside_the_window_is_not_drawn():
    assert len(rects(draw((an_hour(0), an_hour(30), an_hour(-3)), WINDOW), "tl-conns")) == 1


@pytest.mark.parametrize("days", [1, 7, 8, 60, 20_000])
def test_a_long_window_has_a_bounded_number_of_bars_and_loses_no_connection(days):
    window = TimeWindow(start=DAY, end=DAY + timedelta(days=days))
    hours = tuple(an_hour(n, 1) for n in range(min(days, 60) * 24))
    svg = draw(hours, window)
    drawn = titles(svg, "tl-conns")
    assert len(drawn) <= MOST_BARS + 1
    assert sum(int(t.split(": ")[1].split()[0].replace(",", "")) for t in drawn) == len(hours)
    assert (step_of(window) == timedelta(hours=1)) == (days <= 8)


def test_windows_and_sessions_become_shades_once():
    host = Observable(kind="host", value="db-02", role="source")
    window = ScheduledWindow(kind="test", name="load", window=TimeWindow(start=at(2), end=at(4)))
    session = BackupSession(host="db-02", job="n", repository="r", started=at(1), ended=at(1), transferred_bytes=1)
    said = Enrichment(enricher="w", topic="windows", observable=host, answers=(window, session))
    found = shades((said, said))
    assert [(s.kind, s.start) for s in found] == [("session", at(1)), ("test", at(2))]
    svg = draw((an_hour(0),), WINDOW, found)
    test, session_drawn = rects(svg, "tl-test")[0], rects(svg, "tl-session")[0]
    assert float(session_drawn.get("width")) >= 3
    hour = (960 - 60 - 8) / 24
    assert float(test.get("x")) == pytest.approx(60 + 2 * hour, abs=0.1)
    assert float(test.get("width")) == pytest.approx(2 * hour, abs=0.1)


def test_a_shade_outside_the_window_is_not_drawn():
    outside = Shade(kind="backup", name="x", start=at(30), end=at(31))
    assert not rects(draw((an_hour(0),), WINDOW, (outside,)), "tl-backup")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    svg = draw((an_hour(0),), WINDOW, (Shade(kind="backup", name=name, start=at(1), end=at(2)),), name)
    tags = {element.tag.removeprefix(NS) for element in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "title", "rect", "text", "line"}


@pytest.mark.parametrize(
    ("hour", "length", "labels"),
    [
        (-1, 25, ["11-23", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "11-24"]),
        (0, 24, ["11-23", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00", "14:00", "16:00"]),
        (5, 7 * 24, ["11-24", "11-25", "11-26", "11-27", "11-28", "11-29", "11-30"]),
    ],
)
def test_labels_stand_at_whole_steps_from_midnight_with_their_unit(hour, length, labels):
    start = DAY + timedelta(hours=hour)
    svg = draw((an_hour(hour, 1), an_hour(hour + 2, 1)), TimeWindow(start=start, end=start + timedelta(hours=length)))
    ticks = re.findall(r'class="tl-tick" text-anchor="(?:middle|start|end)">([^<]*)<', svg)
    times = [one for one in ticks if re.fullmatch(r"\d\d:\d\d|\d\d-\d\d", one)]
    assert times[: len(labels)] == labels and "UTC" in ticks
    assert "connections an hour" in svg and "bytes an hour, both directions" in svg
