"""manifests write|check|build: the packages of the platforms, made from the catalogue."""

import hashlib
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


@command.command(name="build")
@click.argument("names", nargs=-1, metavar="[PLATFORM]...")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where the files are put.",
)
@click.option(
    "--wheels",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=None,
    help="A folder of wheels that the package is to hold (splunk_soar).",
)
def build(names: tuple[str, ...], folder: Path, wheels: Path | None) -> None:
    """Make the files that these platforms install, by default all; the same catalogue gives the same bytes."""
    carried = {one.name: one.read_bytes() for one in sorted(wheels.glob("*.whl"))} if wheels else {}
    if wheels and not carried:
        raise ConfigError(f"{wheels}: no wheel (*.whl) lies there")
    actions = catalogue()
    for name in names or platforms.platforms():
        for path, content in platforms.build(name, actions, carried).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
            click.echo(f"{folder / path}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


def _packages(names: tuple[str, ...]) -> dict[str, dict[str, str | bytes]]:
    found = catalogue()
    return {name: platforms.render(name, found) for name in names or platforms.platforms()}
