"""Every product that we talk to is on the never-block list by the hosts of its table, whatever names them there."""

import ast
import json
from pathlib import Path
from threading import Event

import pytest

import connectors
from playbook.assembly import barriers_of, own_places
from playbook.config import Config
from playbook.response.guardrails import NeverBlockPolicy
from playbook.response.infrastructure import addresses_of, resolve_endpoints

KEYS = {"access_id_env": "NOT_SET", "access_key_env": "NOT_SET"}
REGISTRIES = {f"rdap.{rest}" for rest in ("afrinic.net", "apnic.net", "arin.net", "db.ripe.net", "lacnic.net")}
# kind -> (section, table, hosts): no variable of a secret is set, as in a run over another source.
REACHED = {
    "crowdsec": (
        "containments",
        {"base_url": "https://LAPI.example", "machine_id": "m", "password_env": "NOT_SET"},
        {"lapi.example"},
    ),
    "crowdstrike": ("containments", {"base_url": "https://api.eu-1.crowdstrike.com"}, {"api.eu-1.crowdstrike.com"}),
    "github": (
        "enrichers",
        {
            "repositories": ["a/b"],
            "token_env": "NOT_SET",
            "runners": {"runner-01": "7"},
            "tests": {"load-*": ["203.0.113.40"]},
        },
        {"api.github.com"},
    ),
    "jira": ("tickets", {"base_url": "https://jira.example/", "project": "SOC"}, {"jira.example"}),
    "panos": ("containments", {"base_url": "https://[2001:db8::4]"}, {"2001:db8::4"}),
    "request_tracker": ("tickets", {"base_url": "https://rt.example/rt"}, {"rt.example"}),
    "servicenow": ("tickets", {"base_url": "https://acme.service-now.com"}, {"acme.service-now.com"}),
    "slack": ("notifiers", {"url_env": "HOOK"}, {"hooks.chat.example"}),
    "smtp": ("notifiers", {"host": "Mail.Example."}, {"mail.example"}),
    "splunk": ("sources", {"base_url": "https://splunk.example.:8089"}, {"splunk.example"}),
    "sumologic": ("sources", {"deployment": "us2", "preset": "seed", **KEYS}, {"api.us2.sumologic.com"}),
    "sumologic_cse": ("sources", {"deployment": "EU", **KEYS}, {"api.eu.sumologic.com"}),
    "teams": ("notifiers", {"url_env": "HOOK"}, {"hooks.chat.example"}),
    "webhook": ("notifiers", {"url_env": "HOOK", "secret_env": "NOT_SET"}, {"hooks.chat.example"}),
    "whois": ("enrichers", {}, REGISTRIES),
}
# Whoever imports one of these talks to somebody.
SPEAKERS = frozenset(
    {
        "connectors.http",
        "connectors.notifiers._messages",
        "connectors.clients",
        "requests",
        "smtplib",
        "socket",
        "ssl",
        "http.client",
        "urllib.request",
    }
)

MUTE = frozenset({"printable", "Clocks"})


def speaks(role: str, kind: str) -> bool:
    """Whether the connector's own modules import something that reaches the network."""
    home = Path(connectors.__file__).parent / role
    files = (home / kind).rglob("*.py") if (home / kind).is_dir() else [home / f"{kind}.py"]
    return any(_imports(file) & SPEAKERS for file in files)


def _imports(file: Path) -> set[str]:
    """What a module imports; the transport's clocks and its way of making text safe to show reach nobody."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not {alias.name for alias in node.names} <= MUTE:
            module = node.module or ""
            found |= {module, ".".join(module.split(".")[:2]), *(f"{module}.{alias.name}" for alias in node.names)}
    return found


@pytest.fixture(autouse=True)
def hook(monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("HOOK", "https://hooks.chat.example/T000/B000/secret")


@pytest.mark.parametrize(("role", "kind"), [(r, k) for r in connectors.ROLES for k in connectors.catalogue(r)])
def test_every_connector_that_talks_to_somebody_says_to_whom(role, kind):
    if not speaks(role, kind):
        assert kind not in REACHED
        return
    if kind not in REACHED:
        fields = connectors.load(role, kind).Settings.model_fields
        assert "base_url" in fields, "a connector that names its peers otherwise needs a row in this table"
    section, table, hosts = REACHED.get(kind, (role, {"base_url": "https://peer.example/x"}, {"peer.example"}))
    assert own_places(Config.model_validate({section: {"one": {"kind": kind, **table}}})) == hosts


def test_a_sumo_account_written_as_its_pages_are_is_protected_by_its_api_too():
    table = {"kind": "sumologic", "base_url": "https://service.de.sumologic.com/api/v1", **KEYS}
    found = own_places(Config(sources={"sumo": table}))
    assert found == {"service.de.sumologic.com", "api.de.sumologic.com"}


def test_registries_of_a_bootstrap_folder(tmp_path):
    for name, prefix in (("ipv4.json", "203.0.113.0/24"), ("ipv6.json", "2001:db8::/32")):
        body = {"services": [[[prefix], ["https://rdap.lab.example/v1/"]]]}
        (tmp_path / name).write_text(json.dumps(body))
    config = {"enrichers": {"who": {"kind": "whois", "bootstrap": "."}}, "folder": tmp_path}
    assert own_places(Config.model_validate(config)) == {"rdap.lab.example"}


def test_the_record_and_the_identity_provider_are_ours_too():
    config = Config.model_validate(
        {
            "state": {"url": "postgresql://playbook@db.example/record"},
            "serve": {"public_url": "https://soc.example", "oidc": {"issuer": "https://login.example/realm"}},
        }
    )
    assert own_places(config) == {"db.example", "soc.example", "login.example"}


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "sumologic", "deployment": "nowhere", **KEYS},
        {"kind": "sumologic", "deployment": 7},
        {"kind": "whois", "bootstrap": "no such folder"},
        {"kind": "no such kind"},
        {"kind": ["sumologic"]},
        {"kind": "splunk", "base_url": "https://[broken"},
        {},
    ],
)
def test_a_table_with_a_fault_names_nothing_and_stops_nothing(table):
    sound = {"kind": "splunk", "base_url": "https://splunk.example"}
    assert own_places(Config.model_validate({"sources": {"bad": table, "good": sound}})) == {"splunk.example"}


DEVICE = {"edge": {"kind": "panos", "base_url": "https://[2001:db8::4]"}}
SIEM = {"siem": {"kind": "splunk", "base_url": "https://siem.example:8089"}}


def test_where_something_can_be_set_a_product_is_found_behind_its_name(monkeypatch):
    monkeypatch.setattr("playbook.assembly.addresses_of", {"siem.example": ["203.0.113.66", "::ffff:203.0.113.67"]}.get)
    barriers = barriers_of(Config(sources=SIEM, containments=DEVICE))
    assert barriers.own_places == {"siem.example", "203.0.113.66", "203.0.113.67", "2001:db8::4"}
    assert barriers.unlocated == ()


def test_where_nothing_can_be_set_no_name_is_looked_up(monkeypatch):
    monkeypatch.setattr("playbook.assembly.addresses_of", pytest.fail)
    assert barriers_of(Config(sources=SIEM)) == NeverBlockPolicy(own_places=frozenset({"siem.example"}))


def test_names_that_nobody_can_tell_are_waited_for_together_and_only_so_long():
    never = Event()

    def look_up(name):
        if name == "slow.example":
            never.wait(60)
        if name == "gone.example":
            raise OSError("no such name")
        if name.startswith("x"):
            raise UnicodeError("label too long")
        return {"known.example": ["198.51.100.9"], "odd.example": ["fe80::1%eth0"]}.get(name, [])

    names = {"slow.example", "gone.example", "known.example", "empty.example", "x" * 64, "192.0.2.7"}
    found = resolve_endpoints(names, look_up, deadline_s=0.5)
    never.set()
    assert found.places == names | {"198.51.100.9"}
    assert found.unlocated == ("empty.example", "gone.example", "slow.example", "x" * 64)


@pytest.mark.loopback
def test_this_machine_finds_itself():
    assert {"127.0.0.1", "::1"} & set(addresses_of("localhost"))
