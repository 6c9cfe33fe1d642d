"""The state of an emulated splunkd, and the switches of its nasty behaviours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playbook.detections.beaconing import Event
from tests.emulators import splunk_es
from tests.emulators.splunk_records import Rows, answer, notables
from tests.interpreters import spl
from tests.interpreters.spl_eval import Row

QUOTA = (
    "Search not executed: The maximum number of concurrent historical searches on this instance has been reached.,"
    ' concurrency_category="historical", concurrency_context="instance-wide", current_concurrency=10,'
    " concurrency_limit=10"
)
Messages = Sequence[tuple[str, str]]


@dataclass
class Behaviour:
    """Switches. ``statuses`` answers a request by its number (from 1) with a bare status and headers instead.

    ``lost`` are requests (by number) that are carried out and then hung up on. ``busy`` creates are refused for quota.
    """

    states: Sequence[str] = ("QUEUED", "RUNNING")
    final: str = "DONE"
    unready: int = 0  # first polls that give 204
    failed: bool = False
    finalized: bool = False
    messages: Messages = ()  # of the job
    page_messages: Messages = ()
    page_cap: int = 50_000
    overstated: int = 0
    understated: int = 0  # rows of a page beyond those that were announced and asked for
    entryless: int = 0  # first polls that give 200 and no entry
    pageless: int = 0  # first pages that give 204
    by_severity: bool = False  # messages as texts by severity, as older servers write them
    status_change: Mapping[str, Any] = field(default_factory=dict)
    text_flags: bool = False  # "1" and "5" where JSON has true and 5
    old: bool = False  # no v2 endpoints
    busy: int = 0
    busy_status: int = 200
    refuse: bool = False
    session_calls: int = 1_000_000  # calls after which a session key is dead
    statuses: Mapping[int, tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    lost: Sequence[int] = ()
    results: str = ""  # raw body of a results page instead of the rows
    empty: bool = False  # an empty body instead of a results page
    redirect: str = ""
    scopes: Sequence[str] = ()  # known index terms; empty: any
    indexes: Sequence[str] = ("netfw", "netflow", "zeek", "main")
    capabilities: Sequence[str] = ("search", "edit_notable_events")
    grows: int = 0  # rows that a job of the same text would have more after each page
    drip_s: float = 0.0


@dataclass
class Job:
    """A search job: its rows are fixed when it is made, whatever is indexed later."""

    query: str
    rows: Rows
    events: int
    polls: int = 0
    pages: int = 0


class Server:
    """The state of one emulated splunkd: its events and notables, its jobs, and every request it got."""

    def __init__(
        self,
        events: Sequence[Event] = (),
        behaviour: Behaviour | None = None,
        rows: Rows | None = None,
        stored: Sequence[dict[str, Any]] = (),
        indexed: Sequence[Row] | None = None,
    ) -> None:
        """``indexed`` events, in a source's own fields, are searched by the text of the search itself."""
        self.events = list(events)
        self.indexed = indexed
        self.behaviour = replace(behaviour or Behaviour())
        self.rows = rows
        self.stored = list(stored)
        self.jobs: dict[str, Job] = {}
        self.log: list[tuple[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.signed: list[str] = []
        self.logins = 0
        self.busy_left = self.behaviour.busy
        self.session_left = 0

    def rows_for(self, query: str, start: float, end: float) -> Rows:
        """The rows of a search; nothing when its scope names no index that exists."""
        if query.startswith("search `notable`"):
            return notables(query, self.stored, start, end)
        if "incident_review_lookup" in query:
            return splunk_es.reviews(query, self.stored)
        known = self.behaviour.scopes
        if known and not any(name in query for name in known):
            return []
        if self.rows is not None and "hourly_buckets" in query:
            return self.rows
        if self.indexed is not None:
            return spl.results(spl.run(query, (row for row in self.indexed if start <= row["_time"] < end)))
        return answer(query, self.events, start, end)

    def events_in(self, start: float, end: float) -> int:
        """How many events of the window were read."""
        times = [e.start for e in self.events] if self.indexed is None else [row["_time"] for row in self.indexed]
        return sum(start <= time < end for time in times)
