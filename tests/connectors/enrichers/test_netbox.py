"""NetBox: who holds an address and since when; two answers prove nobody, and nonsense is never asked about."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from connectors.enrichers import netbox
from connectors.enrichers._files.schedule import ALWAYS
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import HostRecord
from tests.emulators.netbox import NetBoxServer, choice, ip, machine, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import (
    HERE,
    NOW,
    SITE,
    WINDOW,
    FakeTime,
    address,
    answers,
    failures,
    host,
    reasons,
    recorded,
)

VENDOR = "https://netbox.example"
TOKEN = "NETBOX_TOKEN"
SINCE = datetime(2026, 1, 5, 8, 0, 0, 123456, UTC)
ADDRESSES = [
    ip(1, "10.1.0.20/24", device=11, dns_name="fs-01.corp.example"),
    ip(2, "10.1.0.21/24", machine=21, last_updated="2026-11-01T09:00:00+02:00"),
    ip(3, "10.1.0.22/24", device=12, vrf={"id": 1, "name": "blue"}),
    ip(4, "10.1.0.22/24", device=11, vrf={"id": 2, "name": "red"}),
    ip(5, "10.1.0.23/24"),
    ip(6, "10.1.0.24/24", device=12, role=choice("vrrp")),
    ip(7, "10.1.0.25/24", device=12, status=choice("dhcp")),
    ip(8, "10.1.0.26/24", device=13),
    ip(9, "2001:db8:1::20/64", device=11),
]
DEVICES = [
    machine(
        11,
        "fs-01",
        "file-server",
        tags=[{"id": 1, "name": "Backup Server", "slug": "backup-server"}],
        custom_fields={"edr_id": "0123456789abcdef0123456789abcdef"},
    ),
    machine(12, "sw-01", None, tags=[{"id": 1, "name": "x", "slug": "prod"}], tenant=None),
    machine(13, "old-01", "server", status=choice("decommissioning")),
]
MACHINES = [machine(21, "web-01", "web-server")]


def connected(url, clocks, token=SecretStr("right"), **more):  # noqa: B008
    given = netbox.Settings.model_validate({"base_url": url, "token": token, "host_id_field": "edr_id"} | more)
    return netbox.connect("cmdb", given, SITE, HERE, clocks)


@pytest.fixture
def server():
    return NetBoxServer("right", list(ADDRESSES), list(DEVICES), list(MACHINES))


@pytest.fixture
def cmdb(server):
    with site(server) as url:
        yield connected(url, FakeTime().clocks)


def test_who_holds_these_addresses(cassette):
    server = NetBoxServer(canary(TOKEN), ADDRESSES, DEVICES, MACHINES)
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    server.busy = 1
    asked = [address(f"10.1.0.{n}") for n in range(20, 28)]
    words = connected(url, recorded(cassette), token).look_up([*asked, host("fs-01")], WINDOW)
    assert cassette.slept == [2.0] and len(words) == 8
    assert answers(words, "10.1.0.20") == (
        HostRecord(
            host_id="0123456789abcdef0123456789abcdef",
            hostname="fs-01.corp.example",
            roles=("file-server", "backup-server"),
            owner="Storage team",
            addresses=("10.1.0.20",),
            address_periods=(TimeWindow(start=SINCE, end=NOW),),
        ),
    )
    assert answers(words, "10.1.0.21") == (
        HostRecord(
            hostname="web-01",
            roles=("web-server",),
            owner="Storage team",
            addresses=("10.1.0.21",),
            address_periods=(TimeWindow(start=datetime(2026, 11, 1, 7, tzinfo=UTC), end=NOW),),
        ),
    )
    names = {
        n: [(one.hostname, one.roles, one.address_periods) for one in answers(words, f"10.1.0.{n}")]
        for n in range(22, 28)
    }
    assert names == {
        22: [("sw-01", (), ()), ("fs-01", ("file-server", "backup-server"), ())],
        23: [],
        24: [("sw-01", (), ())],
        25: [("sw-01", (), ())],
        26: [("old-01", ("server",), ())],
        27: [],
    }


def test_check(cassette):
    server = NetBoxServer("nbt_" + canary(TOKEN), ADDRESSES, DEVICES)
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    results = connected(url, recorded(cassette), SecretStr("nbt_" + token.get_secret_value())).check()
    assert [(one.subject, one.ok, one.message) for one in results] == [
        ("cmdb: addresses", True, "9 can be read"),
        ("cmdb: device", True, "3 can be read"),
        ("cmdb: virtual_machine", True, "0 can be read"),
    ]


def test_a_token_that_is_refused(cassette):
    url = cassette.site(VENDOR, serving(NetBoxServer("another", ADDRESSES, DEVICES)))
    (word,) = connected(url, recorded(cassette), cassette.secret(TOKEN)).look_up([address("10.1.0.20")], WINDOW)
    assert word.unavailable == ("cmdb: netbox.example refused the credentials or a permission is missing (403): token")


@pytest.mark.loopback
def test_what_does_not_parse_and_what_is_no_source_is_never_asked(server, cmdb):
    asked = [
        address("10.1.0"),
        address("fs-01"),
        address("10.1.0.20/24"),
        address("203.0.113.9", "destination"),
        host("10.1.0.20"),
    ]
    assert cmdb.look_up(asked, WINDOW) == () and server.seen == []


@pytest.mark.loopback
def test_a_mapped_address_is_the_one_inside(cmdb):
    words = cmdb.look_up([address("::ffff:10.1.0.20"), address("2001:db8:1:0::20")], WINDOW)
    assert [one.hostname for word in words for one in word.answers] == ["fs-01.corp.example", "fs-01"]


@pytest.mark.loopback
def test_a_static_network_holds_for_the_past_and_a_shared_address_never(server):
    with site(server) as url:
        cmdb = connected(url, FakeTime().clocks, static_networks=["10.1.0.0/24"])
        words = cmdb.look_up([address("10.1.0.21"), address("10.1.0.24"), address("10.1.0.22")], WINDOW)
    assert [one.address_periods for one in answers(words, "10.1.0.21")] == [(TimeWindow(start=ALWAYS.start, end=NOW),)]
    assert not any(one.address_periods for n in (22, 24) for one in answers(words, f"10.1.0.{n}"))


@pytest.mark.loopback
def test_requests_grow_with_batches_and_an_answer_is_remembered(server, cmdb):
    server.rows["addresses"] = [ip(n, f"10.2.{n // 250}.{n % 250}/16", device=11) for n in range(500)]
    asked = [address(f"10.2.{n // 250}.{n % 250}") for n in range(500)]
    words = cmdb.look_up(asked, WINDOW)
    assert all(len(word.answers) == 1 for word in words) and len(server.seen) == 10 + 1
    assert cmdb.look_up(asked, WINDOW) == words and len(server.seen) == 11


@pytest.mark.loopback
def test_pages_are_read_to_the_end_and_the_link_is_never_followed(server, cmdb):
    server.rows["addresses"] = [ip(n, "10.9.9.9/24", device=11) for n in range(450)]
    (word,) = cmdb.look_up([address("10.9.9.9")], WINDOW)
    assert len(word.answers) == 450 and not any(one.address_periods for one in word.answers)
    assert {request.path for request in server.seen} == {"/api/ipam/ip-addresses/", "/api/dcim/devices/"}


@pytest.mark.loopback
def test_a_token_without_rights_fails_the_check(server, cmdb):
    server.may_view = False
    assert [one.message for one in failures(cmdb.check())] == ["none can be read: may the token view them?"] * 2


@pytest.mark.loopback
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {"count": 1, "results": {}},
        {"count": 2, "results": []},
        {"results": []},
        {"count": "1", "results": []},
        {"count": 1, "results": [{"id": 1, "address": "10.1.0.20/24"}] * 0},
    ],
)
def test_an_answer_of_another_form_names_nobody(server, cmdb, monkeypatch, body):
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, body))
    assert None not in reasons(cmdb.look_up([address("10.1.0.20")], WINDOW)) and failures(cmdb.check())


@pytest.mark.loopback
def test_rows_of_another_address_are_nobodys_and_bad_rows_are_named(server, cmdb, monkeypatch):
    real = server.answer
    rows = [ip(1, "10.1.0.99/24", device=11), ip(2, "not an address", device=11), {"id": None}, None]
    monkeypatch.setattr(
        server,
        "answer",
        lambda request: Answer(200, {"count": 4, "results": rows}) if "ip-addresses" in request.path else real(request),
    )
    (word,) = cmdb.look_up([address("10.1.0.20")], WINDOW)
    assert word.answers == () and word.warning.startswith("3 addresses left out: address: expected an address; id: ")
