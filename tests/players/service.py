"""The service that players talk to over HTTP: the sample's logs, CrowdSec's emulator, the worker by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playbook.cases import approval_requests, containments
from tests.emulators.lapi import Lapi
from tests.emulators.site import Answer, Request, site
from tests.playbook.alerts.scene import Scene, carried_out, released, scene, with_crowdsec
from tests.playbook.cases.runs import file, judged
from tests.players import Access
from tests.support.case_store import fresh_record

CLOSED = "http://127.0.0.1:9"
_HOP = ("host", "connection", "content-length", "accept-encoding")


@dataclass
class _Bridge:
    """The application's answers over a real socket."""

    scene: Scene
    seen: list[Request] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    def answer(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        path = request.path + (f"?{request.raw_query}" if request.raw_query else "")
        answer = self.scene.web.client.request(request.method, path, headers=headers, content=request.body)
        return Answer(answer.status_code, answer.content, {"Content-Type": answer.headers["content-type"]})


@dataclass
class Service:
    """One running service with its people, its device and its worker."""

    scene: Scene
    lapi: Lapi
    address: str

    def access(self, **change: str) -> Access:
        """A platform's two tokens, of two accounts."""
        filing = self.scene.token("siem", "intake", "investigate")["authorization"].removeprefix("Bearer ")
        answering = self.scene.token("soar", "approve", "contain", "investigate")["authorization"]
        return Access(self.address, filing, answering.removeprefix("Bearer "))._replace(**change)

    def waiting_plan(self, host: str) -> dict[str, Any]:
        """The newest plan that our own run asks people about."""
        file(self.scene.store, judged(4, host))
        with self.scene.store.reading() as conn:
            request = next(
                one
                for one in approval_requests.list_requests(conn, "waiting")
                if one.offers[0].steps and one.host == host
            )
        plan = request.offers[0]
        return {"plan_id": plan.plan_id, "digest": plan.digest, "case_id": request.case_id}

    def worked(self) -> list[str]:
        """The worker sets every approved step and verifies it."""
        with self.scene.store.reading() as conn:
            requests = approval_requests.list_requests(conn, "approved")
        return [word for one in requests for word in carried_out(self.scene.works(), one.request_id)]

    def let_go(self) -> list[str]:
        """The worker releases what is due and verifies it."""
        with self.scene.store.reading() as conn:
            due = containments.due(conn, self.scene.clock())
        return [released(self.scene.works(), one.key) for one in due]


@contextmanager
def service(folder: Path, monkeypatch: Any) -> Iterator[Service]:
    """A service over a fresh record in this folder."""
    url = f"sqlite:///{fresh_record(folder / 'state.db')}"
    with (
        with_crowdsec(monkeypatch) as (lapi, tables),
        scene(url, containments=tables) as one,
        site(_Bridge(one)) as address,
    ):
        yield Service(one, lapi, address)
