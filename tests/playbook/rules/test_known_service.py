"""A vendor's own single-tenant service, by its network, a name our resolver gave, or both."""

from playbook.model.enrichment import VendorService
from tests.playbook.rules.table import Row, outcome, rows
from tests.support.builders import DESTINATION, a_beacon, an_enriched, named, said, silent

NAME = "push.vendor.example"


def service(**change):
    values = {"vendor": "Vendor", "purpose": "push", "single_tenant": True, "matched": "203.0.113.0/24"}
    return VendorService(**(values | change))


def seen(what, *, address=True, name=False, backed=True, by="dns", **change):
    words = [said("vendor", what, about=DESTINATION)] if address else []
    words += [said("vendor", what, about=NAME, kind="domain")] if name else []
    traffic = named(NAME, by=by, backed=backed) if name else named()
    return an_enriched(*words, traffic=traffic, **change)


BOTH, BY_NAME = service(needs="network_and_name"), service(needs="name")

TABLE = [
    Row("speaks", "its network", seen(service()), "conclusive"),
    Row("speaks", "a backed name", seen(BY_NAME, address=False, name=True), "conclusive"),
    Row("speaks", "network and backed name", seen(BOTH, name=True), "conclusive"),
    Row("speaks", "its port", seen(service(ports=(443, 5223))), "conclusive"),
    Row("near miss", "the network alone where a name is needed too", seen(BOTH), "silent"),
    Row("near miss", "the name alone where the network is needed too", seen(BOTH, address=False, name=True), "silent"),
    Row("near miss", "another port", seen(service(ports=(5223,))), "silent"),
    Row(
        "near miss",
        "network and name of two vendors",
        an_enriched(
            said("vendor", BOTH, about=DESTINATION),
            said("vendor", service(needs="network_and_name", vendor="Other"), about=NAME, kind="domain"),
            traffic=named(NAME),
        ),
        "silent",
    ),
    Row(
        "near miss",
        "network and name of two services of one vendor",
        an_enriched(
            said("vendor", BOTH, about=DESTINATION),
            said("vendor", service(needs="network_and_name", purpose="update"), about=NAME, kind="domain"),
            traffic=named(NAME),
        ),
        "silent",
    ),
    Row("near miss", "the table is unread", an_enriched(silent("vendor", DESTINATION)), "waits"),
    Row("silent", "nobody's service", an_enriched(said("vendor", about=DESTINATION)), "silent"),
    Row("silent", "a multi-tenant service", seen(service(single_tenant=False)), "silent"),
    Row("silent", "a backup vendor's storage", seen(service(purpose="backup")), "silent"),
    Row(
        "hostile",
        "SNI of the vendor without a DNS answer",
        seen(BY_NAME, address=False, name=True, by="sni", backed=False),
        "silent",
    ),
    Row(
        "hostile",
        "its own name server gives the vendor's name",
        seen(BY_NAME, address=False, name=True, backed=False),
        "silent",
    ),
    Row(
        "hostile",
        "a process and a host called like the vendor",
        an_enriched(detection=a_beacon(processes=("vendor-push.exe",)), host=NAME),
        "silent",
    ),
    Row(
        "hostile",
        "the vendor's word on the source says nothing of the destination",
        an_enriched(said("vendor", service())),
        "silent",
    ),
]


@rows(TABLE)
def test_known_service(row):
    assert outcome("known_service", row.enriched) == row.said
