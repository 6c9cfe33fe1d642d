"""Text is made safe to show, and numbers are shown as a person reads them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.report.sanitize import altered, count, duration, endpoint, named, plain, several, size, utc
from tests.playbook.report.hostile import HOSTILE
from tests.support.builders import at


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("ws-01", "ws-01"),
        ("Büro Köln", "Büro Köln"),
        ("пример 例え", "пример 例え"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jclear", "clear"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("a\u2066b\u2069c\u061cd", "abcd"),
        ("a\nb\r\nc\td", "a b c d"),
        ("nul\x00", "nul"),
        ("zero\u200bwidth\u00ad\ufeff", "zerowidth"),
        ("\u3164\u2800x", "x"),
        ("\ud800x", "x"),
        ("a\u00a0b\u3000c", "a b c"),
    ],
)
def test_plain(raw, shown):
    assert plain(raw) == shown
    assert altered(raw) == (raw != shown)


def test_plain_caps_length_and_towers_of_marks():
    assert plain("x" * 50, 10) == "x" * 9 + "…"
    assert plain("e" + "\u0301" * 200) == "e\u0301\u0301"


@given(st.one_of(st.text(), st.sampled_from(HOSTILE), st.text(alphabet="\x1b[]0;m\x07\x9b\\PA")))
def test_plain_leaves_nothing_that_moves_or_hides(raw):
    shown = plain(raw)
    assert len(shown) <= 500
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in shown)
    assert plain(shown) == shown or len(raw) > 400


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (118_656, "119 kB"),
        (999_600, "1 MB"),
        (1_234_567, "1.23 MB"),
        (10**17, "100 PB"),
    ],
)
def test_size(octets, shown):
    assert size(octets) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (90, "1 min 30 s"),
        (14_400, "4 h"),
        (108_000, "1 d 6 h"),
        (-5, "0 s"),
    ],
)
def test_duration(seconds, shown):
    assert duration(seconds) == shown


def test_small_words():
    assert (count(None), count(12345)) == ("unknown", "12,345")
    assert (several(1, "host"), several(2, "host"), several(2, "look-up")) == ("1 host", "2 hosts", "2 look-ups")
    assert (utc(None), utc(at(1.5)), utc(at(0), seconds=True)) == ("unknown", "2026-11-23 01:30", "2026-11-23 00:00:00")
    assert (endpoint("203.0.113.5", 443), endpoint("2001:db8::5", 443)) == ("203.0.113.5:443", "[2001:db8::5]:443")


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("ws-01", "ws-01"),
        ("\x1b[2J\u200b", "(no visible name)"),
        ("", "(no visible name)"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_a_host_always_has_something_to_click(host, shown):
    assert named(host) == shown
