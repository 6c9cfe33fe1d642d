"""A ServiceNow Table API on loopback, from the public API descriptions: it ignores conditions it cannot apply."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.desk import Answer, Request, Site


@dataclass
class ServiceNow:
    """One table. ``unreadable`` and ``unwritable`` are fields that this user may not see or set; both stay silent."""

    token: str
    user: str = ""
    unique: bool = False
    unreadable: tuple[str, ...] = ()
    unwritable: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # fields whose conditions are not applied, though they are shown
    twice: bool = False
    records: list[dict[str, str]] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)

    def site(self, **options: Any) -> Site:
        return Site(self.respond, **options)

    def respond(self, request: Request) -> Answer:
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != (f"Basic {pair}" if self.user else f"Bearer {self.token}"):
            return _says(401, {"error": {"message": "User Not Authenticated"}, "status": "failure"})
        if request.path == "/api/now/attachment/file":
            self.files.append({k: request.query[k] for k in ("table_name", "table_sys_id", "file_name")})
            return _says(201, {"result": self.files[-1]})
        if request.path == "/api/now/attachment":
            return self._list(self.files, request.query)
        if request.path == "/api/now/table/incident":
            return self._create(json.loads(request.body)) if request.method == "POST" else self._read(request.query)
        record = next((r for r in self.records if request.path.endswith(f"/incident/{r['sys_id']}")), None)
        if record is None:
            return _says(404, {"error": {"message": "No Record found"}, "status": "failure"})
        change = self._writable(json.loads(request.body))
        if "work_notes" in change:
            change["work_notes"] = f"{change['work_notes']}\n\n{record.get('work_notes', '')}"
        record.update(change)
        return _says(200, {"result": record})

    def _writable(self, fields: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in fields.items() if name not in self.unwritable}

    def _create(self, fields: dict[str, str]) -> Answer:
        if self.unique and any(r["correlation_id"] == fields["correlation_id"] for r in self.records):
            return _says(403, {"error": {"message": "Operation Failed", "detail": "Unique Key violation"}})
        count = len(self.records)
        fixed = {"sys_id": f"{count:032x}", "number": f"INC{10000 + count:07}", "sys_created_on": "2026-03-01 12:00:00"}
        self.records.append({"correlation_id": ""} | self._writable(fields) | fixed)
        return _says(201, {"result": self.records[-1]})

    def _read(self, query: dict[str, str]) -> Answer:
        journal = query.get("sysparm_display_value") == "true"
        wanted = query["sysparm_fields"].split(",")
        hidden = self.unreadable if journal else (*self.unreadable, "work_notes")
        rows = [{n: r.get(n, "") for n in wanted if n not in hidden} for r in self._matching(self.records, query)]
        return self._list(rows, query, matched=True)

    def _matching(self, rows: list[dict[str, str]], query: dict[str, str]) -> list[dict[str, str]]:
        for part in filter(None, query.get("sysparm_query", "").split("^")):
            name, is_condition, value = part.partition("=")
            if is_condition and name not in (*self.unreadable, *self.ignored):
                rows = [row for row in rows if row.get(name, "").lower() == value.lower()]
        return [row for row in rows for _ in range(2 if self.twice else 1)]

    def _list(self, rows: list[dict[str, str]], query: dict[str, str], matched: bool = False) -> Answer:
        rows = rows if matched else self._matching(rows, query)
        start = int(query.get("sysparm_offset", "0"))
        return _says(200, {"result": rows[start : start + int(query["sysparm_limit"])]})


def _says(status: int, body: Any) -> Answer:
    return status, {}, json.dumps(body).encode()
