"""Assembly: every fault at once, defaults where nothing is configured, and what our own configuration names."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import connectors
import playbook
from playbook.assembly import assemble, assemble_all, assert_not_shadowed, barriers_of, own_places
from playbook.config import Config
from playbook.errors import ConfigError

NOW = datetime(2026, 3, 3, tzinfo=UTC)
LOGS = ("logs", {"kind": "logs", "paths": ["nowhere"]})


def test_every_fault_of_every_table_is_told_at_once():
    config = Config.model_validate(
        {
            "enrichers": {"a": {"kind": "inventory", "host": "x"}, "b": {"kind": "asn", "hosts_in": ["10.0.0.0/99"]}},
            "policy": {"rules": {"steady_interval": {"least_scor": 1}, "no_such_rule": {}}},
        }
    )
    with pytest.raises(ConfigError) as told:
        assemble(config, "c.toml", ("s", {"kind": "splonk"}), NOW)
    text = str(told.value)
    assert "sources.s.kind: 'splonk' is no connector" in text
    assert "enrichers.a.host: unknown key; did you mean 'hosts'?" in text
    assert "enrichers.b.hosts_in" in text
    assert "policy.rules.steady_interval.least_scor: unknown key; did you mean 'least_score'?" in text
    assert "policy.rules.no_such_rule: no such rule" in text


def test_the_embedded_tables_speak_unless_one_of_their_kind_is_configured():
    plain = assemble(Config(), "c", LOGS, NOW).toolkit
    assert {"asn", "lists", "vendors"} <= {e.name for e in plain.enrichers}
    own = assemble(Config(enrichers={"mine": {"kind": "asn"}}), "c", LOGS, NOW).toolkit
    assert [e.name for e in own.enrichers if "asn" in e.topics] == ["mine"]


@pytest.mark.parametrize("kind", [[], {}, 7, None, ["asn"], "ASN"])
def test_a_kind_that_is_no_name_is_told(kind):
    with pytest.raises(ConfigError, match=r"enrichers\.a\.kind: .* is no connector"):
        assemble_all(Config(enrichers={"a": {"kind": kind}}), "c", NOW)


def test_a_set_clock_is_told():
    config = Config.model_validate({"policy": {"now": "2026-03-03T00:00:00Z"}})
    assert "policy.now is set" in assemble(config, "c", LOGS, NOW).warnings[0]
    assert any("policy.now" in warning for warning in assemble_all(config, "c", NOW)[1])


def test_what_our_configuration_names_is_never_to_be_blocked(monkeypatch):
    monkeypatch.setenv("HOOK", "https://hooks.chat.example/T000/B000/secret")
    config = Config.model_validate(
        {
            "sources": {"siem": {"kind": "splunk", "base_url": "https://Splunk.Example:8089"}},
            "enrichers": {"who": {"kind": "whois", "token_env": "NOT_SET"}},
            "containments": {"edge": {"kind": "panos", "base_url": "https://198.51.100.4"}},
            "notifiers": {
                "mail": {"kind": "smtp", "host": "Mail.Example."},
                "chat": {"kind": "slack", "url_env": "HOOK"},
            },
        }
    )
    assert own_places(config) == {"splunk.example", "198.51.100.4", "mail.example", "hooks.chat.example"}


@pytest.mark.parametrize("package", [playbook, connectors])
def test_another_distribution_in_our_place_is_noticed(monkeypatch, package):
    monkeypatch.setattr(package, "OURS", "somebody else's")
    with pytest.raises(ConfigError, match="is not ours"):
        assert_not_shadowed()


def test_a_secret_is_named_by_its_variable_and_never_shown(monkeypatch):
    monkeypatch.delenv("SUMO_KEY", raising=False)
    table = {"kind": "sumologic", "deployment": "us2", "access_id_env": "SUMO_KEY", "access_key_env": "SUMO_KEY"}
    with pytest.raises(ConfigError, match="the environment variable SUMO_KEY is not set"):
        assemble(Config(folder=Path()), "c", ("sumo", table), NOW)


def test_the_gate_takes_a_feed_for_as_old_as_its_rule_does():
    assert barriers_of(Config()).feed_days == 30
    assert barriers_of(Config.model_validate({"policy": {"rules": {"threat_feed": {"fresh_days": 7}}}})).feed_days == 7
