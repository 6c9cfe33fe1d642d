"""The detections, found by lying in ``playbook/detections``: one file each, with a ``NAME``."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import cast

from playbook import detections
from playbook.model.detection import RULE
from playbook.ports import DetectionModule


@cache
def all_detections() -> Mapping[str, DetectionModule]:
    """Every detection by its name: the beaconing detection first, then by name."""
    files = (entry for entry in pkgutil.iter_modules(detections.__path__) if not entry.ispkg)
    modules = (importlib.import_module(f"{detections.__name__}.{entry.name}") for entry in files)
    found = {module.NAME: cast(DetectionModule, module) for module in modules if hasattr(module, "NAME")}
    return MappingProxyType(dict(sorted(found.items(), key=lambda one: (one[0] != RULE, one[0]))))
