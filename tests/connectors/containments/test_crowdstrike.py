"""CrowdStrike: one host contained and lifted, known by our mark; what others contained is never lifted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.containments import crowdstrike
from connectors.http import Clocks
from playbook.errors import BadAnswer, ConfigError, ConnectorError, RateLimited, Unauthorized, Unreachable
from tests.emulators.falcon import Falcon, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.containment_stories import KEY, NOW, OTHER, PAIR, SITE, step

HOST = "0123456789abcdef0123456789abcdef"
STEP = step(HOST, "isolate_host")
VENDOR = "https://api.crowdstrike.com"
ID, SECRET, TOKEN = "FALCON_CLIENT_ID", "FALCON_CLIENT_SECRET", "FALCON_TOKEN"
MARK = "FalconGroupingTags/botnet-playbook-"


def connected(url, clocks=Clocks(), client_id=SecretStr("id"), secret=SecretStr("right")):  # noqa: B008
    given = crowdstrike.Settings(base_url=url, client_id=client_id, client_secret=secret)
    return crowdstrike.connect("edr", given, SITE, Path(), clocks)


@pytest.fixture
def falcon():
    return Falcon("right", "token-1", HOST)


@pytest.fixture
def edr(falcon):
    with site(falcon) as url:
        yield connected(url, Clocks(sleep=lambda seconds: None))


def recorded(cassette, falcon):
    clocks = Clocks(cassette.clocks.sleep, cassette.clocks.monotonic, lambda: NOW.timestamp())
    secrets = [cassette.secret(name) for name in (ID, SECRET)]
    cassette.secret(TOKEN)
    return connected(cassette.site(VENDOR, serving(falcon)), clocks, *secrets)


def test_contain_and_lift(cassette):
    falcon = Falcon(canary(SECRET), canary(TOKEN), HOST)
    edr = recorded(cassette, falcon)
    assert edr.check()[0].ok
    done = edr.contain(STEP, KEY)
    assert done.ok and done.changed and done.until is None and "containment_pending" in done.said
    assert not edr.verify(STEP, KEY).ok
    falcon.settle()
    assert edr.verify(STEP, KEY).ok and not edr.contain(STEP, KEY).changed
    assert edr.release(STEP, KEY).changed and not edr.verify_released(STEP, KEY).ok
    falcon.settle()
    assert edr.verify_released(STEP, KEY).ok and not edr.release(STEP, KEY).changed


def test_a_wrong_secret(cassette):
    with pytest.raises(Unauthorized, match="client_secret") as told:
        recorded(cassette, Falcon("other", canary(TOKEN), HOST)).contain(STEP, KEY)
    assert "canary" not in str(told.value)


@pytest.mark.loopback
@pytest.mark.parametrize("lost", range(1, 7))
def test_an_answer_lost_anywhere_and_a_retry_leave_one_effect(edr, falcon, lost):
    falcon.lost = {lost}
    try:
        done = edr.contain(STEP, KEY)
    except Unreachable:
        done = edr.contain(STEP, KEY)
    assert done.ok and falcon.actions == ["contain"] and falcon.devices[HOST]["tags"] == [MARK + KEY]
    falcon.settle()
    falcon.lost = {len(falcon.seen) + lost}
    try:
        done = edr.release(STEP, KEY)
    except Unreachable:
        done = edr.release(STEP, KEY)
    falcon.settle()
    assert done.ok and falcon.actions == ["contain", "lift_containment"] and falcon.devices[HOST]["tags"] == []
    assert edr.verify_released(STEP, KEY).ok


@pytest.mark.loopback
@pytest.mark.parametrize("status", [401, 429])
def test_a_token_that_ended_is_taken_anew_once_and_the_step_is_done(edr, falcon, status):
    edr.check()
    falcon.ended_with = status
    assert edr.contain(STEP, KEY).ok and falcon.actions == ["contain"]
    assert [request.path for request in falcon.seen].count("/oauth2/token") == 2


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"X-RateLimit-RetryAfter": str(int(NOW.timestamp()) + 7)}, 7),
        ({"X-Ratelimit-Retryafter": "9"}, 9),
        ({"X-RateLimit-RetryAfter": "soon"}, 0.5),
        ({"X-RateLimit-RetryAfter": "nan"}, 0.5),
        ({"X-RateLimit-RetryAfter": str(int(NOW.timestamp()) - 7)}, 0.5),
        ({"Retry-After": "3", "X-RateLimit-RetryAfter": str(int(NOW.timestamp()) + 7)}, 7),
    ],
)
def test_a_limit_of_our_rate_is_waited_out_as_falcon_asks(falcon, headers, waited):
    slept = []
    clocks = Clocks(slept.append, lambda: sum(slept), NOW.timestamp)
    with site(falcon) as url:
        edr = connected(url, clocks)
        edr.check()
        falcon.limited = [headers, headers]
        assert edr.verify(STEP, KEY).ok is False
    assert sum(slept) == pytest.approx(waited) and falcon.limited == []


@pytest.mark.loopback
def test_a_limit_that_outlasts_the_deadline_is_told_with_its_wait(falcon):
    slept = []
    clocks = Clocks(slept.append, lambda: sum(slept), NOW.timestamp)
    with site(falcon) as url:
        edr = connected(url, clocks)
        edr.check()
        falcon.limited = [{"X-RateLimit-RetryAfter": str(int(NOW.timestamp()) + 3000)}] * 9
        with pytest.raises(RateLimited, match="asks to wait 3000 s"):
            edr.contain(STEP, KEY)
    assert slept == [] and falcon.actions == []


@pytest.mark.loopback
def test_what_another_contained_is_as_wanted_and_stays_theirs(edr, falcon):
    falcon.devices[HOST] |= {"status": "contained", "tags": ["SensorGroupingTags/lab"]}
    done = edr.contain(STEP, KEY)
    assert done.ok and not done.changed and "held by another" in done.said and edr.verify(STEP, KEY).ok
    released = edr.release(STEP, KEY)
    assert released.ok and not released.changed and edr.verify_released(STEP, KEY).ok
    assert falcon.actions == [] and falcon.devices[HOST]["status"] == "contained"


@pytest.mark.loopback
def test_two_cases_hold_one_host_and_the_last_lets_go(edr, falcon):
    edr.contain(STEP, KEY)
    assert edr.contain(STEP, OTHER).ok and falcon.actions == ["contain"]
    falcon.settle()
    assert edr.release(STEP, KEY).ok and falcon.actions == ["contain"]
    assert edr.verify_released(STEP, KEY).ok and edr.verify(STEP, OTHER).ok
    assert edr.release(STEP, OTHER).changed and falcon.actions[-1] == "lift_containment"


@pytest.mark.loopback
def test_a_lift_that_changed_nothing_is_no_success_and_is_tried_again(edr, falcon, monkeypatch):
    edr.contain(STEP, KEY)
    falcon.settle()
    monkeypatch.setattr(falcon, "_act", lambda request: Answer(202, {"resources": [], "errors": []}))
    assert not edr.release(STEP, KEY).ok and not edr.verify_released(STEP, KEY).ok
    monkeypatch.undo()
    assert edr.release(STEP, KEY).ok and falcon.actions[-1] == "lift_containment"


@pytest.mark.loopback
def test_a_host_that_is_being_lifted_can_be_contained_again(edr, falcon):
    falcon.devices[HOST]["status"] = "lift_containment_pending"
    assert edr.contain(STEP, KEY).changed and falcon.actions == ["contain"]


@pytest.mark.loopback
def test_a_client_that_may_only_read(edr, falcon):
    falcon.may_write = False
    with pytest.raises(Unauthorized, match="Hosts: write"):
        edr.contain(STEP, KEY)
    assert falcon.devices[HOST]["status"] == "normal"


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"resources": [], "errors": []}),
        Answer(200, {"resources": None, "errors": []}),
        Answer(200, []),
        Answer(200, {"resources": [], "errors": [{"code": 500, "message": "x"}]}),
        Answer(200, b"<html>"),
        Answer(308),
        Answer(200, {"resources": [{"device_id": HOST, "status": "new_state"}], "errors": []}),
        Answer(404, {"errors": []}),
        Answer(200, {"resources": [{"device_id": "f" * 32, "status": "normal"}], "errors": []}),
        Answer(500),
    ],
)
def test_an_answer_of_another_form_is_an_error_and_never_released(edr, falcon, monkeypatch, answer):
    edr.check()
    monkeypatch.setattr(falcon, "answer", lambda request: answer)
    for act in (edr.verify_released, edr.release, edr.verify, edr.contain):
        with pytest.raises(ConnectorError):
            act(STEP, KEY)


@pytest.mark.loopback
def test_a_log_in_without_a_token_tells_nothing_of_its_answer(edr, falcon, monkeypatch):
    monkeypatch.setattr(falcon, "answer", lambda request: Answer(201, b"secret-token-in-text"))
    with pytest.raises(BadAnswer, match="without a token") as told:
        edr.contain(STEP, KEY)
    assert "secret-token" not in str(told.value)


@given(st.text(max_size=40).filter(lambda text: text != HOST))
def test_a_target_that_is_no_device_id_is_never_sent(text):
    if len(text) == 32 and set(text) <= set("0123456789abcdef"):
        return
    with pytest.raises(ConfigError):
        connected(VENDOR).contain(step(text, "isolate_host"), KEY)


@pytest.mark.parametrize(
    "wrong",
    [
        step(HOST.upper(), "isolate_host"),
        step(HOST + "\n", "isolate_host"),
        step("10.1.2.3", "isolate_host"),
        step("laptop-7", "isolate_host"),
        step(f"{HOST},{HOST}", "isolate_host"),
        step("*", "isolate_host"),
        step(PAIR, "block_pair"),
        step("198.51.100.9", "block_address"),
    ],
)
def test_other_kinds_and_anything_but_one_device_are_refused(wrong):
    for act in ("contain", "verify", "release", "verify_released"):
        with pytest.raises(ConfigError):
            getattr(connected(VENDOR), act)(wrong, KEY)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("scope", "taken"),
    [
        ("pc-0123, the whole machine", True),
        ("PC-0123.corp.example, the whole machine, two people must approve", True),
        ("pc-0124, the whole machine", False),
        ("dc-01, the whole machine", False),
    ],
)
def test_a_device_of_another_name_than_the_approved_one_is_left_alone(falcon, edr, scope, taken):
    approved = STEP.model_copy(update={"scope": scope})
    if taken:
        assert edr.contain(approved, KEY).changed
        return
    with pytest.raises(ConfigError, match="not the host that was approved"):
        edr.contain(approved, KEY)
    assert falcon.devices[HOST]["status"] == "normal" and falcon.devices[HOST]["tags"] == []
