"""Loads the build scripts, which are no package, so that tests can call their functions."""

import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@cache
def script(name: str) -> ModuleType:
    """The module of scripts/NAME.py."""
    spec = spec_from_file_location(f"build_scripts.{name}", SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
