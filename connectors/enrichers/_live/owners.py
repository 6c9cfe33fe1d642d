"""What live sources of processes share: which process owns the sockets of these hosts to these destinations.

Only what was asked is answered: a row about another host or another destination is nobody's evidence here. A host of
which nothing is said has no answer, which is not the same as a host without a process.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from connectors.enrichers._files.indexes import HostIndex, address_of, host_name, short_name
from connectors.enrichers._live.source import Budget, Live, Memory, Rows, answers_of, batches, no_answer
from connectors.http import Clocks, printable
from playbook.errors import ConnectorError
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, SocketOwner, WrittenBy
from playbook.model.observable import Observable

# Hosts by name that can stand in a query of any language; any other name is not asked about.
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9._-]{0,252})?", re.ASCII)
_HOSTS_PER_QUERY = 100
_DESTINATIONS_PER_QUERY = 500
_EARLIER = timedelta(hours=1)
_LONGEST = 4096


def _shown(value: object) -> object:
    """Text that a host chose, safe to show: a bad character in it takes no evidence away."""
    return printable(value).strip()[:_LONGEST] if isinstance(value, str) else value if value is not None else ""


Shown = Annotated[str, BeforeValidator(_shown)]


def file_name(path: str) -> str:
    """The last part of a path of either kind of system; "unknown" for none."""
    return re.split(r"[\\/]", path)[-1] or "unknown"


class OwnerRow(NamedTuple):
    """A process that owns sockets on ``host``."""

    host: str
    owner: SocketOwner


class Question(NamedTuple):
    """What one search is for: short host names in lower case, addresses as text, and the time."""

    hosts: tuple[str, ...]
    destinations: tuple[str, ...]
    start: datetime
    end: datetime


class OwnerSource:
    """Socket owners by host. A product gives ``_ask``; ``written_by`` says who can write what it tells."""

    topics = ("processes",)
    remote = True
    written_by: WrittenBy = "us"

    def __init__(self, name: str, settings: Live, clocks: Clocks) -> None:
        self.name = name
        self._live, self._clocks = settings, clocks
        self._memory: Memory[Question, Rows[OwnerRow]] = Memory(settings.keep_s, clocks)

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """The owners of sockets of each host to any of the destinations that are asked about with it."""
        hosts = [one for one in observables if one.kind == "host"]
        plain = {one: short_name(name) for one in hosts if _PLAIN.fullmatch(name := host_name(one.value))}
        odd = [one for one in hosts if one not in plain]
        refused = no_answer(self.name, "processes", odd, "not asked: no name of a host", self.written_by)
        ends = (one for one in observables if one.kind == "address" and one.role == "destination")
        addresses = {str(address) for one in ends if (address := address_of(one.value)) is not None}
        if not plain:
            return refused
        try:
            rows = self._read(tuple(sorted(set(plain.values()))), tuple(sorted(addresses)), window)
        except ConnectorError as fault:
            return refused + no_answer(self.name, "processes", plain, str(fault), self.written_by)
        index = HostIndex(rows.entries)
        answers = ((one, tuple(index.find(one.value))) for one in plain)
        return refused + answers_of(
            self.name, "processes", answers, warning=rows.warning, written_by=self.written_by, as_of=window.end
        )

    def _read(self, hosts: Sequence[str], destinations: Sequence[str], window: TimeWindow) -> Rows[OwnerRow]:
        budget = Budget(self._live, self.name, self._clocks)
        entries: list[OwnerRow] = []
        notes: dict[str, None] = {}
        for some_hosts in batches(hosts, _HOSTS_PER_QUERY):
            for some in batches(destinations, _DESTINATIONS_PER_QUERY):
                question = Question(tuple(some_hosts), tuple(some), window.start - _EARLIER, window.end)
                rows = self._memory.get(question, lambda asked=question: self._ask(asked, budget))  # type: ignore[misc]
                entries += [row for row in rows.entries if _belongs(row, question)]
                notes |= dict.fromkeys(rows.notes)
        return Rows(tuple(entries), tuple(notes))

    def _ask(self, question: Question, budget: Budget) -> Rows[OwnerRow]:
        """The rows of one search; raises ConnectorError when they are not all of them."""
        raise NotImplementedError


def _belongs(row: OwnerRow, question: Question) -> bool:
    return short_name(row.host) in question.hosts and row.owner.dst_ip in question.destinations
