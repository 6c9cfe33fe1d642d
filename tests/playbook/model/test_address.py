"""What an address is: unwrapped from its transition form, and global or not and why."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.model.address import NOT_GLOBAL, parse, unwrap, why_not_global, within


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8.8.8.8", None),
        ("1.1.1.1", None),
        ("2001:4860:4860::8888", None),
        ("2606:4700:4700::1111", None),
        ("9.255.255.255", None),
        ("11.0.0.0", None),
        ("100.63.255.255", None),
        ("100.128.0.0", None),
        ("172.15.255.255", None),
        ("172.32.0.0", None),
        ("223.255.255.255", None),
        ("10.0.0.0", "private"),
        ("100.64.0.0", "shared address space"),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("192.168.255.255", "private"),
        ("192.0.2.1", "documentation"),
        ("198.18.0.1", "benchmarking"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.255", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("0.0.0.0", "this"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("fc00::1", "unique local"),
        ("ff02::fb", "multicast"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("4000::1", "outside IPv6 global unicast"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:8.8.8.8", None),
        ("64:ff9b::a00:1", "private"),
        ("64:ff9b::808:808", None),
        ("2002:0a00:0001::1", "private"),
        ("2002:0808:0808::1", None),
    ],
)
def test_global_or_why_not(text, why):
    found = why_not_global(parse(text))
    assert found is None if why is None else found.startswith(why), found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4/32",
        "::g",
        "08.8.8.8",
        "1.2.3.4;",
        "1.2.3.4%eth0",
        "fe80::1%",
        "fe80::1%a\nb",
        "2606:4700::1%a b",
        '2606:4700::1%"|',
        "::1%a%b",
        "::1%" + "a" * 65,
    ],
)
def test_what_is_no_address(text):
    assert parse(text) is None


def test_a_zone_is_no_part_of_the_address():
    assert parse(" fe80::1%eth0 ") == IPv6Address("fe80::1")


def test_an_operators_own_nat64_prefix_is_unwrapped_when_it_is_named():
    wrapped = parse("2001:4860:64::a00:1")
    assert why_not_global(wrapped) is None
    own = (ip_network("2001:4860:64::/96"),)
    assert unwrap(wrapped, own) == IPv4Address("10.0.0.1")
    assert why_not_global(wrapped, nat64=own).startswith("private")


def test_lab_ranges_count_as_global_and_nothing_else_does():
    lab = (ip_network("198.51.100.0/24"),)
    assert why_not_global(parse("198.51.100.7"), lab) is None
    assert why_not_global(parse("203.0.113.7"), lab) is not None


@given(st.ip_addresses(v=4))
def test_ipv4_is_not_global_exactly_where_a_registry_says_so(address):
    listed = any(address in network for network, _ in NOT_GLOBAL if network.version == 4)
    assert (why_not_global(address) is not None) is listed


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_a_wrapped_address_is_what_it_wraps(address, prefix):
    wrapped = IPv6Address(int(IPv6Address(prefix)) | int(address))
    assert unwrap(wrapped) == address
    assert why_not_global(wrapped) == why_not_global(address)


@given(st.ip_addresses())
def test_within_never_mixes_families(address):
    both = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert within(address, both)
    assert not within(address, [n for n in both if n.version != address.version])
