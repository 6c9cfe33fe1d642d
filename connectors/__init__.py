"""Products the playbook can talk to: one file or folder a product, found by lying in the folder of its role."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

OURS = "botnet-playbook"

# A folder a role; a name in it with a leading underscore is what its products share, never a product.
ROLES = ("sources", "enrichers", "containments", "tickets", "notifiers")


@cache
def catalogue(role: str) -> tuple[str, ...]:
    """The names of the products of one role, read from its folder without importing any of them.

    Raises KeyError for a role that does not exist.
    """
    if role not in ROLES:
        raise KeyError(role)
    folders = [f"{folder}/{role}" for folder in __path__]
    return tuple(sorted(m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_")))


def load(role: str, kind: str) -> ModuleType:
    """Import the product ``kind`` of ``role``; KeyError when the folder of that role holds no such product.

    The module offers ``Settings`` (a pydantic model of its configuration table) and
    ``connect(name, settings, site, folder)``.
    """
    if kind not in catalogue(role):
        raise KeyError(kind)
    return importlib.import_module(f"connectors.{role}.{kind}")
