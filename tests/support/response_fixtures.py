"""What tests of the response share: a record with a case that waits, people who answer, works in a folder, a clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playbook.cases import approval_requests, approvals, audit
from playbook.cases import containments as kept
from playbook.cases.containments import ContainmentRecord
from playbook.cases.repository import FiledRun, Filing, file_run
from playbook.cases.schema import accounts
from playbook.cases.store import Store, open_store
from playbook.config import ContainPerHour, Limits
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable
from playbook.model.response import Decision
from playbook.response.guardrails import NeverBlockPolicy
from playbook.response.plan import ResponseCapabilities
from playbook.response.preflight import TOPICS, Authority
from playbook.workflows.client import WorkflowClient
from playbook.workflows.context import WorkflowContext
from playbook.workflows.executor import ExecutionContext
from tests.emulators.device import Device, FolderDesk, FolderNotifier, Hook
from tests.support.builders import NOW, a_beacon, a_case, a_judged, a_record, a_run, a_site, said

EDGE, DESK, MAIL = "edge", "desk", "mail"
BLOCKS = {"block_pair": EDGE, "block_address": EDGE}
MEANS = ResponseCapabilities(
    block_ttl_s=3600, isolate_ttl_s=8 * 3600, policy_version=1, barriers=NeverBlockPolicy(), offers=BLOCKS
)
TERMS = approval_requests.RequestPolicy(ttls_s=(3600, 14400), patience_s=86400, policy_version=1)
FILING = Filing(means=MEANS, asking=TERMS, limits=Limits(tickets_per_run=1000))


@dataclass
class Lists:
    """The local address lists; ``broken`` makes them fail."""

    name: str = "lists"
    topics: tuple[str, ...] = tuple(sorted(TOPICS))
    remote: bool = False
    broken: str | None = None
    answers: tuple[Any, ...] = ()

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        return tuple(
            Enrichment(
                enricher=self.name,
                topic=topic,
                observable=o,
                unavailable=self.broken,
                answers=self.answers if topic == "lists" and not self.broken else (),
            )
            for topic in self.topics
            for o in observables
            if o.role == "destination" and o.kind == "address"
        )

    def check(self) -> tuple[CheckResult, ...]:
        return ()


@dataclass
class Bench:
    """Everything in one folder: record, products, clock, authority; ``hook`` is called around every outside call."""

    folder: Path
    url: str
    now: datetime = NOW
    hook: Hook = lambda point: None
    lists: Lists = field(default_factory=Lists)
    networks: dict[str, Any] = field(default_factory=dict)
    caps: ContainPerHour = field(default_factory=ContainPerHour)
    barriers: NeverBlockPolicy = field(default_factory=NeverBlockPolicy)
    source: Any = None

    def __post_init__(self) -> None:
        self.store: Store = open_store(self.url)
        self.door = WorkflowClient(self.store)
        self.device = Device(EDGE, self.folder, self.hook, lambda: self.now)
        self.desk = FolderDesk(DESK, self.folder, self.hook)
        self.mail = FolderNotifier(MAIL, self.folder, self.hook)
        self.kill_switch = self.folder / "STOP"
        self.outfit = ExecutionContext(self.store, {EDGE: self.device}, self.authority, lambda: self.now)
        sources = {"siem": self.source} if self.source else {}
        self.works = WorkflowContext(self.outfit, self.door, sources, (self.desk,), (self.mail,))

    def authority(self) -> Authority:
        return Authority(
            site=a_site(**self.networks),
            barriers=self.barriers,
            caps=self.caps,
            policy_version=1,
            lists=(self.lists,),
            kill_switch=self.kill_switch,
        )

    def close(self) -> None:
        self.door.close()
        self.store.close()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def file(self, *cases: Any, run_id: str = "R-1", filing: Filing = FILING) -> FiledRun:
        """File a run of these cases; default: one bot that is to be blocked."""
        with self.store.change() as conn:
            return file_run(conn, a_run(*(cases or (a_bot(),)), run_id=run_id), filing, self.now)

    def carried(self, run: Callable[[str], Any]) -> Callable[[str, datetime], tuple[str, ...]]:
        """What carries an errand out: the run that ``run`` gives for its name, filed."""

        def carry(name: str, moment: datetime) -> tuple[str, ...]:
            with self.store.change() as conn:
                return file_run(conn, run(name), FILING, self.now).asked

        return carry

    def account(self, name: str, role: str = "approver") -> None:
        with self.store.change() as conn:
            conn.execute(
                accounts.insert().values(
                    name=name, role=role, password_hash="", created_at=self.now, created_by="test", failures=0
                )
            )

    def approve(self, request_id: str, who: str = "anna", place: int = 0) -> approvals.AnswerResult:
        """Approve one of the offered plans, with the work enqueued in the same transaction."""
        with self.store.change() as conn:
            request = approval_requests.find_request(conn, request_id)
            assert request is not None
            plan = request.offers[place]
            decision = Decision(
                case_id=request.case_id,
                plan_id=plan.plan_id,
                digest=plan.digest,
                who=who,
                via="cli",
                approve=True,
                at=self.now,
            )
            return approvals.decide(conn, decision, self.now, self.door.starting)

    def approved(self, *cases: Any, run_id: str = "R-1", filing: Filing = FILING) -> tuple[str, ...]:
        """File, approve everything that waits, and give the keys."""
        if not self.accounts:
            self.account("anna")
        filed = self.file(*cases, run_id=run_id, filing=filing)
        return tuple(key for request in filed.asked for key in self.approve(request).keys)

    @property
    def accounts(self) -> int:
        with self.store.reading() as conn:
            return len(conn.execute(accounts.select()).all())

    def containment(self, key: str) -> ContainmentRecord:
        with self.store.reading() as conn:
            found = kept.find(conn, key)
        assert found is not None
        return found

    def faults(self) -> tuple[str, ...]:
        with self.store.reading() as conn:
            return audit.verify(conn)

    def kinds(self) -> list[str]:
        """The kinds of every line of the audit trail."""
        with self.store.reading() as conn:
            return [line.kind for line in audit.lines(conn, limit=1000)]


def a_bot(number: int = 31, **change: Any) -> Any:
    """A case of one beaconing host whose destination may be blocked."""
    source, destination = f"10.20.{number // 250}.{number % 250 + 1}", change.pop("destination", "203.0.113.66")
    detection = a_beacon(src_ip=source, dst_ip=destination, detection_id=f"{number:064x}")
    words = (
        *(said(topic, about=destination, role="destination") for topic in ("lists", "operator")),
        said("host", a_record(host_id=f"H-{number}", hostname=f"ws-{number}.corp.example"), about=source),
    )
    judged = a_judged(detection, enrichments=words, site=a_site(), host=f"ws-{number}")
    return a_case(judged, case_id=f"C-{number:012x}", **change)
