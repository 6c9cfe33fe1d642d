"""Request Tracker's REST 2.0 on loopback, as a real RT 5.0.3 was seen to answer: enough for the faults."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.desk import Answer, Request, Site

_KEY = re.compile(r"'CF\.\{(?P<field>[^}]+)\}' = '(?P<value>(?:[^\\']|\\.)*)'")


@dataclass
class Tracker:
    """One queue, General. ``keeps_key`` false: the user may not set the field, and RT says nothing about it."""

    token: str
    key_field: str = "BotnetPlaybookKey"
    keeps_key: bool = True
    tickets: dict[int, dict[str, Any]] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)

    def site(self, **options: Any) -> Site:
        return Site(self.respond, **options)

    def respond(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"token {self.token}":
            return _says(401, {"message": "Unauthorized"})
        place = request.path.removeprefix("/REST/2.0/").split("/")
        body = json.loads(request.body) if request.body else {}
        if place == ["rt"]:
            return _says(200, {"Version": "5.0.3"})
        if place[0] == "queue":
            fields = [{"name": self.key_field, "type": "customfield"}]
            return _says(200, {"TicketCustomFields": fields}) if place[1] == "General" else _says(404, {})
        if place == ["tickets"]:
            return self._search(request.query)
        if place == ["ticket"]:
            return self._create(body)
        number = self.merged.get(int(place[1]), int(place[1]))
        if number not in self.tickets:
            return _says(400, {"message": "Permission Denied"})
        if place[2:] == ["attachments"]:
            return _page(self.tickets[number]["said"], request.query, None)
        if place[2:] == ["comment"]:
            parts = [{"Subject": body.get("Subject", ""), "Filename": "", "Content": body["Content"]}]
            parts += [{"Subject": "", "Filename": p["FileName"]} for p in body.get("Attachments", ())]
            self.tickets[number]["said"] += parts
            return _says(201, ["Comments added"])
        return self._merge(number, body)

    def _create(self, body: dict[str, Any]) -> Answer:
        number = 1 + max([*self.tickets, *self.merged], default=0)
        fields = body.get("CustomFields", {}) if self.keeps_key else {}
        self.tickets[number] = {"Subject": body["Subject"], "Content": body["Content"], "said": [], "fields": fields}
        return _says(201, {"type": "ticket", "id": str(number)})

    def _search(self, query: dict[str, str]) -> Answer:
        matched = _KEY.fullmatch(query["query"])
        if matched is None:
            return _says(400, {"message": "Wrong query"})
        value = re.sub(r"\\(.)", r"\1", matched["value"])
        items = [
            {"id": str(number), "CustomFields": [{"name": n, "values": [v]} for n, v in ticket["fields"].items()]}
            for number, ticket in sorted(self.tickets.items())
            if ticket["fields"].get(matched["field"], "").lower() == value.lower()
        ]
        return _page(items, query, 1)

    def _merge(self, number: int, body: dict[str, Any]) -> Answer:
        into = body["MergeInto"]
        if into == number:
            return _says(200, ["Can't merge a ticket into itself"])
        self.tickets[into]["said"] += self.tickets.pop(number)["said"]
        self.merged[number] = into
        return _says(200, ["Merge Successful"])


def _page(items: list[Any], query: dict[str, str], pages: int | None) -> Answer:
    size = int(query["per_page"])
    start = (int(query["page"]) - 1) * size
    shown = items[start : start + size]
    counted = None if pages is None else -(-len(items) // size)
    return _says(200, {"items": shown, "count": len(shown), "pages": counted, "page": int(query["page"])})


def _says(status: int, body: Any) -> Answer:
    return status, {}, json.dumps(body).encode()
