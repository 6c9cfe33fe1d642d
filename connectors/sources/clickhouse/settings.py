"""The ``[sources.NAME]`` table of a ClickHouse source, checked whole before anything is sent."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from playbook.detections.languages import clickhouse
from playbook.model import Value

PresetName = Literal["canonical", "zeek", "zeek-flat", "rita", "ocsf", "own"]


class Settings(Value):
    """Where the HTTP interface is, how to prove who we are, what the table is called, and what a query may cost.

    ``base_url`` is ``https://host:8443`` (http only for loopback). ``scope`` is the table, with its database
    (``zeek.conn``), where it is not the preset's own; ``fields`` maps our column names to the table's ("" = it has
    none). ``deadline_s``, ``memory_mb`` and ``max_rows_to_read`` (0: no bound) bound one query on the server, which
    gives an error past them, never a part. ``rate`` is queries per second; ``heartbeat`` counts rows per hour with
    each fetch, so that a silent source is noticed. ``ca_file`` is relative to the configuration.
    """

    base_url: str
    username: SecretStr | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    preset: PresetName = "zeek"
    scope: str = Field(default="", max_length=300)
    fields: dict[str, str] = {}
    deadline_s: float = Field(default=600.0, ge=10, le=3600)
    memory_mb: int = Field(default=4096, ge=64, le=1_000_000)
    max_rows_to_read: int = Field(default=0, ge=0, le=10**15)
    rate: float = Field(default=10.0, gt=0, le=100)
    heartbeat: bool = True

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
        if self.password is not None and self.username is None:
            raise ValueError("password without username")
        if self.username is not None and not self.username.get_secret_value():
            raise ValueError("username is empty")
        try:
            clickhouse.detection(*self.place)
        except clickhouse.Unquotable as fault:
            raise ValueError(str(fault)) from None
        return self

    @property
    def place(self) -> tuple[str, str, dict[str, str]]:
        """What the renderers are told: preset, table and columns."""
        return self.preset, self.scope, self.fields

    @property
    def proof(self) -> str:
        """Where the credentials came from: the variables, else the settings; never a value."""
        given = {"username": self.username, "password": self.password}
        return " and ".join(getattr(one, "variable", name) for name, one in given.items() if one is not None)
