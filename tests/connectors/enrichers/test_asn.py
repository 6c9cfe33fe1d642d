"""Network owners and operators: the user's own database first, then the embedded table."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.enrichers.asn import AsNumbers, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, NetworkOwner, Operator
from playbook.model.observable import Observable
from playbook.model.site import Networks, Site
from playbook.reference_data import asn as embedded
from tests.support.mmdb_writer import mmdb

NOW = datetime.combine(embedded.AS_OF, datetime.min.time(), UTC) + timedelta(days=30)
WINDOW = TimeWindow(start=NOW - timedelta(days=1), end=NOW)
ROWS = {
    "203.0.113.0/24": {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Networks"},
    "198.51.100.0/25": {"asn": "AS64501", "as_name": "IPinfo Example", "as_domain": "x.example", "country_code": "CZ"},
    "198.51.100.128/25": {"asn": "AS64501"},
    "192.0.2.0/24": {"autonomous_system_number": 15169},
    "100.0.0.0/8": {"city": {"en": "Prague"}},
    "101.0.0.0/8": {"asn": "ASX"},
    "102.0.0.0/8": {"autonomous_system_number": 2**33},
}


def numbers(folder: Path, content: bytes | None = None, now: datetime = NOW) -> AsNumbers:
    if content is None:
        return connect("asn", Settings(), Site(now=now), folder)
    (folder / "own.mmdb").write_bytes(content)
    return connect("asn", Settings(mmdb=Path("own.mmdb")), Site(now=now), folder)


def ask(enricher: AsNumbers, address: str, topic: str = "asn") -> Enrichment:
    found = enricher.look_up([Observable(kind="address", value=address, role="destination")], WINDOW)
    (answer,) = [one for one in found if one.topic == topic]
    return answer


def owner(enricher: AsNumbers, address: str) -> tuple[int | None, str] | None:
    answers = [one for one in ask(enricher, address).answers if isinstance(one, NetworkOwner)]
    return (answers[0].asn, answers[0].network) if answers else None


@pytest.mark.parametrize(
    ("address", "asn"),
    [("8.8.8.8", 15169), ("::ffff:8.8.8.8", 15169), ("2001:4860:4860::8888", 15169), ("10.0.0.1", None), ("x", None)],
)
def test_the_embedded_table_answers_alone(tmp_path: Path, address: str, asn: int | None) -> None:
    enricher = numbers(tmp_path)
    found = owner(enricher, address)
    assert (found[0] if found else None) == asn
    operators = [one.asn for one in ask(enricher, address, "operator").answers if isinstance(one, Operator)]
    assert operators == ([15169] if asn else [])


def test_an_address_behind_our_own_nat64_prefix_is_unwrapped(tmp_path: Path) -> None:
    site = Site(now=NOW, networks=Networks.model_validate({"nat64": ["2001:db8:64::/96"]}))
    assert owner(connect("asn", Settings(), site, tmp_path), "2001:db8:64::808:808") is not None


@pytest.mark.parametrize(("days", "stale"), [(180, False), (181, True)])
def test_an_old_table_answers_with_a_warning(tmp_path: Path, days: int, stale: bool) -> None:
    enricher = numbers(tmp_path, now=NOW + timedelta(days=days - 30))
    answer = ask(enricher, "8.8.8.8")
    assert answer.answers
    assert answer.as_of == NOW - timedelta(days=30)
    assert ("over 180 days old" in answer.warning) == stale
    table = enricher.check()[0]
    assert ("over 180 days old" in table.message) == ("over 180 days old" in table.warning) == stale


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.9", (64500, "203.0.113.0/24")),
        ("198.51.100.9", (64501, "198.51.100.0/25")),
        ("198.51.100.200", (64501, "198.51.100.128/25")),
    ],
)
def test_the_users_database_comes_first(tmp_path: Path, address: str, expected: tuple[int, str]) -> None:
    enricher = numbers(tmp_path, mmdb(ROWS))
    assert owner(enricher, address) == expected
    assert ask(enricher, address).as_of == datetime.fromtimestamp(1_772_000_000, UTC)


def test_names_of_both_schemas(tmp_path: Path) -> None:
    enricher = numbers(tmp_path, mmdb(ROWS))
    found = [ask(enricher, address).answers[0] for address in ("203.0.113.9", "198.51.100.9", "198.51.100.200")]
    assert [(one.organisation, one.country) for one in found if isinstance(one, NetworkOwner)] == [
        ("Example Networks", ""),
        ("IPinfo Example", "CZ"),
        ("", ""),
    ]


def test_what_the_database_lacks_the_embedded_table_answers(tmp_path: Path) -> None:
    enricher = numbers(tmp_path, mmdb(ROWS))
    assert owner(enricher, "2001:4860:4860::8888") is not None
    answer = ask(enricher, "8.8.8.8")
    assert [one.asn for one in answer.answers if isinstance(one, NetworkOwner)] == [15169]
    assert answer.as_of is not None
    assert answer.as_of.date() == embedded.AS_OF


def test_either_table_can_name_the_operator(tmp_path: Path) -> None:
    enricher = numbers(tmp_path, mmdb(ROWS | {"8.8.8.0/24": {"asn": "AS64500"}}))
    for address in ("192.0.2.1", "8.8.8.8"):
        assert [getattr(one, "asn", 0) for one in ask(enricher, address, "operator").answers] == [15169]


@pytest.mark.parametrize("address", ["100.1.1.1", "101.1.1.1", "102.1.1.1"])
def test_a_record_of_another_kind_is_unavailable(tmp_path: Path, address: str) -> None:
    answer = ask(numbers(tmp_path, mmdb(ROWS)), address)
    assert answer.answers == ()
    assert "own.mmdb: expected autonomous_system_number" in (answer.unavailable or "")


@pytest.mark.parametrize("content", [b"", b"junk", mmdb(ROWS)[:-40], b"\xab\xcd\xefMaxMind.com\xe0"])
def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, content: bytes) -> None:
    enricher = numbers(tmp_path, content)
    assert "own.mmdb: expected a MaxMind database" in (ask(enricher, "203.0.113.9").unavailable or "")
    assert [result.ok for result in enricher.check()] == [True, False]
    assert ask(enricher, "8.8.8.8", "operator").answers


def test_a_missing_database_is_unavailable(tmp_path: Path) -> None:
    enricher = connect("asn", Settings(mmdb=Path("none.mmdb")), Site(now=NOW), tmp_path)
    assert "none.mmdb: cannot be read" in (ask(enricher, "8.8.8.8").unavailable or "")


def test_damaged_data_never_raises(tmp_path: Path) -> None:
    good = mmdb(ROWS)
    for place in range(0, len(good) - 200, 7):
        content = bytearray(good)
        content[place] ^= 0xFF
        answer = ask(numbers(tmp_path, bytes(content)), "203.0.113.9")
        assert answer.topic == "asn"


def test_only_destination_addresses_are_served(tmp_path: Path) -> None:
    others = [
        Observable(kind="address", value="8.8.8.8", role="source"),
        Observable(kind="domain", value="dns.google", role="destination"),
    ]
    assert numbers(tmp_path).look_up(others, WINDOW) == ()


def test_a_damaged_block_leaves_its_addresses_unanswered_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = embedded.look_up

    def fail(address: object) -> embedded.AsnRow | None:
        if str(address) == "8.8.8.8":
            raise ValueError("block 7 is damaged")
        return sound(str(address))

    monkeypatch.setattr(embedded, "look_up", fail)
    enricher = numbers(tmp_path)
    for topic in enricher.topics:
        assert "block 7 is damaged" in (ask(enricher, "8.8.8.8", topic).unavailable or "")
        assert ask(enricher, "1.1.1.1", topic).unavailable is None


def test_a_damaged_embedded_table_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: object) -> None:
        raise ValueError("the AS table names 1 systems, its header 2")

    monkeypatch.setattr(embedded, "look_up", fail)
    enricher = numbers(tmp_path)
    for topic in enricher.topics:
        assert "cannot be read" in (ask(enricher, "8.8.8.8", topic).unavailable or "")
    assert not enricher.check()[0].ok
