"""ServiceNow's CMDB: who holds an address, compared with what was asked; a fresh change or a twin proves nobody."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr, ValidationError

from connectors.enrichers import servicenow_cmdb
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import HostRecord
from tests.emulators.cmdb import Cmdb, item, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import HERE, NOW, SITE, WINDOW, FakeTime, address, answers, failures, reasons, recorded

VENDOR = "https://acme.service-now.com"
TOKEN = "SERVICENOW_TOKEN"
ITEMS = [
    item(1, "FS-01", "10.1.0.20", fqdn="fs-01.corp.example", u_use="dc", correlation_id="0123456789abcdef"),
    item(2, "web-01", "10.1.0.21", "2026-11-01 07:00:00", u_use="app"),
    item(3, "old-01", "10.1.0.22", install_status="7"),
    item(4, "a", "10.1.0.23"),
    item(5, "b", "10.1.0.23"),
    item(6, "far", "10.1.0.200"),
]
SHOWN = {"dc": "Domain Controller"}
MORE = {"role_field": "u_use", "roles": {"Domain Controller": "domain_controller"}, "host_id_field": "correlation_id"}


def connected(url, clocks, token=SecretStr("right"), **more):  # noqa: B008
    given = servicenow_cmdb.Settings.model_validate({"base_url": url, "user": "svc", "token": token} | MORE | more)
    return servicenow_cmdb.connect("cmdb", given, SITE, HERE, clocks)


@pytest.fixture
def server():
    return Cmdb("svc", "right", [row | {"u_use": "", "correlation_id": ""} | row for row in ITEMS], SHOWN)


@pytest.fixture
def cmdb(server):
    with site(server) as url:
        yield connected(url, FakeTime().clocks)


def test_who_holds_these_addresses(cassette):
    server = Cmdb("svc", canary(TOKEN), ITEMS, SHOWN)
    server.deaf = True
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    words = connected(url, recorded(cassette), token).look_up([address(f"10.1.0.{n}") for n in range(20, 25)], WINDOW)
    assert answers(words, "10.1.0.20") == (
        HostRecord(
            host_id="0123456789abcdef",
            hostname="fs-01.corp.example",
            roles=("domain_controller",),
            owner="Storage team",
            addresses=("10.1.0.20",),
            address_periods=(TimeWindow(start=datetime(2026, 1, 5, 8, tzinfo=UTC), end=NOW),),
        ),
    )
    rest = {
        n: [(one.hostname, one.roles, [p.start for p in one.address_periods]) for one in answers(words, f"10.1.0.{n}")]
        for n in range(21, 25)
    }
    assert rest == {
        21: [("web-01", (), [datetime(2026, 11, 1, 7, tzinfo=UTC)])],
        22: [("old-01", (), [])],
        23: [("a", (), []), ("b", (), [])],
        24: [],
    }


def test_check(cassette):
    server = Cmdb("svc", canary(TOKEN), [ITEMS[0]], SHOWN)
    server.unreadable = {"u_use", "sys_updated_on"}
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    (result,) = connected(url, recorded(cassette), token).check()
    assert (result.ok, result.message) == (False, "fields that cannot be read: sys_updated_on, u_use")


@pytest.mark.loopback
def test_a_password_that_is_refused(server):
    with site(server) as url:
        cmdb = connected(url, FakeTime().clocks, SecretStr("wrong"))
        (reason,) = reasons(cmdb.look_up([address("10.1.0.20")], WINDOW))
    assert "refused the credentials" in reason and "wrong" not in reason


@pytest.mark.loopback
@pytest.mark.parametrize("counts", [True, False])
def test_records_cut_out_of_a_page_end_no_search(server, cmdb, counts):
    server.counts = counts
    server.items = [server.items[0] | {"name": f"h{n}"} for n in range(450)]
    server.hidden = {f"h{n}" for n in range(200, 400)}
    (word,) = cmdb.look_up([address("10.1.0.20")], WINDOW)
    if counts:
        assert len(word.answers) == 250 and not any(one.address_periods for one in word.answers)
    else:  # a whole page that may not be read looks like the end
        assert len(word.answers) == 200


@pytest.mark.loopback
def test_a_whole_network_that_is_static_holds_for_the_past(server):
    with site(server) as url:
        words = connected(url, FakeTime().clocks, static_networks=["10.1.0.21/32"]).look_up(
            [address("10.1.0.21"), address("10.1.0.20")], WINDOW
        )
    assert [one.address_periods[0].start.year for word in words for one in word.answers] == [1900, 2026]


@pytest.mark.loopback
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {"result": {}},
        {"error": {"message": "x"}},
        {"result": [7] * 201},
        {},
    ],
)
def test_an_answer_of_another_form_names_nobody(cmdb, server, monkeypatch, body):
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, body))
    assert None not in reasons(cmdb.look_up([address("10.1.0.20")], WINDOW)) and failures(cmdb.check())


@pytest.mark.loopback
@pytest.mark.parametrize(
    "row",
    [
        7,
        {},
        {"name": {"value": "x"}},
        {"name": [], "sys_updated_on": {"value": "2026-01-01 00:00:00"}},
        {"name": {"value": "x"}, "sys_updated_on": {"value": "yesterday"}, "ip_address": {"value": "10.1.0.20"}},
    ],
)
def test_a_record_that_cannot_be_used_is_named(server, cmdb, monkeypatch, row):
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, {"result": [row]}, {"X-Total-Count": "1"}))
    (word,) = cmdb.look_up([address("10.1.0.20")], WINDOW)
    assert word.answers == () and word.warning.startswith("1 records left out")


@pytest.mark.loopback
def test_rows_in_plain_form_and_of_another_address(server, cmdb, monkeypatch):
    row = {"name": "x", "sys_updated_on": "2026-01-01 00:00:00", "ip_address": "10.1.0.20", "install_status": "1"}
    body = {"result": [row, row | {"ip_address": "10.1.0.99"}, row | {"ip_address": ""}]}
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, body, {"X-Total-Count": "3"}))
    (word,) = cmdb.look_up([address("10.1.0.20")], WINDOW)
    assert [one.hostname for one in word.answers] == ["x"]


@pytest.mark.parametrize("wrong", [{"table": "cmdb_ci^x"}, {"address_field": "ip_address^NQ"}, {"in_force": 7}])
def test_settings_that_could_change_the_query(wrong):
    with pytest.raises(ValidationError):
        connected(VENDOR, FakeTime().clocks, **wrong)
