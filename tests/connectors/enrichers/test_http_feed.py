"""A feed in one file: asked again only when it is time, unchanged for one small answer, used a while when it fails."""

from datetime import date

import pytest
from pydantic import SecretStr, ValidationError

from connectors.enrichers import http_feed
from playbook.errors import ConfigError
from playbook.model.enrichment import FeedEntry
from tests.emulators.feeds import FeedFile, as_json, serving
from tests.emulators.site import site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import (
    HERE,
    NOW,
    SITE,
    WINDOW,
    FakeTime,
    address,
    answers,
    domain,
    failures,
    reasons,
    recorded,
)

VENDOR = "https://feeds.example"
TOKEN = "FEED_KEY"
COLUMNS = {"indicator": "dst_ip", "port": "dst_port", "last_seen": "last_online"}
CSV = b"""# terms of use
# "first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"
"2026-10-01 10:00:00","203.0.113.9","443","online","2026-10-31","QakBot"
"2026-10-01 10:00:00","203.0.113.10","0","offline","2026-10-30","Pikabot"
"2026-10-01 10:00:00","203.0.113.11"
"2026-10-01 10:00:00","c2.example","443","online","2026-10-29 23:59:59 UTC","Emotet"
"""
FIELDS = ["first_seen_utc", "dst_ip", "dst_port", "c2_status", "last_online", "malware"]
ASKED = [address("203.0.113.9", "destination"), address("203.0.113.10", "destination"), domain("c2.example")]


def connected(url, clocks, **more):
    given = http_feed.Settings.model_validate(
        {"base_url": f"{url}/feed.csv", "fields": FIELDS, "columns": COLUMNS, "disk": False} | more
    )
    return http_feed.connect("tracker", given, SITE, HERE, clocks)


def test_entries_and_an_unchanged_file(cassette):
    url = cassette.site(VENDOR, serving(FeedFile(CSV, canary(TOKEN))))
    clocks = recorded(cassette)
    moved = type(clocks)(clocks.sleep, clocks.monotonic, lambda: NOW.timestamp() + later[0])
    later = [0]
    feed = connected(url, moved, token=cassette.secret(TOKEN), header="Auth-Key", trust="conclusive")
    words = feed.look_up(ASKED, WINDOW)
    assert answers(words, "203.0.113.9") == (
        FeedEntry(
            feed="tracker",
            indicator="203.0.113.9",
            kind="address",
            last_seen=date(2026, 10, 31),
            port=443,
            malware="QakBot",
            trust="conclusive",
        ),
    )
    assert answers(words, "203.0.113.10") == ()
    assert [(one.kind, one.last_seen) for one in answers(words, "c2.example")] == [("domain", date(2026, 10, 29))]
    left = "2 rows left out: port: Input should be greater than or equal to 1; 2 cells; expected 6"
    assert {word.warning for word in words} == {left}
    later[0] = 3600
    assert feed.check()[0].message == (
        f"2 entries, newest 2026-10-31, read 2026-11-01 13:00Z, trust conclusive; {left}"
    )


@pytest.mark.loopback
def test_a_reading_is_kept_on_disk_and_used_while_the_feed_fails(tmp_path):
    file, passed = FeedFile(CSV), FakeTime()
    with site(file) as url:
        assert answers(connected(url, passed.clocks, disk=True, cache=tmp_path).look_up(ASKED, WINDOW), "c2.example")
        other = connected(url, passed.clocks, disk=True, cache=tmp_path)
        assert answers(other.look_up(ASKED, WINDOW), "c2.example") and len(file.seen) == 1
        passed.elapsed, file.status = 7200, 500
        words = connected(url, passed.clocks, disk=True, cache=tmp_path).look_up(ASKED, WINDOW)
        assert answers(words, "c2.example") and {word.as_of for word in words} == {NOW}
        assert words[0].warning.startswith("not read since 2026-11-01 12:00Z: tracker: 127.0.0.1 answered with")
        passed.elapsed = 4 * 86400
        (reason,) = reasons(connected(url, passed.clocks, disk=True, cache=tmp_path).look_up(ASKED, WINDOW))
        assert "answered with an error (500)" in reason
        file.status, file.body, file.etag = 200, CSV.replace(b"c2.example", b"c3.example"), '"v2"'
        assert answers(other.look_up([domain("c3.example")], WINDOW), "c3.example")


@pytest.mark.loopback
@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"source": "other", "fetched": "2026-11-01T12:00:00Z"}', b"\xff"])
def test_a_copy_that_cannot_be_used_is_read_again(tmp_path, kept):
    file = FeedFile(CSV)
    with site(file) as url:
        feed = connected(url, FakeTime().clocks, disk=True, cache=tmp_path)
        feed._path.parent.mkdir()
        feed._path.write_bytes(kept)
        assert answers(feed.look_up(ASKED, WINDOW), "c2.example") and len(file.seen) == 1


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("settings", "body", "found"),
    [
        (
            {"format": "plain"},
            b"# list\n203.0.113.9\nc2.example # x\n203.0.113.10:8443\n[2001:db8::7]:443\n",
            {"203.0.113.9": None, "203.0.113.10": 8443, "c2.example": None, "2001:db8::7": 443},
        ),
        (
            {"format": "json", "columns": {"indicator": "ioc", "last_seen": "seen"}},
            as_json(
                {
                    "1": [{"IOC": "203.0.113.9:53", "seen": "2026-10-30"}],
                    "2": [{"ioc": "c2.example", "seen": "2026-10-30"}],
                }
            ),
            {"203.0.113.9": 53, "c2.example": None},
        ),
        ({"fields": [], "columns": {}}, b"indicator,last_seen,port\n203.0.113.9,2026-10-30,25\n", {"203.0.113.9": 25}),
    ],
)
def test_other_forms(settings, body, found):
    with site(FeedFile(body)) as url:
        feed = connected(url, FakeTime().clocks, **settings)
        for value, port in found.items():
            asked = domain(value) if value[0] == "c" else address(value, "destination")
            (one,) = answers(feed.look_up([asked], WINDOW), value)
            assert (one.port, one.last_seen) == (port, date(2026, 10, 30))


@pytest.mark.loopback
@pytest.mark.parametrize("body", [b"", b"# nothing\n", b"<html><body>log in</body></html>", b"a,b\n" * 9, b"\x00" * 99])
@pytest.mark.parametrize("form", ["csv", "plain", "json"])
def test_a_file_that_is_no_feed_is_no_empty_feed(form, body):
    with site(FeedFile(body)) as url:
        feed = connected(url, FakeTime().clocks, format=form)
        assert None not in reasons(feed.look_up(ASKED, WINDOW)) and failures(feed.check())


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://feeds.example/x"},
        {"base_url": "https://feeds.example/"},
        {"trust": "total"},
        {"base_url": "https://feeds.example/x?key=1"},
        {"format": "xml"},
        {"columns": {"colour": "red"}},
    ],
)
def test_settings_that_cannot_be_meant(wrong):
    with pytest.raises((ValidationError, ConfigError)):
        connected(VENDOR, FakeTime().clocks, **wrong)


@pytest.mark.loopback
def test_a_secret_is_never_repeated():
    with site(FeedFile(CSV, "right")) as url:
        feed = connected(url, FakeTime().clocks, token=SecretStr("wrong-one"), header="Auth-Key")
        (reason,) = reasons(feed.look_up(ASKED, WINDOW))
    assert "refused the credentials" in reason and "wrong-one" not in reason
