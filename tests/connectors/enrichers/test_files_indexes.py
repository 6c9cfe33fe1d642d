"""Dictionary look-ups find exactly what a scan over all entries would find."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.enrichers._files.indexes import DomainIndex, HostIndex, PrefixIndex, domain_of, network_of

V4 = st.builds(
    lambda number, bits: IPv4Network((number, bits), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
V6 = st.builds(
    lambda number, bits: IPv6Network((number, bits), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)
)
LABELS = st.lists(st.sampled_from(["a", "b", "ab", "example"]), min_size=1, max_size=4).map(".".join)


@given(st.lists(st.one_of(V4, V6), max_size=20), st.data())
def test_networks(networks: list[IPv4Network | IPv6Network], data: st.DataObject) -> None:
    near = [network[0] for network in networks] + [network[-1] for network in networks]
    address = data.draw(
        st.one_of(
            st.builds(IPv4Address, st.integers(0, 2**32 - 1)),
            st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
            *([st.sampled_from(near)] if near else []),
        )
    )
    found = PrefixIndex((network, network) for network in networks).find(address)
    assert sorted(map(str, found)) == sorted(
        str(one) for one in networks if one.version == address.version and address in one
    )
    lengths = [one.prefixlen for one in found]
    assert lengths == sorted(lengths, reverse=True)


@given(st.lists(st.tuples(st.sampled_from(["", "."]), LABELS).map("".join), max_size=10), LABELS)
def test_domains(entries: list[str], name: str) -> None:
    found = DomainIndex((entry, entry) for entry in entries).find(name)
    expected = [
        entry
        for entry in entries
        if entry == name or (entry.startswith(".") and (name.endswith(entry) or name == entry[1:]))
    ]
    assert sorted(found) == sorted(expected)


@given(st.lists(LABELS, max_size=8, unique=True), LABELS)
def test_hosts(entries: list[str], name: str) -> None:
    found = HostIndex((entry, entry) for entry in entries).find(name.upper() + ".")
    short = name.partition(".")[0]
    expected = [
        entry
        for entry in entries
        if entry == name or ("." in name and entry == short) or ("." not in name and entry.partition(".")[0] == name)
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    "text", ["", ".", "a", "a..b", "a b.c", "*.a.b", "a/b.c", "a.b:80", "1.2.3.4", "x" * 64 + ".a"]
)
def test_what_is_no_domain(text: str) -> None:
    with pytest.raises(ValueError, match="expected a domain name"):
        domain_of(text)


@pytest.mark.parametrize(
    ("text", "name"), [("A.Example.", "a.example"), (".a.b", ".a.b"), ("bücher.example", "xn--bcher-kva.example")]
)
def test_a_domain_is_read_as_dns_logs_write_it(text: str, name: str) -> None:
    assert domain_of(text) == name


@pytest.mark.parametrize("text", ["10.0.0.0/7", "::/31", "10.0.0.1/24", "x", "", "10.0.0.0/33"])
def test_what_is_no_network_of_that_width(text: str) -> None:
    with pytest.raises(ValueError):
        network_of(text, 8, 32)
