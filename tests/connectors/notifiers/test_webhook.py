"""The signed web hook, verified by the very lines that docs/notifications.md gives to a receiver."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.http import Clocks
from connectors.notifiers import webhook
from playbook.errors import BadAnswer, RateLimited, Unauthorized, Unreachable
from playbook.model.event import Event
from tests.emulators.desk import HTML_502, Fault, Site, serving
from tests.support import stopwatch
from tests.support.notifier_fixtures import HOSTILE, LINK, notice
from tests.support.ticket_fixtures import NOW

SECRET = "a-shared-secret-of-the-tests"
SENT = 1_772_366_400
DOCS = Path(__file__).resolve().parents[3] / "docs" / "notifications.md"
_BLOCK = re.compile(r"^```python verify\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def verified():
    names: dict = {}
    found = _BLOCK.search(DOCS.read_text(encoding="utf-8"))
    assert found, "docs/notifications.md has no block `python verify`"
    exec(compile(found["code"], str(DOCS), "exec"), names)
    return names["verified"]


def connected(url: str, **change) -> webhook.Webhook:
    usual = {"url": SecretStr(url + "/notify?team=soc"), "secret": SecretStr(SECRET), "deadline_s": 2}
    clocks = Clocks(monotonic=lambda: stopwatch.seconds(), wall=lambda: float(SENT))
    return webhook.connect("chatops", webhook.Settings(**usual | change), NOW, Path(), clocks)


def receiver(*faults: Fault) -> Site:
    return Site(lambda request: (204, {}, b""), faults=list(faults))


def named(headers: dict[str, str]) -> dict[str, str]:
    """The headers under the names of the documentation; HTTP does not mind the case."""
    names = (webhook.TIME_HEADER, webhook.SIGNATURE_HEADER, webhook.ID_HEADER)
    return {name: headers[name.lower()] for name in names}


@pytest.mark.loopback
def test_a_receiver_that_follows_the_documentation_believes_it_and_nothing_else(verified):
    site = receiver()
    with serving(site) as url:
        for _ in range(2):
            connected(url).tell(notice(title=HOSTILE, text=HOSTILE, urgent=True))
    first, repeat = site.seen
    headers = named(first.headers)
    told = verified(SECRET.encode(), headers, first.body, SENT + 200)
    assert told["link"] == LINK and told["urgent"] and "decides nothing" in told["note"] and told["id"]
    assert told["type"] == "botnet-playbook.notice" and told["sent_at"] == "2026-03-01T12:00:00+00:00"
    assert headers[webhook.ID_HEADER] == named(repeat.headers)[webhook.ID_HEADER] == told["id"]
    assert first.target == "/notify?team=soc" and first.headers["content-type"] == "application/json"
    wrong = [
        (b"another-secret-altogether", headers, first.body, SENT),
        (SECRET.encode(), headers, first.body + b" ", SENT),
        (SECRET.encode(), headers, first.body, SENT + 301),
        (SECRET.encode(), headers, first.body, SENT - 301),
        (SECRET.encode(), headers | {webhook.TIME_HEADER: str(SENT + 1)}, first.body, SENT),
        (SECRET.encode(), headers | {webhook.SIGNATURE_HEADER: "v1="}, first.body, SENT),
    ]
    for arguments in wrong:
        with pytest.raises(ValueError):
            verified(*arguments)


@given(st.text(max_size=200), st.text(max_size=200))
def test_different_bytes_have_different_signatures(one, other):
    secret = SecretStr(SECRET)
    same = webhook.signature(secret, 1, one.encode()) == webhook.signature(secret, 1, other.encode())
    assert same == (one == other)


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer, expected",
    [
        ((302, {"Location": "http://evil.example/"}, b""), BadAnswer),
        ((401, {}, b"team=soc"), Unauthorized),
        ((400, {}, b"team=soc"), BadAnswer),
        (HTML_502, Unreachable),
        (None, Unreachable),
        ((500, {}, b""), BadAnswer),
        ((429, {"Retry-After": "60"}, b""), RateLimited),
    ],
)
def test_what_is_no_success_is_sent_once_and_told(answer, expected):
    site = receiver(Fault("POST .*", answer))
    with serving(site) as url, pytest.raises(expected) as told:
        connected(url).tell(notice())
    assert SECRET not in str(told.value) and "team=soc" not in str(told.value) and len(site.seen) == 1


@pytest.mark.loopback
def test_check_posts_nothing():
    site = receiver()
    with serving(site) as url:
        assert connected(url).check()[0].ok
    assert [request.method for request in site.seen] == ["GET"]
    assert not connected("http://127.0.0.1:1").check()[0].ok


@pytest.mark.parametrize("change", [{"secret": SecretStr("short")}, {"url": SecretStr("")}])
def test_wrong_settings(change):
    usual = {"url": SecretStr("https://x.example/y"), "secret": SecretStr(SECRET)}
    assert webhook.Settings(**usual)
    with pytest.raises(ValidationError):
        webhook.Settings(**usual | change)


@pytest.mark.loopback
def test_an_event_is_signed_as_a_notice_is_and_has_one_id_for_every_delivery(verified):
    event = Event(
        key="approved:Q-1",
        kind="approved",
        case_id="C-0123456789ab",
        at=NOW.now,
        content={"plan_id": "P-1", "text": HOSTILE},
    )
    site = receiver()
    with serving(site) as url:
        hook = connected(url, events=True)
        assert hook.takes_events
        hook.send_event(event)
        hook.send_event(event)
    first, repeat = site.seen
    sent = verified(SECRET.encode(), named(first.headers), first.body, SENT + 200)
    assert (sent["type"], sent["case_id"]) == ("botnet-playbook.approved", "C-0123456789ab")
    assert sent["content"] == event.content and sent["id"] == named(repeat.headers)[webhook.ID_HEADER]


@pytest.mark.loopback
def test_a_web_hook_for_events_alone_is_told_no_notices():
    site = receiver()
    with serving(site) as url:
        connected(url, notices=False, events=True).tell(notice())
        assert site.seen == []
        assert not connected(url).takes_events
