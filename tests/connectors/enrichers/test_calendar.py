"""Windows and owned destinations from windows.yaml: fixed, cron and iCalendar, with daylight-saving changes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.enrichers.calendar import Settings, connect
from playbook.model.enrichment import ScheduledWindow
from playbook.model.observable import Observable
from tests.support.calendars import GOOD, ICAL, MARCH, SITE, ask, calendar, host, named, span
from tests.support.examples import examples


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
        "test",
        ("runner-01",),
        ("203.0.113.40",),
        "us",
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
        ('{kind: backup, name: x, cron: "0 1 * * *", duration: 1h}', "a window for nobody"),
        ('{kind: backup, name: x, hosts: [], cron: "0 1 * * *", duration: 1h}', "expected at least one name"),
        ('{kind: test, name: x, roles: [], cron: "0 1 * * *", duration: 1h}', "expected at least one name"),
        ('{kind: backup, name: x, hosts: ["*"], cron: "0 1 * * *", duration: 1h}', "a letter or digit in it"),
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
        ("[" * 1500, "nest"),
        ("a: 1\rb: 2\rc: [\r", "windows.yaml:3: not YAML"),
        ("a: " + "1:" * 300_000 + "1", "windows.yaml:1: not YAML: a number of more than 100 characters"),
        ("a: 0x" + "f" * 300_000, "a number of more than 100 characters"),
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


def test_a_cron_that_fires_too_often_for_the_window_leaves_its_host_unanswered(tmp_path: Path) -> None:
    text = "timezone: UTC\nwindows:\n  - {kind: test, name: x, hosts: [a], cron: '* * * * *', duration: 1m}\n"
    answer = ask(calendar(tmp_path, text), host("a"), span("2020-01-01T00:00", "2026-01-01T00:00"))
    assert "fires more than" in (answer.unavailable or "")


@examples(30)
@given(st.text(max_size=80))
def test_any_text_gives_answers_or_a_reason(tmp_path: Path, text: str) -> None:
    enricher = calendar(tmp_path, text.encode("utf-8", "replace").decode(), text.encode("utf-8", "replace").decode())
    assert ask(enricher, host("x")).answers == ()
    enricher = calendar(tmp_path, ICAL, text.encode("utf-8", "replace").decode())
    answer = ask(enricher, host("runner-01"))
    assert answer.answers == () or answer.unavailable is None


PATTERNS = """
windows:
  - {kind: backup, name: agents, hosts: ["Veeam-*", "fs-0[1-3]"], cron: "0 1 * * *", duration: 3h}
  - {kind: backup, name: servers, roles: [file_server], cron: "0 3 * * *", duration: 1h}
"""


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("veeam-01", {"agents", "servers"}),
        ("veeam-01.corp.example", {"agents", "servers"}),
        ("fs-02", {"agents", "servers"}),
        ("fs-04", {"servers"}),
        ("notveeam-01", {"servers"}),
    ],
)
def test_a_shell_pattern_names_hosts_and_a_role_is_left_to_the_inventory(
    tmp_path: Path, asked: str, found: set[str]
) -> None:
    assert {name for name, _ in named(ask(calendar(tmp_path, "timezone: UTC" + PATTERNS), host(asked)))} == found
