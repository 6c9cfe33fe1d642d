"""The XSOAR pack: its settings, the fetch of incidents, what contains is marked, the playbook walked to its end."""

import json
import zipfile

import pytest
import yaml

from playbook import platforms
from playbook.actions import catalogue
from tests.playbook.alerts.scene import bot
from tests.players import xsoar
from tests.players.service import service

PLAYBOOK = "Playbooks/playbook-Botnet_Beaconing_-_Approve_And_Contain.yml"


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    (name, content), *_ = platforms.build("xsoar", catalogue()).items()
    (folder / name).write_bytes(content)
    return folder / name


@pytest.fixture
def running(tmp_path, monkeypatch):
    with service(tmp_path, monkeypatch) as one:
        yield one


def test_what_contains_or_releases_is_marked_as_potentially_harmful(pack):
    with zipfile.ZipFile(pack) as archive:
        whole = yaml.safe_load(archive.read("Integrations/integration-BotnetPlaybook.yml"))
    marked = {one["name"] for one in whole["script"]["commands"] if one.get("execution")}
    assert marked == {f"botnet-{a.identifier.replace('_', '-')}" for a in catalogue() if a.changes}
    assert len(whole["script"]["commands"]) == len(catalogue())
    assert whole["script"]["dockerimage"].rpartition(":")[2] != "latest"
    assert not [one["name"] for one in whole["configuration"] if one["name"] in ("insecure", "unsecure")]
    first = next(one for one in whole["configuration"] if one["name"] == "credentials")
    assert first["type"] == 9 and first["hiddenusername"]


def instance(pack, folder, access, **params):
    folder.mkdir(exist_ok=True)
    return xsoar.Xsoar(pack, folder, access, **params)


@pytest.mark.loopback
def test_the_test_button_says_ok_or_what_to_mend(pack, running, tmp_path):
    good = instance(pack, tmp_path / "a", running.access(), isFetch=True)
    assert good.run("test-module", {})["results"] == ["ok"]
    for change, text in (
        ({"url": "http://playbook.example"}, "has to be https"),
        ({"response_credentials": {"password": running.access().token}}, "response token has not the scope"),
        ({"first_fetch": "yesterday"}, "First fetch: expected a number"),
        ({"authorities": "gone.pem", "url": "https://playbook.example"}, "neither PEM nor a file"),
    ):
        (entry,) = instance(pack, tmp_path / "a", running.access(), isFetch=True, **change).run("test-module", {})[
            "results"
        ]
        assert entry["Type"] == 4 and text in entry["Contents"]
    (entry,) = good.run("botnet-nonsense", {})["results"]
    assert entry["Type"] == 4 and "is no command of this integration" in entry["Contents"]


@pytest.mark.loopback
def test_incidents_are_fetched_once_and_a_failed_fetch_moves_no_cursor(pack, running, tmp_path):
    running.scene.post([bot(), bot(src_ip="10.1.7.1", dst_ip="203.0.113.250")])
    running.scene.work()
    running.waiting_plan("ws-31")
    one = instance(pack, tmp_path / "a", running.access(), first_fetch="9000 days", max_fetch="1")
    names = []
    for _ in range(4):
        names += [incident["dbotMirrorId"] for incident in one.run("fetch-incidents", {})["incidents"]]
    assert len(names) == 2 == len(set(names))
    before = json.dumps(one.last_run)
    one.params["credentials"]["password"] = "bpt_wrong"
    out = one.run("fetch-incidents", {})
    assert out["incidents"] is None and "does not accept the token" in out["results"][0]["Contents"]
    assert json.dumps(one.last_run) == before
    fresh = instance(pack, tmp_path / "a", running.access(), first_fetch="9000 days")
    incidents = {one["dbotMirrorId"]: one for one in fresh.run("fetch-incidents", {})["incidents"]}
    bad = next(one for one in incidents.values() if "10.1.3.10" in one["rawJSON"] or "irc" in one["details"].lower())
    row = json.loads(bad["rawJSON"])
    assert bad["severity"] == 4 and row["plan_state"] == "waiting" and len(row["digest"]) == 64
    assert bad["occurred"].endswith("Z")


def walked(pack, one, running, case_id, choice):
    """The tasks that the playbook goes through, with this answer at the manual task; the context it leaves."""
    with zipfile.ZipFile(pack) as archive:
        book = yaml.safe_load(archive.read(PLAYBOOK))
    context, path, number = {}, [], book["starttaskid"]
    while number:
        task = book["tasks"][number]
        path.append(task["task"]["name"])
        label = "#none#"
        if task["type"] == "condition" and "conditions" in task:
            (((rule,),),) = (condition["condition"] for condition in task["conditions"])
            column = rule["left"]["value"]["simple"].rpartition(".")[2]
            left, right = context[column], rule["right"]["value"]["simple"]
            holds = left == right if rule["operator"] == "isEqualString" else float(left) > float(right)
            label = "yes" if holds else "#default#"
        elif task["type"] == "condition":
            label = choice
        elif task["task"].get("scriptName") == "Sleep":
            running.worked()
        elif task["task"]["iscommand"]:
            given = {name: value["simple"] for name, value in task["scriptarguments"].items()}
            given = {
                name: case_id if "incident" in v else context[v.strip("${}").rpartition(".")[2]]
                for name, v in given.items()
            }
            reply = one.call(task["task"]["script"].rpartition("|")[2].removeprefix("botnet-").replace("-", "_"), given)
            assert reply.ok, reply.text
            context |= reply.rows[0]
        number = task.get("nexttasks", {}).get(label, [None])[0]
    return path, context


@pytest.mark.loopback
@pytest.mark.parametrize(("choice", "in_force"), [("Approve", 1), ("Deny", 0)])
def test_the_playbook_asks_a_person_and_ends(pack, running, tmp_path, choice, in_force):
    one = instance(pack, tmp_path / "a", running.access())
    case = one.call("file_detection", {"alert": json.dumps(bot())}).rows[0]
    path, context = walked(pack, one, running, case["case_id"], choice)
    assert path[-1] == "Done" and "Approve exactly this plan?" in path
    assert len(running.lapi.active("198.51.100.23")) == in_force
    assert context["plan_state"] == ("approved" if in_force else "denied")
    path, _ = walked(pack, one, running, case["case_id"], choice)
    assert "Look at the case: nothing is contained" in path
