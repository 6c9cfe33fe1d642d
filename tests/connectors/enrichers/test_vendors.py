"""Vendors' own services: the reviewed table, declared partners, the site's JSON file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.enrichers.vendors import Settings, Vendors, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, VendorService
from playbook.model.observable import Observable
from playbook.model.site import Networks, Site

SITE = Site(
    now=datetime(2026, 11, 24, tzinfo=UTC),
    networks=Networks.model_validate({"partners": ["203.0.113.0/28", "2001:db8:9::/48"]}),
)
WINDOW = TimeWindow(start=datetime(2026, 11, 23, tzinfo=UTC), end=SITE.now)
OWN = {
    "services": [
        {
            "vendor": "Payroll",
            "purpose": "partner",
            "single_tenant": True,
            "networks": ["198.51.100.8"],
            "ports": [443],
        },
        {
            "vendor": "Tracker",
            "purpose": "telemetry",
            "single_tenant": True,
            "networks": ["198.51.100.32/28"],
            "domains": [".tracker.example"],
        },
        {"vendor": "Shop", "purpose": "storage", "single_tenant": False, "domains": ["shop.example"]},
    ]
}


def vendors(folder: Path, document: object = OWN) -> Vendors:
    (folder / "known.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return connect("vendors", Settings(path=Path("known.json")), SITE, folder)


def ask(enricher: Vendors, value: str) -> Enrichment:
    kind = "domain" if value.replace(".", "").isalpha() else "address"
    observable = Observable.model_validate({"kind": kind, "value": value, "role": "destination"})
    (answer,) = enricher.look_up([observable], WINDOW)
    return answer


def said(answer: Enrichment) -> list[tuple[str, str, bool, str]]:
    return [
        (one.vendor, one.matched, one.single_tenant, one.needs)
        for one in answer.answers
        if isinstance(one, VendorService)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("203.0.113.15", [("declared partner", "203.0.113.0/28", True, "network")]),
        ("::ffff:203.0.113.1", [("declared partner", "203.0.113.0/28", True, "network")]),
        ("2001:db8:9::1", [("declared partner", "2001:db8:9::/48", True, "network")]),
        ("203.0.113.16", []),
        ("198.51.100.8", [("Payroll", "198.51.100.8/32", True, "network")]),
        ("198.51.100.40", [("Tracker", "198.51.100.32/28", True, "network_and_name")]),
        ("a.tracker.example", [("Tracker", ".tracker.example", True, "network_and_name")]),
        ("xtracker.example", []),
        ("shop.example", [("Shop", "shop.example", False, "name")]),
        ("www.shop.example", []),
        ("nonsense:", []),
    ],
)
def test_partners_and_the_sites_own_services(
    tmp_path: Path, value: str, expected: list[tuple[str, str, bool, str]]
) -> None:
    assert said(ask(vendors(tmp_path), value)) == expected


def test_the_reviewed_table_by_network_and_by_name(tmp_path: Path) -> None:
    enricher = connect("vendors", Settings(), SITE, tmp_path)
    pushes = [one for one in ask(enricher, "91.228.166.1").answers if isinstance(one, VendorService)]
    assert {(one.vendor, one.purpose, one.needs) for one in pushes} >= {("ESET", "push", "network")}
    assert {one.matched for one in pushes} == {"91.228.164.0/22"}
    assert (8883,) in {one.ports for one in pushes}
    named = [one for one in ask(enricher, "x.epns.eset.com").answers if isinstance(one, VendorService)]
    assert {one.vendor for one in named} == {"ESET"}
    assert said(ask(enricher, "epns.eset.com.evil.example")) == []
    assert said(ask(enricher, "noteset.com")) == []
    assert [result.ok for result in enricher.check()] == [True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"networks": ["0.0.0.0/0"]}, "too wide"),
        ({"networks": ["x"]}, "networks"),
        ({"networks": [], "domains": ["a.example"]}, "name alone"),
        ({"networks": []}, "expected networks, domains or both"),
        ({"domains": [".com"]}, "expected a domain name"),
        ({"ports": [0]}, "ports from 1"),
        ({"ports": [65536]}, "ports from 1"),
        ({"single_tenant": "yes"}, "single_tenant"),
        ({"vendor": ""}, "vendor"),
        ({"tenant": 1}, "tenant"),
    ],
)
def test_a_bad_service_is_named_and_the_others_count(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    bad = {"vendor": "Bad", "purpose": "partner", "single_tenant": True, "networks": ["198.51.100.9"]} | change
    answer = ask(vendors(tmp_path, {"services": [*OWN["services"], bad]}), "198.51.100.8")
    assert len(answer.answers) == 1
    assert "known.json services 4: " in answer.warning
    assert reason in answer.warning


@pytest.mark.parametrize(
    "document", ["", "{", "[]", '{"services": {}}', '{"service": []}', "[" * 100_000, '{"services": [1]}']
)
def test_a_file_that_cannot_be_used_is_unavailable(tmp_path: Path, document: str) -> None:
    enricher = vendors(tmp_path, document)
    answer = ask(enricher, "203.0.113.1")
    assert answer.answers == ()
    assert "known.json" in (answer.unavailable or "")
    assert [result.ok for result in enricher.check()] == [True, False]


def test_a_missing_file_is_unavailable(tmp_path: Path) -> None:
    enricher = connect("vendors", Settings(path=Path("none.json")), SITE, tmp_path)
    assert "none.json: cannot be read" in (ask(enricher, "203.0.113.1").unavailable or "")


def test_only_destinations_are_served(tmp_path: Path) -> None:
    others = [
        Observable(kind="address", value="203.0.113.1", role="source"),
        Observable(kind="process", value="ekrn.exe", role="source"),
    ]
    assert vendors(tmp_path).look_up(others, WINDOW) == ()
