"""The Table API over one table of ServiceNow's CMDB, on loopback, from the public descriptions (unproven).

At its nastiest: a condition that it does not understand is ignored, records that the user may not read are cut out of
a page, a field that he may not read is absent, every value comes twice, and UTC times do not say so.
"""

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tests.emulators.site import Answer, Request, site

Body = dict[str, Any]


def item(number: int, name: str, address: str, updated: str = "2026-01-05 08:00:00", **fields: str) -> Body:
    """One configuration item, each field as it is stored."""
    return {
        "sys_id": f"{number:032x}",
        "name": name,
        "fqdn": "",
        "ip_address": address,
        "sys_updated_on": updated,
        "install_status": "1",
        "owned_by": "681ccaf9c0a8016400b98a06818d57c7",
    } | fields


class Cmdb:
    """One table. ``shown`` gives the display value of a stored one; ``deaf``: every condition is ignored."""

    def __init__(self, user: str, password: str, items: list[Body], shown: Mapping[str, str] | None = None) -> None:
        self.user, self.password, self.items = user, password, items
        self.shown = {"1": "Installed", "681ccaf9c0a8016400b98a06818d57c7": "Storage team"} | dict(shown or {})
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.deaf = False
        self.counts = True
        self.unreadable: set[str] = set()
        self.hidden: set[str] = set()

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return _error(401, "User Not Authenticated")
        if request.path != "/api/now/table/cmdb_ci_computer":
            return _error(400, "Invalid table")
        query, rows = request.query, self.items
        for condition in query.get("sysparm_query", "").split("^"):
            field, operator, value = condition.partition("IN")
            if operator and not self.deaf and field == "ip_address":
                rows = [row for row in rows if row["ip_address"] in value.split(",")]
        start, size = int(query.get("sysparm_offset", "0")), int(query.get("sysparm_limit", "10000"))
        wanted = [name for name in query.get("sysparm_fields", "").split(",") if name] or sorted(self.items[0])
        part = [self._shown(row, wanted, query) for row in rows[start : start + size] if row["name"] not in self.hidden]
        headers = {"X-Total-Count": str(len(rows))} if self.counts else {}
        return Answer(200, {"result": part}, headers)

    def _shown(self, row: Body, wanted: list[str], query: dict[str, str]) -> Body:
        visible = {name: row[name] for name in wanted if name in row and name not in self.unreadable}
        if query.get("sysparm_display_value") != "all":
            return visible
        return {
            name: {"value": value, "display_value": self.shown.get(value, value)} for name, value in visible.items()
        }


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message, "detail": ""}, "status": "failure"})


def serving(cmdb: Cmdb) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(cmdb)
