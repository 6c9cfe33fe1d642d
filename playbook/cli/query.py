"""query: print the text of a detection, or of a hunt, in a query language."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from playbook.cli._options import config_option, configuration
from playbook.config import Config
from playbook.detections import languages
from playbook.detections.hunts import HUNTS
from playbook.errors import ConfigError
from playbook.model.detection import RULE

_ADJUSTED = ("preset", "scope", "fields")


@click.command(name="query", epilog=f"LANGUAGE is one of {', '.join(languages.languages())}.")
@config_option
@click.argument("language")
@click.option("--hunt", type=click.Choice(sorted(HUNTS)), help="A hunt instead of the beaconing detection.")
@click.option(
    "--rule",
    type=click.Choice(list(languages.all_detections())),
    default=RULE,
    show_default=True,
    help="Which detection.",
)
@click.option("--preset", help="The shape of the source's fields, where the language has presets.")
@click.option("--profile", type=click.Choice(["default", "seed"]), help="seed: the original rule, for comparison.")
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["paste", "fetch"]),
    default="paste",
    show_default=True,
    help="paste: with columns and score, to be saved in the SIEM; fetch: what the connectors send.",
)
@click.option(
    "--source",
    "source_name",
    help="Scope, fields and preset of a [sources.NAME] (default: the only one of the language's kind).",
)
def command(
    config_file: Path | None,
    language: str,
    hunt: str | None,
    rule: str,
    preset: str | None,
    profile: str | None,
    purpose: str,
    source_name: str | None,
) -> None:
    """Print the query text, ready to paste and save; nothing is run."""
    if language not in languages.languages():
        raise click.UsageError(f"{language!r} is no language here; there are: {', '.join(languages.languages())}")
    given = {name: value for name, value in (("hunt", hunt), ("preset", preset), ("profile", profile)) if value}
    if hunt and rule != RULE:
        raise click.UsageError("--hunt or --rule, not both")
    if rule not in languages.rules(language):
        raise click.UsageError(f"{language} does not render {rule}; it renders: {', '.join(languages.rules(language))}")
    known, choices = languages.presets(language, hunt), languages.choices(language, rule)
    strange = sorted(given.keys() - choices)
    if strange:
        raise click.UsageError(f"{language} has no --{strange[0]}{'' if rule == RULE else f' for {rule}'}")
    if purpose == "fetch" and "purpose" not in choices:
        raise click.UsageError(f"no connector sends {language}: there is only --for paste")
    if preset and preset not in known:
        raise click.UsageError(f"{language} has no preset {preset!r}; there are: {', '.join(known)}")
    config, _ = configuration(config_file)
    adjusted = _adjusted(config, language, source_name)
    chosen = {"purpose": purpose, "lab": config.networks.lab} | adjusted | _preset_of(language, profile, adjusted)
    try:
        click.echo(languages.render(language, rule, **{n: v for n, v in (chosen | given).items() if n in choices}))
    except KeyError as fault:
        raise click.UsageError(f"{language}: {fault.args[0]}") from None
    except ValueError as fault:
        raise ConfigError(f"{language}: {fault}") from None


def _preset_of(language: str, profile: str | None, adjusted: Mapping[str, Any]) -> dict[str, str]:
    """The preset that means the profile, where one does and no source says otherwise."""
    preset = languages.preset_of(language, profile) if profile and "preset" not in adjusted else None
    return {"preset": preset} if preset else {}


def _adjusted(config: Config, language: str, name: str | None) -> dict[str, Any]:
    """The preset, scope and fields of a configured source; said on stderr, so that stdout is the text alone."""
    fitting = [one for one, table in config.sources.items() if languages.asks(language, table)]
    if name is not None and name not in fitting:
        known = ", ".join(fitting) or "none configured"
        raise click.UsageError(f"--source {name}: no source that speaks {language} ({known})")
    if name is None and len(fitting) != 1:
        return {}
    chosen = name or fitting[0]
    table = config.sources[chosen]
    adjusted = {setting: table[setting] for setting in _ADJUSTED if setting in table}
    for setting, value in adjusted.items():
        texts = value.values() if setting == "fields" and isinstance(value, dict) else [value]
        if not all(isinstance(text, str) for text in texts):
            raise ConfigError(f"sources.{chosen}.{setting}: expected text")
    if not languages.presets(language):
        adjusted.pop("preset", None)  # the language is its preset
    elif adjusted.get("preset", "") not in ("", *languages.presets(language)):
        raise ConfigError(f"sources.{chosen}.preset: {language} has no preset {adjusted['preset']!r}")
    click.echo(f"{', '.join(adjusted) or 'nothing'} taken from [sources.{chosen}]", err=True)
    return adjusted
