"""The real nftables between three network namespaces: traffic passes, stops, and passes again; counters tell."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from connectors.containments import nftables
from playbook.errors import ConnectorError
from tests.support.containment_stories import KEY, OTHER, SITE, step
from tests.support.namespaces import C2, C2_6, CLIENT, CLIENT6, SECOND, TCP, UDP, Nets, lacking, nets
from tests.support.namespaces import OTHER as OTHER_HOST

_WHY_NOT = lacking()
pytestmark = [pytest.mark.integration, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]


@pytest.fixture(scope="module")
def place():
    with nets() as found:
        yield found


@pytest.fixture
def edge(place):
    """A firewall with our table fresh, and the usual filter that accepts every session it knows."""
    place.load("flush ruleset\n" + nftables.SNIPPET.format(table="botnet_playbook"))
    place.load(
        "table inet usual { chain forward { type filter hook forward priority 0; policy accept;"
        " ct state established accept; }; }"
    )
    return nftables.connect("edge", nftables.Settings(command=place.nft), SITE, Path())


def ruleset(place: Nets) -> list[str]:
    """Everything in the firewall, without numbers that move by themselves."""
    done = subprocess.run([*place.nft, "-s", "list", "ruleset"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "elements" not in line]


def packets(receipt) -> int:
    """What the device counted on the element, from the receipt's own words."""
    return json.JSONDecoder().raw_decode(receipt.said)[0]["counter"]["packets"]


def test_an_address_is_blocked_in_every_port_and_running_session_and_then_free(place, edge):
    blocked = step(C2, ttl_s=600)
    before = ruleset(place)
    assert edge.check()[0].ok and place.reaches(C2, TCP) and place.reaches(C2, UDP, "udp")
    with place.session(C2, TCP) as session:
        assert session.answers()
        done = edge.contain(blocked, KEY)
        assert done.ok and done.changed and 590 <= (done.until - done.at).total_seconds() <= 600
        assert not session.answers() and not place.reaches(C2, TCP) and not place.reaches(C2, UDP, "udp")
        assert place.reaches(OTHER_HOST, TCP)
        seen = edge.verify(blocked, KEY)
        assert seen.ok and packets(seen) >= 3
        released = edge.release(blocked, KEY)
        assert released.changed and packets(seen) > 0 and '"packets"' in released.said
        assert edge.verify_released(blocked, KEY).ok
        assert place.reaches(C2, TCP) and session.answers(10.0)
    assert ruleset(place) == before


def test_a_pair_stops_one_port_of_one_source_in_both_directions(place, edge):
    pair = step(f"{CLIENT}>{C2}:{TCP}", "block_pair", ttl_s=600)
    with place.session(C2, TCP) as session:
        assert session.answers() and edge.contain(pair, KEY).ok
        assert not session.answers() and not place.reaches(C2, TCP)
        assert place.reaches(C2, SECOND) and place.reaches(C2, UDP, "udp") and place.reaches(OTHER_HOST, TCP)
    other_source = step(f"10.1.2.77>{C2}:{SECOND}", "block_pair")
    assert edge.contain(other_source, OTHER).ok and place.reaches(C2, SECOND)
    udp = step(f"{CLIENT}>{C2}:{UDP}", "block_pair")
    assert edge.contain(udp, KEY).ok and not place.reaches(C2, UDP, "udp")
    assert edge.release(pair, KEY).changed and place.reaches(C2, TCP)


def test_ipv6(place, edge):
    pair, address = step(f"{CLIENT6}>{C2_6}:{TCP}", "block_pair"), step(C2_6)
    assert place.reaches(C2_6, TCP)
    assert edge.contain(pair, KEY).ok and not place.reaches(C2_6, TCP) and place.reaches(C2_6, SECOND)
    assert edge.contain(address, KEY).ok and not place.reaches(C2_6, SECOND)
    assert packets(edge.verify(address, KEY)) >= 1
    assert edge.release(pair, KEY).changed and edge.release(address, KEY).changed
    assert place.reaches(C2_6, TCP) and place.reaches(C2_6, SECOND)


def test_the_kernel_lets_go_when_the_ttl_ends_and_a_repeat_moves_that_end(place, edge):
    short = step(C2, ttl_s=2)
    assert edge.contain(short, KEY).changed
    time.sleep(1)
    again = edge.contain(step(C2, ttl_s=3), KEY)
    assert again.ok and not again.changed
    time.sleep(1.5)  # past the first end
    assert not place.reaches(C2, TCP) and edge.verify(short, KEY).ok
    time.sleep(2)
    assert place.reaches(C2, TCP) and edge.verify_released(short, KEY).ok
    gone = edge.release(short, KEY)
    assert gone.ok and not gone.changed


def test_elements_of_others_and_the_longest_ttl(place, edge):
    place.load('add element inet botnet_playbook addresses4 { %s timeout 1h comment "by hand" }' % C2)
    refused = edge.contain(step(C2), KEY)
    assert not refused.ok and "by hand" in refused.said
    assert not edge.release(step(C2), KEY).changed and not place.reaches(C2, TCP)
    assert edge.contain(step(OTHER_HOST, ttl_s=30 * 86400), KEY).ok


def test_what_check_says_to_load_can_be_loaded(place):
    place.load("flush ruleset")
    edge = nftables.connect("edge", nftables.Settings(command=place.nft), SITE, Path())
    (found,) = edge.check()
    assert not found.ok
    place.load(found.message.partition("nft -f FILE: ")[2])
    assert edge.check()[0].ok and edge.contain(step(C2), KEY).ok and not place.reaches(C2, TCP)


def test_check_misses_every_single_rule_of_the_snippet(place):
    edge = nftables.connect("edge", nftables.Settings(command=place.nft), SITE, Path())
    lines = nftables.SNIPPET.format(table="botnet_playbook").splitlines()
    rules = [number for number, line in enumerate(lines) if " drop;" in line]
    assert len(rules) == 8
    for number in rules:
        place.load("flush ruleset\n" + "\n".join(line for other, line in enumerate(lines) if other != number))
        (found,) = edge.check()
        assert not found.ok and "no rule of a chain with a hook drops" in found.message, lines[number]


def test_a_namespace_that_is_gone_is_not_a_release():
    command = list(Nets("c", "nosuchnamespace", "s").nft)
    edge = nftables.connect("edge", nftables.Settings(command=tuple(command)), SITE, Path())
    for act in (edge.release, edge.verify_released):
        with pytest.raises(ConnectorError, match="nosuchnamespace"):
            act(step(C2), KEY)
