"""Threat feeds: which entries answer for which destination, and which entries are refused."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.enrichers.feeds import Feed, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, FeedEntry
from playbook.model.observable import Observable
from playbook.model.site import Site
from tests.support.examples import examples

SITE = Site(now=datetime(2026, 3, 20, tzinfo=UTC))
WINDOW = TimeWindow(start=datetime(2026, 3, 19, tzinfo=UTC), end=SITE.now)
FEED = """indicator,kind,last_seen,port,malware,feed
203.0.113.66,address,2026-03-10,6667,Mirai,urlhaus
203.0.113.0/28,address,2026-03-11,,,
2001:db8:0:1::/64,address,2026-03-11,,,
c2.evil.example,domain,2026-03-12T23:00:00Z,,Qakbot,threatfox
.wild.example,domain,2026-03-12,,,
hxxps://pay[.]load.example:8443/a?b=c,url,2026-03-13,,,
http://198.51.100.9/bin.sh,url,2026-03-13,,,
"""


def feed(folder: Path, text: str, file: str = "feed.csv", **more: object) -> Feed:
    (folder / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    return connect("intel", Settings.model_validate({"path": file} | more), SITE, folder)


def ask(enricher: Feed, value: str) -> Enrichment:
    kind = "address" if value.count(":") > 1 or value.replace(".", "").isdigit() else "domain"
    observable = Observable.model_validate({"kind": kind, "value": value, "role": "destination"})
    (answer,) = enricher.look_up([observable], WINDOW)
    return answer


@pytest.mark.parametrize(
    ("value", "indicators"),
    [
        ("203.0.113.66", ["203.0.113.66"]),
        ("::ffff:203.0.113.66", ["203.0.113.66"]),
        ("203.0.113.6", ["203.0.113.0/28"]),
        ("203.0.113.16", []),
        ("2001:db8:0:1::dead", ["2001:db8:0:1::/64"]),
        ("2001:db8:0:2::dead", []),
        ("c2.evil.example", ["c2.evil.example"]),
        ("C2.evil.example.", ["c2.evil.example"]),
        ("www.c2.evil.example", []),
        ("evil.example", []),
        ("a.b.wild.example", ["wild.example"]),
        ("wild.example", ["wild.example"]),
        ("notwild.example", []),
        ("pay.load.example", ["https://pay.load.example:8443/a?b=c"]),
        ("load.example", []),
        ("198.51.100.9", ["198.51.100.9"]),
    ],
)
def test_what_a_feed_lists(tmp_path: Path, value: str, indicators: list[str]) -> None:
    answer = ask(feed(tmp_path, FEED), value)
    assert [one.indicator for one in answer.answers if isinstance(one, FeedEntry)] == indicators
    assert (answer.topic, answer.unavailable, answer.warning) == ("feed", None, "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("203.0.113.66", ("urlhaus", "address", date(2026, 3, 10), 6667, "Mirai")),
        ("203.0.113.6", ("feed", "address", date(2026, 3, 11), None, "")),
        ("c2.evil.example", ("threatfox", "domain", date(2026, 3, 12), None, "Qakbot")),
        ("pay.load.example", ("feed", "url", date(2026, 3, 13), 8443, "")),
        ("198.51.100.9", ("feed", "address", date(2026, 3, 13), None, "")),
    ],
)
def test_what_an_entry_says(tmp_path: Path, value: str, expected: tuple[object, ...]) -> None:
    (one,) = ask(feed(tmp_path, FEED), value).answers
    assert isinstance(one, FeedEntry)
    assert (one.feed, one.kind, one.last_seen, one.port, one.malware) == expected


def test_only_destinations_are_served(tmp_path: Path) -> None:
    others = [
        Observable(kind="address", value="203.0.113.66", role="source"),
        Observable(kind="host", value="c2.evil.example", role="source"),
    ]
    assert feed(tmp_path, FEED).look_up(others, WINDOW) == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("203.0.112.0/23,address,2026-03-10,,,", "too wide"),
        ("0.0.0.0/0,address,2026-03-10,,,", "too wide"),
        ("2001:db8::/63,address,2026-03-10,,,", "too wide"),
        ("203.0.113.0/28x,address,2026-03-10,,,", "does not appear to be"),
        (".com,domain,2026-03-10,,,", "expected a domain name"),
        (".co.uk,domain,2026-03-10,,,", "public suffix"),
        (".github.io,domain,2026-03-10,,,", "public suffix"),
        ("localhost,domain,2026-03-10,,,", "expected a domain name"),
        ("203.0.113.9,domain,2026-03-10,,,", "expected a domain name"),
        ("evil.example,address,2026-03-10,,,", "does not appear to be"),
        ("evil.example,domain,,,,", "last_seen"),
        ("evil.example,domain,soon,,,", "last_seen"),
        ("evil.example,domain,2026-04-10,,,", "in the future"),
        ("evil.example,domain,2026-03-10,0,,", "port"),
        ("evil.example,domain,2026-03-10,65536,,", "port"),
        ("evil.example,hash,2026-03-10,,,", "kind"),
        ("http://[::1,url,2026-03-10,,,", "Invalid IPv6 URL"),
        ("http:///x,url,2026-03-10,,,", "expected a domain name"),
        ("http://evil.example:99999/x,url,2026-03-10,,,", "Port out of range"),
    ],
)
def test_a_bad_row_is_named_and_the_others_count(tmp_path: Path, row: str, reason: str) -> None:
    enricher = feed(tmp_path, FEED + row + "\n")
    answer = ask(enricher, "203.0.113.66")
    assert len(answer.answers) == 1
    assert "1 row left out: feed.csv:9: " in answer.warning
    assert reason in answer.warning
    assert ask(enricher, "evil.example").answers == ()
    (result,) = enricher.check()
    assert result.ok
    assert "newest entry 2026-03-13" in result.message


def test_a_plain_list_takes_its_date_from_the_settings(tmp_path: Path) -> None:
    lines = ("# comment", "203.0.113.7", "evil[.]example # note", "203.0.113.32/30", ".wild.example")
    text = "\n".join((*lines, "https://x.example/a", "", "no good"))
    enricher = feed(tmp_path, text, "ips.txt", as_of="2026-03-01", feed="blocklist")
    for value in ("203.0.113.7", "evil.example", "203.0.113.35", "a.wild.example", "x.example"):
        (one,) = ask(enricher, value).answers
        assert isinstance(one, FeedEntry)
        assert (one.feed, one.last_seen) == ("blocklist", date(2026, 3, 1))
    answer = ask(enricher, "203.0.113.8")
    assert answer.answers == ()
    assert answer.as_of == datetime(2026, 3, 1, tzinfo=UTC)
    assert "ips.txt:8: " in answer.warning


def test_a_plain_list_without_a_date_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValidationError, match="as_of"):
        Settings(path=Path("ips.txt"))


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("feed.csv", "", "empty"),
        ("feed.csv", "a,b\n", "no column indicator"),
        ("ips.txt", "??\n", "none of its 1 rows"),
    ],
)
def test_a_feed_that_cannot_be_used_is_unavailable(tmp_path: Path, file: str, text: str, reason: str) -> None:
    enricher = feed(tmp_path, text, file, as_of="2026-03-01")
    assert reason in (ask(enricher, "203.0.113.1").unavailable or "")
    assert not enricher.check()[0].ok


@pytest.mark.parametrize("file", ["feed.csv", "ips.txt"])
def test_a_missing_feed_is_unavailable(tmp_path: Path, file: str) -> None:
    enricher = connect("intel", Settings(path=Path(file), as_of=date(2026, 3, 1)), SITE, tmp_path)
    assert f"{file}: cannot be read" in (ask(enricher, "203.0.113.1").unavailable or "")


@examples(60)
@given(st.text(max_size=60), st.sampled_from(["domain", "url", "address"]))
def test_any_indicator_is_an_entry_or_a_named_row(tmp_path: Path, indicator: str, kind: str) -> None:
    cell = indicator.encode("utf-8", "replace").decode().replace('"', '""')
    enricher = feed(tmp_path, FEED + f'"{cell}",{kind},2026-03-10,,,\n')
    answer = ask(enricher, "203.0.113.66")
    assert "203.0.113.66" in {getattr(one, "indicator", "") for one in answer.answers}
    (tmp_path / "ips.txt").write_bytes(b"203.0.113.66\n" + cell.encode())
    plain = connect("intel", Settings(path=Path("ips.txt"), as_of=date(2026, 3, 1)), SITE, tmp_path)
    assert ask(plain, "203.0.113.66").answers


@pytest.mark.parametrize(("told", "trust"), [({}, "conclusive"), ({"trust": "strong"}, "strong")])
def test_an_administrator_says_how_much_a_file_may_weigh(tmp_path: Path, told: dict[str, str], trust: str) -> None:
    (one,) = ask(feed(tmp_path, FEED, **told), "203.0.113.66").answers
    assert isinstance(one, FeedEntry) and one.trust == trust


def test_a_trust_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="trust"):
        Settings.model_validate({"path": "feed.csv", "trust": "some"})
