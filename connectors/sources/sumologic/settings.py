"""The ``[sources.NAME]`` table of a Sumo Logic source, checked whole before anything is sent."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from connectors.clients.sumologic.deployment import UNLISTED, api_host, api_root
from playbook.detections.languages import sumo
from playbook.errors import ConfigError
from playbook.model import Value

PresetName = Literal["seed", "panos", "asa", "zeek-json", "zeek-ecs", "netflow", "vpcflow", "cse"]


class Settings(Value):
    """Where the account lives, its access key, and what its logs look like.

    ``base_url`` in any form people copy, or ``deployment`` (us1, us2, eu ...). ``scope`` replaces the preset's own;
    ``fields`` maps our column names to the source's ("" = it has none). ``rate`` is requests per second, of at
    most 4 that all programs of one user share. ``path_prefix`` and ``use_cookies`` serve a later API version.
    ``heartbeat`` counts raw rows per hour with each fetch, so that a silent source is noticed.
    """

    base_url: str = ""
    deployment: str = ""
    access_id: SecretStr = Field(min_length=1)
    access_key: SecretStr = Field(min_length=1)
    preset: PresetName = "seed"
    scope: str = ""
    fields: dict[str, str] = {}
    path_prefix: str = Field(default="/api/v1/search/jobs", pattern=r"^(/[A-Za-z0-9._-]+)+$")
    use_cookies: bool = True
    rate: float = Field(default=2.0, gt=0, le=4)
    deadline_s: float = Field(default=600.0, ge=10, le=600)
    heartbeat: bool = True

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
        if bool(self.base_url) == bool(self.deployment):
            raise ValueError("expected exactly one of base_url and deployment")
        try:
            api_root(self.written, "base_url" if self.base_url else "deployment")
            query = sumo.detection(self.preset, self.scope, self.fields)
        except (ConfigError, sumo.Unquotable) as fault:
            raise ValueError(str(fault)) from None
        faults = sumo.lint(query)
        if faults:
            raise ValueError(f"the query would not run in Sumo Logic: {'; '.join(faults)}")
        return self

    @property
    def written(self) -> str:
        """The place as the administrator wrote it."""
        return self.base_url or self.deployment

    def places(self, folder: Path) -> tuple[str, ...]:
        """The API host of the deployment, whatever form it was written in."""
        return (api_host(self.written),)

    @property
    def unlisted(self) -> bool:
        """Whether the deployment is one that the vendor's current table does not list."""
        return any(api_root(self.written, "").startswith(f"https://api.{name}.") for name in UNLISTED)
