"""``python -m bench.mutation [COUNT] [SEED]``: small changes to the judgement and the safety of the response.

Each change is one of: a comparison turned to its neighbour (< to <=, == to !=), ``and`` to ``or``, a ``not`` dropped,
one part of a condition dropped, True for False. It is made in a copy of the project, and the tests of the changed
module are run; a change that no test notices survives and is printed with its place. ``COUNT`` are drawn by ``SEED``;
0: all.
"""

import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.measuring import say

ROOT = Path(__file__).resolve().parents[1]
DEADLINE_S = 300
# Modules -> the tests that have to notice; a rule's own table comes with its module.
TARGETS: Mapping[str, tuple[str, ...]] = {
    "playbook/triage/*.py": ("tests/playbook/triage", "tests/playbook/rules"),
    "playbook/response/*.py": ("tests/playbook/response", "tests/playbook/workflows"),
    "playbook/rules/*.py": ("tests/playbook/rules",),
    "playbook/cases/approvals.py": ("tests/playbook/cases", "tests/playbook/workflows"),
    "playbook/workflows/executor.py": ("tests/playbook/workflows",),
    "playbook/workflows/attempts.py": ("tests/playbook/workflows",),
    "playbook/detections/beaconing.py": ("tests/playbook/detections", "tests/test_detection_equality.py"),
    "connectors/http/*.py": ("tests/connectors/http",),
}
_NEIGHBOURS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Mutant(NamedTuple):
    """One change: the file, its line, what stood there and what stands there now, and the whole changed text."""

    path: str
    line: int
    before: str
    after: str
    text: str
    tests: tuple[str, ...]


def mutants(root: Path = ROOT) -> Iterator[Mutant]:
    """Every change of every target."""
    for pattern, tests in TARGETS.items():
        for file in sorted(root.glob(pattern)):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            path = file.relative_to(root).as_posix()
            for number, node in enumerate(ast.walk(tree)):
                for changed in _changes(node):
                    text = ast.unparse(_with(tree, number, changed))
                    before, after = ast.unparse(node), ast.unparse(changed)
                    yield Mutant(path, getattr(node, "lineno", 0), before, after, text, tests)


def _changes(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _NEIGHBOURS:
        yield ast.Compare(node.left, [_NEIGHBOURS[type(node.ops[0])]()], node.comparators)
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for left_out in range(len(node.values)):
            rest = [value for place, value in enumerate(node.values) if place != left_out]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)


def _with(tree: ast.Module, wanted: int, changed: ast.expr) -> ast.Module:
    """A copy of the tree in which the node of this number (in walking order) is the changed one."""
    whole = copy.deepcopy(tree)
    old = next(node for number, node in enumerate(ast.walk(whole)) if number == wanted)
    for parent in ast.walk(whole):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, copy.deepcopy(changed))
            elif isinstance(value, list) and any(item is old for item in value):
                setattr(parent, name, [copy.deepcopy(changed) if item is old else item for item in value])
    return ast.fix_missing_locations(whole)


def noticed(folder: Path, mutant: Mutant) -> bool:
    """Whether a test of the copy in ``folder`` fails, or does not end, with the change made; it is taken back."""
    file = folder / mutant.path
    sound = file.read_bytes()
    own = folder / "tests" / mutant.path
    named = own.with_name(f"test_{own.name}")
    first = [str(named)] if named.exists() else []
    try:
        file.write_text(mutant.text, encoding="utf-8")
        return any(_fails(folder, tests) for tests in (first, list(mutant.tests)) if tests)
    finally:
        file.write_bytes(sound)


def _fails(folder: Path, tests: Sequence[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main(arguments: Sequence[str] = ()) -> None:
    """Print each survivor, and how many of how many changes were noticed."""
    count, seed = (int(text) for text in (*arguments, *("60", "1")[len(arguments) :]))
    every = list(mutants())
    drawn = random.Random(seed).sample(every, min(count, len(every))) if count else every
    survivors = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("playbook", "connectors", "tests", "manifests", "docs", "bench", "scripts"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".work"))
        for part in ("setup.cfg", "pyproject.toml", "ruff.toml", "README.md"):
            shutil.copy(ROOT / part, folder / part)
        for number, mutant in enumerate(drawn, 1):
            if not noticed(folder, mutant):
                survivors += 1
                say(f"  survives: {mutant.path}:{mutant.line}: {mutant.before}  ->  {mutant.after}")
            elif number % 20 == 0:
                say(f"  {number} of {len(drawn)}, {survivors} survive")
    say(f"{len(drawn) - survivors} of {len(drawn)} changes noticed (of {len(every)}, seed {seed})")


if __name__ == "__main__":
    main(sys.argv[1:])
