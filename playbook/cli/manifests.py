"""manifests write|check: the packages of the platforms, made from the catalogue."""

from pathlib import Path

import click

from playbook import platforms
from playbook.actions import catalogue
from playbook.errors import ConfigError


@click.group(name="manifests")
def command() -> None:
    """The packages that SOAR platforms install. One folder a platform."""


_FOLDER = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("manifests"),
    show_default=True,
    help="Where the packages lie, one folder a platform.",
)


@command.command(name="write")
@click.argument("names", nargs=-1, metavar="[PLATFORM]...")
@_FOLDER
def write(names: tuple[str, ...], directory: Path) -> None:
    """Write the packages of these platforms, by default of all."""
    for name, package in _packages(names).items():
        platforms.write(directory / name, package)
        click.echo(f"{directory / name}: {len(package)} files")


@command.command(name="check")
@click.argument("names", nargs=-1, metavar="[PLATFORM]...")
@_FOLDER
def check(names: tuple[str, ...], directory: Path) -> None:
    """Compare the packages with the catalogue. Names each file that differs, and then exits with 2."""
    packages = _packages(names)
    if not directory.is_dir():
        raise ConfigError(f"{directory}: no such folder; name it with --directory")
    found = [
        f"{directory / name / drift.file}: {drift.how}"
        for name, package in packages.items()
        for drift in platforms.drift(directory / name, package)
    ]
    if found:
        raise ConfigError("\n".join([*found, "make them again: botnet-playbook manifests write"]))
    click.echo(f"{', '.join(packages)}: as the catalogue makes them")


def _packages(names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    found = catalogue()
    return {name: platforms.render(name, found) for name in names or platforms.platforms()}
