"""What ``serve`` starts, wired from the configuration: the works of the engine, the runs, the parts of the pages."""

import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playbook.alerts.work import Ground, work
from playbook.assembly import action_context, assemble, assemble_all, barriers_of, site_of
from playbook.cases import audit_anchor, case_rows, queries, schedules
from playbook.cases.batching import file_in_parts
from playbook.cases.repository import Filing, filing_of
from playbook.cases.schedules import DAY, ScheduledJob
from playbook.cases.store import Store
from playbook.cases.write_back import write_back
from playbook.config import Config, Table, resolve_secrets
from playbook.errors import ConfigError, Incomplete, Unreachable
from playbook.model.case import Case
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.event import Event
from playbook.model.response import Notice
from playbook.ports import Notifier, TakesEvents
from playbook.report import html
from playbook.respond import respond
from playbook.response.preflight import TOPICS, Authority
from playbook.web.signed_links import signed
from playbook.workflows.client import WorkflowClient
from playbook.workflows.context import WorkflowContext
from playbook.workflows.executor import ExecutionContext

_LOG = logging.getLogger(__name__)
# Rows younger than this may still be on their way into a SIEM.
_SETTLED = timedelta(minutes=15)
_LEAST_SECRET = 32
_LEAST_SENDER_SECRET = 16


@dataclass(frozen=True)
class LinkingNotifier:
    """A notifier whose notices carry an address that identifies the case, signed."""

    inner: Notifier
    secret: bytes = field(repr=False)
    base: str

    @property
    def name(self) -> str:
        """The notifier's own."""
        return self.inner.name

    def tell(self, notice: Notice) -> None:
        """Tell it with a whole, signed link."""
        link = signed(self.secret, self.base, notice.link) if notice.link.startswith("/") else notice.link
        self.inner.tell(notice.model_copy(update={"link": link}))

    @property
    def takes_events(self) -> bool:
        """Whether the notifier is sent events."""
        return isinstance(self.inner, TakesEvents) and self.inner.takes_events

    def send_event(self, event: Event) -> None:
        """Send it with the address of its case's page."""
        if isinstance(self.inner, TakesEvents):
            page = f"{self.base}/cases/{event.case_id}"
            self.inner.send_event(event.model_copy(update={"content": event.content | {"case_url": page}}))

    def check(self) -> tuple[CheckResult, ...]:
        """As the notifier does."""
        return self.inner.check()


@dataclass(frozen=True)
class ServiceWiring:
    """Everything that works behind the pages."""

    config: Config
    file: str
    store: Store
    now: Callable[[], datetime]
    parts: dict[str, Any]
    warnings: tuple[str, ...]

    def named(self, section: str) -> dict[str, Any]:
        """The connectors of a section, by name."""
        return {key.partition(".")[2]: one for key, one in self.parts.items() if key.partition(".")[0] == section}

    @property
    def off(self) -> str:
        """Why containment is off, "" when it is on."""
        return self.config.off

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that are run by themselves. Raises ConfigError for one that is not configured."""
        chosen = self.config.serve.sources or tuple(self.config.sources)
        unknown = sorted(set(chosen) - set(self.config.sources))
        if unknown:
            raise ConfigError(f"{self.file}: serve.sources: {unknown[0]!r} is not configured")
        return chosen

    @property
    def anchor(self) -> Path | None:
        """The file that keeps the head of the audit trail."""
        return audit_anchor.anchor_file(self.config.state, self.store, self.config.folder)

    def restored(self) -> str:
        """Why nothing is applied before a person confirms: the record is not the anchored one; "" when it is."""
        with self.store.reading() as conn:
            why = audit_anchor.turned_back(conn, self.anchor)
        return f"{why}; nothing is applied before `audit confirm-restore`" if why else ""

    def anchor_trail(self) -> int:
        """Keep the head of the audit trail outside the record, in the file and in the log; 1 when it has moved."""
        if self.restored():
            return 0
        with self.store.reading() as conn:
            head = audit_anchor.current(conn, self.now())
        known = audit_anchor.newest(self.anchor) if self.anchor is not None else None
        if known is not None and known.seq == head.seq:
            return 0
        if self.anchor is not None:
            audit_anchor.write(self.anchor, head)
        _LOG.info("audit head", extra={"fields": {"event": "audit_head", "seq": head.seq, "hash": head.hash}})
        return 1

    def errands(self) -> tuple[ScheduledJob, ...]:
        """What is run by itself."""
        return schedules.jobs_of_sources(self.sources, self.config.serve.interval_s)

    def authority(self) -> Authority:
        """Who has a say now. Raises ConfigError while containment is off: then nothing is applied."""
        if self.off:
            raise ConfigError(f"containment is off: {self.off}")
        if restored := self.restored():
            raise ConfigError(restored)
        return Authority(
            site=site_of(self.config, self.now()),
            barriers=barriers_of(self.config),
            caps=self.config.limits.max_containments_per_hour,
            policy_version=self.config.policy.version,
            lists=tuple(one for one in self.named("enrichers").values() if set(one.topics) & TOPICS),
            kill_switch=self.config.kill_switch,
        )

    def works(self, door: WorkflowClient, secret: bytes, base: str) -> WorkflowContext:
        """What the engine's workflows run over."""
        outfit = ExecutionContext(self.store, self.named("containments"), self.authority, self.now)
        notifiers = tuple(LinkingNotifier(one, secret, base) for one in self.named("notifiers").values())
        return WorkflowContext(
            outfit,
            door,
            self.named("sources"),
            tuple(self.named("tickets").values()),
            notifiers,
            self.errands(),
            self.carry,
            self.report,
            self.take_alerts,
            self.anchor_trail,
        )

    def take_alerts(self, holder: str) -> int:
        """Judge and file alerts that wait; how many were taken."""
        return work(Ground(self.store, lambda: action_context(self.config, self.file, self.now()), self.now), holder)

    def carry(self, name: str, moment: datetime) -> tuple[str, ...]:
        """One errand as of a moment, filed; the requests that were asked. Raises ConfigError when there is none."""
        errand = next((one for one in self.errands() if one.name == name), None)
        if errand is None:
            raise ConfigError(f"{self.file}: {name!r} is no errand of its sources")
        table = self.config.sources[errand.source]
        window, table = _window(table, errand.length, moment)
        assembled = assemble(self.config, self.file, (errand.source, table), moment, {"heartbeat": True})
        run = respond(assembled.toolkit, assembled.site, assembled.terms, window)
        run = run.model_copy(update={"warnings": (*assembled.warnings, *run.warnings)})
        filing: Filing = filing_of(assembled.terms.means, self.config.policy, self.config.limits)
        asked = file_in_parts(self.store, run, filing, self.now).asked
        back = write_back(self.store, assembled.toolkit.source, self.config.policy.close_in_siem, self.now)
        for warning in back.warnings:
            _LOG.warning("%s", warning)
        return asked

    def report(self, case: Case) -> bytes:
        """The report of a recorded case, for its ticket. Raises Incomplete when its run is not in the record."""
        with self.store.reading() as conn:
            row = case_rows.row_of(conn, case.case_id)
            run = queries.run_of(conn, row.run_id) if row is not None else None
        if run is None:
            raise Incomplete(f"{case.case_id}: the run that judged it is not in the record")
        return html.case_page(run, case).encode()


def start_up(config: Config, file: str, store: Store, now: Callable[[], datetime]) -> ServiceWiring:
    """Connect everything that is configured. Raises ConfigError with every fault of every table."""
    parts, warnings = assemble_all(config, file, now())
    check_senders(config, file)
    for one in parts.values():
        if hasattr(one, "feed"):
            one.prepare()
    return ServiceWiring(config, file, store, now, parts, warnings)


def check_senders(config: Config, file: str) -> None:
    """Raise ConfigError for a sender of alerts whose secret is not set, or too short to prove anything."""
    for name, sender in config.alerts.items():
        if sender.secret_env:
            secret = resolve_secrets({"secret_env": sender.secret_env}, file, f"alerts.{name}")["secret"]
            if len(secret.get_secret_value()) < _LEAST_SENDER_SECRET:
                raise ConfigError(
                    f"{file}: alerts.{name}.secret_env: the secret needs at least {_LEAST_SENDER_SECRET} characters"
                )


def secret_of(config: Config, file: str, store: Store) -> bytes:
    """The key of signed links: ``serve.secret_env``, or a file of its own beside the SQLite file."""
    if config.serve.secret_env:
        found = resolve_secrets({"secret_env": config.serve.secret_env}, file, "serve")["secret"].get_secret_value()
        if len(found) < _LEAST_SECRET:
            raise ConfigError(f"{file}: serve.secret_env: the secret needs at least {_LEAST_SECRET} characters")
        return str(found).encode()
    if store.file is None:
        raise ConfigError(f"{file}: serve.secret_env: needed with PostgreSQL, so that all workers share one secret")
    return _kept(Path(f"{store.file}.secret"))


def _kept(path: Path) -> bytes:
    """The secret in a file, made whole in one step when there is none; a part of one would let anybody sign."""
    try:
        if not path.exists():
            _make(path)
        found = path.read_bytes()
    except OSError as fault:
        raise Unreachable(f"{path}: {fault.strerror}") from fault
    if len(found) < _LEAST_SECRET:
        raise ConfigError(f"{path}: holds less than {_LEAST_SECRET} characters: remove it, and a new secret is made")
    return found


def _make(path: Path) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_hex(32).encode())
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):  # another process was first: its secret is the one
            os.link(beside, path)
    finally:
        beside.unlink()


def _window(table: Table, length: timedelta, now: datetime) -> tuple[TimeWindow | None, Table]:
    """A SIEM is asked up to what has settled; log files count back from their own newest event."""
    if table.get("kind") == "logs":
        return None, table | {"window": "24h" if length == DAY else "7d"}
    end = now - _SETTLED
    return TimeWindow(start=end - length, end=end), table
