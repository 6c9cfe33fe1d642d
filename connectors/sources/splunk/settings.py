"""The ``[sources.NAME]`` table of a Splunk source, checked whole before anything is sent."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.clients.splunk.account import Account
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


class Settings(Account):
    """An account (``Account``), and what the data looks like.

    ``scope`` replaces the preset's own; ``fields`` maps our column names to the data's ("" = it has none).
    ``rule_name`` is a correlation search of Enterprise Security whose notables are read too; ``ids`` are the statuses
    and dispositions of its own lists, where a site has some. ``heartbeat`` counts raw rows per hour with each fetch,
    so that a silent source is noticed.
    """

    preset: PresetName = "cim"
    scope: str = ""
    fields: dict[str, str] = {}
    rule_name: str = Field(default="", max_length=300)
    ids: Ids = Ids()
    heartbeat: bool = True

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
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
