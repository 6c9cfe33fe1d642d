"""Bodies of registries: what is believed, what is refused, and that nothing else escapes."""

import copy
import json
import random
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.enrichers.whois.rdap_parser import Holder, holder_of
from playbook.errors import BadAnswer, ConnectorError, RateLimited
from tests.emulators.rdap import DOCUMENTED, SHAPES
from tests.support.examples import examples
from tests.support.public_data import DATA

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REAL = DATA / "rdap"
BODIES = {cidr: SHAPES[shape](cidr) for cidr, shape in DOCUMENTED.items()}


@pytest.mark.parametrize(
    ("address", "network", "organisation", "country"),
    [
        ("192.0.2.7", "192.0.2.0/24", "EXAMPLE-NET Holdings", ""),
        ("198.51.100.7", "198.51.100.0/24", "EXAMPLE-RIPE", "CH"),
        ("203.0.113.200", "203.0.113.128/25", "EXAMPLE-AP Pty Ltd", "AU"),
        ("2001:db8:1::9", "2001:db8:1::/48", "Ejemplo, S.A. de C.V.", "MX"),
        ("2001:db8:2::9", "2001:db8:2::/48", "ORG-EX1-AFRINIC", "KE"),
    ],
)
def test_every_registrys_shape_is_read(address: str, network: str, organisation: str, country: str) -> None:
    holder = holder_of(BODIES[network], ip_address(address), "r", NOW)
    assert (holder.text(), holder.organisation, holder.country) == (network, organisation, country)


BASE = BODIES["198.51.100.0/24"]
ASKED = ip_address("198.51.100.7")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"startAddress": "0.0.0.0", "endAddress": "255.255.255.255"}, "too wide"),
        ({"startAddress": "198.0.0.0", "endAddress": "199.0.0.0"}, "too wide"),
        ({"startAddress": "203.0.113.0", "endAddress": "203.0.113.255"}, "asked about 198.51.100.7, answered about"),
        ({"startAddress": "198.51.100.9", "endAddress": "198.51.100.8"}, "impossible range"),
        ({"startAddress": "::", "endAddress": "198.51.100.255"}, "impossible range"),
        ({"startAddress": "2001:db8::", "endAddress": "2001:db8::ff"}, "asked about"),
        ({"startAddress": 3325256704}, "no start or end"),
        ({"endAddress": None}, "no start or end"),
        ({"startAddress": "1" * 5000}, "no start or end"),
        ({"objectClassName": "entity"}, "expected a network object"),
        ({"entities": [{"handle": 5}]}, "malformed"),
        ({"entities": 5}, "malformed"),
    ],
)
def test_what_does_not_describe_the_addresss_network_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        holder_of(BASE | change, ASKED, "r", NOW)


@pytest.mark.parametrize("body", [[], None, "text", 7, {}, {"errorCode": 404}, {"notices": [5]}, {"notices": 5}])
def test_what_is_no_network_at_all_is_refused(body: Any) -> None:
    with pytest.raises(BadAnswer, match="expected an RDAP network object"):
        holder_of(body, ASKED, "r", NOW)


def test_a_rate_limit_notice_in_a_body_with_200_is_a_rate_limit() -> None:
    with pytest.raises(RateLimited):
        holder_of({"notices": [{"title": "Rate Limit Notice"}]}, ASKED, "r", NOW)


@pytest.mark.parametrize(
    ("start", "end"), [("198.51.100.0/32", "198.51.100.255/32"), ("198.051.100.000", "198.051.100.255")]
)
def test_addresses_as_old_bodies_write_them(start: str, end: str) -> None:
    body = BASE | {"startAddress": start, "endAddress": end}
    assert holder_of(body, ASKED, "r", NOW).text() == "198.51.100.0/24"


def test_text_of_the_holder_is_made_harmless() -> None:
    body = BASE | {"name": "A\x1b[31m\u202eevil\n" + "x" * 5000, "country": "<script>"}
    holder = holder_of(body, ASKED, "r", NOW)
    assert holder.organisation.startswith("A [31m evil x") and len(holder.organisation) == 200
    assert holder.country == ""


ODD = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "\x1b[2J",
    [],
    [None],
    [[]],
    {},
    {"handle": None},
    {"handle": []},
    [{"handle": "H"}],
    "9" * 300,
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, value in items for found in [(*path, key), *_places(value, (*path, key))]]


def _mutate(body: Any, path: tuple[Any, ...], value: Any, drop: bool) -> Any:
    changed = copy.deepcopy(body)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    if drop:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed


def _judge(body: Any, address: Any) -> Holder | None:
    """What was believed; fails when a wrong network is, or when anything but ConnectorError escapes."""
    try:
        holder = holder_of(body, address, "r", NOW)
    except ConnectorError:
        return None
    assert int(holder.first) <= int(address) <= int(holder.last) and holder.first.version == address.version
    assert (int(holder.last) - int(holder.first)).bit_length() <= address.max_prefixlen - {4: 8, 6: 16}[address.version]
    assert body["startAddress"] and str(holder.organisation).isprintable()
    return holder


@examples(200)
@given(data=st.data())
def test_mutated_bodies_are_believed_only_when_they_cover_the_address(data: st.DataObject) -> None:
    cidr = data.draw(st.sampled_from(sorted(BODIES)))
    body: Any = BODIES[cidr]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(_places(body)))
        value = data.draw(st.sampled_from(ODD) | st.text(max_size=20) | st.ip_addresses().map(str))
        body = _mutate(body, path, value, data.draw(st.booleans()))
    _judge(body, ip_network(cidr)[5])


@examples(40)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["startAddress", "endAddress", "entities", "handle", "name", "notices"]) | st.text(), x
            )
        ),
    )
)
def test_arbitrary_json_is_refused(body: Any) -> None:
    assert _judge(body, ASKED) is None


def mutations(count: int, seed: int) -> tuple[int, int]:
    """Judge ``count`` random single-field mutations of all bodies at hand; (believed, refused).

    A believed body whose own addresses were left alone must give the range that it gave before.
    """
    chance = random.Random(seed)
    subjects = [(body, ip_network(cidr)[5]) for cidr, body in BODIES.items()]
    subjects += [(json.loads(f.read_text()), None) for f in sorted(REAL.glob("*_ip_*.json"))]
    places = [_places(body) for body, _ in subjects]
    believed = 0
    for _ in range(count):
        at = chance.randrange(len(subjects))
        body, address = subjects[at]
        first = body["startAddress"].partition("/")[0]
        address = address or ip_address(first if not first.startswith("074") else "74.125.225.229")
        drop = chance.random() < 0.3
        path = chance.choice(places[at])
        holder = _judge(_mutate(body, path, chance.choice(ODD), drop), address)
        if holder and path[0] not in ("startAddress", "endAddress"):
            assert holder.text() == holder_of(body, address, "r", NOW).text()
        believed += holder is not None
    return believed, count - believed


def test_a_sample_of_the_hundred_thousand_mutations_of_bench() -> None:
    believed, refused = mutations(500, seed=1)
    assert believed > 200 and refused > 40


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the public captures are not here")
def test_every_real_body_is_read_and_the_catch_all_is_not() -> None:
    read = {}
    for file in REAL.glob("*_ip_*.json"):
        body = json.loads(file.read_text())
        first = body["startAddress"].partition("/")[0]
        address = ip_address("74.125.225.229" if first.startswith("074") else first)
        read[file.stem] = _judge(body, address) is not None
    assert [name for name, good in read.items() if not good] == ["afrinic_ip_0.0.0.0_catch_all"]
    assert len(read) == 17
