"""nftables: set once, armed anew, released, and never an element, table or namespace that is not ours."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from pydantic import ValidationError

from connectors.containments import _targets, nftables
from connectors.containments.nftables import listing
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized, Unreachable
from tests.emulators import nft
from tests.support.containment_stories import FORBIDDEN, HOSTILE, HOSTILE_PAIRS, KEY, OTHER, PAIR, SITE, any_text, step

ADDRESS, WHOLE = step(), step(PAIR, "block_pair")
V6 = step("2001:db8:1::3>2001:db8::c2:443", "block_pair")


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "nft.json"
    nft.fresh(path)
    return path


def firewall(*command, **change):
    return nftables.connect("edge", nftables.Settings(command=command, **change), SITE, Path())


@pytest.fixture
def edge(state):
    return firewall(sys.executable, "-I", "-S", nft.__file__, str(state))


def writes(state):
    return json.loads(state.read_text())["writes"]


@pytest.mark.parametrize(
    ("target", "name", "element"),
    [
        (ADDRESS, "addresses4", "198.51.100.9"),
        (step("2001:db8::c2"), "addresses6", "2001:db8::c2"),
        (step("::ffff:198.51.100.9"), "addresses4", "198.51.100.9"),
        (WHOLE, "pairs4", "10.1.2.3 . 198.51.100.9 . 443"),
        (V6, "pairs6", "2001:db8:1::3 . 2001:db8::c2 . 443"),
    ],
)
def test_set_verified_released(edge, state, target, name, element):
    done = edge.contain(target, KEY)
    assert done.ok and done.changed and 3590 <= (done.until - done.at).total_seconds() <= 3600
    assert {k: v["comment"] for k, v in nft.elements(state)[name].items()} == {element: KEY}
    seen = edge.verify(target, KEY)
    assert seen.ok and '"packets": 0' in seen.said and not edge.verify_released(target, KEY).ok
    assert edge.release(target, KEY).changed and nft.elements(state)[name] == {}
    assert edge.verify_released(target, KEY).ok and not edge.verify(target, KEY).ok
    again = edge.release(target, KEY)
    assert again.ok and not again.changed


def test_a_repeat_arms_the_timeout_anew_in_one_transaction(edge, state):
    edge.contain(step(ttl_s=60), KEY)
    again = edge.contain(step(ttl_s=7200), KEY)
    assert again.ok and not again.changed and nft.elements(state)["addresses4"]["198.51.100.9"]["timeout"] == 7200
    assert [line.split()[0] for line in writes(state)[-1].splitlines()] == ["add", "delete", "add"]
    assert len(writes(state)) == 2


@pytest.mark.parametrize("mine", [KEY, KEY[:-1]])
def test_an_element_of_another_is_left_alone(edge, state, mine):
    edge.contain(ADDRESS, OTHER)
    before = nft.elements(state)
    refused = edge.contain(ADDRESS, mine)
    assert not refused.ok and not refused.changed and OTHER in refused.said
    released = edge.release(ADDRESS, mine)
    assert released.ok and not released.changed and "left alone" in released.said
    assert edge.verify_released(ADDRESS, mine).ok and not edge.verify(ADDRESS, mine).ok
    assert nft.elements(state) == before


def test_an_element_that_came_between_looking_and_creating_is_left_alone(edge, state, monkeypatch):
    looked = edge._listing

    def then_another_comes():
        monkeypatch.undo()
        read = looked()
        edge.contain(ADDRESS, OTHER)
        return read

    monkeypatch.setattr(edge, "_listing", then_another_comes)
    refused = edge.contain(ADDRESS, KEY)
    assert not refused.ok and not refused.changed and OTHER in refused.said
    assert nft.elements(state)["addresses4"]["198.51.100.9"]["comment"] == OTHER


@pytest.mark.parametrize(
    "bad",
    [
        *[step(text) for text in (*HOSTILE, *FORBIDDEN)],
        *[step(text, "block_pair") for text in HOSTILE_PAIRS],
        step("198.51.100.9", "isolate_host"),
    ],
)
def test_what_is_not_one_blockable_target_never_reaches_the_program(bad):
    nowhere = firewall("/nonexistent/nft")
    with pytest.raises(ConfigError):
        nowhere.contain(bad, KEY)


@given(any_text)
@example("10.1.2.3>198.51.100.9:443")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_script_is_one_line_of_plain_characters_whatever_the_target(text):
    edge = firewall("/nonexistent/nft")
    for kind in edge.kinds:
        try:
            script = edge._place(edge._spot(step(text, kind)), 60, KEY)
        except ConfigError:
            continue
        assert nft._COMMAND.fullmatch(f"add element {script[:-1]}") and script.count("\n") == 1


def test_an_answer_lost_after_the_effect_and_a_retry_leave_one_effect(state):
    nft.fresh(state, slow_s=30)
    command = (sys.executable, "-I", "-S", nft.__file__, str(state))
    with pytest.raises(Unreachable, match="within 1 s"):
        firewall(*command, deadline_s=1).contain(ADDRESS, KEY)
    state.write_text(json.dumps(json.loads(state.read_text()) | {"slow_s": 0}))
    edge = firewall(*command)
    assert edge.contain(ADDRESS, KEY).ok and len(nft.elements(state)["addresses4"]) == 1
    assert edge.release(ADDRESS, KEY).changed and nft.elements(state)["addresses4"] == {}


def test_an_element_that_ended_by_itself_needs_no_release(edge, state):
    edge.contain(step(ttl_s=60), KEY)
    nft.later(state, 60)
    assert edge.verify_released(ADDRESS, KEY).ok and not edge.verify(ADDRESS, KEY).ok
    assert edge.release(ADDRESS, KEY).ok


def test_nothing_is_set_where_no_rule_would_drop(edge, state):
    nft.fresh(state, idle=True)
    with pytest.raises(BadAnswer, match="nothing was set"):
        edge.contain(ADDRESS, KEY)
    assert writes(state) == []
    (found,) = edge.check()
    assert not found.ok and "drops tcp to what is in @pairs6" in found.message


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("target", [ADDRESS, step("2001:db8::c2"), WHOLE, V6], ids=lambda target: target.target)
def test_one_direction_alone_is_no_block(edge, state, direction, target):
    assert edge.contain(target, KEY).ok
    held = json.loads(state.read_text())
    state.write_text(json.dumps(held | {"without": [direction]}))
    before = writes(state)
    seen = edge.verify(target, KEY)
    assert not seen.ok and f"{direction} what is in @" in seen.said
    with pytest.raises(BadAnswer, match=f"{direction} what is in"):
        edge.contain(target, OTHER)
    (found,) = edge.check()
    assert not found.ok and f"{direction} what is in @addresses4" in found.message and writes(state) == before
    assert edge.release(target, KEY).ok and edge.verify_released(target, KEY).ok


def narrowed(change):
    """The rules of the snippet, one of them changed."""
    expressions = [nft.rules_of(name, {}) for name in nft.SETS]
    every = [rule for two in expressions for rule in two]
    change(every[0]["rule"]["expr"], every[4]["rule"]["expr"])
    return every


def only_one_port(address, pair):
    match = {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}
    address.insert(0, {"match": match})


def only_tcp(address, pair):
    pair[0]["match"]["right"] = "tcp"


def all_but_these(address, pair):
    address[0]["match"]["op"] = "!="


def other_family(address, pair):
    address[0]["match"]["left"]["payload"]["protocol"] = "ip6"


def counted_only(address, pair):
    del address[-1]


def without_form(address, pair):
    address[0]["match"]["left"] = "daddr"


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        (only_one_port, "to what is in @addresses4"),
        (only_tcp, "udp to what is in @pairs4"),
        (all_but_these, "to what is in @addresses4"),
        (other_family, "to what is in @addresses4"),
        (counted_only, "to what is in @addresses4"),
        (without_form, "to what is in @addresses4"),
    ],
)
def test_a_rule_that_drops_only_some_of_it_is_no_block(edge, state, change, gap):
    nft.fresh(state, rules=narrowed(lambda address, pair: None))
    assert edge.check()[0].ok
    nft.fresh(state, rules=narrowed(change))
    (found,) = edge.check()
    assert not found.ok and f"drops {gap};" in found.message


def test_a_missing_table_holds_nothing_of_ours_and_check_says_what_to_load(edge, state):
    nft.fresh(state, table="other")
    assert edge.release(ADDRESS, KEY).ok and edge.verify_released(ADDRESS, KEY).ok
    for act in (edge.contain, edge.verify):
        with pytest.raises(ConnectorError, match="No such file"):
            act(ADDRESS, KEY)
    (found,) = edge.check()
    assert not found.ok and "table inet botnet_playbook { set addresses4" in found.message
    nft.fresh(state, sets=("addresses4",))
    assert "set pairs4 is missing" in edge.check()[0].message
    nft.fresh(state)
    assert edge.check()[0].ok


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('Cannot open network namespace "fw": No such file or directory', BadAnswer),
        ('exec of "/usr/sbin/nft" failed: No such file or directory', BadAnswer),
        ("Operation not permitted (you must be root)", Unauthorized),
        ("sudo: a password is required", Unauthorized),
    ],
)
def test_what_stands_before_nft_is_never_taken_for_a_missing_element(words, kind):
    edge = firewall("/bin/sh", "-c", f"echo '{words}' >&2; exit 1")
    for act in (edge.contain, edge.verify, edge.release, edge.verify_released):
        with pytest.raises(kind):
            act(ADDRESS, KEY)
    assert not edge.check()[0].ok


def test_a_program_that_is_not_there_or_talks_nonsense_is_an_error():
    for command in (("/nonexistent/nft",), ("/bin/echo", "hello"), ("/bin/echo", '{"nftables": 1}', "#")):
        with pytest.raises(ConnectorError):
            firewall(*command).verify_released(ADDRESS, KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"command": ["nft"]},
        {"command": []},
        {"command": ["/usr/sbin/nft", "a\nb"]},
        {"table": "a b"},
        {"table": "x;"},
        {"table": "-t"},
        {"deadline_s": 0},
    ],
)
def test_settings_that_could_mean_something_else_are_refused(change):
    with pytest.raises(ValidationError):
        nftables.Settings.model_validate(change)


def test_elements_that_are_no_single_address_are_never_ours():
    odd = [{"prefix": {"addr": "198.51.100.0", "len": 24}}, {"range": ["198.51.100.1", "198.51.100.9"]}, "x", 7, None]
    read = listing.parsed(json.dumps({"nftables": [{"set": {"name": "addresses4", "elem": odd}}]}))
    assert listing.held(read, "addresses4", (_targets.single("198.51.100.9"),)) is None
