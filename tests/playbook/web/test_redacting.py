"""What is struck out of logs and refusals: every credential, and none of our own words about them."""

import pytest

from playbook.web.telemetry import redacted


@pytest.mark.parametrize(
    "text",
    [
        "a bearer token is needed",
        "no bearer tokens here",
        "basic authentication is refused",
        "token: expected text",
        "secret: required: the key of the signature",
        "code: not in the row",
        "the token has investigate",
        "a signature is needed in the header X-Signature",
    ],
)
def test_our_own_words_stay(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def", "abc.def"),
        ("authorization: Basic YTpi", "YTpi"),
        ("Bearer abcd", "abcd"),
        ("token=bpt_x", "bpt_x"),
        ("password: hunter2", "hunter2"),
        ('{"secret": "the-key-1"}', "the-key-1"),
        ("https://user:pw@host/", "user:pw"),
        ("bpt_AbC-1", "AbC-1"),
        ("token=required1", "required1"),
        ("secret=thekey", "thekey"),
        ("password: isabel", "isabel"),
        ("basic dG9rZW4=", "dG9rZW4"),
    ],
)
def test_a_credential_never_does(text, secret):
    assert secret not in redacted(text)
