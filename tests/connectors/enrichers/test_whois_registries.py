"""Which registry is asked: the shipped bootstrap, and IANA's files when they are given."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.enrichers.whois import Settings, connect
from connectors.enrichers.whois.bootstrap import Registries, from_folder, shipped
from playbook.errors import ConfigError
from playbook.model.address import parse
from playbook.model.site import Site


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("8.8.8.8", "arin"),
        ("193.0.6.139", "ripe"),
        ("1.1.1.1", "apnic"),
        ("200.3.12.1", "lacnic"),
        ("196.1.0.1", "afrinic"),
        ("2001:67c:2e8::1", "ripe"),
        ("2001:4200::1", "afrinic"),
        ("2606:4700::1", "arin"),
        ("2410::1", None),
    ],
)
def test_the_shipped_bootstrap_finds_the_registry(address: str, name: str | None) -> None:
    found = Registries(shipped()).serving(parse(address))  # type: ignore[arg-type]
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"services": [[["1.0.0.0/99"], ["https://x.example/"]]]}',
        '{"services": [[["1.0.0.0/8"], ["http://x.example/"]]]}',
        "[" * 9999,
    ],
)
def test_a_wrong_bootstrap_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "ipv4.json").write_text(text)
    with pytest.raises(ConfigError, match=r"ipv4\.json: expected an RDAP bootstrap file"):
        from_folder(tmp_path)


def test_https_is_taken_where_a_service_offers_both(tmp_path: Path) -> None:
    both = {"services": [[["41.0.0.0/8"], ["http://rdap.afrinic.net/rdap/", "https://rdap.afrinic.net/rdap/"]]]}
    (tmp_path / "ipv4.json").write_text(json.dumps(both))
    (tmp_path / "ipv6.json").write_text('{"services": []}')
    assert [registry.base for registry in from_folder(tmp_path)] == ["https://rdap.afrinic.net/rdap/"]


def test_connect_uses_the_shipped_registries() -> None:
    whois = connect("w", Settings(disk=False), Site(now=datetime(2026, 3, 3, tzinfo=UTC)), Path())
    assert (whois.name, whois.topics, whois.remote, whois.requests) == ("w", ("whois",), True, 0)
