"""CrowdSec: one decision a key, found again after a lost answer, extended, deleted; those of others stay."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.containments import crowdsec
from connectors.http import Clocks
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized, Unreachable
from tests.emulators.lapi import Lapi, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.containment_stories import FORBIDDEN, HOSTILE, KEY, NOW, OTHER, SITE, Time, step

STEP = step()
VENDOR = "https://crowdsec.example:8080"
PASSWORD, TOKEN = "CROWDSEC_PASSWORD", "CROWDSEC_TOKEN"


def connected(url, clocks, password=None):
    given = crowdsec.Settings(base_url=url, machine_id="soar", password=password or SecretStr("right"))
    return crowdsec.connect("cs", given, SITE, Path(), clocks)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def lapi(time):
    return Lapi("right", "token-1", lambda: time.seconds)


@pytest.fixture
def cs(lapi, time):
    with site(lapi) as url:
        yield connected(url, time.clocks)


def recorded(cassette, **change):
    """A connector under the vendor's name; the clock stands still, so that requests are the same again."""
    lapi = Lapi(canary(PASSWORD), canary(TOKEN), lambda: NOW.timestamp())
    for name, value in change.items():
        setattr(lapi, name, value)
    password, _ = cassette.secret(PASSWORD), cassette.secret(TOKEN)
    clocks = Clocks(cassette.clocks.sleep, cassette.clocks.monotonic, lambda: NOW.timestamp())
    return connected(cassette.site(VENDOR, serving(lapi)), clocks, password)


def test_contain_verify_release(cassette):
    cs = recorded(cassette)
    assert cs.check()[0].ok
    done = cs.contain(STEP, KEY)
    assert done.ok and done.changed and done.until == NOW.replace(hour=13) and KEY in done.said
    assert not cs.contain(STEP, KEY).changed and cs.verify(STEP, KEY).ok
    assert cs.release(STEP, KEY).changed and not cs.release(STEP, KEY).changed
    assert cs.verify_released(STEP, KEY).ok and not cs.verify(STEP, KEY).ok


def test_an_expired_token_is_renewed_once(cassette):
    assert recorded(cassette, expire_tokens=1).contain(STEP, KEY).ok


def test_a_wrong_password(cassette):
    with pytest.raises(Unauthorized, match="log-in was refused") as told:
        recorded(cassette, password="other").contain(STEP, KEY)
    assert "canary" not in str(told.value)


@pytest.mark.loopback
@pytest.mark.parametrize("lost", range(1, 6))
def test_an_answer_lost_anywhere_and_a_retry_leave_one_effect(cs, lapi, time, lost):
    lapi.lost = {lost}
    try:
        done = cs.contain(STEP, KEY)
    except Unreachable:
        time.advance(5)
        done = cs.contain(STEP, KEY)
    assert done.ok and len(lapi.active("198.51.100.9")) == 1
    lapi.lost = {len(lapi.seen) + 2}  # the deletion
    assert cs.release(STEP, KEY).ok and cs.release(STEP, KEY).ok
    assert lapi.active("198.51.100.9") == [] and cs.verify_released(STEP, KEY).ok


@pytest.mark.loopback
def test_a_later_repeat_extends_and_leaves_one_decision(cs, lapi, time):
    cs.contain(STEP, KEY)
    time.advance(1800)
    again = cs.contain(STEP, KEY)
    assert again.ok and not again.changed and again.until >= time.now.replace(hour=13, minute=29)
    assert len(lapi.active("198.51.100.9")) == 1
    time.advance(3600)
    assert cs.verify_released(STEP, KEY).ok and cs.contain(STEP, KEY).changed


@pytest.mark.loopback
@pytest.mark.parametrize(("locked", "left"), [(False, 1), (True, 2)])
def test_what_an_interrupted_extension_left_does_not_hinder_the_next(cs, lapi, time, monkeypatch, locked, left):
    cs.contain(STEP, KEY)
    (oldest,) = lapi.decisions
    time.advance(1800)
    lapi.lost = {len(lapi.seen) + 2}  # the new decision is set, its answer is lost
    with pytest.raises(Unreachable):
        cs.contain(STEP, KEY)
    assert len(lapi.active("198.51.100.9")) == 2
    delete = lapi._delete
    if locked:
        monkeypatch.setattr(
            lapi,
            "_delete",
            lambda number: Answer(500, {"message": "database is locked"}) if int(number) == oldest else delete(number),
        )
    time.advance(900)
    again = cs.contain(STEP, KEY)
    assert again.ok and again.until >= time.now.replace(hour=13)
    assert len(lapi.active("198.51.100.9")) == left


@pytest.mark.loopback
def test_decisions_of_others_stay(cs, lapi):
    cs.contain(STEP, OTHER)
    lapi.decisions[7] = {
        "id": 7,
        "alert": 7,
        "origin": "cscli",
        "scenario": f"botnet-playbook/{KEY}",
        "type": "ban",
        "scope": "Ip",
        "value": "198.51.100.9",
        "until": NOW.timestamp() + 999,
    }
    assert not cs.verify(STEP, KEY).ok and cs.contain(STEP, KEY).changed
    assert cs.release(STEP, KEY).changed
    freed = cs.verify_released(STEP, KEY)
    assert freed.ok and "cscli" in freed.said and OTHER in freed.said
    assert len(lapi.active("198.51.100.9")) == 2


@pytest.mark.loopback
def test_a_server_whose_clock_is_far_ahead_is_no_success(cs, lapi, time):
    lapi.wall = lambda: time.seconds + 7200
    done = cs.contain(STEP, KEY)
    assert not done.ok and "no active decision" in done.said


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, [{"decisions": [{"id": "x"}]}]),
        Answer(200, {"a": 1}),
        Answer(200, b"<html>"),
        Answer(204),
        Answer(200, [{"decisions": [{"id": 1, "duration": "soon", "value": "198.51.100.9"}]}]),
        Answer(302),
        Answer(200, 7),
    ],
)
def test_an_answer_of_another_form_is_an_error_and_never_released(cs, lapi, monkeypatch, answer):
    monkeypatch.setattr(lapi, "_get", lambda query: answer)
    for act in (cs.verify_released, cs.release, cs.verify):
        with pytest.raises(BadAnswer):
            act(STEP, KEY)


@pytest.mark.loopback
def test_a_deletion_that_failed_is_an_error(cs, lapi, monkeypatch):
    cs.contain(STEP, KEY)
    monkeypatch.setattr(lapi, "_delete", lambda number: Answer(500, {"message": "database is locked"}))
    with pytest.raises(BadAnswer, match="could not be deleted"):
        cs.release(STEP, KEY)
    monkeypatch.setattr(lapi, "_delete", lambda number: Answer(500, {"message": "decision with id '1' doesn't exist"}))
    assert not cs.release(STEP, KEY).changed


@pytest.mark.parametrize("target", [*HOSTILE, *FORBIDDEN])
def test_what_is_not_one_blockable_address_is_never_sent(target):
    with pytest.raises(ConfigError):
        connected(VENDOR, Clocks()).contain(step(target), KEY)


def test_a_url_without_tls_is_refused_at_once():
    with pytest.raises(ConfigError, match="https"):
        connected("http://crowdsec.example", Clocks())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3h59m58.1s", 14398),
        ("29.343s", 29),
        ("1m", 60),
        ("720h0m0s", 2592000),
        ("-14m46.4s", -886),
        ("-31.192007ms", 0),
        ("4m59s", 299),
        ("300.1ms", 0),
    ],
)
def test_durations(text, seconds):
    assert crowdsec._left_s(crowdsec.CrowdSecDecision(id=1, duration=text)) == seconds


@pytest.mark.parametrize("text", ["", "-", "soon", "1d", "1h ", "９s", "s", "1h1"])
def test_durations_that_cannot_be_read(text):
    with pytest.raises(ConnectorError):
        crowdsec._left_s(crowdsec.CrowdSecDecision(id=1, duration=text))
