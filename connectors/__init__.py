"""Products the playbook can talk to: one file a product, found by lying in this folder."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

OURS = "botnet-playbook"

# Not products: the one place that speaks HTTP, and what connectors share (reading, matching, hours).
_SHARED = frozenset({
    "activity", "columns", "desks", "files", "fitting", "follow_up", "hourly", "matching", "notices", "outcomes",
    "prevalence", "receipts", "schedule", "signing", "starts", "sumo_account", "targets", "transport", "windows",
    "yaml_files",
})


@cache
def catalogue() -> tuple[str, ...]:
    """The names of all connectors, read from the folder without importing any of them."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _SHARED))


def load(kind: str) -> ModuleType:
    """Import the one connector called ``kind``; KeyError when no file of that name lies here.

    The module offers ``Settings`` (a pydantic model of its configuration table) and ``connect(name, settings)``.
    """
    if kind not in catalogue():
        raise KeyError(kind)
    return importlib.import_module(f"connectors.{kind}")
