"""The recipes of docs/adding.md in a copy of the project, against everything that they may break."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.heavy
_BLOCK = re.compile(r"^```\w+ file=(?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COPIED = ("playbook", "connectors", "tests", "manifests", "docs", "scripts", "sample", "bench")
_FILES = ("setup.cfg", "pyproject.toml", "ruff.toml", "README.md", "CHANGELOG.md", "Makefile")
# Tests that go over all plug-ins of a kind are found by these words. Left out are those that start processes or
# servers, measure, or copy the project themselves: they go over plug-ins that these cover too.
_OVER_ALL = re.compile(
    r"all_rules\(|catalogue\(|languages\(\)|platforms\(\)|identifiers\(\)|formats\(\)|connectors\.ROLES"
)
_LEFT_OUT = re.compile(
    r"tests/(faults|players)/|_real\.py|test_docs\.py|test_planted_mistakes|test_serve\.py|test_evasions|test_sample\.py"
    r"|test_contract\.py|test_tune\.py|test_build\.py|test_amplification|test_fuzz"
)


def blocks() -> dict[str, str]:
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    return {m["path"]: m["text"] for m in _BLOCK.finditer(text)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The project with every recipe in it, its cassette recorded and its manifests made again."""
    folder = tmp_path_factory.mktemp("copy")
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".work"))
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    for path, text in blocks().items():
        assert not (ROOT / path).exists(), f"{path} would overwrite a file: a recipe edits nothing"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    clean(folder, "pytest", "-q", "-p", "no:cacheprovider", "--record", "-k", "recorded", *recipe_tests("example_siem"))
    clean(folder, "playbook", "manifests", "write")
    (folder / "docs" / "actions.md").write_text(clean(folder, "playbook", "actions", "--markdown"), encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LANG": "C.UTF-8"},
    )


def clean(folder: Path, *command: str) -> str:
    done = run(folder, *command)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    return done.stdout


def recipe_tests(name: str = "") -> list[str]:
    return [path for path in blocks() if path.startswith("tests/") and name in path]


def over_all(folder: Path) -> list[str]:
    """The test files that go over every plug-in of a kind."""
    files = sorted(folder.glob("tests/**/test_*.py"))
    named = {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in files}
    return [path for path, text in named.items() if _OVER_ALL.search(text) and not _LEFT_OUT.search(path)]


def test_every_recipe_is_one_file_and_its_test():
    paths = list(blocks())
    assert len(paths) == 16 and len(recipe_tests()) == 8, paths


def test_the_recipes_pass_their_tests_and_every_test_over_all_plug_ins(copy):
    wanted = dict.fromkeys([*recipe_tests(), *over_all(copy), "tests/test_architecture.py", "tests/test_cassettes.py"])
    assert len(wanted) > 25
    clean(copy, "pytest", "-q", "-p", "no:cacheprovider", *wanted)


def test_the_recipes_are_clean(copy):
    clean(copy, "ruff", "check", "--no-cache", *blocks())
    clean(copy, "ruff", "format", "--check", "--no-cache", *blocks())
    clean(copy, "playbook", "manifests", "check")


def test_the_recipes_are_typed_and_fit_the_protocol_of_their_kind(copy):
    contracts = run(copy, "scripts.plug_in_contracts")
    assert contracts.returncode == 0 and "example_siem" in contracts.stdout, contracts.stderr
    (copy / "plug_in_contracts.py").write_text(contracts.stdout, encoding="utf-8")
    product = [path for path in blocks() if not path.startswith("tests/")]
    clean(copy, "mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *product, "plug_in_contracts.py")
