"""What the documentation says is run: the recipes of docs/adding.md in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.heavy
_BLOCK = re.compile(r"^```\w+ file=(?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COPIED = ("playbook", "connectors", "tests", "manifests")


def blocks() -> dict[str, str]:
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    return {m["path"]: m["text"] for m in _BLOCK.finditer(text)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for name in _COPIED:
        if (ROOT / name).is_dir():
            # What is compiled stays good for the copy: it goes by the time and the size of its source.
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("cassettes"))
    for name in ("setup.cfg", "pyproject.toml", "ruff.toml"):
        shutil.copy(ROOT / name, folder / name)
    for path, text in blocks().items():
        assert not (ROOT / path).exists(), f"{path} would overwrite a file: a recipe edits nothing"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_every_recipe_is_one_file_and_its_test():
    paths = list(blocks())
    assert len(paths) == 8, paths
    assert sum(path.startswith("tests/") for path in paths) == 4


def test_the_recipes_work_and_fit_the_house(copy):
    added = [path for path in blocks() if path.startswith("tests/")]
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *added, "tests/test_architecture.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_recipes_are_clean(copy):
    done = run(copy, "ruff", "check", "--no-cache", *blocks())
    assert done.returncode == 0, done.stdout
