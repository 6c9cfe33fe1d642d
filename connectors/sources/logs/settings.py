"""The settings of a log source: which files, how they are read, and how much they may cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from playbook.detections.beaconing import Profile
from playbook.model import Value

_UNITS = {"m": 60, "h": 3600, "d": 86400}


class Settings(Value):
    """``[sources.NAME]`` with ``kind = "logs"``; relative paths are relative to the configuration's folder.

    ``window``: ``auto`` (the whole log up to 7 days, a longer one in consecutive 7-day windows), ``all`` (everything
    at once), or a length back from the newest event (``24h``, ``7d``). ``keep_traffic``: copy the connections once, so
    that ``traffic`` does not read the files again. ``names``: look for beacons to one name behind several addresses
    too, which reads the DNS, TLS and HTTP logs beside the connections. ``year`` (of a file's first stamp) and
    ``time_zone`` are for stamps that lack them; a file's own time gives the year where none is set. ``columns`` maps
    our column names to those of a table of your own (connectors/sources/logs/formats/tables.py). A packed file is read
    up to ``most_unpacked_gb`` and ``most_ratio`` times its size.
    """

    kind: Literal["logs"] = "logs"
    paths: tuple[Path, ...] = Field(min_length=1)
    format: str = "auto"
    profile: Profile = "default"
    window: str = Field(default="auto", pattern=r"^(auto|all|[1-9]\d{0,5}[mhd])$")
    memory_mb: int = Field(default=400, ge=64, le=1_000_000)
    threads: int | None = Field(default=None, ge=1, le=256)
    keep_traffic: bool = True
    names: bool = True
    year: int | None = Field(default=None, ge=1970, le=2100)
    time_zone: str = "UTC"
    columns: Mapping[str, str] = {}
    most_unpacked_gb: int = Field(default=64, ge=1, le=100_000)
    most_ratio: int = Field(default=400, ge=2, le=1_000_000)

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("expected the name of a time zone, such as UTC or Europe/Berlin") from None
        return value

    @field_validator("paths", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str | Path) else value

    @property
    def back_s(self) -> int | None:
        """The length of the window back from the newest event, in seconds; None for ``auto`` and ``all``."""
        return None if self.window in ("auto", "all") else int(self.window[:-1]) * _UNITS[self.window[-1]]
