"""The ``[sources.NAME]`` table of a Splunk source, checked whole before anything is sent."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from playbook.detections.languages import splunk
from playbook.detections.languages.splunk import escaping
from playbook.model import Value

PresetName = Literal["raw", "cim", "tstats", "sysmon"]
Id = Annotated[str, Field(max_length=100)]


class Ids(Value):
    """The ids that a stock Enterprise Security gives; a site that made its own lists sets them."""

    in_progress: Id = "2"
    resolved: Id = "4"
    closed: Id = "5"
    unset: tuple[Id, ...] = ("", "0", "disposition:0", "6", "disposition:6")
    true_positive: Id = "disposition:1"
    benign_positive: Id = "disposition:2"
    wrong_query: Id = "disposition:3"
    wrong_data: Id = "disposition:4"
    undetermined: Id = "disposition:6"


class Settings(Value):
    """Where the management port is, how to prove who we are, and what the data looks like.

    ``base_url`` is ``https://host:8089``. Either ``token`` (an authentication token), or ``username`` and ``password``
    with ``auth`` "session" (a login, then its session key) or "basic". ``ca_file`` is a PEM file that the server's
    certificate is checked against, relative to the configuration. ``scope`` replaces the preset's own; ``fields``
    maps our column names to the data's ("" = it has none). ``rule_name`` is a correlation search of Enterprise
    Security whose notables are read too; ``ids`` are the statuses and dispositions of its own lists, where a site has
    some. ``rate`` is requests per second; ``deadline_s`` bounds one search; ``heartbeat`` counts raw rows per hour
    with each fetch, so that a silent source is noticed.
    """

    base_url: str
    token: SecretStr | None = None
    username: SecretStr | None = None
    password: SecretStr | None = None
    auth: Literal["session", "basic"] = "session"
    ca_file: Path | None = None
    preset: PresetName = "cim"
    scope: str = ""
    fields: dict[str, str] = {}
    rule_name: str = Field(default="", max_length=300)
    ids: Ids = Ids()
    rate: float = Field(default=5.0, gt=0, le=50)
    deadline_s: float = Field(default=600.0, ge=10, le=3600)
    heartbeat: bool = True

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
        pair = self.username is not None and self.password is not None
        if (self.token is not None) == pair or (self.username is None) != (self.password is None):
            raise ValueError("expected either token, or username and password")
        for name, secret in (("token", self.token), ("username", self.username), ("password", self.password)):
            if secret is not None and not secret.get_secret_value():
                raise ValueError(f"{name} is empty")
        try:
            query = splunk.detection(self.preset, self.scope, self.fields)
            if self.rule_name:
                escaping.literal(self.rule_name)
        except splunk.Unquotable as fault:
            raise ValueError(str(fault)) from None
        faults = splunk.lint(query)
        if faults:
            raise ValueError(f"the query would not run in Splunk: {'; '.join(faults)}")
        return self

    @property
    def proof(self) -> str:
        """Where the credentials came from: the variables, else the settings; never a value."""
        given = {"token": self.token, "username": self.username, "password": self.password}
        return " and ".join(getattr(one, "variable", name) for name, one in given.items() if one is not None)
