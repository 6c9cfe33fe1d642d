"""Every live source against a server that answers nonsense: contained, reported, in time, and no secret is repeated."""

import json
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.enrichers import (
    defender,
    github,
    gitlab,
    http_feed,
    jenkins,
    misp,
    netbox,
    servicenow_cmdb,
    taxii,
    veeam,
)
from tests.emulators.scripted import drips, hangs_up, says, scripted
from tests.support.live_fixtures import HERE, SITE, WINDOW, FakeTime, address, domain, host

pytestmark = pytest.mark.loopback

SECRET = "s3cret-of-ours"
ASKED = (host("fs-01"), address("10.1.2.3"), address("203.0.113.9", "destination"), domain("c2.example"))
CI = {"token": SecretStr(SECRET), "tests": {"load*": ()}}
SOURCES: dict[str, tuple[ModuleType, dict[str, Any]]] = {
    "veeam": (veeam, {"user": "viewer", "password": SecretStr(SECRET)}),
    "netbox": (netbox, {"token": SecretStr(SECRET)}),
    "gitlab": (gitlab, CI | {"runners": {"fs-01": "17"}, "projects": ["acme/shop"]}),
    "github": (github, CI | {"runners": {"fs-01": "17"}, "repositories": ["acme/shop"]}),
    "jenkins": (jenkins, CI | {"runners": {"fs-01": "n"}, "user": "svc", "jobs": ["load"]}),
    "misp": (misp, {"key": SecretStr(SECRET), "disk": False}),
    "taxii": (taxii, {"collection": "c", "token": SecretStr(SECRET), "disk": False}),
    "csv": (http_feed, {"token": SecretStr(SECRET), "disk": False}),
    "json": (http_feed, {"token": SecretStr(SECRET), "disk": False, "format": "json"}),
    "defender": (defender, {"tenant": "acme", "client_id": "0" * 36, "client_secret": SecretStr(SECRET)}),
    "servicenow_cmdb": (servicenow_cmdb, {"user": "svc", "token": SecretStr(SECRET)}),
}
TOKEN = json.dumps({"access_token": "t", "token": "t"}).encode()
NONSENSE = {
    "HTML": says(200, b"<html>log in here</html>", Content_Type="text/html"),
    "nothing": says(200, b""),
    "no content": says(204, b""),
    "null": says(200, b"null"),
    "a number": says(200, b"7"),
    "a list of nothing known": says(200, b'[null, 1, "x", {}]'),
    "half an object": says(200, b'{"data": [{"id": "1"'),
    "an echo of the secret": says(200, json.dumps({"message": SECRET, "data": SECRET, "results": SECRET}).encode()),
    "a redirect": says(302, b"", Location="https://elsewhere.example/"),
    "an error": says(500, b"Traceback"),
    "forbidden": says(403, SECRET.encode()),
    "slow down": says(429, b"", Retry_After="86400"),
    "deep": says(200, b"[" * 100_000),
    "not a number": says(200, b'{"data": NaN}'),
    "twenty megabytes": says(200, b" " * (20 * 1024 * 1024 + 1)),
    "hangs up": hangs_up,
    "a drip": drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n["),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("logged_in", [False, True], ids=["from the start", "after the log-in"])
@pytest.mark.parametrize("source", SOURCES)
def test_nonsense_is_a_reason_and_never_an_answer(source, logged_in, nonsense):
    module, settings = SOURCES[source]
    with scripted() as server:
        server.acts = [says(200, TOKEN), NONSENSE[nonsense]] if logged_in else [NONSENSE[nonsense]]
        log_in = {"login_url": server.url} if "login_url" in module.Settings.model_fields else {}
        given = module.Settings.model_validate(
            settings | log_in | {"base_url": server.url + "/x", "deadline_s": 1, "total_s": 2}
        )
        enricher = module.connect("live", given, SITE, HERE, FakeTime().clocks)
        words = enricher.look_up(ASKED, WINDOW)
        assert words and all(word.unavailable and word.answers == () for word in words), words
        assert {word.topic for word in words} <= set(enricher.topics)
        results = enricher.check()
        assert not all(one.ok for one in results)
    for text in [word.unavailable for word in words] + [one.message for one in results]:
        assert SECRET not in text and "<live" not in text and len(text) < 600 and text.isprintable()
