"""What a page of judgement may not do: read a clock, a file, the environment, the network or chance, by any name."""

import ast

# Every module that decides, as patterns under the project's folder.
PURE = (
    "playbook/model/*.py",
    "playbook/rules/[a-z]*.py",
    "playbook/triage/decide.py",
    "playbook/triage/evaluate.py",
    "playbook/triage/measure.py",
    "playbook/triage/merge.py",
    "playbook/triage/beacon_score.py",
    "playbook/response/plan.py",
    "playbook/response/guardrails.py",
    "playbook/detections/*.py",
    "playbook/cases/case_builder.py",
    "playbook/cases/ticket_plan.py",
)
_MODULES = frozenset(
    {
        "asyncio",
        "ftplib",
        "glob",
        "http",
        "httpx",
        "importlib",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "random",
        "requests",
        "secrets",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
    }
)
# Pure parts of modules that are not.
_ALLOWED = frozenset({"urllib.parse"})
_BUILTINS = frozenset({"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"})
_METHODS = frozenset({"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes", "unlink"})


def effects_of(tree: ast.Module) -> list[str]:
    """One sentence for each effect in the module, with its line; what is only passed on by name counts too."""
    clocks = _clocks(tree)
    return [f"line {getattr(node, 'lineno', 0)}: {fault}" for node in ast.walk(tree) for fault in _faults(node, clocks)]


def _clocks(tree: ast.Module) -> frozenset[str]:
    """The names by which this module knows classes that tell the time."""
    names = {"datetime", "date", "dt"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "datetime":
            names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


def _faults(node: ast.AST, clocks: frozenset[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [f"imports {a.name}" for a in node.names if a.name.split(".")[0] in _MODULES - _ALLOWED]
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _MODULES:
        return [] if node.module in _ALLOWED else [f"imports from {node.module}"]
    if isinstance(node, ast.Name) and node.id in _BUILTINS:
        return [f"uses {node.id}"]
    if isinstance(node, ast.Attribute) and node.attr in _METHODS:
        owner = node.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        on_clock = name in clocks
        return [f"uses .{node.attr}"] if on_clock or node.attr not in ("now", "utcnow", "today") else []
    return []
