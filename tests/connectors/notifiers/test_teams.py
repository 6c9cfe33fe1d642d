"""Teams: what is posted, errors inside a 200, and that the hook's address stays secret."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.notifiers import teams
from connectors.notifiers._messages import lines_of
from playbook.errors import BadAnswer, ConnectorError, RateLimited
from tests.emulators.desk import Fault, serving, tenant
from tests.emulators.hooks import Hooks
from tests.support.notifier_fixtures import HOSTILE, LINK, notice
from tests.support.ticket_fixtures import NOW

PATH = "/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig=very-secret"


def connected(url: str) -> teams.Teams:
    return teams.connect("teams", teams.Settings(url=SecretStr(url), deadline_s=2), NOW, Path())


def test_text_stands_in_runs_that_know_no_markdown():
    card = teams.message(lines_of(notice(title=HOSTILE, text=HOSTILE), 8000))["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert [action["url"] for action in card["actions"]] == [LINK]
    assert "entities" not in json.dumps(card) and "decides nothing" in json.dumps(card)
    assert "actions" not in teams.message(lines_of(notice(link="javascript:x"), 100))["attachments"][0]["content"]


@pytest.mark.loopback
@pytest.mark.parametrize(
    "answer, expected",
    [
        ((200, {}, b"Webhook message delivery failed with error: endpoint returned HTTP error 429"), RateLimited),
        ((200, {}, b"Webhook message delivery failed"), BadAnswer),
        ((200, {}, b"<html>sign in</html>"), BadAnswer),
        ((400, {}, PATH.encode()), BadAnswer),
        ((401, {}, PATH.encode()), ConnectorError),
        (None, ConnectorError),
    ],
)
def test_what_is_no_success(answer, expected):
    with serving(Hooks(PATH).teams(faults=[Fault("POST .*", answer)])) as url, pytest.raises(expected) as told:
        connected(url + PATH).tell(notice())
    assert "secret" not in str(told.value) and "triggers" not in str(told.value)


STOPPED = {
    "code": "WorkflowTriggerIsNotEnabled",
    "message": f"Could not execute workflow 'abc' trigger 'manual' at {PATH}: trigger is not enabled.",
}


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, {}, json.dumps({"error": STOPPED}).encode()), "WorkflowTriggerIsNotEnabled: Could not execute"),
        ((404, {}, b'{"error": {"code": "WorkflowNotFound", "message": "gone"}}'), "WorkflowNotFound: gone"),
        ((410, {}, b"This connector was retired."), "This connector was retired."),
        ((404, {}, b"<html>not found</html>"), "did not take the notice"),
    ],
)
def test_a_hook_that_was_retired_or_stopped_says_so_before_and_when_it_is_needed(answer, words):
    hooks = Hooks(PATH, gone=answer)
    with serving(hooks.teams()) as url:
        (result,) = connected(url + PATH).check()
        with pytest.raises(ConnectorError, match=words) as told:
            connected(url + PATH).tell(notice())
    assert not result.ok and words in result.message and not hooks.posted
    for text in (str(told.value), result.message):
        assert "secret" not in text and "invoke" not in text and "triggers" not in text


@pytest.mark.loopback
def test_workflow_and_connector_answers():
    hooks = Hooks(PATH)
    with serving(hooks.teams(faults=[Fault("POST .*", (200, {}, b"1"))])) as url:
        for _ in range(2):
            connected(url + PATH).tell(notice())
        assert connected(url + PATH).check()[0].ok
    assert len(hooks.posted) == 2


def test_a_card(cassette):
    path = "/workflows/abc/triggers/manual/paths/invoke?sig=" + cassette.secret("TEAMS_SIG").get_secret_value()
    hooks = Hooks(path)
    url = cassette.site("https://example.westeurope.logic.azure.com", tenant(hooks.teams()))
    settings = teams.Settings(url=SecretStr(url + path))
    teams.connect("teams", settings, NOW, Path(), cassette.clocks).tell(notice(title=HOSTILE, text=HOSTILE))
