"""WHOIS is off until one table turns it on: without it no remote enricher is wired, with it that one alone."""

from datetime import UTC, datetime
from pathlib import Path

import playbook.sample
from playbook import config
from playbook.assembly import assemble

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SAMPLE = Path(next(iter(playbook.sample.__path__))) / "sample.toml"
LOGS = ("logs", {"kind": "logs", "paths": ["nowhere"]})


def remote(read: config.Config) -> list[str]:
    """The enrichers that would ask somebody outside."""
    return [one.name for one in assemble(read, "c", LOGS, NOW).toolkit.enrichers if one.remote]


def test_the_defaults_and_the_sample_ask_nobody():
    assert remote(config.Config()) == remote(config.read(SAMPLE)) == []


def test_one_table_turns_it_on(tmp_path):
    (tmp_path / "playbook.toml").write_text('[enrichers.whois]\nkind = "whois"\n')
    assert remote(config.read(tmp_path / "playbook.toml")) == ["whois"]
