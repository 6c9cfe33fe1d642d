"""query: print the text of the detection, or of a hunt, in a query language."""

from pathlib import Path

import click

from playbook.cli._options import config_option
from playbook.detections import languages
from playbook.detections.hunts import HUNTS


@click.command(name="query", epilog=f"LANGUAGE is one of {', '.join(languages.languages())}.")
@config_option
@click.argument("language")
@click.option("--hunt", type=click.Choice(sorted(HUNTS)), help="A hunt instead of the beaconing detection.")
@click.option("--preset", help="The shape of the source's fields, where the language has presets.")
@click.option("--profile", type=click.Choice(["default", "seed"]), help="seed: the original rule, for comparison.")
def command(config_file: Path | None, language: str, hunt: str | None, preset: str | None, profile: str | None) -> None:
    """Print the query text; nothing is run."""
    if language not in languages.languages():
        raise click.UsageError(f"{language!r} is no language here; there are: {', '.join(languages.languages())}")
    given = {name: value for name, value in (("hunt", hunt), ("preset", preset), ("profile", profile)) if value}
    strange = sorted(given.keys() - languages.choices(language))
    if strange:
        raise click.UsageError(f"{language} has no --{strange[0]}")
    known = languages.presets(language, hunt)
    if preset and preset not in known:
        raise click.UsageError(f"{language} has no preset {preset!r}; there are: {', '.join(known)}")
    try:
        click.echo(languages.render(language, **given))
    except KeyError as fault:
        raise click.UsageError(f"{language}: {fault.args[0]}") from None
