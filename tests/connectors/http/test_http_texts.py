"""URLs that are taken or refused, and what a Retry-After header means."""

import base64
import json
from html import escape
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from connectors.http import Credential, Reply, checked_url, retry_after
from connectors.http.reply import asked_wait
from playbook.errors import BadAnswer, ConfigError


@pytest.mark.parametrize(
    "url",
    [
        "http://vendor.example",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://",
        "vendor.example",
        "https://u:p@vendor.example",
        "https://vendor.example/?q=1",
        "https://vendor.example:99999",
        "https://[::1",
        "https://vendor.example/#x",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_url(url, "vendor")
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://vendor.example/api", "http://127.0.0.1:8089", "http://[::1]:80", "http://localhost"]
)
def test_urls_that_are_taken(url: str) -> None:
    assert checked_url(url, "vendor") == url


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Sun, 09 Sep 2001 01:46:45 GMT", 5.0),
        ("Sat, 08 Sep 2001 01:46:45 GMT", 0.0),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("Sun, 99 Sep 9999 01:46:45 GMT", None),
    ],
)
def test_retry_after_values(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, 1_000_000_000.0) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "5"}, 5.0),
        ({"x-ratelimit-retryafter": "1800000012"}, 12.0),
        ({"x-ratelimit-retryafter": "1799999000"}, 0.0),
        ({"x-ratelimit-retryafter": "8"}, 8.0),
        ({"retry-after": "5", "x-ratelimit-retryafter": "1800000012"}, 12.0),
        ({"retry-after": "soon", "x-ratelimit-retryafter": "1e400"}, None),
    ],
)
def test_the_longest_wait_that_an_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, 1_800_000_000.0) == seconds


ODD = "p\"a<s>s\\w&rd'-0123456789"


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        json.dumps(ODD)[1:-1],
        escape(ODD),
        quote(ODD, safe=""),
        base64.b64encode(ODD.encode()).decode(),
        base64.b64encode(b"me:" + ODD.encode()).decode(),
    ],
)
@pytest.mark.parametrize("before", [0, 150, 190, 199])
def test_no_part_of_a_secret_is_in_an_excerpt_however_it_is_written_or_cut(written: str, before: int) -> None:
    credential = Credential("VENDOR_KEY", SecretStr(ODD), user="me")
    reply = Reply(200, {}, b"x" * before + written.encode(), "https://h/", "vendor", credential.redact)
    with pytest.raises(BadAnswer) as caught:
        reply.expect(204)
    text = str(caught.value).rstrip("'")
    assert not any(text.endswith(written[:size]) for size in range(6, len(written))), text
    assert "0123456789" not in text and len(text) < 300
