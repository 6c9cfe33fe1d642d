"""The Splunk SOAR app's polling, its archive with and without wheels, and what it says of an unknown action."""

import io
import json
import tarfile
from importlib.metadata import version

import pytest

from playbook import platforms
from playbook.actions import catalogue
from playbook.errors import ConfigError
from tests.playbook.alerts.scene import bot
from tests.players import splunk_soar
from tests.players.service import CLOSED, service

WHEELS = {
    "botnet_playbook-0.1.0-py3-none-any.whl": b"ours",
    "duckdb-2.0.0-cp313-cp313-manylinux_2_28_x86_64.whl": b"theirs",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    for name, content in platforms.build("splunk_soar", catalogue()).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def running(tmp_path, monkeypatch):
    with service(tmp_path, monkeypatch) as one:
        one.scene.post([bot()])
        one.scene.work()
        yield one


def asset(built, tmp_path, access, **config):
    folder = tmp_path / "soar"
    folder.mkdir(exist_ok=True)
    return splunk_soar.install(built, folder, access, first_poll_days=9000, **config)


@pytest.mark.loopback
def test_each_case_is_one_container_with_the_detections_as_artifacts(built, running, tmp_path):
    one = asset(built, tmp_path, running.access(), ingest={"container_label": "botnet"})
    (result,) = one.run("on_poll", {"container_count": 10, "artifact_count": 10})
    assert result["ok"] and result["message"] == "1 case(s), 1 artifact(s)"
    (container,), (artifact,) = one.store["containers"].values(), one.store["artifacts"].values()
    assert (container["label"], container["severity"]) == ("botnet", "high") and not container["run_automation"]
    assert artifact["run_automation"] and artifact["container_id"] == container["id"]
    cef = artifact["cef"]
    assert (cef["sourceAddress"], cef["destinationAddress"], cef["destinationPort"]) == (
        "10.1.3.10",
        "198.51.100.23",
        6667,
    )
    assert cef["planId"].startswith("P-") and len(cef["planDigest"]) == 64 and cef["startTime"] < cef["endTime"]
    assert cef["caseId"] == container["source_data_identifier"] and "destinationDnsDomain" not in cef


@pytest.mark.loopback
def test_a_scheduled_poll_goes_on_and_a_failed_one_moves_nothing(built, running, tmp_path):
    one = asset(built, tmp_path, running.access())
    one.full = True
    (result,) = one.run("on_poll", {})
    assert not result["ok"] and "did not keep" in result["message"] and one.store["state"] == {}
    one.full = False
    assert one.run("on_poll", {})[0]["message"] == "1 case(s), 1 artifact(s)"
    assert one.run("on_poll", {})[0]["message"] == "0 case(s), 0 artifact(s)"
    for host in ("ws-31", "ws-32"):
        running.waiting_plan(host)
    counts = [one.run("on_poll", {"container_count": 1})[0]["summary"]["rows"] for _ in range(3)]
    assert counts == [1, 1, 0] and len(one.store["containers"]) == 3
    one.config["server_url"] = CLOSED
    (result,) = one.run("on_poll", {})
    assert not result["ok"] and "cannot be reached" in result["message"]


@pytest.mark.loopback
def test_poll_now_is_bounded_and_leaves_the_cursor_alone(built, running, tmp_path):
    one = asset(built, tmp_path, running.access())
    case_id = running.waiting_plan("ws-31")["case_id"]
    (result,) = one.run("on_poll", {"container_id": case_id}, poll_now=True)
    assert result["ok"] and list(one.store["containers"]) == [case_id]
    (result,) = one.run("on_poll", {"container_count": 5, "artifact_count": 1}, poll_now=True)
    assert result["message"] == "2 case(s), 1 artifact(s)" and one.store["state"] == {}
    (result,) = one.run("on_poll", {"start_time": 1, "end_time": 2}, poll_now=True)
    assert result["summary"]["rows"] == 0
    (result,) = one.run("on_poll", {"start_time": "soon"}, poll_now=True)
    assert not result["ok"] and "start_time: expected a whole number" in result["message"]


@pytest.mark.loopback
def test_an_unknown_action_and_an_asset_without_a_service_are_answered(built, running, tmp_path):
    one = asset(built, tmp_path, running.access())
    (result,) = one.run("nonsense", {})
    assert not result["ok"] and "This app has no action 'nonsense'" in result["message"]
    one.config["server_url"] = ""
    (result,) = one.run("look_up_address", {"address": "9.9.9.9"})
    assert not result["ok"] and "Set server_url in the asset" in result["message"]
    (result,) = one.run("on_poll", {})
    assert not result["ok"] and "set server_url" in result["message"]
    assert [r["ok"] for r in one.run("look_up_host", {"host": "a"}, {"host": "b"})] == [False, False]


def test_wheels_are_put_in_by_platform_and_listed():
    ((name, archive),) = platforms.build("splunk_soar", catalogue(), WHEELS).items()
    assert name == f"phantom_botnet_playbook-{version('botnet-playbook')}.tgz"
    with tarfile.open(fileobj=io.BytesIO(archive)) as app:
        listed = json.load(app.extractfile("botnet_playbook/botnet_playbook.json"))["pip313_dependencies"]["wheel"]
        names = set(app.getnames())
    assert {one["module"] for one in listed} == {"botnet-playbook", "duckdb"}
    assert {f"botnet_playbook/{one['input_file']}" for one in listed} <= names
    assert {one["input_file"].split("/")[1] for one in listed} == {"shared", "python313"}


@pytest.mark.parametrize(
    ("wheels", "text"),
    [
        ({"duckdb-2.0.0-cp313-cp313-manylinux_2_28_x86_64.whl": b""}, "the wheel of botnet-playbook is missing"),
        (WHEELS | {"duckdb-2.0.0-cp311-cp311-manylinux_2_28_x86_64.whl": b""}, "expected a wheel for Python 3.13"),
        (WHEELS | {"../escape.whl": b""}, "expected a wheel for Python 3.13"),
    ],
)
def test_wheels_that_do_not_fit_are_refused(wheels, text):
    with pytest.raises(ConfigError, match=text):
        platforms.build("splunk_soar", catalogue(), wheels)
