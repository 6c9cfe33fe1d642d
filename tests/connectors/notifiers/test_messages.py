"""What every notifier says: what it is, the case's link, and that the link decides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.http import Clocks
from connectors.notifiers import _messages
from playbook.errors import ConfigError
from tests.support.notifier_fixtures import HOSTILE, LINK, notice


@given(st.text(max_size=300), st.text(max_size=300), st.integers(10, 100))
def test_lines_are_inert(title, text, most):
    lines = _messages.lines_of(notice(title=title, text=text), most)
    assert lines.title.isprintable() and lines.title and len(lines.text) <= most
    assert all(line.isprintable() for line in lines.text.split("\n"))


def test_it_says_what_it_is_and_that_the_link_decides_nothing():
    lines = _messages.lines_of(notice(urgent=True), 500)
    assert lines.link == LINK and lines.title.startswith("URGENT: ")
    assert "botnet-playbook" in lines.footer and "decides nothing" in lines.footer and "sign in" in lines.footer
    assert _messages.lines_of(notice(link=""), 500).footer.endswith("This message decides nothing.")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "https://a.example/ b",
        "https://a.example/\r\nBcc: x",
        "https://a.example/<b>",
        "//a",
        "ftp://a/",
        "https://user:pw@a.example/",
        "https://a.example/|x",
        "https://[",
        HOSTILE,
        "https://\u0430.example/",
    ],
)
def test_a_link_that_is_more_than_a_link_is_left_out(link):
    assert _messages.plain_link(link) == ""


def test_a_repeat_has_the_same_id():
    assert _messages.message_id("a") == _messages.message_id("a") != _messages.message_id("b")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/services/T/B/x",
        "https://hooks.example",
        "https://hooks.example/x#y",
        "hooks",
        "https://u:p@h/x",
        "https://[::1/services/x",
    ],
)
def test_a_wrong_address_is_told_without_showing_it(url):
    with pytest.raises(ConfigError) as told:
        _messages.WebhookEndpoint("slack", SecretStr(url), 5, Clocks())
    assert "services" not in str(told.value) and "u:p" not in str(told.value)
