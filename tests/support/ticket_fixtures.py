"""Three ticket desks over their emulators, in one shape, so that every fault is tried on every product."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.http import Clocks
from connectors.tickets import jira, request_tracker, servicenow
from playbook.model.case import Ticket
from playbook.model.site import Site as OurSite
from tests.emulators.desk import Site
from tests.emulators.jira import Jira
from tests.emulators.request_tracker import Tracker
from tests.emulators.servicenow import ServiceNow
from tests.support import stopwatch

TOKEN = "a-token-of-the-tests"
NOW = OurSite(now=datetime(2026, 3, 1, 12, tzinfo=UTC))
HOSTILE = (
    "x' OR id > 0 \" OR project = SEC ^ORnumberISNOTEMPTY javascript:gs.log(1)\r\nBcc: all@example.test\n"
    "<script>alert(1)</script> [code]<img src=x onerror=alert(1)>[/code] {noformat}[~admin] !http://x/y.png! "
    "\u202e\x1b[31m"
)


@dataclass(frozen=True)
class Product:
    """An emulator's ``site``, how to connect to it, which request creates, and what it holds now."""

    site: Site
    connect: Callable[..., Any]
    create: str
    comment: str
    upload: str
    search: str
    tickets: Callable[[], list[Any]]
    comments: Callable[[], list[str]]
    files: Callable[[], list[Any]]


def connecting(module: Any, **given: Any) -> Callable[..., Any]:
    """A desk of ``module`` at a URL; waits are noted in ``slept`` and not waited."""

    def connect(url: str, slept: list[float] | None = None, **change: Any) -> Any:
        settings = module.Settings(**{"base_url": url, "token": SecretStr(TOKEN), "deadline_s": 5, **given, **change})
        # a clock of its own gives a rate gate of its own: ports are used again
        clocks = Clocks((slept if slept is not None else []).append, lambda: stopwatch.seconds())
        return module.connect("desk", settings, NOW, Path(), clocks)

    return connect


def of_tracker(**options: Any) -> Product:
    rt = Tracker(TOKEN, **options)
    said = lambda: [part for t in rt.tickets.values() for part in t["said"]]  # noqa: E731
    return Product(
        rt.site(),
        connecting(request_tracker, queue="General"),
        "POST /REST/2.0/ticket",
        "POST .*/comment",
        "POST .*/comment",
        "GET /REST/2.0/tickets",
        lambda: list(rt.tickets.values()),
        lambda: [p["Content"] for p in said() if p["Subject"]],
        lambda: [p for p in said() if p["Filename"]],
    )


def of_jira(edition: str = "cloud", **options: Any) -> Product:
    user = "soar@example.test" if edition == "cloud" else ""
    there = Jira(TOKEN, user, **options)
    return Product(
        there.site(),
        connecting(jira, project="SEC", edition=edition, user=user),
        "POST /rest/api/./issue",
        "POST .*/comment",
        "POST .*/attachments",
        "GET /rest/api/./search.*",
        lambda: [i for i in there.issues.values() if "botnet-playbook-duplicate" not in i["fields"]["labels"]],
        lambda: [str(c["body"]) for i in there.issues.values() for c in i["said"]],
        lambda: [f for i in there.issues.values() for f in i["files"]],
    )


def of_servicenow(**options: Any) -> Product:
    there = ServiceNow(TOKEN, **options)
    return Product(
        there.site(),
        connecting(servicenow),
        "POST /api/now/table/incident",
        "PATCH .*",
        "POST /api/now/attachment/file",
        "GET /api/now/table/incident",
        lambda: [r for r in there.records if ":twin-of:" not in r["correlation_id"]],
        lambda: [r.get("work_notes", "") for r in there.records if r.get("work_notes")],
        lambda: there.files,
    )


PRODUCTS: dict[str, Callable[..., Product]] = {
    "request_tracker": of_tracker,
    "jira-cloud": of_jira,
    "jira-data-center": lambda **options: of_jira("data_center", **options),
    "servicenow": of_servicenow,
}


def ticket(key: str = "case:C-0123456789ab", title: str = "beaconing", text: str = "why\nand since when") -> Ticket:
    return Ticket(key=key, title=title, text=text)
