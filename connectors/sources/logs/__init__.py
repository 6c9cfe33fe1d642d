"""Log files as a detection source: one file a format in this folder, DuckDB as the engine."""

from pathlib import Path

from connectors.sources.logs.settings import Settings
from connectors.sources.logs.source import LogSource
from playbook.model.site import Site

__all__ = ["LogSource", "Settings", "connect"]


def connect(name: str, settings: Settings, site: Site, folder: Path = Path()) -> LogSource:
    """The source called ``name`` over the files that ``settings`` names, relative to ``folder``."""
    return LogSource(name, settings, site, folder)
