"""init: four questions, a first playbook.toml, and a check of it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import click

from playbook.assembly import assemble_all
from playbook.cases.access import open_case_store
from playbook.cli import check
from playbook.cli._options import configuration, now
from playbook.config import Config, validated
from playbook.errors import ConfigError

_PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"
_KINDS = ("logs", "splunk", "sumologic")
_WHERE = {
    "logs": "Folder or file of the logs (Zeek, PAN-OS, ASA, NetFlow, VPC, Suricata, CSV)",
    "splunk": "Address of Splunk's management port, such as https://splunk.example:8089",
    "sumologic": "Address of the Sumo Logic API, such as https://api.us2.sumologic.com",
}
_SECRETS = {
    "logs": {},
    "splunk": {"token_env": "SPLUNK_TOKEN"},
    "sumologic": {"access_id_env": "SUMO_ACCESS_ID", "access_key_env": "SUMO_ACCESS_KEY"},
}


@click.command(name="init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="playbook.toml", metavar="[FILE]")
@click.option("--kind", type=click.Choice(_KINDS), help="Where connections are read from.")
@click.option("--place", help="The folder of the logs, or the address of the SIEM.")
@click.option("--home", help="Your own networks, with commas between them.")
@click.option("--protected", help="What must never be blocked, with commas between; empty: containment stays off.")
@click.pass_context
def command(
    ctx: click.Context, file: Path, kind: str | None, place: str | None, home: str | None, protected: str | None
) -> None:
    """Ask four questions, write a first configuration, and check it. A file that is there is never overwritten."""
    if file.exists():
        raise click.UsageError(f"{file} is there already: move it away, or give another name")
    kind = kind or str(click.prompt("Where are connections read from?", type=click.Choice(_KINDS), default="logs"))
    place = place if place is not None else str(click.prompt(_WHERE[kind]))
    home = home if home is not None else str(click.prompt("Which networks are yours?", default=_PRIVATE))
    if protected is None:
        question = "What must never be blocked, servers and gateways (empty: nothing is ever contained)?"
        protected = str(click.prompt(question, default="", show_default=False))
    text = configuration_text(kind, place, _listed(home), _listed(protected))
    # As it would be read: a wrong network is told here, and nothing is written.
    validated(Config, tomllib.loads(text), str(file), "")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as fault:
        raise ConfigError(f"{file}: {fault.strerror}") from fault
    file.chmod(0o600)
    click.echo(f"wrote {file}")
    for variable in _SECRETS[kind].values():
        click.echo(f"put the secret into the environment variable {variable}, then: botnet-playbook check")
    _make_record(file)
    if not _SECRETS[kind]:
        ctx.invoke(check.command, config_file=file, as_json=False)


def _make_record(file: Path) -> None:
    """The record and the block list, as serve would make them at its first start; a secret is not needed for that."""
    config, name = configuration(file)
    local = config.model_copy(update={"sources": {}})
    with open_case_store(local, name):
        parts, _ = assemble_all(local, name, now())
        for part in parts.values():
            if hasattr(part, "feed"):
                part.prepare()


def configuration_text(kind: str, place: str, home: list[str], protected: list[str]) -> str:
    """The configuration as TOML, with a line of explanation before each table."""
    source: dict[str, Any] = {"kind": kind}
    source |= {"paths": [place]} if kind == "logs" else {"base_url": place, "preset": "seed"}
    return "\n".join(
        [
            "# Made by `botnet-playbook init`. Every key: docs/configuration.md.",
            "",
            "# home: your own networks. protected: never blocked, and as hosts two people approve.",
            "[networks]",
            f"home = {json.dumps(home)}",
            f"protected = {json.dumps(protected)}",
            "# resolvers = the DNS servers that your hosts ask; without them no name counts as proven.",
            "",
            "[state]",
            'url = "sqlite:///state/playbook.db"',
            "",
            f"[sources.{kind}]",
            *(f"{name} = {json.dumps(value)}" for name, value in (source | _SECRETS[kind]).items()),
            "",
            "# What we may do: our own block list, which firewalls and resolvers read from `serve`.",
            "[containments.blocklist]",
            'kind = "blocklist"',
            "",
        ]
    )


def _listed(text: str) -> list[str]:
    return [one for one in (part.strip() for part in text.split(",")) if one]
