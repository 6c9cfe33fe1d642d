"""Targets at the border: one address, one pair or one host id gets through, and nothing else."""

from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.containments import _targets
from playbook.errors import ConfigError
from tests.support.containment_stories import FORBIDDEN, HOSTILE, HOSTILE_PAIRS, KEY, NETWORKS, PAIR, any_text, step


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_is_not_one_address_is_refused(text):
    with pytest.raises(ConfigError):
        _targets.may_be_blocked(_targets.single(text), NETWORKS)


@pytest.mark.parametrize("text", FORBIDDEN)
def test_an_address_that_nobody_may_block_is_refused_but_can_be_released(text):
    with pytest.raises(ConfigError, match="never blocked"):
        _targets.may_be_blocked(_targets.single(text), NETWORKS)


@pytest.mark.parametrize("text", HOSTILE_PAIRS)
def test_a_hostile_pair_is_refused(text):
    with pytest.raises(ConfigError):
        pair = _targets.pair(text)
        _targets.may_be_source(pair.source)
        _targets.may_be_blocked(pair.destination, NETWORKS)


@given(any_text)
@example("198.51.100.9")
def test_whatever_gets_through_is_one_global_address_in_its_own_spelling(text):
    try:
        address = _targets.may_be_blocked(_targets.single(text), NETWORKS)
    except ConfigError:
        return
    assert ip_address(str(address)) == address and set(str(address)) <= set("0123456789abcdef.:")
    assert not address.is_multicast and not address.is_loopback and not address.is_link_local


@given(any_text)
@example(PAIR)
def test_whatever_pair_gets_through_reads_back_as_itself(text):
    try:
        pair = _targets.pair(text)
    except ConfigError:
        return
    assert _targets.pair(f"{pair.source}>{pair.destination}:{pair.port}") == pair
    assert 1 <= pair.port <= 65535 and pair.source.version == pair.destination.version


@given(st.ip_addresses(v=6), st.ip_addresses(v=6), st.integers(1, 65535))
def test_a_pair_of_ipv6_is_read_from_its_last_colon(source, destination, port):
    if source.ipv4_mapped or destination.ipv4_mapped:
        return
    assert _targets.pair(f"{source}>{destination}:{port}") == _targets.Pair(source, destination, port)


def test_a_mapped_address_is_blocked_as_the_ipv4_address_on_the_wire():
    assert _targets.single("::ffff:198.51.100.9") == ip_address("198.51.100.9")


@pytest.mark.parametrize("key", ["", "-x", "K 1", "K-1\n", 'K"', "K" * 65, "K;", "ключ", "../x"])
def test_a_key_that_could_be_more_than_a_word_is_refused(key):
    with pytest.raises(ConfigError):
        _targets.plain_key(key)
    assert _targets.plain_key(KEY) == KEY


def test_a_kind_that_is_not_offered_and_a_foreign_host_id_are_refused():
    with pytest.raises(ConfigError, match="does not offer block_pair"):
        _targets.address_of(step(PAIR, "block_pair"), ("block_address",), "edge")
    for bad in ("", "ab12\n", "AB12", "ab12 cd", "-x", "' or 1"):
        with pytest.raises(ConfigError, match="no host id"):
            _targets.host_of(step(bad, "isolate_host"), ("isolate_host",), "edr", "[0-9a-f]{4,32}")
