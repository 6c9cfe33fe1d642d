"""The tables kept by hand: every row has a source, agrees with the AS table, and claims no more than it can."""

from collections import Counter

import pytest

from playbook.reference_data import asn, lists, operators, products, vendors
from playbook.reference_data.csv_reader import port_ranges, read_table, yes_or_no

SERVICES = vendors.every_service()


@pytest.mark.parametrize("row", operators.every_operator(), ids=lambda row: str(row.asn))
def test_every_operator_is_in_the_as_table_under_the_name_that_its_source_gives(row):
    organisation = asn.organisation_of(row.asn)
    assert organisation is not None and organisation in row.source
    assert row.why and operators.operator_of(row.asn) == row


@pytest.mark.parametrize(
    ("address", "operator"),
    [
        ("8.8.8.8", "Google"),
        ("1.1.1.1", "Cloudflare"),
        ("151.101.1.69", "Fastly"),
        ("17.253.52.125", "Apple"),
        ("157.240.30.18", "Meta"),
    ],
)
def test_operators_of_well_known_addresses(address, operator):
    assert operators.operator_of(asn.look_up(address).asn).operator == operator


@pytest.mark.parametrize("number", [16591, 63949, 31898, 14061, 24940, 16276, 7922, 3320])
def test_access_providers_and_rented_machines_may_be_blocked(number):
    assert operators.operator_of(number) is None


def test_no_operator_twice():
    counts = Counter(cells["asn"] for cells in read_table("operators.csv", dict))
    assert counts.most_common(1)[0][1] == 1
    assert len(counts) < 100


@pytest.mark.parametrize("row", SERVICES, ids=lambda row: f"{row.vendor} {row.service}")
def test_every_vendor_network_is_announced_by_the_named_as(row):
    assert row.source and row.ports
    for network in row.networks:
        assert network.is_global
        for edge in (network[0], network[-1]):
            assert asn.look_up(edge).asn in row.announced_by, (row.vendor, network)
            assert row in vendors.services_at(edge)


@pytest.mark.parametrize(
    "row", [row for row in SERVICES if row.single_tenant], ids=lambda row: f"{row.vendor} {row.service}"
)
def test_a_single_tenant_row_has_its_own_networks_and_no_shared_purpose(row):
    assert row.networks and row.purpose in {"push", "connectivity", "antivirus", "update", "telemetry"}
    assert min(network.num_addresses for network in row.networks) > 1, "a network, never one address"


@pytest.mark.parametrize(
    "row", [row for row in SERVICES if row.needs == "network" and row.single_tenant], ids=lambda row: row.vendor
)
def test_a_network_that_explains_by_itself_holds_no_listed_address(row):
    for network in row.networks:
        if network.version == 4:
            assert not [listed for address in network for listed in lists.covering(address)]


def test_the_vendors_sinkhole_is_seen_beside_the_vendor():
    assert "sinkhole" in {row.category for row in lists.covering("93.159.228.22")}
    rows = vendors.services_at("93.159.228.22")
    assert {(row.vendor, row.needs) for row in rows} == {("Kaspersky", "network_and_name")}


@pytest.mark.parametrize(
    "vendor", ["Pusher", "Dropbox", "GitHub", "Google", "Microsoft", "Mozilla", "Backblaze", "CrashPlan"]
)
def test_what_many_customers_share_is_not_single_tenant(vendor):
    rows = [row for row in SERVICES if row.vendor == vendor]
    assert rows and not any(row.single_tenant for row in rows)


def test_names_match_at_a_label_only():
    named = {row.vendor for row in vendors.services_named("EPNS.eset.com.")}
    assert named == {"ESET"}
    for lookalike in ("noteset.com", "eset.com.evil.example", "epns.eset.com.evil.example", "com", ""):
        assert vendors.services_named(lookalike) == ()


def test_ports_of_a_service():
    [push] = [row for row in SERVICES if row.vendor == "ESET" and row.needs == "network"]
    assert push.has_port(8883) and not push.has_port(443)
    assert vendors.services_at("192.0.2.1") == ()


@pytest.mark.parametrize("table", [products.BACKUP_PRODUCTS, products.PEER_TO_PEER_CLIENTS, products.LOAD_TOOLS])
def test_every_product_has_a_source_and_says_what_is_unverified(table):
    assert len({row.name for row in table}) == len(table) > 3
    for row in table:
        assert row.source and row.processes
        assert all(getattr(row, column) for column in row.unverified), "an unverified column is a column with content"


@pytest.mark.parametrize(
    ("process", "same"),
    [
        ("bztransmit.exe", True),
        ("BZTRANSMIT", True),
        (r"C:\Program Files (x86)\Backblaze\bztransmit.exe", True),
        ("/tmp/bztransmit", True),
        ("bztransmit.exe.scr", False),
        ("xbztransmit.exe", False),
        ("", False),
    ],
)
def test_a_process_name_is_compared_whole(process, same):
    [backblaze] = [row for row in products.BACKUP_PRODUCTS if row.name.startswith("Backblaze")]
    assert products.same_process(backblaze, process) is same


def test_tools_of_attackers_and_interpreters_are_marked():
    assert {row.name for row in products.BACKUP_PRODUCTS if row.also_exfiltration} == {"restic", "rclone"}
    assert {row.name for row in products.LOAD_TOOLS if row.interpreter} == {"Locust", "JMeter", "Gatling", "Artillery"}


def test_cells_are_read_strictly():
    assert port_ranges("443; 2500-3300") == ((443, 443), (2500, 3300))
    for cell in ("0", "65536", "9-8", "http", "-1"):
        with pytest.raises(ValueError, match=r"port|invalid literal"):
            port_ranges(cell)
    with pytest.raises(ValueError, match="yes or no"):
        yes_or_no("true")


def test_a_faulty_row_is_named_with_file_and_line():
    with pytest.raises(ValueError, match=r"operators\.csv:2: "):
        read_table("operators.csv", lambda cells: int(cells["operator"]))
