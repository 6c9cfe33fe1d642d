"""What a thousand detections cost a live source: as many requests as batches of distinct keys, and none again."""

import pytest
from pydantic import SecretStr

from connectors.enrichers import defender, netbox
from tests.emulators.defender import CLIENT, TENANT, Graph, connection
from tests.emulators.netbox import NetBoxServer, ip, machine
from tests.emulators.site import site
from tests.support.live_fixtures import HERE, SITE, WINDOW, FakeTime, address, host

pytestmark = pytest.mark.loopback
# A thousand tuples of 250 hosts and 400 destinations: what triage asks about is each of these once.
HOSTS, DESTINATIONS = 250, 400
TUPLES = [(n % HOSTS, n % DESTINATIONS) for n in range(1000)]
ASKED = [
    *(host(f"ws-{n}") for n in range(HOSTS)),
    *(address(f"10.1.{n // 250}.{n % 250 + 1}") for n in range(HOSTS)),
    *(address(f"203.0.{n // 200}.{n % 200 + 1}", "destination") for n in range(DESTINATIONS)),
]


def test_defender_is_asked_once_for_a_hundred_hosts() -> None:
    when, path = "2026-11-01 10:00:00", r"C:\a.exe"
    rows = [
        connection(when, f"ws-{h}.corp.example", f"203.0.{d // 200}.{d % 200 + 1}", 443, path, "a")
        for h, d in TUPLES[:200]
    ]
    graph = Graph("right", "token-1", rows)
    given = {"tenant": TENANT, "client_id": CLIENT, "client_secret": SecretStr("right")}
    with site(graph) as url:
        settings = defender.Settings.model_validate(given | {"base_url": url, "login_url": url})
        edr = defender.connect("edr", settings, SITE, HERE, FakeTime().clocks)
        words = edr.look_up(ASKED, WINDOW)
        assert len(graph.queries) == 3 and len(graph.seen) == 4, "three hundreds of hosts, and one log-in"
        edr.look_up(ASKED, WINDOW)
        assert len(graph.seen) == 4, "the second look-up asks nobody"
    assert sum(len(word.answers) for word in words) == 200 and not any(word.unavailable for word in words)


def test_netbox_is_asked_once_for_fifty_addresses_and_fifty_machines() -> None:
    addresses = [ip(n + 1, f"10.1.{n // 250}.{n % 250 + 1}/16", device=n + 1) for n in range(HOSTS)]
    server = NetBoxServer("right", addresses, [machine(n + 1, f"ws-{n}", "workstation") for n in range(HOSTS)])
    with site(server) as url:
        settings = netbox.Settings.model_validate({"base_url": url, "token": SecretStr("right")})
        words = netbox.connect("cmdb", settings, SITE, HERE, FakeTime().clocks).look_up(ASKED, WINDOW)
    assert len(server.seen) == 10 and sum(len(word.answers) for word in words) == HOSTS
