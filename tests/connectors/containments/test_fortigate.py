"""FortiGate: one address object and one member of the group, known by the object's comment; nothing else is touched."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.containments import fortigate
from connectors.http import Clocks
from playbook.errors import ConfigError, ConnectorError, Unauthorized, Unreachable
from tests.emulators.fortigate import FortiGateServer, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.containment_stories import FORBIDDEN, HOSTILE, KEY, NOW, OTHER, SITE, step

STEP = step("198.51.100.9", "block_address")
NAME = "botnet-playbook-198.51.100.9"
VENDOR, TOKEN = "https://firewall.example", "FORTIGATE_TOKEN"


def connected(url, clocks=Clocks(), token=SecretStr("right")):  # noqa: B008
    return fortigate.connect("edge", fortigate.Settings(base_url=url, token=token), SITE, Path(), clocks)


@pytest.fixture
def server():
    return FortiGateServer("right")


@pytest.fixture
def edge(server):
    with site(server) as url:
        yield connected(url, Clocks(sleep=lambda seconds: None))


def test_block_and_release(cassette):
    server = FortiGateServer(canary(TOKEN))
    clocks = Clocks(cassette.clocks.sleep, cassette.clocks.monotonic, lambda: NOW.timestamp())
    edge = connected(cassette.site(VENDOR, serving(server)), clocks, cassette.secret(TOKEN))
    assert edge.check()[0].ok
    done = edge.contain(STEP, KEY)
    assert done.ok and done.changed and done.until is None and done.reference == NAME
    assert done.said == f"198.51.100.9: object {NAME} with the comment 'botnet-playbook {KEY}'"
    assert edge.verify(STEP, KEY).ok and not edge.contain(STEP, KEY).changed
    assert edge.release(STEP, KEY).changed and edge.verify_released(STEP, KEY).ok
    assert not edge.release(STEP, KEY).changed and not edge.verify(STEP, KEY).ok


@pytest.mark.loopback
@pytest.mark.parametrize("lost", range(1, 7))
def test_an_answer_lost_anywhere_and_a_retry_leave_one_effect(edge, server, lost):
    server.lost = {lost}
    try:
        done = edge.contain(STEP, KEY)
    except Unreachable:
        done = edge.contain(STEP, KEY)
    assert done.ok and list(server.objects) == [NAME] and server.members == ["none", NAME]
    assert len(server.writes) == 2
    server.lost = {len(server.seen) + lost}
    try:
        done = edge.release(STEP, KEY)
    except Unreachable:
        done = edge.release(STEP, KEY)
    assert done.ok and server.objects == {} and server.members == ["none"] and edge.verify_released(STEP, KEY).ok


@pytest.mark.loopback
@pytest.mark.parametrize("comment", ["", "made by ann", f"botnet-playbook {OTHER}", f"botnet-playbook {KEY} and more"])
def test_what_another_set_is_told_and_left_alone(edge, server, comment):
    server.objects[NAME] = {"name": NAME, "subnet": "198.51.100.9 255.255.255.255", "comment": comment}
    server.members.append(NAME)
    done = edge.contain(STEP, KEY)
    assert not done.ok and not done.changed and repr(comment) in done.said
    assert not edge.verify(STEP, KEY).ok and edge.release(STEP, KEY).ok and server.writes == []


@pytest.mark.loopback
def test_an_object_that_was_made_and_not_put_into_the_group_is_put_there(edge, server):
    edge.contain(STEP, KEY)
    server.members.remove(NAME)
    assert not edge.verify(STEP, KEY).ok
    assert edge.contain(STEP, KEY).changed and edge.verify(STEP, KEY).ok and len(server.objects) == 1


@pytest.mark.loopback
def test_what_is_missing_is_named(edge, server):
    server.may_write = False
    with pytest.raises(Unauthorized, match="profile"):
        edge.contain(STEP, KEY)
    server.group = "another"
    assert "no address group 'botnet-playbook'" in edge.check()[0].message


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"results": None}),
        Answer(200, []),
        Answer(200, b"<html>"),
        Answer(302, b"", {"Location": "https://elsewhere.example/login"}),
        Answer(200, {"results": [{"name": NAME, "subnet": "0.0.0.0 0.0.0.0", "comment": f"botnet-playbook {KEY}"}]}),
        Answer(200, {"results": [7]}),
        Answer(500),
        Answer(200, b" " * (5 * 1024 * 1024)),
    ],
)
def test_an_answer_of_another_form_is_an_error_and_never_released(edge, server, monkeypatch, answer):
    monkeypatch.setattr(server, "answer", lambda request: answer)
    for act in (edge.verify_released, edge.release, edge.verify, edge.contain):
        with pytest.raises(ConnectorError):
            act(STEP, KEY)


@pytest.mark.parametrize("target", [*HOSTILE, *FORBIDDEN, "2001:db8::c2"])
def test_what_must_never_reach_a_device_is_refused(target):
    with pytest.raises(ConfigError):
        connected(VENDOR).contain(step(target, "block_address"), KEY)
