"""PAN-OS: two tags an address, set and taken off one by one; an error is never taken for an empty answer."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.containments import panos
from connectors.containments._targets import single
from connectors.containments.panos import message
from connectors.http import Clocks
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized, Unreachable
from tests.emulators.panos import Firewall, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.containment_stories import FORBIDDEN, HOSTILE, KEY, NOW, OTHER, SITE, Time, step

STEP, HOST, TAG = step(), "198.51.100.9", "botnet-playbook"
VENDOR = "https://firewall.example"
SECRET = "PANOS_KEY"


def connected(url, clocks, key=None):
    return panos.connect("fw", panos.Settings(base_url=url, api_key=key or SecretStr("right")), SITE, Path(), clocks)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def device(time):
    return Firewall("right", lambda: time.seconds)


@pytest.fixture
def fw(device, time):
    with site(device) as url:
        yield connected(url, time.clocks)


def recorded(cassette, key=None):
    device = Firewall(key or canary(SECRET), lambda: NOW.timestamp())
    clocks = Clocks(cassette.clocks.sleep, cassette.clocks.monotonic, lambda: NOW.timestamp())
    secret = cassette.secret(SECRET)
    return connected(cassette.site(VENDOR, serving(device)), clocks, secret)


def test_contain_verify_release(cassette):
    fw = recorded(cassette)
    assert fw.check()[0].ok
    done = fw.contain(STEP, KEY)
    assert done.ok and done.changed and done.until == NOW.replace(hour=13) and KEY in done.said
    assert not fw.contain(STEP, KEY).changed and fw.verify(STEP, KEY).ok
    assert fw.release(STEP, KEY).changed and not fw.release(STEP, KEY).changed
    assert fw.verify_released(STEP, KEY).ok and not fw.verify(STEP, KEY).ok


def test_a_wrong_key(cassette):
    with pytest.raises(Unauthorized, match="api_key") as told:
        recorded(cassette, key="other").contain(STEP, KEY)
    assert "canary" not in str(told.value)


@pytest.mark.loopback
def test_the_key_is_in_a_header_and_nowhere_else(fw, device):
    fw.contain(step("2001:db8::c2"), KEY)
    assert device.held("2001:db8::c2")[0] == TAG
    for request in device.seen:
        assert request.headers["x-pan-key"] == "right" and request.query == {} and b"right" not in request.body


@pytest.mark.loopback
@pytest.mark.parametrize("lost", range(1, 4))
def test_an_answer_lost_anywhere_and_a_retry_leave_one_effect(fw, device, time, lost):
    device.lost = {lost, lost + 1, lost + 2}  # the transport's own repeats are lost too
    with pytest.raises(Unreachable):
        fw.contain(STEP, KEY)
    time.advance(5)
    assert fw.contain(STEP, KEY).ok and len(device.held(HOST)) == 2
    device.lost = {len(device.seen) + n for n in (2, 3, 4)}
    with pytest.raises(Unreachable):
        fw.release(STEP, KEY)
    assert fw.release(STEP, KEY).ok and device.held(HOST) == []
    assert fw.verify_released(STEP, KEY).ok


@pytest.mark.loopback
def test_a_repeat_within_the_transport_is_no_error(fw, device):
    device.lost = {2}
    assert fw.contain(STEP, KEY).ok and len(device.held(HOST)) == 2
    device.lost = {len(device.seen) + 2}
    assert fw.release(STEP, KEY).ok and device.held(HOST) == []


@pytest.mark.loopback
def test_a_later_repeat_moves_the_end_and_the_device_lets_go_by_itself(fw, device, time):
    fw.contain(STEP, KEY)
    time.advance(1800)
    again = fw.contain(STEP, KEY)
    assert again.ok and not again.changed and again.until == time.now.replace(hour=13, minute=30)
    assert len(device.held(HOST)) == 2
    time.advance(3601)
    assert fw.verify_released(STEP, KEY).ok and not fw.release(STEP, KEY).changed
    assert fw.contain(STEP, KEY).changed


@pytest.mark.loopback
@pytest.mark.parametrize("other", [[TAG], [TAG, f"{TAG} {OTHER} until 1793538000"], [TAG, "web", f"{TAG} x"]])
def test_a_block_of_another_and_other_tags_are_left_alone(fw, device, time, other):
    for tag in other:
        device.tags[HOST, tag] = time.seconds + 999
    refused = fw.contain(STEP, KEY)
    assert not refused.ok and not refused.changed and "another" in refused.said
    assert fw.release(STEP, KEY).ok and device.held(HOST) == other
    assert fw.verify_released(STEP, KEY).ok and not fw.verify(STEP, KEY).ok


@pytest.mark.loopback
def test_tags_for_other_ends_stay(fw, device, time):
    device.tags[HOST, "web server"] = time.seconds + 999
    fw.contain(STEP, KEY)
    fw.release(STEP, KEY)
    assert device.held(HOST) == ["web server"]


OK = '<response status="success"><result>{}</result></response>'
ENTRY = '<entry ip="198.51.100.9"><tag><member>a</member></tag></entry>'


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '<response status="error" code="16"><msg>Unauthorized request</msg></response>', Unauthorized),
        (200, '<response status="error" code="17"><msg>bad</msg></response>', BadAnswer),
        (400, '<response status="error" code="400"><msg>bad</msg></response>', BadAnswer),
        (200, '<response status="success"></response>', BadAnswer),
        (200, OK.format(ENTRY + "<count>2</count>"), BadAnswer),
        (200, OK.format("<msg><line><outfile>/tmp/x</outfile></line></msg>"), BadAnswer),
        (200, OK.format(f"<registered-ip>{ENTRY}</registered-ip>"), BadAnswer),
        (200, "<html/>", BadAnswer),
        (200, "", BadAnswer),
        (200, "{}", BadAnswer),
        (302, "", BadAnswer),
        (200, '<!DOCTYPE r [<!ENTITY a "b">]>' + OK.format(""), BadAnswer),
        (500, "", ConnectorError),
    ],
)
def test_an_answer_that_is_no_success_is_never_released(fw, device, monkeypatch, status, body, kind):
    monkeypatch.setattr(device, "answer", lambda request: Answer(status, body.encode()))
    for act in (fw.verify_released, fw.release, fw.verify, fw.contain):
        with pytest.raises(kind):
            act(STEP, KEY)
    assert not fw.check()[0].ok


@pytest.mark.loopback
def test_an_update_that_was_refused_is_an_error(fw, device, monkeypatch):
    said = (
        b'<response status="error"><msg><line><uid-response><payload><register><entry ip="198.51.100.9" '
        b'message="tag limit reached"/></register></payload></uid-response></line></msg></response>'
    )
    monkeypatch.setattr(device, "_update", lambda command: Answer(200, said))
    with pytest.raises(BadAnswer, match="tag limit reached"):
        fw.contain(STEP, KEY)


@pytest.mark.parametrize("target", [*HOSTILE, *FORBIDDEN])
def test_what_is_not_one_blockable_address_is_never_sent(target):
    with pytest.raises(ConfigError):
        connected(VENDOR, Clocks()).contain(step(target), KEY)


@pytest.mark.parametrize("change", [{"tag": "a' or 'b"}, {"tag": ""}, {"vsys": "all"}, {"vsys": "vsys1&type=op"}])
def test_settings_that_could_mean_something_else_are_refused(change):
    with pytest.raises(ValidationError):
        panos.Settings(base_url=VENDOR, api_key=SecretStr("k"), **change)
    with pytest.raises(ConfigError, match="https"):
        connected("http://firewall.example", Clocks())


@given(st.text(max_size=60))
def test_any_answer_is_read_or_refused(text):
    for read in (message.entries, message.updated):
        for body in (text.encode("utf-8", "replace"), OK.format(text).encode("utf-8", "replace")):
            try:
                read(body, "fw")
            except ConnectorError:
                continue


def test_entries_of_ranges_and_networks_are_nobodys_single_address():
    rows = "".join(
        f'<entry ip="{ip}"><tag><member>a</member></tag></entry>'
        for ip in ("198.51.100.0/24", "198.51.100.1-198.51.100.9", "198.51.100.7/32", "2001:DB8:0::C2/128")
    )
    found = message.entries(OK.format(rows).encode(), "fw")
    assert found == {single("198.51.100.7"): ("a",), single("2001:db8::c2"): ("a",)}
