"""Networks as regular expressions over text: an address is found when it lies inside, and IPv4 only then."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.detections.languages._internal_networks import v4_patterns, v6_patterns


def found(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the expressions finds the text."""
    return any(re.search(pattern, text) for pattern in patterns)


@given(number=st.integers(0, 2**32 - 1), length=st.integers(0, 32), other=st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_found_exactly_when_it_lies_inside(number: int, length: int, other: int) -> None:
    network = IPv4Network((number, length), strict=False)
    patterns = v4_patterns([network])
    near = {number, other, int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1}
    for address in (IPv4Address(n) for n in near if 0 <= n < 2**32):
        assert found(patterns, str(address)) == (address in network)
        assert not found(patterns, f"{address}.example.net") and not found(patterns, f"::ffff:{address}")


@given(number=st.integers(0, 2**128 - 1), length=st.integers(0, 128), host=st.integers(0, 2**128 - 1))
def test_an_ipv6_address_inside_is_found_in_every_spelling(number: int, length: int, host: int) -> None:
    network = IPv6Network((number, length), strict=False)
    inside = IPv6Address(int(network[0]) | host & int(network.hostmask))
    patterns = v6_patterns([network])
    assert all(
        found(patterns, text)
        for text in (inside.compressed, inside.exploded, inside.compressed.upper(), f"{inside.compressed}%eth0")
    )


@pytest.mark.parametrize(
    ("network", "stranger"),
    [
        ("fc00::/7", "fe80::1"),
        ("2001:db8::/32", "2002:db8::1"),
        ("fd00::/8", "fc00::1"),
        ("fe80::/10", "fec0::1"),
    ],
)
def test_most_strangers_are_left_out_early(network: str, stranger: str) -> None:
    assert not found(v6_patterns([IPv6Network(network)]), stranger)


def test_no_expression_has_what_could_end_a_stage_or_a_text() -> None:
    for pattern in (*v4_patterns([IPv4Network("172.16.0.0/12")]), *v6_patterns([IPv6Network("fc00::/7")])):
        assert not set(pattern) & set('|/"\n'), pattern
