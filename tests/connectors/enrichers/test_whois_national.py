"""Redirects to national registries, of which the bootstrap knows nothing: followed safely, and never held against."""

from pathlib import Path
from typing import Any

import pytest

from connectors.enrichers.whois import Whois
from connectors.enrichers.whois.rdap_client import _NATIONAL
from tests.connectors.enrichers.test_whois import _ask, _own_clocks, _whois
from tests.emulators import rdap

REGIONAL = "https://rdap.apnic.net"


def asking(cassette: Any, folder: Path, national: Any) -> Whois:
    """The enricher whose one regional registry sends on to ``national``."""
    whois = _whois(
        folder, {"203.0.113.0/24": cassette.site(REGIONAL, rdap.serving_regional)}, cassette.clocks, interval_s=0
    )
    cassette.site(rdap.NATIONAL, national)
    return whois


def test_a_national_registry_answers_for_its_regional_one_and_a_handle_is_not_needed(cassette, tmp_path: Path) -> None:
    whois = asking(cassette, tmp_path, rdap.serving_national)
    first, again, own = _ask(whois, "203.0.113.1", "203.0.113.2", "203.0.113.200")
    assert first.answers == again.answers and whois.requests == 3, "one range, one question and its redirect"
    owner = first.answers[0]
    assert (owner.organisation, owner.network, owner.country) == ("Example K.K. Pty Ltd", "203.0.113.0/25", "JP")
    assert own.answers[0].network == "203.0.113.128/25"


def test_a_national_registry_that_refuses_rests_and_its_regional_one_goes_on(cassette, tmp_path: Path) -> None:
    whois = asking(cassette, tmp_path, rdap.serving_national_down)
    *refused, own = _ask(whois, *(f"203.0.113.{n}" for n in range(1, 6)), "203.0.113.200")
    assert own.answers[0].network == "203.0.113.128/25"
    assert all("jpnic.rdap.apnic.net: refuses to answer us (403)" in (word.unavailable or "") for word in refused)
    assert not any("credential" in (word.unavailable or "") for word in refused)
    assert whois.requests == 2 + 4 + 1, "the national one is asked once"


def test_a_national_registry_sends_us_nowhere(cassette, tmp_path: Path) -> None:
    whois = asking(cassette, tmp_path, rdap.serving_national_elsewhere)
    sent_on, own = _ask(whois, "203.0.113.1", "203.0.113.200")
    assert "jpnic.rdap.apnic.net: a redirect to rdap.elsewhere.example, which is no registry" in sent_on.unavailable
    assert own.answers


@pytest.mark.loopback
def test_redirects_that_are_not_followed_put_nobody_to_rest(tmp_path: Path) -> None:
    registry = rdap.Registry({"192.0.2.0/24": rdap.arin("192.0.2.0/24")})
    for number in range(1, 6):
        registry.misbehaviour[f"192.0.2.{number}"] = rdap.redirects("https://rdap.elsewhere.example/ip/1")
    with rdap.running(registry) as url:
        whois = _whois(tmp_path, {"192.0.2.0/24": url}, _own_clocks())
        found = _ask(whois, *(f"192.0.2.{n}" for n in range(1, 6)), "192.0.2.7")
    assert found[-1].answers and len(registry.asked) == 6


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("https://rdap.registro.br/ip/200.160.2.3", True),
        ("https://jpnic.rdap.apnic.net/ip/203.0.113.0/24", True),
        ("https://rdap.registro.br:443/rdap/ip/2001:db8::1", True),
        ("http://rdap.registro.br/ip/200.160.2.3", False),
        ("https://rdap.registro.br:8443/ip/200.160.2.3", False),
        ("https://10.0.0.1/ip/200.160.2.3", False),
        ("https://[::1]/ip/200.160.2.3", False),
        ("https://localhost/ip/200.160.2.3", False),
        ("https://siem.internal/ip/200.160.2.3", False),
        ("https://siem.corp.local/ip/200.160.2.3", False),
        ("https://user@rdap.registro.br/ip/200.160.2.3", False),
        ("https://rdap.registro.br/ip/200.160.2.3?next=https://x", False),
        ("https://rdap.registro.br/admin/delete", False),
        ("https://rdap.registro.br\n/ip/200.160.2.3", False),
        ("https://intranet/ip/200.160.2.3", False),
    ],
)
def test_what_a_national_registry_looks_like(target: str, taken: bool) -> None:
    assert bool(_NATIONAL.fullmatch(target)) is taken


@pytest.mark.loopback
def test_a_registry_that_refuses_us_is_not_called_a_missing_credential(tmp_path: Path) -> None:
    registry = rdap.Registry({})
    registry.misbehaviour["192.0.2.7"] = rdap.says(rdap.ERROR_404, 403)
    with rdap.running(registry) as url:
        (word,) = _ask(_whois(tmp_path, {"192.0.2.0/24": url}), "192.0.2.7")
    assert word.unavailable and "refuses to answer us (403)" in word.unavailable
    assert "credential" not in word.unavailable
