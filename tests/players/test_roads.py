"""Every package from the alert to the verified release, and what its user sees when something is in the way."""

import importlib
import json
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from tests import players
from tests.playbook.alerts.scene import bot
from tests.players import Access, Player, Reply
from tests.players.service import CLOSED, service

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]
_SHARED = {"service"}
NAMES = sorted(
    m.name for m in pkgutil.iter_modules(players.__path__) if m.name not in _SHARED and not m.name.startswith("test_")
)
TARGET = "198.51.100.23"


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"tests.players.{name}")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What `manifests build` makes of each platform, made once."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        platform = getattr(module_of(name), "PLATFORM", name)
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            if platform:
                done = CliRunner().invoke(cli, ["manifests", "build", platform, "-o", str(made[name])])
                assert done.exit_code == 0, done.output
        return made[name]

    return of


@pytest.fixture
def running(tmp_path, monkeypatch):
    with service(tmp_path, monkeypatch) as one:
        yield one


def only(reply: Reply) -> dict:
    assert reply.ok, reply.text
    (row,) = reply.rows
    return row


def installed(name: str, built, folder: Path, access: Access) -> Player:
    folder.mkdir()
    return module_of(name).install(built(name), folder, access)


@pytest.mark.parametrize("name", NAMES)
def test_from_the_alert_to_the_verified_release_and_what_is_in_the_way(name, built, running, tmp_path):
    contains = getattr(module_of(name), "CONTAINS", True)
    player = installed(name, built, tmp_path / "good", running.access())
    filed = only(player.call("file_detection", {"alert": json.dumps(bot()), "sender": ""}))
    assert (filed["disposition"], filed["plan_state"], len(filed["digest"])) == ("TRUE_POSITIVE", "waiting", 64)
    assert filed["approval_url"] == f"https://pages.example/cases/{filed['case_id']}" and filed["expires_at"]
    case = {"case_id": filed["case_id"]}
    assert only(player.call("get_case", case))["steps"] == f"block_address {TARGET} 14400 waiting"
    if contains:
        the_response(player, running, {"plan_id": filed["plan_id"], "digest": filed["digest"]}, case)
        what_is_refused(player, running)
    else:
        assert not player.call("block_address", {}).ok and running.lapi.active(TARGET) == []
    what_is_in_the_way(name, built, running, tmp_path, case)


def the_response(player: Player, running, plan: dict, case: dict) -> None:
    """Approve, contain, verify, release, verify."""
    assert only(player.call("approve_plan", plan))["result"] == "approved"
    assert running.worked() == ["done"] and len(running.lapi.active(TARGET)) == 1
    block = {"address": TARGET, "approved_by": "carol", **plan}
    assert only(player.call("block_address", block))["state"] == "applied"
    state = only(player.call("get_case", case))
    assert int(state["in_force"]) == 1 and state["ends"] and state["containments"].endswith("in force")
    assert only(player.call("release_address", block))["state"] == "being released"
    assert running.let_go() == ["done"] and running.lapi.active(TARGET) == []
    assert only(player.call("get_case", case))["containments"].endswith("released")


def what_is_refused(player: Player, running) -> None:
    """A plan that was denied, and one that nobody answered in time."""
    plan = running.waiting_plan("ws-31")
    wish = {key: plan[key] for key in ("plan_id", "digest")}
    assert only(player.call("deny_plan", wish))["result"] == "denied"
    late = player.call("approve_plan", wish)
    assert not late.ok and "denied" in late.text and not late.rows
    plan = running.waiting_plan("ws-32")
    running.scene.clock.forward(hours=25)
    late = player.call("approve_plan", {key: plan[key] for key in ("plan_id", "digest")})
    assert not late.ok and "no answer came by" in late.text and "Traceback" not in late.text


def what_is_in_the_way(name: str, built, running, folder: Path, case: dict) -> None:
    """A wrong token and a service that is down."""
    wrong = installed(name, built, folder / "wrong", running.access(token="bpt_wrong", response_token="bpt_wrong"))
    reply = wrong.call("get_case", case)
    assert not reply.ok and getattr(module_of(name), "TOKEN_TEXT", "does not accept the token") in reply.text
    assert "bpt_wrong" not in reply.text and "Traceback" not in reply.text
    gone = installed(name, built, folder / "gone", running.access(address=CLOSED))
    reply = gone.call("get_case", case)
    assert not reply.ok and getattr(module_of(name), "DOWN_TEXT", "cannot be reached") in reply.text
    assert "Traceback" not in reply.text
