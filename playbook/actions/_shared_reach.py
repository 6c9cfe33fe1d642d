"""What many actions of one process reach: every connector is wired once, and all of them see the same moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from playbook.actions import Checked, Outside
from playbook.config import Config, Table
from playbook.model.address import Network
from playbook.model.site import Site
from playbook.ports import DetectionSource, Enricher, Toolkit
from playbook.respond import RunTerms


@dataclass
class SharedReach:
    """An ``Outside`` over another one, whose connectors stay wired from one action to the next."""

    inner: Outside
    _sources: dict[str, DetectionSource] = field(default_factory=dict)
    _enrichers: list[tuple[tuple[Enricher, ...], Mapping[str, tuple[Network, ...]]]] = field(default_factory=list)
    _around: list[tuple[Toolkit, RunTerms]] = field(default_factory=list)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.inner.config

    @property
    def file(self) -> str:
        """What it is called in errors."""
        return self.inner.file

    @property
    def now(self) -> datetime:
        """The moment of all the actions."""
        return self.inner.now

    @property
    def site(self) -> Site:
        """Networks, exceptions and the instant to judge by, as they were when the process began."""
        return self.inner.site

    def source(self, table: tuple[str, Table]) -> DetectionSource:
        """One source, wired the first time it is named with this table."""
        key = repr(table)
        if key not in self._sources:
            self._sources[key] = self.inner.source(table)
        return self._sources[key]

    def enrichers(self) -> tuple[tuple[Enricher, ...], Mapping[str, tuple[Network, ...]]]:
        """Every enricher, wired once."""
        if not self._enrichers:
            self._enrichers.append(self.inner.enrichers())
        return self._enrichers[0]

    def around(self, source: DetectionSource) -> tuple[Toolkit, RunTerms]:
        """Everything a run takes, over this source; all but the source is wired once."""
        if not self._around:
            self._around.append(self.inner.around(source))
        toolkit, terms = self._around[0]
        return replace(toolkit, source=source), terms

    def everything(self) -> tuple[Mapping[str, Checked], tuple[str, ...]]:
        """Every configured connector, wired anew: a check tries what is configured now."""
        return self.inner.everything()


def shared(inner: Outside) -> Any:
    """``inner`` with connectors that stay wired."""
    return SharedReach(inner)
