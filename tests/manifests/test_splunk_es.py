"""The Splunk ES add-on: what each response offers, what ES needs to show it, many results, and what goes wrong."""

import configparser
import json

import pytest

from playbook import platforms
from playbook.actions import catalogue
from tests.playbook.alerts.scene import bot
from tests.players import splunk_es
from tests.players.service import service

FILES = platforms.render("splunk_es", catalogue())


def stanzas():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(FILES["default/alert_actions.conf"])
    return parser


def test_es_shows_both_responses_and_each_action_stands_in_one_of_them():
    parser = stanzas()
    assert parser.sections() == ["botnet_judge", "botnet_contain"]
    for name in parser.sections():
        cam = json.loads(parser[name]["param._cam"])
        assert cam["supports_adhoc"] is True and "\n" not in parser[name]["param._cam"]
        assert f"bin/{name}.py" in FILES and parser[name]["payload_format"] == "json"
        assert parser[name]["python.required"] == "3.13"
    judge, contain = FILES["bin/botnet_judge.py"], FILES["bin/botnet_contain.py"]
    for action in catalogue():
        if action.kind != "test":
            assert (f"'{action.identifier}'" in judge) != (f"'{action.identifier}'" in contain)
    assert "block_address" not in judge and parser["botnet_judge"]["param.action"] == "file_detection"
    spec = FILES["README/alert_actions.conf.spec"]
    assert all(key in spec for name in parser.sections() for key in parser[name] if key.startswith("param."))


def test_the_saved_searches_come_along_and_none_runs_by_itself():
    stanzas_of = [one.splitlines() for one in FILES["default/savedsearches.conf"].split("\n[")[1:]]
    assert len(stanzas_of) >= 10 and all("disabled = 1" in lines for lines in stanzas_of)
    assert any("action.correlationsearch.enabled = 1" in lines for lines in stanzas_of)


@pytest.mark.loopback
def test_many_results_have_an_answer_each_and_what_fails_is_said(tmp_path, monkeypatch):
    ((name, content),) = platforms.build("splunk_es", catalogue()).items()
    (tmp_path / name).write_bytes(content)
    with service(tmp_path, monkeypatch) as running:
        one = splunk_es.install(tmp_path, tmp_path, running.access())
        code, events, log = one.run("botnet_judge", "file_detection", [bot(), bot(dst_port="no port"), bot()])
        assert code == 1 and [event["status"] for event in events] == ["success", "failed", "success"]
        assert events[0]["case_id"] == events[2]["case_id"] and events[2]["repeated"]
        assert "dst_port" in events[1]["message"] and "ERROR" in log and "INFO" in log
        assert {event["sid"] for event in events} == {"1.2"}
        code, events, log = one.run("botnet_judge", "block_address", [bot()])
        assert code == 1 and "offers no action 'block_address'" in events[0]["message"]
        code, events, log = one.run("botnet_judge", "get_case", [{"case_id": "x"}], session_key="wrong")
        assert (code, events) == (1, []) and "Splunk answered 401" in log and "Traceback" not in log
        code, _, log = one.run("botnet_judge", "look_up_host", [{"host": "a"}] * 1001)
        assert code == 1 and "More than 1000 results" in log
