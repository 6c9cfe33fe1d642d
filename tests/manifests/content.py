"""What the tests of the content share: its folder, what ``query`` prints for a committed text, and a strict model."""

from pathlib import Path

from click.testing import CliRunner
from pydantic import BaseModel, ConfigDict

from playbook.__main__ import cli
from playbook.detections.languages import kql, splunk, sumo

FOLDER = Path(__file__).resolve().parents[2] / "manifests" / "content"
QUERIES = FOLDER.parent / "queries"


def printed(language: str, path: Path) -> str:
    """What ``query`` prints for the committed text of that name, which is another file's way to the same text."""
    presets = {"splunk": splunk.PRESETS, "sumo": (*sumo.PRESETS, "endpoint"), "kql": kql.PRESETS}[language]
    chosen = next(one for one in presets if path.stem.endswith("_" + one.replace("-", "_")))
    what = path.stem.removesuffix("_" + chosen.replace("-", "_"))
    hunt = ("--hunt", what.removeprefix("hunt_").replace("_", "-")) if what.startswith("hunt_") else ()
    done = CliRunner().invoke(cli, ["query", language, "--preset", chosen, *hunt])
    assert done.exit_code == 0, done.output
    return done.stdout.strip("\n")


def all_printed(language: str, suffix: str) -> list[str]:
    """The same for every committed text of a language."""
    return [printed(language, path) for path in sorted((QUERIES / language).glob(f"*{suffix}"))]


class Strict(BaseModel):
    """A model that knows every key."""

    model_config = ConfigDict(extra="forbid", strict=True)
