"""Windows and owned destinations from windows.yaml: fixed, cron and iCalendar, with daylight-saving changes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.calendar import Calendar, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, ScheduledWindow
from playbook.model.observable import Observable
from playbook.model.site import Site

SITE = Site(now=datetime(2026, 3, 20, tzinfo=UTC))


def span(start: str, end: str) -> TimeWindow:
    return TimeWindow(start=datetime.fromisoformat(start + "Z"), end=datetime.fromisoformat(end + "Z"))


MARCH = span("2026-03-02T00:00", "2026-03-09T00:00")

GOOD = """
timezone: Europe/Prague
windows:
  - {kind: test, name: "checkout soak", hosts: [runner-01], targets: ["203.0.113.40"],
     from: 2026-03-02T09:00:00+01:00, to: 2026-03-02T15:00:00+01:00}
  - {kind: backup, name: nightly, hosts: [FS-01.corp.example], cron: "0 1 * * 2", duration: 3h}
  - {kind: maintenance, name: patching, from: 2026-03-04 20:00:00, to: 2026-03-04 22:00:00}
owned:
  - {name: staging, targets: ["203.0.113.40", "Staging.example.net", "198.51.100.0/28", ".lab.example.net"]}
"""


def calendar(folder: Path, text: str, ics: str | None = None) -> Calendar:
    (folder / "windows.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    if ics is not None:
        body = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:t\n{ics}\nEND:VCALENDAR\n"
        (folder / "team.ics").write_bytes(body.replace("\n", "\r\n").encode())
    return connect("cal", Settings(path=Path("windows.yaml")), SITE, folder)


def ask(enricher: Calendar, observable: Observable, window: TimeWindow = MARCH) -> Enrichment:
    (answer,) = enricher.look_up([observable], window)
    return answer


def host(name: str) -> Observable:
    return Observable(kind="host", value=name, role="source")


def named(answer: Enrichment) -> list[tuple[str, TimeWindow]]:
    return [(one.name, one.window) for one in answer.answers if isinstance(one, ScheduledWindow)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("runner-01", ["checkout soak", "patching"]),
        ("runner-01.corp.example", ["checkout soak", "patching"]),
        ("runner-011", ["patching"]),
        ("fs-01", ["nightly", "patching"]),
        ("fs-01.corp.example", ["nightly", "patching"]),
        ("fs-01.evil.example", ["patching"]),
    ],
)
def test_a_window_answers_for_the_hosts_it_names_or_for_all(tmp_path: Path, asked: str, found: list[str]) -> None:
    assert [name for name, _ in named(ask(calendar(tmp_path, GOOD), host(asked)))] == found


def test_windows_are_utc_and_carry_their_targets(tmp_path: Path) -> None:
    first, second = ask(calendar(tmp_path, GOOD), host("runner-01")).answers
    assert isinstance(first, ScheduledWindow)
    assert isinstance(second, ScheduledWindow)
    assert first.window == span("2026-03-02T08:00", "2026-03-02T14:00")
    assert (first.kind, first.hosts, first.targets, first.written_by) == (
        "test", ("runner-01",), ("203.0.113.40",), "us",
    )
    assert second.window == span("2026-03-04T19:00", "2026-03-04T21:00")
    assert named(ask(calendar(tmp_path, GOOD), host("fs-01")))[0][1] == span("2026-03-03T00:00", "2026-03-03T03:00")


def test_half_open_at_both_ends_of_the_asked_window(tmp_path: Path) -> None:
    enricher = calendar(tmp_path, GOOD)
    assert named(ask(enricher, host("runner-01"), span("2026-03-02T14:00", "2026-03-02T15:00"))) == []
    assert named(ask(enricher, host("runner-01"), span("2026-03-02T07:00", "2026-03-02T08:00"))) == []
    assert len(named(ask(enricher, host("runner-01"), span("2026-03-02T13:59", "2026-03-02T15:00")))) == 1


@pytest.mark.parametrize(
    ("kind", "value", "matched"),
    [
        ("address", "203.0.113.40", "203.0.113.40"),
        ("address", "::ffff:203.0.113.40", "203.0.113.40"),
        ("address", "198.51.100.15", "198.51.100.0/28"),
        ("domain", "staging.example.net", "staging.example.net"),
        ("domain", "a.lab.example.net", ".lab.example.net"),
        ("address", "203.0.113.41", None),
        ("address", "198.51.100.16", None),
        ("domain", "a.staging.example.net", None),
        ("domain", "notlab.example.net", None),
        ("domain", "staging.example.net.evil.example", None),
        ("address", "nonsense", None),
    ],
)
def test_owned_destinations(tmp_path: Path, kind: str, value: str, matched: str | None) -> None:
    asked = Observable.model_validate({"kind": kind, "value": value, "role": "destination"})
    answer = ask(calendar(tmp_path, GOOD), asked)
    assert answer.topic == "owned"
    assert [getattr(one, "matched", "") for one in answer.answers] == ([matched] if matched else [])


def test_sources_and_processes_get_no_answer(tmp_path: Path) -> None:
    others = [
        Observable(kind="address", value="203.0.113.40", role="source"),
        Observable(kind="process", value="x", role="source"),
    ]
    assert calendar(tmp_path, GOOD).look_up(others, MARCH) == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('{kind: test, name: x, cron: "H 1 * * *", duration: 1h}', "Jenkins H"),
        ('{kind: test, name: x, cron: "0 0 31 2 *", duration: 1h}', "ever fires"),
        ('{kind: test, name: x, cron: "0 1 * * *"}', "expected exactly one of"),
        ('{kind: test, name: x, cron: "0 1 * * *", duration: 1:30}', "expected a duration"),
        ('{kind: test, name: x, cron: "0 1 * * *", duration: 1h, timezone: Mars/X}', "unknown time zone"),
        ('{kind: test, name: x, cron: "0 1 * * *", duration: 1h, timezone: ../../etc/passwd}', "unknown time zone"),
        ("{kind: test, name: x}", "expected exactly one of"),
        ("{kind: test, name: x, from: 2026-03-02T09:00:00Z}", "expected exactly one of"),
        ("{kind: test, name: x, from: 2026-03-02T09:00:00Z, to: 2026-03-02T09:00:00Z}", "to must be after from"),
        ("{kind: test, name: x, from: 2026-03-02T09:00:00Z, to: 2028-03-02T09:00:00Z}", "at most 366 days"),
        ("{kind: holiday, name: x, from: 2026-03-02T09:00:00Z, to: 2026-03-02T10:00:00Z}", "kind"),
        ("{kind: test, name: x, form: 2026-03-02T09:00:00Z, to: 2026-03-02T10:00:00Z}", "form"),
        ("just text", "row"),
        ("[1, 2]", "row"),
    ],
)
def test_a_bad_entry_is_named_and_the_others_count(tmp_path: Path, entry: str, reason: str) -> None:
    text = GOOD.replace("owned:", f"  - {entry}\nowned:")
    answer = ask(calendar(tmp_path, text), host("fs-01"))
    assert len(answer.answers) == 2
    assert "1 row left out: windows.yaml windows 4: " in answer.warning
    assert reason in answer.warning


@pytest.mark.parametrize("target", ["0.0.0.0/0", "10.0.0.0/8", ".com", "com", "a b", "::/0", "203.0.113.40/24x"])
def test_an_owned_target_that_covers_too_much_is_refused(tmp_path: Path, target: str) -> None:
    text = GOOD + f'  - {{name: wide, targets: ["{target}"]}}\n'
    answer = ask(calendar(tmp_path, text), Observable(kind="domain", value="evil.com", role="destination"))
    assert answer.answers == ()
    assert "windows.yaml owned 2: targets" in answer.warning


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("windows: [", "windows.yaml:1: not YAML"),
        ("a: &a [1]\nb: *a\n", "aliases are not accepted"),
        ("windows: []\nwindows: []\n", "key 'windows' twice"),
        ("window: []\n", "expected the keys"),
        ("", "expected the keys"),
        ("windows: {a: b}\n", "expected lists"),
        ("timezone: Nowhere/Land\nwindows: []\n", "timezone"),
        ("windows: [{kind: test}]\n", "none of its 1 rows"),
        ("!!python/object/apply:os.system ['true']\n", "not YAML"),
        ("[" * 5000, "nested too deeply"),
        ("windows: \udcff", "not YAML"),
        ("#" * (2**20 + 1), "larger than 1 MB"),
    ],
)
def test_a_file_that_cannot_be_used_is_unavailable(tmp_path: Path, text: str, reason: str) -> None:
    enricher = calendar(tmp_path, text)
    answer = ask(enricher, host("runner-01"))
    assert reason in (answer.unavailable or "")
    assert "windows.yaml" in (answer.unavailable or "")
    assert not enricher.check()[0].ok


def test_a_missing_file_is_unavailable(tmp_path: Path) -> None:
    enricher = connect("cal", Settings(path=Path("none.yaml")), SITE, tmp_path)
    assert "none.yaml: cannot be read" in (ask(enricher, host("x")).unavailable or "")


ICAL = '\nwindows:\n  - {kind: test, name: team, hosts: [runner-01], ical: team.ics}\n'
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


def test_a_cron_that_fires_too_often_for_the_window_leaves_its_host_unanswered(tmp_path: Path) -> None:
    text = "timezone: UTC\nwindows:\n  - {kind: test, name: x, hosts: [a], cron: '* * * * *', duration: 1m}\n"
    answer = ask(calendar(tmp_path, text), host("a"), span("2020-01-01T00:00", "2026-01-01T00:00"))
    assert "fires more than" in (answer.unavailable or "")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_any_text_gives_answers_or_a_reason(tmp_path: Path, text: str) -> None:
    enricher = calendar(tmp_path, text.encode("utf-8", "replace").decode(), text.encode("utf-8", "replace").decode())
    assert ask(enricher, host("x")).answers == ()
    enricher = calendar(tmp_path, ICAL, text.encode("utf-8", "replace").decode())
    answer = ask(enricher, host("runner-01"))
    assert answer.answers == () or answer.unavailable is None


@pytest.mark.parametrize("rule", [
    "FREQ=HOURLY", "FREQ=HOURLY;INTERVAL=7", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "FREQ=DAILY;BYHOUR=1,13", "FREQ=DAILY;COUNT=3000",
    "FREQ=DAILY;UNTIL=20260310T000000Z",
])
def test_a_rule_from_long_ago_gives_what_the_whole_expansion_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    prague = ";TZID=Europe/Prague:"
    ics = event(f"DTSTART{prague}20190102T013000", f"DTEND{prague}20190102T020000", f"RRULE:{rule}")
    near = named(ask(calendar(tmp_path, ICAL, ics), host("runner-01")))
    monkeypatch.setattr("connectors.calendar.ical.near", lambda events, window: list(events))
    assert near == named(ask(calendar(tmp_path, ICAL, ics), host("runner-01"))) != []


@pytest.mark.parametrize("more", [
    "RRULE:FREQ=HOURLY;COUNT=2000000", "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,6,12,18",
    "RDATE:" + ",".join(f"2026{m:02}{d:02}T{h:02}{n:02}00" for m in range(1, 9) for d in range(1, 29)
                        for h in range(24) for n in (0, 30)),
], ids=["count", "monthly", "listed"])
def test_an_event_that_asks_for_too_much_work_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("connectors.calendar.ical.recurring_ical_events.of", asked.append)
    ics = event("DTSTART:19010101T000000Z", "DTEND:19010101T001000Z", more)
    answer = ask(calendar(tmp_path, ICAL, ics), host("runner-01"))
    assert "more than 50000 occurrences" in answer.unavailable and "let its rule begin later" in answer.unavailable
    assert not asked
