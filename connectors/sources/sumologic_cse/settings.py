"""The ``[sources.NAME]`` table of a Cloud SIEM source, checked whole before anything is sent."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from connectors.clients.sumologic.deployment import api_host, api_root
from playbook.errors import ConfigError
from playbook.model import Value

# Rule ids look like MATCH-S00475: nothing in them has to be quoted in a query.
RuleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Word = Annotated[str, Field(min_length=1, max_length=100)]


class Words(Value):
    """The names that the tenant gives to statuses and resolutions; both lists can be changed there."""

    new: Word = "new"
    in_progress: Word = "inprogress"
    closed: Word = "closed"
    false_positive: Word = "False Positive"


class Settings(Value):
    """Where the account lives, its access key, and which signals are read.

    ``base_url`` in any form people copy, or ``deployment`` (us1, us2, eu ...). ``rule_ids`` narrows the signals to
    those of some rules. ``object_types`` are the types of normalized records that are connections. ``late_h`` hours
    after the window signals and insights about it are still read, ``overlap_s`` seconds before it. ``paging`` is how
    insights are listed: "token" (/insights/all) or "offset". ``rate`` is requests per second, of at most 4 that all
    programs of one user share. ``words`` names statuses and resolutions where the tenant changed them.
    """

    base_url: str = ""
    deployment: str = ""
    access_id: SecretStr = Field(min_length=1)
    access_key: SecretStr = Field(min_length=1)
    rule_ids: tuple[RuleId, ...] = Field(default=(), max_length=100)
    object_types: tuple[Word, ...] = ("Network", "NetworkFlow")
    late_h: float = Field(default=24.0, ge=0, le=24 * 30)
    overlap_s: float = Field(default=900.0, ge=0, le=86_400)
    paging: Literal["token", "offset"] = "token"
    page_size: int = Field(default=20, ge=1, le=100)
    max_signals: int = Field(default=5_000, ge=1, le=100_000)
    rate: float = Field(default=2.0, gt=0, le=4)
    deadline_s: float = Field(default=600.0, ge=10, le=3600)
    words: Words = Words()

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
        if bool(self.base_url) == bool(self.deployment):
            raise ValueError("expected exactly one of base_url and deployment")
        try:
            api_root(self.written, "base_url" if self.base_url else "deployment")
        except ConfigError as fault:
            raise ValueError(str(fault)) from None
        return self

    @property
    def written(self) -> str:
        """The place as the administrator wrote it."""
        return self.base_url or self.deployment

    def places(self, folder: Path) -> tuple[str, ...]:
        """The API host of the deployment, whatever form it was written in."""
        return (api_host(self.written),)
