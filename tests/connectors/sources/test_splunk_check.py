"""What ``check`` proves of a Splunk account, and settings that are refused."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from connectors.sources import splunk
from playbook.errors import ConfigError
from tests.emulators.splunk import Behaviour, Server
from tests.support.splunk_fixtures import EVENTS, LOGIN, RULE, SITE, FakeClock, settings, talking

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("old", [False, True])
def test_check_proves_account_query_index_scope_and_fields(old: bool) -> None:
    server, clock = Server(EVENTS, Behaviour(states=(), old=old)), FakeClock()
    with talking(server, clock, rule_name=RULE) as source:
        results = source.check()
    assert [(r.subject, r.ok) for r in results] == [
        (name, True) for name in ("account", "query", "index", "scope", "fields")
    ]
    assert "10.0.0.31" in results[-1].message and "svc_playbook" in results[0].message
    page = next(form for form in server.forms if "offset" in form)
    assert page["count"] == "1", "one row is enough"


@pytest.mark.parametrize(
    ("behaviour", "events", "subject", "words"),
    [
        (Behaviour(refuse=True), EVENTS, "account", "capability search"),
        (Behaviour(states=(), capabilities=("rest_properties_get",)), EVENTS, "account", "lacks the capability search"),
        (Behaviour(states=(), indexes=("main",)), EVENTS, "index", "not visible"),
        (Behaviour(states=(), scopes=("other",)), EVENTS, "scope", "scope unproven"),
        (Behaviour(redirect="/en-US/"), EVENTS, "account", "8089"),
    ],
)
def test_check_says_what_is_missing(behaviour, events, subject, words) -> None:
    server, clock = Server(events, behaviour), FakeClock()
    with talking(server, clock, scope="index=netfw") as source:
        failed = [r for r in source.check() if not r.ok]
    assert [r.subject for r in failed] == [subject] and words in failed[0].message
    assert sum(method == "GET" for method, _ in server.log) < 6, "a refused account is not asked again and again"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": None}, "either token, or username"),
        (LOGIN | {"token": SecretStr("t")}, "either token"),
        (LOGIN | {"password": None}, "either token"),
        ({"token": SecretStr("")}, "token is empty"),
        ({"scope": "index=a | delete"}, "may only stand inside double quotes"),
        ({"fields": {"nosuch": "x"}}, "no column"),
        ({"rule_name": "a\nb"}, "cannot stand"),
        ({"preset": "nosuch"}, "preset"),
        ({"deadline_s": 1}, "deadline_s"),
    ],
)
def test_wrong_settings_are_told_before_anything_is_sent(change, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings("https://splunk.example:8089", **change)


def test_certificates_are_checked_against_the_file_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ca_file: no file"):
        splunk.connect("splunk", settings("https://splunk.example:8089", ca_file="ca.pem"), SITE, tmp_path)
    with pytest.raises(ConfigError, match="https://"):
        splunk.connect("splunk", settings("http://splunk.example:8089"), SITE, tmp_path)
    assert "verify" not in splunk.Settings.model_fields and "insecure" not in str(splunk.Settings.model_fields)
