"""The house stays a house: who imports whom, where effects live, and how long things may grow."""

import ast
import gc
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from statistics import median

import pytest

import connectors

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("playbook", "connectors")

# An import name or a call -> the only places that may use it.
ONLY_IN = {
    "requests": ("connectors/http",),
    "ipwhois": ("connectors/enrichers/whois",),
    "duckdb": ("connectors/sources/logs",),
    "subprocess": ("connectors/containments/nftables/program.py",),
}
CALLS_ONLY_IN = {
    "datetime.now": ("playbook/cli/_options.py",),
    "os.environ": ("playbook/config.py",),
    "time.time": ("connectors/http/rate_limiter.py",),
}


@pytest.fixture(scope="module")
def sources() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the product with its tree; garbage is not looked for among the trees while they grow."""
    gc.disable()
    try:
        return tuple(
            (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
            for package in PACKAGES
            for path in sorted((ROOT / package).rglob("*.py"))
        )
    finally:
        gc.enable()


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Everything in a tree; most tests look at the same ones."""
    return tuple(ast.walk(tree))


@cache
def imports(tree: ast.AST) -> tuple[str, ...]:
    found: list[str] = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    return tuple(found)


@cache
def functions(tree: ast.AST) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    return tuple(n for n in nodes(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_imports_follow_the_floors():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", "setup.cfg", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", sorted(ONLY_IN))
def test_a_library_is_used_in_its_one_place(name, sources):
    places = [path for path, tree in sources if any(i.split(".")[0] == name for i in imports(tree))]
    assert all(path.startswith(ONLY_IN[name]) for path in places) if ONLY_IN[name] else not places, places


@pytest.mark.parametrize("call", sorted(CALLS_ONLY_IN))
def test_an_effect_lives_at_its_one_edge(call, sources):
    places = [
        path
        for path, tree in sources
        if any(
            isinstance(n, ast.Attribute) and n.attr == call.rpartition(".")[2] and ast.unparse(n) == call
            for n in nodes(tree)
        )
    ]
    assert set(places) <= set(CALLS_ONLY_IN[call]), places


def test_only_assembly_imports_connectors(sources):
    places = [
        p
        for p, tree in sources
        if p.startswith("playbook/") and any(i.split(".")[0] == "connectors" for i in imports(tree))
    ]
    assert places == ["playbook/assembly.py"]


def called(name: str, sources: Iterable[tuple[str, ast.Module]]) -> list[str]:
    return [
        path
        for path, tree in sources
        if any(
            isinstance(n, ast.Call) and (getattr(n.func, "attr", None) or getattr(n.func, "id", None)) == name
            for n in nodes(tree)
        )
    ]


def test_only_contain_sets_anything_and_only_the_gate_gives_the_word_for_it(sources):
    assert called("contain", sources) == ["playbook/workflows/executor.py"]
    assert called("Allowed", sources) == ["playbook/response/guardrails.py"]
    contained = next(
        f
        for path, tree in sources
        if path == "playbook/workflows/executor.py"
        for f in functions(tree)
        if any(isinstance(n, ast.Attribute) and n.attr == "contain" for n in ast.walk(f))
    )
    assert "word: Allowed" in ast.unparse(contained.args)


def test_a_product_never_imports_another_product(sources):
    products = {f"connectors.{role}.{kind}" for role in connectors.ROLES for kind in connectors.catalogue(role)}
    wrong = []
    for path, tree in sources:
        own = ".".join(path.removesuffix(".py").split("/")[:3])
        if own in products:
            others = {".".join(i.split(".")[:3]) for i in imports(tree)} & products
            wrong += [f"{path} imports {other}" for other in others - {own}]
    assert not wrong


def test_every_module_says_what_it_is_for(sources):
    silent = [path for path, tree in sources if not ast.get_docstring(tree)]
    assert not silent


def test_no_import_inside_a_function(sources):
    inside = [
        f"{path}:{n.lineno}"
        for path, tree in sources
        for n in nodes(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
        and any(f.lineno <= n.lineno <= (f.end_lineno or 0) for f in functions(tree))
    ]
    assert not inside


def test_nothing_grows_too_long(sources):
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path, _ in sources}
    spans = [
        (f"{path}:{f.lineno} {f.name}", (f.end_lineno or f.lineno) - f.lineno + 1)
        for path, tree in sources
        for f in functions(tree)
    ]
    assert {p: n for p, n in lengths.items() if n > 300} == {}
    assert [s for s in spans if s[1] > 45] == []
    assert median(lengths.values()) < 120
    assert median(n for _, n in spans) < 12


def test_every_function_is_typed(sources):
    untyped = [
        f"{path}:{f.lineno} {f.name}"
        for path, tree in sources
        for f in functions(tree)
        if f.returns is None
        or any(
            a.annotation is None
            for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)
            if a.arg not in ("self", "cls")
        )
    ]
    assert not untyped


def test_public_functions_and_classes_have_docstrings(sources):
    bare = [
        f"{path}:{n.lineno} {n.name}"
        for path, tree in sources
        for n in tree.body
        if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_") and not ast.get_docstring(n)
    ]
    assert not bare


def test_drawers_for_anything_do_not_exist(sources):
    drawers = {"utils", "util", "helpers", "helper", "common", "constants", "manager", "misc", "base"}
    assert not [path for path, _ in sources if Path(path).stem in drawers]


def test_importing_the_package_imports_nothing_of_it():
    code = "import sys, playbook; print([m for m in sys.modules if m.startswith(('playbook.', 'connectors'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
