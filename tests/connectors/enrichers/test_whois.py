"""The whois enricher against recorded and misbehaving registries."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import dns.resolver
import pytest

from connectors.enrichers.whois import Settings, Whois
from connectors.http import Clocks
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable
from tests.emulators import rdap
from tests.support import stopwatch

NOW = datetime(2026, 11, 24, tzinfo=UTC)
WINDOW = TimeWindow(start=NOW - timedelta(days=1), end=NOW)
LAB = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "198.18.0.0/15")
ARIN, RIPE = "https://rdap.arin.net/registry", "https://rdap.db.ripe.net"


def _bootstrap(folder: Path, bases: dict[str, str]) -> Path:
    for version in (4, 6):
        services = [[[cidr], [url + "/"]] for cidr, url in bases.items() if ip_network(cidr).version == version]
        (folder / f"ipv{version}.json").write_text(json.dumps({"services": services}))
    return folder


def _own_clocks() -> Clocks:
    """Real time, but rate gates of this test's own: a port may come back in another test."""
    return Clocks(monotonic=lambda: stopwatch.seconds())


def _whois(folder: Path, bases: dict[str, str], clocks: Clocks | None = None, **settings: Any) -> Whois:
    chosen = {"interval_s": 0, "cache": folder / "cache", "lab": LAB, "bootstrap": _bootstrap(folder, bases)} | settings
    return Whois("whois", Settings.model_validate(chosen), clocks or _own_clocks())


def _ask(whois: Whois, *addresses: str) -> tuple[Enrichment, ...]:
    items = [Observable(kind="address", value=address, role="destination") for address in addresses]
    return whois.look_up(items, WINDOW)


def _networks(found: tuple[Enrichment, ...]) -> list[str]:
    return [answer.network for word in found for answer in word.answers]


# --- recorded ---------------------------------------------------------------------------------------------------


def test_five_registries_are_asked_once_per_network(cassette, tmp_path: Path) -> None:
    bases = {
        cidr: cassette.site(f"https://rdap.{name}.example", rdap.serving) for cidr, name in rdap.DOCUMENTED.items()
    }
    whois = _whois(tmp_path, bases, cassette.clocks, parallel=False)
    asked = ["192.0.2.7", "198.51.100.1", "203.0.113.1", "203.0.113.200", "2001:db8:1::1", "2001:db8:2::1"]
    found = _ask(whois, *asked, "192.0.2.9", "2001:db8:2::ffff", "203.0.113.2")
    assert _networks(found)[:6] == list(rdap.DOCUMENTED)
    assert _networks(found)[6:] == ["192.0.2.0/24", "2001:db8:2::/48", "203.0.113.0/25"]
    assert whois.requests == 6 and {word.written_by for word in found} == {"peer"}


def test_a_registry_that_gave_the_space_away_redirects(cassette, tmp_path: Path) -> None:
    bases = {
        "192.0.2.0/24": cassette.site(ARIN, rdap.serving_moved),
        "198.51.100.0/24": cassette.site(RIPE, rdap.serving_ripe_with_legacy),
    }
    found = _ask(_whois(tmp_path, bases, cassette.clocks), "192.0.2.7")
    assert found[0].answers[0].organisation == "LEGACY-NET"


def test_retry_after_is_honoured(cassette, tmp_path: Path) -> None:
    whois = _whois(tmp_path, {"192.0.2.0/24": cassette.site(ARIN, rdap.serving_busy)}, cassette.clocks)
    assert _networks(_ask(whois, "192.0.2.7")) == ["192.0.2.0/24"]
    assert cassette.slept == [2.0]


def test_unknown_is_an_answer_and_is_remembered(cassette, tmp_path: Path) -> None:
    whois = _whois(tmp_path, {"2001:db8:3::/48": cassette.site(RIPE, rdap.serving)}, cassette.clocks)
    first, again = _ask(whois, "2001:db8:3::1"), _ask(whois, "2001:db8:3::1")
    assert first == again and first[0].answers == () and first[0].unavailable is None and first[0].as_of


# --- misbehaving ------------------------------------------------------------------------------------------------


@pytest.fixture
def registry() -> rdap.Registry:
    return rdap.Registry({"192.0.2.0/24": rdap.arin("192.0.2.0/24")})


@pytest.fixture
def url(registry: rdap.Registry) -> Iterator[str]:
    with rdap.running(registry) as base:
        yield base


GOOD = rdap.arin("192.0.2.0/24")


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (rdap.limited(), "limits our rate"),
        (rdap.limited("3600"), "asks to wait 3600 s"),
        (rdap.limited("Wed, 01 Jan 2098 00:00:00 GMT"), "asks to wait"),
        (rdap.says(rdap.afrinic("0.0.0.0/0")), "too wide"),
        (rdap.says(rdap.arin("198.51.100.0/24")), "answered about 198.51.100.0"),
        (rdap.says(b"<html>login</html>", kind="text/html"), "expected JSON, got text/html"),
        (rdap.says(json.dumps(GOOD).encode()[:-20]), "expected JSON"),
        (rdap.says(b"[" * 100_000), "expected JSON"),
        (rdap.says(b" " * 10_000_000), "was cut off"),
        (rdap.says({}, 418), "unexpected status 418"),
        (rdap.says({}, 401), "no credential is configured"),
        (rdap.says({}, 500), "answered with an error"),
        (rdap.redirects("https://rdap.evil.example/ip/192.0.2.7"), "rdap.evil.example, which is no registry"),
        (rdap.redirects("http://127.0.0.1:1/ip/192.0.2.7"), "which is no registry"),
        (rdap.redirects("file:///etc/passwd"), "which is no registry"),
        (rdap.redirects("https://u:p@[::1"), "a redirect to nowhere"),
        (rdap.redirects("/ip/192.0.2.7"), "more than 3 redirects"),
        (rdap.says(b"", 302), "a redirect to nowhere"),
        (rdap.drips, "the deadline passed"),
        (rdap.silent, "the deadline passed"),
    ],
)
def test_misbehaviour_is_a_reason_within_the_deadline(
    registry: rdap.Registry, url: str, tmp_path: Path, act: rdap.Misbehaviour, reason: str
) -> None:
    registry.misbehaviour["192.0.2.7"] = act
    deadline_s = 0.4 if reason == "the deadline passed" else 60
    (word,) = _ask(_whois(tmp_path, {"192.0.2.0/24": url}, deadline_s=deadline_s), "192.0.2.7")
    assert word.answers == () and word.unavailable and reason in word.unavailable


@pytest.mark.loopback
def test_a_dead_registry_costs_its_deadline_once_and_the_others_answer(
    registry: rdap.Registry, url: str, tmp_path: Path
) -> None:
    dead = rdap.Registry({})
    addresses = [f"198.51.100.{n}" for n in range(1, 60)]
    dead.misbehaviour = dict.fromkeys(addresses, rdap.silent)
    with rdap.running(dead) as dead_url:
        whois = _whois(tmp_path, {"192.0.2.0/24": url, "198.51.100.0/24": dead_url}, deadline_s=2)
        found = _ask(whois, *addresses, "192.0.2.7") + _ask(whois, *addresses)
    assert len(dead.asked) == 1 and _networks(found) == ["192.0.2.0/24"]
    assert all("not asked again" in (word.unavailable or "") for word in found[1:59])


@pytest.mark.loopback
def test_three_bad_answers_in_a_row_send_a_registry_to_rest(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    registry.misbehaviour = {f"192.0.2.{n}": rdap.says({"no": n}) for n in range(1, 30)}
    _ask(_whois(tmp_path, {"192.0.2.0/24": url}), *registry.misbehaviour)
    assert len(registry.asked) == 3


@pytest.mark.loopback
def test_the_total_time_is_a_bound(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    registry.networks = {ip_network(f"192.0.2.{n}/32"): rdap.arin(f"192.0.2.{n}/32") for n in range(1, 100)}
    registry.delay_s = 0.1
    found = _ask(_whois(tmp_path, {"192.0.2.0/24": url}, total_s=0.5), *[f"192.0.2.{n}" for n in range(1, 100)])
    assert 1 <= len(_networks(found)) <= 6 and len(registry.asked) <= 6
    assert found[-1].unavailable == "the 0.5 s for whois were used up"


@pytest.mark.loopback
def test_a_thousand_look_ups_send_as_many_requests_as_there_are_networks(tmp_path: Path) -> None:
    cidrs = [str(net) for net in ip_network("198.18.0.0/18").subnets(new_prefix=24)][:37]
    registry = rdap.Registry({cidr: rdap.SHAPES[list(rdap.SHAPES)[n % 5]](cidr) for n, cidr in enumerate(cidrs)})
    chance = random.Random(3)
    addresses = [str(ip_network(chance.choice(cidrs))[chance.randrange(256)]) for _ in range(1000)]
    with rdap.running(registry) as url:
        whois = _whois(tmp_path, {"198.18.0.0/15": url})
        found = _ask(whois, *addresses)
        again = _ask(_whois(tmp_path, {"198.18.0.0/15": url}), *addresses)
    assert len(registry.asked) == whois.requests == len(set(_networks(found))) == 37
    assert found == again and all(word.answers for word in found)


def test_special_addresses_and_sources_ask_nobody(tmp_path: Path) -> None:
    whois = _whois(tmp_path, {"0.0.0.0/0": "https://rdap.example", "::/0": "https://rdap.example"}, lab=())
    special = ["10.1.2.3", "100.64.0.1", "224.0.0.1", "::ffff:192.168.0.1", "2002:a00:1::", "203.0.113.5", "fe80::1"]
    found = _ask(whois, *special, "no address")
    assert whois.requests == 0 and len(found) == len(special) + 1
    assert all(word.warning.startswith("not asked: ") and not word.answers and not word.unavailable for word in found)
    assert whois.look_up([Observable(kind="address", value="192.0.2.1", role="source")], WINDOW) == ()
    assert whois.look_up([Observable(kind="domain", value="vendor.example", role="destination")], WINDOW) == ()


@pytest.mark.loopback
def test_a_wrapped_address_is_asked_as_what_it_is(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    found = _ask(_whois(tmp_path, {"192.0.2.0/24": url}), "::ffff:192.0.2.7", "64:ff9b::192.0.2.8", "2002:c000:0209::1")
    assert _networks(found) == ["192.0.2.0/24"] * 3 and registry.asked == ["/ip/192.0.2.7"]


@pytest.mark.loopback
def test_no_resolver_is_built(registry: rdap.Registry, url: str, tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", broken)
    assert _networks(_ask(_whois(tmp_path, {"192.0.2.0/24": url}), "192.0.2.7")) == ["192.0.2.0/24"]


@pytest.mark.loopback
def test_check_names_the_registry_that_does_not_answer(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    registry.misbehaviour["help"] = rdap.says(b"<html>", kind="text/html")
    bad, bootstrap = _whois(tmp_path, {"192.0.2.0/24": url}).check()
    assert not bad.ok and "expected JSON" in bad.message and bootstrap.ok
    del registry.misbehaviour["help"]
    assert all(result.ok for result in _whois(tmp_path, {"192.0.2.0/24": url}).check())


# --- cache ------------------------------------------------------------------------------------------------------


@pytest.mark.loopback
def test_an_old_answer_is_asked_again(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    first, later = Clocks(wall=lambda: 1_790_000_000.0), Clocks(wall=lambda: 1_790_000_000.0 + 8 * 86400)
    _ask(_whois(tmp_path, {"192.0.2.0/24": url}, first), "192.0.2.7")
    _ask(_whois(tmp_path, {"192.0.2.0/24": url}, first), "192.0.2.8")
    assert len(registry.asked) == 1
    _ask(_whois(tmp_path, {"192.0.2.0/24": url}, later), "192.0.2.8")
    assert len(registry.asked) == 2


@pytest.mark.loopback
@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"holders": 5}', '{"holders": [5, {"first": "0.0.0.0"}]}', "[" * 9999]
)
def test_a_broken_cache_file_is_replaced(registry: rdap.Registry, url: str, tmp_path: Path, text: str) -> None:
    file = tmp_path / "cache" / "rdap.json"
    file.parent.mkdir()
    file.write_text(text)
    assert _networks(_ask(_whois(tmp_path, {"192.0.2.0/24": url}), "192.0.2.7")) == ["192.0.2.0/24"]
    assert json.loads(file.read_text())["holders"][0]["organisation"] == "EXAMPLE-NET Holdings"


@pytest.mark.loopback
def test_a_forged_cache_row_is_not_believed(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    _ask(_whois(tmp_path, {"192.0.2.0/24": url}), "192.0.2.7")
    file = tmp_path / "cache" / "rdap.json"
    text = file.read_text()
    for old, new in (("192.0.2.0", "0.0.0.0"), ("192.0.2.255", "1.1.1.1")):
        file.write_text(text.replace(f'"{old}"', f'"{new}"'))
        _ask(_whois(tmp_path, {"192.0.2.0/24": url}), "192.0.2.7")
    assert len(registry.asked) == 3


@pytest.mark.loopback
def test_without_a_writable_place_answers_stay_in_memory(registry: rdap.Registry, url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    whois = _whois(tmp_path, {"192.0.2.0/24": url}, cache=tmp_path / "file" / "below")
    first, again = _ask(whois, "192.0.2.7"), _ask(whois, "192.0.2.8")
    assert _networks(first + again) == ["192.0.2.0/24"] * 2 and len(registry.asked) == 1
    assert "kept in memory only" in again[0].warning


@pytest.mark.loopback
def test_a_registrys_own_block_does_not_answer_for_all_of_it(tmp_path: Path) -> None:
    registry = rdap.Registry({"192.0.0.0/8": rdap.arin("192.0.0.0/8"), "192.0.2.0/24": GOOD})
    registry.networks[ip_network("192.99.0.0/16")] = rdap.arin("192.99.0.0/16", "TENANT")
    with rdap.running(registry) as url:
        found = _ask(_whois(tmp_path, {"192.0.0.0/8": url}), "192.1.0.1", "192.1.0.2", "192.99.0.1")
    assert _networks(found) == ["192.0.0.0/8", "192.0.0.0/8", "192.99.0.0/16"] and len(registry.asked) == 2
