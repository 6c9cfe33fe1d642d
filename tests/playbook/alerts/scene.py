"""A service over the sample's logs with CrowdSec as its containment: what tests of the alerts' road share."""

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import playbook.sample
from connectors.containments import crowdsec
from connectors.http import Clocks
from playbook import config as configuration
from playbook.alerts.work import Ground, work
from playbook.assembly import action_context
from playbook.cases import accounts, alerts, case_rows
from playbook.cases.store import Store, open_store
from playbook.config import Config
from playbook.web.startup import ServiceWiring, start_up
from playbook.workflows import workflows
from playbook.workflows.client import WorkflowClient
from tests.emulators.lapi import Lapi
from tests.emulators.site import site
from tests.playbook.web.web import Clock, Web

SAMPLE = Path(next(iter(playbook.sample.__path__))) / "serve.toml"
BOT = {"src_ip": "10.1.3.10", "dst_ip": "198.51.100.23", "dst_port": 6667}
_NUMBERS = itertools.count(1)


def of_sample(url: str, **change: Any) -> Config:
    """The sample's configuration over this record; ``change`` replaces whole tables."""
    raw = configuration.read(SAMPLE).model_dump()
    values = raw | {"state": raw["state"] | {"url": url}} | change
    return Config.model_validate(values)


@dataclass
class Scene:
    """The service, its people and platforms, and the worker's alerts taken by hand."""

    config: Config
    store: Store
    clock: Clock
    wired: ServiceWiring
    door: WorkflowClient
    web: Web
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, name: str, *scopes: str) -> dict[str, str]:
        """The headers of a platform's token; its account is made when it is new."""
        with self.store.change() as conn:
            if accounts.account_of(conn, name) is None:
                role = "approver" if {"approve", "contain"} & set(scopes) else "responder"
                accounts.add(conn, name, role, "", "test", self.clock())
        return self.web.token(name, via="platform", scopes=scopes)

    def post(self, body: Any, path: str = "/api/alerts", **headers: str) -> Any:
        """Send a body as a sender does."""
        given = headers or self.token("siem", "intake")
        if isinstance(body, bytes):
            return self.web.client.post(path, content=body, headers=given | {"content-type": "application/json"})
        return self.web.client.post(path, json=body, headers=given)

    def act(self, name: str, given: dict[str, Any], headers: dict[str, str]) -> Any:
        """Call one action as a platform does."""
        return self.web.client.post(f"/api/actions/{name}", json=given, headers=headers)

    def ground(self) -> Ground:
        """What the worker's alerts stand on."""
        return Ground(self.store, lambda: action_context(self.config, "test", self.clock()), self.clock)

    def work(self, holder: str = "w1") -> int:
        """Take what waits, once."""
        return work(self.ground(), holder)

    def cases(self) -> tuple[Any, ...]:
        """Every recorded case."""
        with self.store.reading() as conn:
            return case_rows.list_cases(conn)

    def alert(self, key: str) -> Any:
        """One alert as recorded."""
        with self.store.reading() as conn:
            return alerts.alert_of(conn, key)

    def works(self) -> Any:
        """What the workflows run over."""
        return self.wired.works(self.door, b"s" * 32, "https://pages.example")


@contextmanager
def scene(url: str, **change: Any) -> Iterator[Scene]:
    """A service over a migrated record at this URL."""
    clock, config = Clock(), of_sample(url, **change)
    with closing(open_store(url)) as store:
        wired = start_up(config, "test", store, clock)
        with closing(WorkflowClient(store)) as door:
            web = Web(store, clock, config=config, enqueue=door.starting, off=wired.off, base="https://pages.example")
            yield Scene(config, store, clock, wired, door, web)


@contextmanager
def with_crowdsec(monkeypatch: Any) -> Iterator[tuple[Lapi, dict[str, Any]]]:
    """The emulator and the table of a containment over it; its clock is real time's stand-in at the test's moment."""
    clock = Clock()
    lapi = Lapi("right", "token-1", lambda: clock().timestamp())
    monkeypatch.setenv("CROWDSEC_PASSWORD", "right")
    wall = Clocks(lambda seconds: None, lambda: clock().timestamp(), lambda: clock().timestamp())
    monkeypatch.setattr(crowdsec.connect, "__defaults__", (wall,))
    lapi.forward = clock.forward  # type: ignore[attr-defined]
    with site(lapi) as base:
        yield (
            lapi,
            {"edge": {"kind": "crowdsec", "base_url": base, "machine_id": "soar", "password_env": "CROWDSEC_PASSWORD"}},
        )


def bot(**change: Any) -> dict[str, Any]:
    """An alert of another product about the sample's IRC bot, with what such a product knows."""
    return (
        BOT
        | {
            "first_seen": "2026-03-02T00:00:00Z",
            "last_seen": "2026-03-02T23:59:59Z",
            "connections": "288",
            "hourly_buckets": "24",
        }
        | change
    )


def carried_out(works: Any, request_id: str) -> list[str]:
    """The steps of an approved request, as the worker's workflow does them."""
    results = []
    for key in workflows.STEPS["keys_of"](works, request_id):  # type: ignore[union-attr]
        word = workflows.STEPS["intend"](works, key)
        word = workflows.STEPS["apply"](works, key) if word == "go" else word
        results.append(str(workflows.STEPS["confirm"](works, key) if word == "done" else word))
    return results


def released(works: Any, key: str) -> str:
    """The release of a containment that is due, as the worker's workflow does it."""
    word = workflows.STEPS["claim"](works, key)
    word = workflows.STEPS["undo"](works, key) if word == "go" else word
    return str(workflows.STEPS["confirm_undone"](works, key) if word == "done" else word)


def later(clock: Clock, **length: float) -> datetime:
    """Move the clock of the service."""
    clock.at += timedelta(**length)
    return clock.at
