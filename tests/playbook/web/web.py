"""A browser without a screen: the application over a real record, forms filled in as the page gave them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from playbook.assembly import action_context
from playbook.cases import accounts, approval_requests, audit, containments
from playbook.cases.store import Store, open_store
from playbook.config import Config
from playbook.model.case import JudgedDetection
from playbook.web.app import build
from playbook.web.dependencies import Dependencies
from tests.playbook.cases.runs import file, judged
from tests.support.builders import NOW, a_record, said

PASSWORD = "correct horse battery"
PEOPLE = {"anna": "approver", "bert": "approver", "root": "admin", "resi": "responder", "vera": "viewer"}
CONFIG = Config.model_validate({"networks": {"home": ["10.0.0.0/8"], "protected": ["10.1.0.0/24"]}})
_FIELD = re.compile(r'<(?:input|button)[^>]*?name="(?P<name>[^"]+)"[^>]*?value="(?P<value>[^"]*)"[^>]*>')


class Clock:
    """The time, which tests move."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **length: float) -> None:
        """Later by this."""
        self.at += timedelta(**length)


def prepared(folder: Path) -> Path:
    """A record with every account and one plan that waits; made once, copied for each test."""
    path = folder / "state.db"
    store = open_store(f"sqlite:///{path}")
    with store.change() as conn:
        for name, role in PEOPLE.items():
            accounts.add(conn, name, role, PASSWORD, "test", NOW)
    file(store, known(judged(4)))
    store.close()
    return path


def known(one: JudgedDetection) -> JudgedDetection:
    """The detection of a host that the inventory knows, so that one person is enough."""
    words = (*(e for e in one.enriched.enrichments if e.topic != "host"), said("host", a_record()))
    return one.model_copy(update={"enriched": one.enriched.replaced(enrichments=words)})


class Web:
    """A client over one application; ``enqueued`` are the approved requests that were set going."""

    def __init__(self, store: Store, clock: Clock, **change: Any) -> None:
        self.store, self.clock = store, clock
        self.enqueued: list[tuple[str, str]] = []
        config = change.pop("config", CONFIG)
        values: dict[str, Any] = {
            "store": store,
            "config": config,
            "now": clock,
            "outside": lambda: action_context(config, "test", clock()),
            "enqueue": lambda conn, request, plan, keys: self.enqueued.append((request.request_id, plan.digest)),
            "secret": b"s" * 32,
            "hosts": ("testserver",),
        }
        self.parts = Dependencies(**(values | change))
        self.app = build(self.parts)
        self.client = self.browser()

    def browser(self, **settings: Any) -> TestClient:
        """Another browser at the same application."""
        return TestClient(self.app, follow_redirects=False, raise_server_exceptions=False, **settings)

    def log_in(self, name: str, password: str = PASSWORD, client: TestClient | None = None, there: str = "/") -> Any:
        """Fill in the form."""
        client = client or self.client
        form = fields(client.get("/login").text)
        return client.post("/login", data=form | {"name": name, "password": password, "next": there})

    @property
    def request(self) -> approval_requests.ApprovalRequest:
        """The request that was stored."""
        with self.store.reading() as conn:
            return approval_requests.list_requests(conn, None)[-1]

    def answer(self, word: str = "approve", *, place: int = 0, client: TestClient | None = None, **change: str) -> Any:
        """Read the case and post the form as it was shown, but for ``change``."""
        client = client or self.client
        request = self.request
        page = client.get(f"/cases/{request.case_id}").text
        form = {
            "csrf": token_of(page, f"/cases/{request.case_id}/decide"),
            "digest": request.offers[place].digest,
            "answer": word,
            "comment": "seen",
        } | ({"confirm": "yes"} if word == "deny" else {})
        return client.post(f"/cases/{request.case_id}/decide", data=form | change)

    def token(self, name: str, scope: Any = None, via: Any = "platform", scopes: Any = ()) -> dict[str, str]:
        """The headers of a call with a new token."""
        with self.store.change() as conn:
            made = accounts.make_token(conn, name, "test", self.clock(), scope=scope, via=via, scopes=scopes)
        return {"authorization": f"Bearer {made}"}

    def contained(self) -> tuple[containments.ContainmentRecord, ...]:
        """Everything the record would contain."""
        with self.store.reading() as conn:
            return containments.list_containments(conn)

    def journal(self) -> list[str]:
        """The kinds of all lines; the chain is whole."""
        with self.store.reading() as conn:
            assert audit.verify(conn) == ()
            return [line.kind for line in audit.lines(conn, limit=1000)]


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the page's last form."""
    form = page.rpartition("<form")[2]
    return {m["name"]: unescape(m["value"]) for m in _FIELD.finditer(form) if 'type="hidden"' in m[0]}


def token_of(page: str, action: str) -> str:
    """The token of the form that posts to this path; "" when the page has no such form."""
    _, there, rest = page.partition(f'action="{action}"')
    return fields("<form" + rest.partition("</form>")[0]).get("csrf", "") if there else ""


@contextmanager
def over(path: Path, clock: Clock, **change: Any) -> Iterator[Web]:
    """The application over the record in this file."""
    store = open_store(f"sqlite:///{path}", migrate=False)
    try:
        yield Web(store, clock, **change)
    finally:
        store.close()
