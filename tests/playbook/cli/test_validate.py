"""validate: what fires on each Atomic test and its variant, as this file says and not as the code does."""

import json
import socket
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from connectors.enrichers.sysmon import Settings, connect
from connectors.sources.logs.formats import sysmon as sysmon_logs
from playbook.__main__ import cli
from playbook.cli import validate
from playbook.model.detection import TimeWindow
from playbook.model.observable import Observable
from playbook.model.site import Networks, Site
from playbook.simulate import loopback
from playbook.simulate.atomic import Exercise, exercises, why_not
from playbook.simulate.endpoint import gathered, sysmon
from playbook.simulate.loopback import play

DETECTION = {"beaconing", "beaconing (the seed's query)"}
# test: fires on the endpoint, fires on the wire, why the seed's query cannot (a word of each reason)
TABLE: dict[str, tuple[set[str], set[str], tuple[str, ...]]] = {
    "1": (set(), set(), ("loopback", "2.4 minutes")),
    "1v": (DETECTION, DETECTION, ()),
    "2": ({"irc"}, set(), ("loopback", "1 attempt at most", "0.0 minutes")),
    "2v": (DETECTION | {"irc"}, DETECTION | {"irc"}, ()),
    "3": ({"ddos-burst"}, set(), ("loopback", "1 attempt at most", "1.0 minutes")),
    "3v": (DETECTION | {"ddos-burst"}, DETECTION | {"ddos-burst"}, ()),
    "4": ({"dga-burst"}, {"dga-burst"}, ("DNS",)),
    "4v": (DETECTION | {"dga-burst"}, DETECTION | {"dga-burst"}, ()),
}


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["validate", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    code, text, told = run("--json")
    assert (code, told) == (0, "")
    return json.loads(text)


@pytest.mark.parametrize("name", TABLE)
def test_what_fires(document: dict[str, Any], name: str) -> None:
    (one,) = [one for one in document["tests"] if one["test"] == name]
    on_endpoint, on_sensor, reasons = TABLE[name]
    assert {place: set(names) for place, names in one["fires"].items()} == {
        "endpoint": on_endpoint,
        "sensor": on_sensor,
    }
    assert len(one["why_the_seed_cannot"]) == len(reasons)
    assert all(word in told for word, told in zip(reasons, one["why_the_seed_cannot"], strict=True))
    assert one["as_expected"] and bool(one["changed"]) == name.endswith("v")


def test_all_four_are_there_and_nothing_is_opened(document: dict[str, Any]) -> None:
    assert [one["test"] for one in document["tests"]] == list(TABLE)
    assert document["as_expected"] and "live" not in document


@pytest.mark.parametrize(
    "change", [{"fires_on_endpoint": ()}, {"fires_on_endpoint": ("irc", "dga-burst")}, {"fires_on_sensor": ("irc",)}]
)
def test_what_comes_out_otherwise_is_told_and_exits_128(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, tuple[str, ...]]
) -> None:
    irc = next(one for one in exercises() if one.name == "2")
    monkeypatch.setattr(validate, "exercises", lambda: (irc.model_copy(update=change),))
    monkeypatch.setattr(validate, "_fired", lambda folder: {"endpoint": {irc.host: {"irc"}}, "sensor": {}})
    code, text, _ = run()
    assert code == 128 and "NOT AS EXPECTED" in text


def test_the_seeds_query_firing_on_a_test_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = exercises()[0]
    fired = {"endpoint": {loop.host: {"beaconing (the seed's query)"}}, "sensor": {}}
    monkeypatch.setattr(validate, "exercises", lambda: (loop,))
    monkeypatch.setattr(validate, "_fired", lambda folder: fired)
    assert run()[0] == 128


def of(name: str) -> Exercise:
    return next(one for one in exercises() if one.name == name)


def test_the_telemetry_is_that_of_the_seeds_tests() -> None:
    loop, irc, burst, names = (of(name).endpoint for name in "1234")
    assert (len(loop.opened), {(o.dst_ip, o.dst_port) for o in loop.opened}) == (30, {("127.0.0.1", 8080)})
    assert 140 < loop.opened[-1].ts - loop.opened[0].ts <= 150
    assert [(o.dst_ip, o.dst_port) for o in irc.opened] == [("127.0.0.1", 6667)]
    assert len({o.dst_port for o in burst.opened}) == 150 and {o.dst_ip for o in burst.opened} == {"127.0.0.1"}
    assert len({x.query for x in names.look_ups}) == 60 and not any(x.addresses for x in names.look_ups)
    assert not any(of(name).sensor.connections for name in "1234") and len(of("4").sensor.questions) == 60
    assert not any(why_not(of(f"{name}v")) for name in "1234")


def test_its_process_evidence_is_read_back(tmp_path: Any) -> None:
    (tmp_path / "log.jsonl").write_text(sysmon(gathered([of("1").endpoint])))
    assert sysmon_logs.recognise((tmp_path / "log.jsonl").read_text(), "log.jsonl")
    loop = of("1")
    enricher = connect("e", Settings(paths=("log.jsonl",)), Site(networks=Networks(), now=validate.now()), tmp_path)
    asked = Observable(kind="host", value=loop.host, role="source")
    began = loop.endpoint.opened[0].ts
    (answer,) = enricher.look_up([asked], TimeWindow(start=validate.now(), end=validate.now().replace(year=9999)))
    (owner,) = answer.answers
    process = loop.endpoint.processes[0]
    assert (owner.path, owner.sha256, owner.command_line) == (process.image, process.sha256, process.command_line)
    assert (owner.dst_ip, owner.dst_port, owner.outside_addresses) == ("127.0.0.1", 8080, 0)
    assert owner.seen.timestamp() - began == pytest.approx(145)


@pytest.mark.loopback
def test_live_makes_every_attempt_and_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        told: list[str] = []
        port = listening.getsockname()[1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loopback, "random_ports", lambda rng: (port,))
            played = play(told.append, gap_s=0)
        heard, _ = listening.accept()
        assert heard.recv(1) == b""
        heard.close()
    assert [(one.name, one.planned, one.made) for one in played] == [("1", 30, 30), ("2", 1, 1), ("3", 1, 1)]
    assert played[2].answered == 1 and len(told) == 3


@pytest.mark.loopback
@pytest.mark.parametrize(("limit", "value", "made"), [("MOST_ATTEMPTS", 33, 33), ("MOST_SECONDS", 0.0, 0)])
def test_live_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, value: float, made: int) -> None:
    monkeypatch.setattr(loopback, limit, value)
    assert sum(one.made for one in play(lambda line: None, gap_s=0)) == made


@pytest.mark.loopback
def test_live_is_told_beside_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "play", partial(play, gap_s=0))
    monkeypatch.setattr(validate, "_fired", lambda folder: {"endpoint": {}, "sensor": {}})
    monkeypatch.setattr(validate, "exercises", lambda: ())
    code, text, told = run("--live", "--json")
    document = json.loads(text)
    assert code == 0 and "attempts to 127.0.0.1" in told
    assert [one["made"] for one in document["live"]] == [30, 1, 150] and "loopback" in document["live_note"]
    assert "live test 3: 150 of 150 attempts made" in run("--live")[1]
