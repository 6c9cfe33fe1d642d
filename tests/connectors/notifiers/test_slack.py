"""Slack: what is posted, what a failure says, and that the hook's address stays secret."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.http import Clocks
from connectors.notifiers import slack
from connectors.notifiers._messages import lines_of
from playbook.errors import BadAnswer, RateLimited, Unauthorized, Unreachable
from tests.emulators.desk import HTML_502, Fault, Site, serving, tenant
from tests.emulators.hooks import Hooks
from tests.support import stopwatch
from tests.support.notifier_fixtures import HOSTILE, LINK, notice
from tests.support.ticket_fixtures import NOW

PATH = "/services/T000/B000/very-secret-part"


def connected(url: str) -> slack.Slack:
    clocks = Clocks(monotonic=lambda: stopwatch.seconds())  # a rate gate of its own: ports are used again
    settings = slack.Settings(url=SecretStr(url), deadline_s=2)
    return slack.connect("slack", settings, NOW, Path(), clocks)


@given(st.text(max_size=100))
def test_no_control_sequence_survives_escaping(text):
    shown = slack.escaped(text)
    assert "<" not in shown and ">" not in shown
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_only_our_own_link_and_words_are_markup():
    posted = slack.message(lines_of(notice(title=HOSTILE, text=HOSTILE), 2900))
    *foreign, own = posted["blocks"]
    assert {b["text"]["type"] for b in foreign} == {"plain_text"} and "<" not in posted["text"]
    assert own["text"]["text"].startswith(f"<{LINK}|Open the case>") and "evil" not in own["text"]["text"]


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer, expected",
    [
        ((404, {}, f"The URL {PATH} was not found".encode()), Unauthorized),
        ((403, {}, PATH.encode()), Unauthorized),
        ((200, {}, b"<html>log in</html>"), BadAnswer),
        ((302, {"Location": "http://evil.example/"}, b""), BadAnswer),
        ((400, {}, b"invalid_blocks"), BadAnswer),
        (HTML_502, Unreachable),
        (None, Unreachable),
        ((429, {"Retry-After": "30"}, b""), RateLimited),
    ],
)
def test_what_is_no_success(answer, expected):
    with serving(Hooks(PATH).slack(faults=[Fault("POST .*", answer)])) as url, pytest.raises(expected) as told:
        connected(url + PATH).tell(notice())
    assert "secret" not in str(told.value) and "T000" not in str(told.value)


@pytest.mark.loopback
def test_posting_and_checking():
    hooks = Hooks(PATH)
    with serving(hooks.slack()) as url:
        connected(url + PATH).tell(notice(text="x" * 9000))
        assert connected(url + PATH).check()[0].ok
        (dead,) = connected(url + "/services/gone").check()
        assert not dead.ok and "no_service" in dead.message
    assert len(hooks.posted) == 1 and LINK in json.dumps(hooks.posted)


def hooked(cassette, site_of) -> slack.Slack:
    path = "/services/" + cassette.secret("SLACK_HOOK").get_secret_value()
    site: Site = site_of(Hooks(path))
    url = cassette.site("https://hooks.slack.com", tenant(site))
    return slack.connect("slack", slack.Settings(url=SecretStr(url + path)), NOW, Path(), cassette.clocks)


def test_a_notice(cassette):
    notifier = hooked(cassette, Hooks.slack)
    assert notifier.check()[0].ok
    notifier.tell(notice(title=HOSTILE, text=HOSTILE, urgent=True))


def test_a_hook_that_was_removed(cassette):
    with pytest.raises(Unauthorized, match="no_service"):
        hooked(cassette, lambda hooks: Hooks("/other").slack()).tell(notice())
