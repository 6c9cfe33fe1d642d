"""Calendar files in iCalendar form: recurrences, zones, what is refused."""

from pathlib import Path

import pytest

from tests.support.calendars import GOOD, ICAL, ask, calendar, host, named, span

NIGHTLY = """BEGIN:VEVENT
UID:1
SUMMARY:nightly
DTSTART;TZID=%s:20260301T013000
DTEND;TZID=%s:20260301T033000
RRULE:FREQ=DAILY
%s
END:VEVENT"""


def event(start: str, end: str, *more: str) -> str:
    return "\n".join(["BEGIN:VEVENT", "UID:x", "SUMMARY:soak", start, end, *more, "END:VEVENT"])


@pytest.mark.parametrize("zone", ["America/New_York", "Eastern Standard Time"])
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-07", [("2026-03-07T06:30", "2026-03-07T08:30")]),
        ("2026-03-08", [("2026-03-08T06:30", "2026-03-08T07:30")]),
        ("2026-11-01", [("2026-11-01T05:30", "2026-11-01T08:30")]),
        ("2026-03-10", []),
        ("2026-03-11", [("2026-03-11T05:30", "2026-03-11T07:30")]),
    ],
)
def test_a_recurring_event_follows_the_clocks_of_its_zone(
    tmp_path: Path, zone: str, day: str, expected: list[tuple[str, str]]
) -> None:
    ics = NIGHTLY % (zone, zone, f"EXDATE;TZID={zone}:20260310T013000")
    answer = ask(calendar(tmp_path, ICAL, ics), host("runner-01"), span(f"{day}T00:00", f"{day}T23:00"))
    assert [window for _, window in named(answer)] == [span(*pair) for pair in expected]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("DTSTART:20260303T100000", "DTEND:20260303T110000", ("2026-03-03T09:00", "2026-03-03T10:00")),
        ("DTSTART;VALUE=DATE:20260303", "DTEND;VALUE=DATE:20260305", ("2026-03-02T23:00", "2026-03-04T23:00")),
        ("DTSTART:20260303T100000Z", "DURATION:PT90M", ("2026-03-03T10:00", "2026-03-03T11:30")),
        ("DTSTART:20260301T220000Z", "DTEND:20260302T020000Z", ("2026-03-01T22:00", "2026-03-02T02:00")),
    ],
)
def test_one_event(tmp_path: Path, start: str, end: str, expected: tuple[str, str]) -> None:
    text = "timezone: Europe/Prague" + ICAL
    assert named(ask(calendar(tmp_path, text, event(start, end)), host("runner-01"))) == [("team", span(*expected))]


def test_an_event_that_ended_yesterday_is_no_window(tmp_path: Path) -> None:
    ics = event("DTSTART:20260301T100000Z", "DTEND:20260302T000000Z")
    assert named(ask(calendar(tmp_path, ICAL, ics), host("runner-01"))) == []


def test_a_cancelled_event_is_no_window(tmp_path: Path) -> None:
    ics = event("DTSTART:20260303T100000Z", "DTEND:20260303T110000Z", "STATUS:CANCELLED")
    answer = ask(calendar(tmp_path, ICAL, ics), host("runner-01"))
    assert (answer.answers, answer.unavailable) == ((), None)


@pytest.mark.parametrize(
    ("start", "more", "reason"),
    [
        ("DTSTART:20260303T100000", "", "no time zone; set timezone"),
        ("DTSTART;VALUE=DATE:20260303", "", "no time zone; set timezone"),
        ("DTSTART;TZID=Mars/X:20260303T100000", "", "unknown time zone"),
        ("DTSTART:yesterday", "", "DTSTART is not valid"),
        ("DTSTART:00010101T000000Z", "", "year from 1901"),
        ("DTSTART:20260303T100000Z", "RRULE:FREQ=SECONDLY", "repeats more often"),
        ("DTSTART:20260303T100000Z", "RRULE:FREQ=MINUTELY;INTERVAL=60", "repeats more often"),
        ("DTSTART:20260303T100000Z", "RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("DTSTART:20260303T100000Z", "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "repeats more often"),
        ("DTSTART:20260303T100000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "needs FREQ=MONTHLY"),
        ("DTSTART:20260303T100000Z", "DURATION:P40D", "longer than 31 days"),
    ],
)
def test_an_event_that_is_not_understood_is_named(tmp_path: Path, start: str, more: str, reason: str) -> None:
    good = event("DTSTART:20260304T100000Z", "DTEND:20260304T110000Z").replace("UID:x", "UID:y")
    enricher = calendar(tmp_path, ICAL, event(start, more or "TRANSP:OPAQUE") + "\n" + good)
    answer = ask(enricher, host("runner-01"))
    assert len(answer.answers) == 1
    assert "1 events left out: team.ics: event 'soak'" in answer.warning
    assert reason in answer.warning


def test_a_rule_that_only_expanding_refuses_leaves_its_host_unanswered(tmp_path: Path) -> None:
    ics = event("DTSTART:20260303T100000Z", "DTEND:20260303T110000Z", "RRULE:FREQ=DAILY;COUNT=-1")
    answer = ask(calendar(tmp_path, ICAL, ics), host("runner-01"))
    assert "cannot be expanded" in (answer.unavailable or "")


@pytest.mark.parametrize(
    "raw", [b"", b"junk", b"\xff\xfe\x00", b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", b"BEGIN:VCALENDAR\r\n"]
)
def test_a_calendar_file_that_cannot_be_used_leaves_its_hosts_unanswered(tmp_path: Path, raw: bytes) -> None:
    entry = "  - {kind: test, name: team, hosts: [lap-1], ical: team.ics}\n"
    enricher = calendar(tmp_path, GOOD.replace("owned:", entry + "owned:"))
    (tmp_path / "team.ics").write_bytes(raw)
    assert "team.ics" in (ask(enricher, host("lap-1")).unavailable or "")
    assert len(ask(enricher, host("fs-01")).answers) == 2
    assert [result.ok for result in enricher.check()] == [False, True]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY",
        "FREQ=HOURLY;INTERVAL=7",
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=MO,TH",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE",
        "FREQ=DAILY;BYHOUR=1,13",
        "FREQ=DAILY;COUNT=3000",
        "FREQ=DAILY;UNTIL=20260310T000000Z",
    ],
)
def test_a_rule_from_long_ago_gives_what_the_whole_expansion_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    prague = ";TZID=Europe/Prague:"
    ics = event(f"DTSTART{prague}20190102T013000", f"DTEND{prague}20190102T020000", f"RRULE:{rule}")
    near = named(ask(calendar(tmp_path, ICAL, ics), host("runner-01")))
    monkeypatch.setattr("connectors.enrichers.calendar.ical.near", lambda events, window: list(events))
    assert near == named(ask(calendar(tmp_path, ICAL, ics), host("runner-01"))) != []


@pytest.mark.parametrize(
    "more",
    [
        "RRULE:FREQ=HOURLY;COUNT=2000000",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,6,12,18",
        "RDATE:"
        + ",".join(
            f"2026{m:02}{d:02}T{h:02}{n:02}00"
            for m in range(1, 9)
            for d in range(1, 29)
            for h in range(24)
            for n in (0, 30)
        ),
    ],
    ids=["count", "monthly", "listed"],
)
def test_an_event_that_asks_for_too_much_work_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("connectors.enrichers.calendar.ical.recurring_ical_events.of", asked.append)
    ics = event("DTSTART:19010101T000000Z", "DTEND:19010101T001000Z", more)
    answer = ask(calendar(tmp_path, ICAL, ics), host("runner-01"))
    assert "more than 50000 occurrences" in answer.unavailable and "let its rule begin later" in answer.unavailable
    assert not asked
