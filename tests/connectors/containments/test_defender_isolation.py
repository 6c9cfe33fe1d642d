"""Microsoft Defender: one host isolated and let go, known by the comment of its action; another's is never lifted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.containments import defender
from connectors.http import Clocks
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized, Unreachable
from tests.emulators.defender import CLIENT, TENANT
from tests.emulators.defender_machines import Machines, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.containment_stories import KEY, NOW, OTHER, PAIR, SITE, step

HOST = "0123456789abcdef0123456789abcdef01234567"
STEP = step(HOST, "isolate_host")
API, LOGIN = "https://api.security.microsoft.com", "https://login.microsoftonline.com"
SECRET, TOKEN = "DEFENDER_CLIENT_SECRET", "DEFENDER_TOKEN"


def connected(api, login, clocks=Clocks(), secret=SecretStr("right")):  # noqa: B008
    given = {"base_url": api, "login_url": login, "tenant": TENANT, "client_id": CLIENT, "client_secret": secret}
    return defender.connect("edr", defender.Settings.model_validate(given), SITE, Path(), clocks)


@pytest.fixture
def machines():
    return Machines("right", "token-1", HOST)


@pytest.fixture
def edr(machines):
    with site(machines) as url:
        yield connected(url, url, Clocks(sleep=lambda seconds: None))


def test_isolate_and_let_go(cassette):
    machines = Machines(canary(SECRET), canary(TOKEN), HOST)
    clocks = Clocks(cassette.clocks.sleep, cassette.clocks.monotonic, lambda: NOW.timestamp())
    api, login = cassette.site(API, serving(machines)), cassette.site(LOGIN, serving(machines))
    secret = cassette.secret(SECRET)
    cassette.secret(TOKEN)
    edr = connected(api, login, clocks, secret)
    assert edr.check()[0].ok
    done = edr.contain(STEP, KEY)
    assert done.ok and done.changed and done.until is None
    assert done.said == f"pc-0123.corp.example: isolating, ordered by {KEY}" and done.reference == HOST
    assert not edr.verify(STEP, KEY).ok
    machines.settle()
    assert edr.verify(STEP, KEY).ok and not edr.contain(STEP, KEY).changed
    assert edr.release(STEP, KEY).changed and not edr.verify_released(STEP, KEY).ok
    machines.settle()
    assert edr.verify_released(STEP, KEY).ok and not edr.release(STEP, KEY).changed


@pytest.mark.loopback
@pytest.mark.parametrize("lost", range(1, 7))
def test_an_answer_lost_anywhere_and_a_retry_leave_one_effect(edr, machines, lost):
    machines.lost = {lost}
    try:
        done = edr.contain(STEP, KEY)
    except Unreachable:
        done = edr.contain(STEP, KEY)
    assert done.ok and machines.orders == ["isolate"]
    machines.settle()
    machines.lost = {len(machines.seen) + lost}
    try:
        done = edr.release(STEP, KEY)
    except Unreachable:
        done = edr.release(STEP, KEY)
    machines.settle()
    assert done.ok and machines.orders == ["isolate", "unisolate"] and edr.verify_released(STEP, KEY).ok


@pytest.mark.loopback
@pytest.mark.parametrize("comment", ["incident 7", "", f"botnet-playbook {OTHER}", f"x botnet-playbook {KEY}"])
def test_what_another_isolated_is_as_wanted_and_stays_theirs(edr, machines, comment):
    machines.ordered(HOST, "Isolate", comment, "Succeeded")
    done = edr.contain(STEP, KEY)
    assert done.ok and not done.changed and edr.verify(STEP, KEY).ok
    released = edr.release(STEP, KEY)
    assert released.ok and not released.changed and edr.verify_released(STEP, KEY).ok and machines.orders == []


@pytest.mark.loopback
@pytest.mark.parametrize("status", ["Failed", "TimeOut", "Cancelled"])
def test_an_order_that_failed_is_no_isolation(edr, machines, status):
    edr.contain(STEP, KEY)
    machines.settle(status)
    assert not edr.verify(STEP, KEY).ok
    assert edr.contain(STEP, KEY).changed and machines.orders == ["isolate", "isolate"]


@pytest.mark.loopback
def test_a_host_that_somebody_let_go_is_free_whoever_isolated_it(edr, machines):
    edr.contain(STEP, KEY)
    machines.settle()
    machines.ordered(HOST, "Unisolate", "analyst", "Succeeded")
    assert not edr.verify(STEP, KEY).ok and not edr.release(STEP, KEY).changed and edr.verify_released(STEP, KEY).ok


def scanned(machines, times):
    for _ in range(times):
        machines.ordered(HOST, "RunAntiVirusScan", "nightly", "Succeeded")


@pytest.mark.loopback
def test_an_order_behind_more_actions_than_are_read_is_unknown_and_never_a_release(edr, machines):
    edr.contain(STEP, KEY)
    machines.settle()
    scanned(machines, 99)
    assert edr.verify(STEP, KEY).ok
    scanned(machines, 1)
    for ask in (edr.contain, edr.verify, edr.release, edr.verify_released):
        with pytest.raises(BadAnswer, match="do not tell whether it is isolated"):
            ask(STEP, KEY)
    assert machines.orders == ["isolate"]


@pytest.mark.loopback
def test_a_full_page_that_is_not_the_newest_is_unknown(edr, machines):
    machines.ordered(HOST, "Unisolate", "analyst", "Succeeded")
    scanned(machines, 99)
    assert not edr.verify(STEP, KEY).ok
    machines.actions.reverse()
    with pytest.raises(BadAnswer, match="do not tell"):
        edr.verify(STEP, KEY)


@pytest.mark.loopback
def test_an_application_that_may_only_read(edr, machines):
    machines.may_write = False
    with pytest.raises(Unauthorized, match=r"Machine\.Isolate"):
        edr.contain(STEP, KEY)
    assert machines.actions == []


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"value": None}),
        Answer(200, []),
        Answer(200, b"<html>"),
        Answer(302, b"", {"Location": "https://elsewhere.example/"}),
        Answer(404, {"error": {}}),
        Answer(200, {"id": "f" * 40, "value": [{"type": "Isolate"}]}),
        Answer(200, {"id": HOST, "value": [{"type": "Isolate"}]}),
        Answer(500),
        Answer(200, b" " * (5 * 1024 * 1024)),
    ],
)
def test_an_answer_of_another_form_is_an_error_and_never_released(edr, machines, monkeypatch, answer):
    edr.check()
    monkeypatch.setattr(machines, "answer", lambda request: answer)
    for act in (edr.verify_released, edr.release, edr.verify, edr.contain):
        with pytest.raises(ConnectorError):
            act(STEP, KEY)


@pytest.mark.loopback
def test_a_device_of_another_name_than_the_approved_one_is_left_alone(edr, machines):
    with pytest.raises(ConfigError, match="not the host that was approved"):
        edr.contain(STEP.model_copy(update={"scope": "dc-01, the whole machine"}), KEY)
    assert machines.orders == []
    assert edr.contain(STEP.model_copy(update={"scope": "PC-0123.corp.example, the whole machine"}), KEY).changed


@given(st.text(max_size=50).filter(lambda text: not (len(text) == 40 and set(text) <= set("0123456789abcdef"))))
def test_a_target_that_is_no_machine_id_is_never_sent(text):
    with pytest.raises(ConfigError):
        connected(API, LOGIN).contain(step(text, "isolate_host"), KEY)


@pytest.mark.parametrize(
    "wrong", [step(HOST + "\n", "isolate_host"), step(PAIR, "block_pair"), step("*", "isolate_host")]
)
def test_other_kinds_are_refused(wrong):
    for act in ("contain", "verify", "release", "verify_released"):
        with pytest.raises(ConfigError):
            getattr(connected(API, LOGIN), act)(wrong, KEY)
