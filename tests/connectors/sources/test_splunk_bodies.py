"""Real answers of Splunk servers, where they are at hand: parsed as the connector parses what it gets."""

import json
from pathlib import Path

import pytest

from connectors.clients.splunk import client, decoding, search_job
from connectors.http import Reply
from connectors.sources.splunk import mapping, notables
from playbook.errors import BadAnswer
from playbook.model.detection import TimeWindow
from tests.support.splunk_fixtures import SCOPE

BODIES = Path(__file__).parents[4] / "shared" / "data" / "splunk"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not BODIES.is_dir(), reason="the captured bodies are not here"),
]


def reply(name: str, status: int = 200) -> Reply:
    """One captured body as an answer."""
    return Reply(status, {"content-type": "application/json"}, (BODIES / name).read_bytes(), "https://x/", "splunk")


@pytest.mark.parametrize(
    ("name", "state", "done", "failed", "count"),
    [
        ("job_done_10.6.json", "DONE", True, False, 5),
        ("job_failed_10.6.json", "FAILED", True, True, 0),
    ],
)
def test_the_status_of_a_real_job(name: str, state: str, done: bool, failed: bool, count: int) -> None:
    content = json.loads((BODIES / name).read_bytes())
    status = search_job.Status.model_validate(content)
    assert (status.dispatchState, status.isDone, status.isFailed, status.resultCount) == (state, done, failed, count)
    said = client.notes_of(content)
    assert [note.kind for note in said] == (["FATAL", "ERROR"] if failed else ["INFO"])


def test_real_results_with_a_list_a_null_and_a_missing_cell() -> None:
    page = search_job.Page.model_validate(reply("results_10.6.json").json())
    first, second = [decoding.cast(row) for row in page.results]
    assert first["mv"] == ("a", "b") and second["mv"] == ("c",) and second["n"] == () and "host" not in second
    assert decoding.whole(first, "x") == 2123633747
    assert client.notes(reply("results_10.6.json")) == (client.Note("WARN", "Some warning."),)
    assert search_job.Page.model_validate(reply("results_empty_10.6.json").json()).results == []
    assert mapping.detections([first, second], SCOPE)[1].rejected == 2


@pytest.mark.parametrize(
    ("name", "kind", "words", "busy"),
    [
        ("err_400_unknown_command_10.4.json", "FATAL", "Unknown search command", False),
        ("err_401_10.4.json", "ERROR", "Unauthorized", False),
        ("job_cancelled.json", "INFO", "cancelled", False),
        ("quota_warn.json", "WARN", "maximum number of concurrent", True),
    ],
)
def test_real_messages(name: str, kind: str, words: str, busy: bool) -> None:
    (note,) = client.notes(reply(name))
    assert note.kind == kind and words in note.text and client.busy((note,)) is busy


def test_a_body_of_the_export_endpoint_is_no_page_of_results() -> None:
    with pytest.raises(BadAnswer):
        reply("export_10.6.ndjson").json()
    for name in ("export_zero_10.4.json",):
        with pytest.raises(ValueError, match="results"):
            search_job.Page.model_validate(reply(name).json())


def test_a_real_notable_of_another_rule_names_no_tuple_of_ours() -> None:
    row = decoding.cast(json.loads((BODIES / "notable_event_2020.json").read_bytes()))
    answer = search_job.SearchAnswer(rows=(row,))
    window = TimeWindow.model_validate({"start": "2020-08-24T00:00:00Z", "end": "2020-08-25T00:00:00Z"})
    noted = notables.noted(answer, (), SCOPE, window)
    assert not noted.detections and noted.warnings[0].startswith("1 notables name no tuple")
