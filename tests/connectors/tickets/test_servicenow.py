"""What is ServiceNow's own: ignored conditions, unique keys, journals. Common faults: test_desks.py."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tickets import servicenow
from playbook.errors import BadAnswer, ConfigError, Unauthorized
from tests.emulators.desk import Fault, Site, serving, tenant
from tests.emulators.servicenow import ServiceNow
from tests.support.ticket_fixtures import HOSTILE, NOW, of_servicenow, ticket

CREATE = "POST /api/now/table/incident"


@given(st.text(max_size=80))
def test_a_condition_stays_one_condition(value):
    try:
        sent = servicenow.condition("correlation_id", value)
    except ConfigError:
        return
    assert sent == f"correlation_id={value}" and "^" not in sent and sent.isprintable()
    assert not value.lower().startswith("javascript:")


@given(st.text(alphabet="[]/ codeCODE<>x", max_size=60))
def test_a_journal_never_renders_html(text):
    shown = servicenow.inert(text).lower().replace(" ", "")
    assert "[code" not in shown and "[/code" not in shown


@pytest.mark.loopback
def test_code_tags_of_a_host_name_stay_letters():
    product = of_servicenow()
    with serving(product.site) as url:
        desk = product.connect(url)
        desk.comment(desk.open(ticket(text=HOSTILE)), HOSTILE, "k")
    (record,) = product.tickets()
    assert all("[code" not in record[f] and "[/code" not in record[f] for f in ("description", "work_notes"))


@pytest.mark.loopback
def test_an_ignored_condition_creates_nothing():
    product = of_servicenow(unreadable=("correlation_id",))
    product.site.respond.__self__.records.append({"sys_id": "0" * 32, "number": "INC1", "correlation_id": "theirs"})
    with serving(product.site) as url:
        desk = product.connect(url)
        with pytest.raises(BadAnswer, match="ignored the condition"):
            desk.open(ticket())
        assert desk.check()[0].message == "the user may not read correlation_id"
    assert product.site.count(CREATE) == 0


@pytest.mark.loopback
def test_a_key_that_may_not_be_written_makes_one_record_and_no_more():
    product = of_servicenow(unwritable=("correlation_id",))
    with serving(product.site) as url:
        desk = product.connect(url)
        with pytest.raises(Unauthorized, match="without its key"):
            desk.open(ticket())
        with pytest.raises((Unauthorized, BadAnswer)):
            desk.open(ticket())
    assert product.site.count(CREATE) == 1


@pytest.mark.loopback
def test_with_a_unique_index_the_loser_of_a_race_gets_the_winners_number():
    product = of_servicenow(unique=True)
    product.site.meet, product.site.meet_on = threading.Barrier(2), CREATE
    with serving(product.site) as url, ThreadPoolExecutor(2) as pool:
        numbers = set(pool.map(lambda _: product.connect(url).open(ticket()), range(2)))
    assert product.site.count(CREATE) == 2 and numbers == {"INC0010000"}
    assert len(product.site.respond.__self__.records) == 1


@pytest.mark.loopback
def test_no_right_to_create():
    product = of_servicenow()
    product.site.faults.append(Fault(CREATE, (403, {}, b'{"error": {"message": "ACL"}}'), effect=False))
    with serving(product.site) as url, pytest.raises(Unauthorized, match="may not create"):
        product.connect(url).open(ticket())


RULE = "Operation against file 'incident' was aborted by Business Rule 'Require a CI^1b2c'. Business Rule Stack:x"
ABORTED = json.dumps({"error": {"message": "Operation Failed", "detail": RULE}, "status": "failure"}).encode()


@pytest.mark.loopback
def test_the_name_of_a_business_rule_reaches_the_person():
    product = of_servicenow()
    with serving(product.site) as url:
        desk = product.connect(url)
        reference = desk.open(ticket())
        product.site.faults.append(Fault("PATCH .*", (403, {}, ABORTED), effect=False))
        with pytest.raises(BadAnswer, match=r"refused the change .*Require a CI"):
            desk.comment(reference, "contained", "k")
        product.site.faults[:] = [Fault(CREATE, (403, {}, ABORTED), effect=False)]
        with pytest.raises(BadAnswer, match=r"refused the record: Operation Failed: .*Require a CI"):
            desk.open(ticket("case:C-ffffffffffff"))
        product.site.faults[:] = [Fault(CREATE, (200, {}, ABORTED), effect=False)]
        with pytest.raises(BadAnswer, match="Require a CI"):
            desk.open(ticket("case:C-ffffffffffff"))


@pytest.mark.loopback
def test_check_fails_for_an_instance_that_ignores_the_key():
    product = of_servicenow(ignored=("correlation_id",))
    product.site.respond.__self__.records.append(
        {"sys_id": "f" * 32, "number": "INC0000001", "correlation_id": "theirs", "sys_created_on": "2026-01-01"}
    )
    with serving(product.site) as url:
        desk = product.connect(url)
        table, key = desk.check()
        assert table.ok and not key.ok and "ignored the condition" in key.message
        with pytest.raises(BadAnswer, match="ignored the condition"):
            desk.open(ticket())
    assert product.site.count(CREATE) == 0


@pytest.mark.loopback
def test_fields_of_the_site_and_of_a_twin():
    product = of_servicenow()
    product.site.meet, product.site.meet_on = threading.Barrier(2), CREATE
    fields = {"fields": {"assignment_group": "SOC"}, "duplicate_fields": {"state": "8"}}
    with serving(product.site) as url, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: product.connect(url, **fields).open(ticket()), range(2)))
    kept, twin = product.site.respond.__self__.records
    assert kept["assignment_group"] == twin["assignment_group"] == "SOC"
    assert "state" not in kept and twin["state"] == "8" and kept["number"] in twin["work_notes"]


@pytest.mark.loopback
def test_repeated_hits_are_one_ticket():
    product = of_servicenow(twice=True)
    with serving(product.site) as url:
        assert product.connect(url).open(ticket()) == product.connect(url).open(ticket())


def recorded(cassette, site: Site, **change):
    url = cassette.site("https://example.service-now.com", tenant(site))
    settings = servicenow.Settings(base_url=url, user="soar", token=cassette.secret("SERVICENOW_PASSWORD"), **change)
    return servicenow.connect("servicenow", settings, NOW, None, cassette.clocks)


def instance(cassette) -> ServiceNow:
    return ServiceNow(cassette.secret("SERVICENOW_PASSWORD").get_secret_value(), "soar")


def test_a_case_from_opening_to_report(cassette):
    desk = recorded(cassette, instance(cassette).site())
    assert desk.check()[0].ok
    assert desk.open(ticket(title=HOSTILE, text=HOSTILE)) == desk.open(ticket()) == "INC0010000"
    for _ in range(2):
        desk.comment("INC0010000", "contained until 18:00", "C-0123456789ab:contained")
        desk.attach("INC0010000", "case.html", b"<h1>report</h1>")


def test_an_error_with_status_200_after_the_effect(cassette):
    site = instance(cassette).site()
    said = b'{"error": {"message": "Transaction cancelled"}, "status": "failure"}'
    site.faults.append(Fault(CREATE, (200, {}, said)))
    assert recorded(cassette, site).open(ticket()) == "INC0010000"


def test_a_rate_limit_is_waited_out(cassette):
    site = instance(cassette).site()
    site.faults.append(Fault("GET .*", (429, {"Retry-After": "3"}, b"{}"), effect=False))
    assert recorded(cassette, site).open(ticket()) == "INC0010000"
    assert max(cassette.slept) >= 3.0
