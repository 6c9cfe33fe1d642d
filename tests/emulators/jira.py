"""A Jira on loopback (Cloud or Data Center), from the public API descriptions, with a search that lags behind."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.desk import Answer, Request, Site

_LABEL = re.compile(r'labels = "(?P<value>(?:[^\\"]|\\.)*)" ORDER BY created ASC')
_FIELD = re.compile(r'cf\[(?P<number>\d+)\] ~ "(?P<value>(?:[^\\"]|\\.)*)" ORDER BY created ASC')
_NEWEST = re.compile(r'project = "(?P<value>[A-Z]+)" ORDER BY key DESC')
_GRANTED = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "CREATE_ATTACHMENTS")


@dataclass
class Jira:
    """One project. ``lag`` searches after a create do not see it; ``page`` caps a page; ``twice`` repeats every hit."""

    token: str
    user: str = ""
    project: str = "SEC"
    lag: int = 0
    page: int = 100
    twice: bool = False
    granted: tuple[str, ...] = _GRANTED
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)

    def site(self, **options: Any) -> Site:
        return Site(self.respond, **options)

    @property
    def _signed(self) -> str:
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        return f"Basic {pair}" if self.user else f"Bearer {self.token}"

    def respond(self, request: Request) -> Answer:
        if request.headers.get("authorization") != self._signed:
            return _says(401, {"errorMessages": ["Client must be authenticated"]})
        found = re.fullmatch(r"/rest/api/([23])/(.+)", request.path)
        assert found and found[1] == ("3" if self.user else "2"), request.path
        place = found[2].split("/")
        if place[0] == "mypermissions":
            names = request.query["permissions"].split(",")
            return _says(200, {"permissions": {n: {"havePermission": n in self.granted} for n in names}})
        if place[0] == "search":
            assert (place == ["search", "jql"]) == bool(self.user)
            return self._search(request.query)
        if place == ["issue"]:
            return self._create(json.loads(request.body)["fields"])
        issue = self.issues.get(place[1])
        if issue is None:
            return _says(404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]})
        return self._of_issue(issue, place[2:], request)

    def _create(self, fields: dict[str, Any]) -> Answer:
        if fields["project"]["key"] != self.project:
            return _says(400, {"errors": {"project": "valid project is required"}})
        assert isinstance(fields["description"], dict) == bool(self.user)
        number = 10000 + len(self.issues)
        key = f"{self.project}-{1 + len(self.issues)}"
        named = {"id": str(number), "key": key}
        self.issues[key] = {**named, "fields": fields, "said": [], "files": [], "unseen": self.lag}
        return _says(201, {"id": str(number), "key": key})

    def _search(self, query: dict[str, str]) -> Answer:
        label, text = _LABEL.fullmatch(query["jql"]), _FIELD.fullmatch(query["jql"])
        newest = _NEWEST.fullmatch(query["jql"])
        if not (label or text or newest):
            return _says(400, {"errorMessages": ["Error in the JQL Query"]})
        hits = []
        for issue in sorted(self.issues.values(), key=lambda one: int(one["id"]), reverse=bool(newest)):
            issue["unseen"] -= 1
            if issue["unseen"] < 0 and (newest or _carries(issue, label, text)):
                hits += [issue] * (2 if self.twice else 1)
        start = int(query.get("nextPageToken", query.get("startAt", "0")))
        size = min(self.page, int(query["maxResults"]))
        shown = [
            {"id": i["id"], "key": i["key"], "fields": {query["fields"]: i["fields"].get(query["fields"])}}
            for i in hits[start : start + size]
        ]
        if not self.user:
            return _says(200, {"startAt": start, "maxResults": size, "total": len(hits), "issues": shown})
        more = start + size < len(hits)
        token = {"nextPageToken": str(start + size)} if more else {}
        return _says(200, {"issues": shown, "isLast": not more, **token})

    def _of_issue(self, issue: dict[str, Any], place: list[str], request: Request) -> Answer:
        if place == ["comment"] and request.method == "GET":
            start = int(request.query["startAt"])
            shown = issue["said"][start : start + min(self.page, 100)]
            return _says(200, {"startAt": start, "total": len(issue["said"]), "comments": shown})
        if place == ["comment"]:
            issue["said"].append({"id": str(len(issue["said"])), "body": json.loads(request.body)["body"]})
            return _says(201, issue["said"][-1])
        if place == ["attachments"]:
            if request.headers.get("x-atlassian-token") != "no-check":
                return _says(403, {"errorMessages": ["XSRF check failed"]})
            issue["files"].append(_upload(request))
            return _says(200, [{"id": "1", "filename": issue["files"][-1][0]}])
        if request.method == "PUT":
            for change in json.loads(request.body)["update"]["labels"]:
                labels = issue["fields"]["labels"]
                if "add" in change:
                    labels.append(change["add"])
                elif change["remove"] in labels:
                    labels.remove(change["remove"])
            return 204, {}, b""
        asked = request.query.get("fields", "")
        held = [{"filename": name} for name, _ in issue["files"]] if asked == "attachment" else None
        shown = {asked: held if held is not None else issue["fields"].get(asked)}
        return _says(200, {"id": issue["id"], "key": issue["key"], "fields": shown})


def _carries(issue: dict[str, Any], label: re.Match[str] | None, text: re.Match[str] | None) -> bool:
    if label:
        return _plain(label["value"]) in issue["fields"]["labels"]
    assert text
    phrase = _plain(_plain(text["value"])[1:-1])
    return phrase.lower() in str(issue["fields"].get(f"customfield_{text['number']}") or "").lower()


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _upload(request: Request) -> tuple[str, bytes]:
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    head, _, rest = request.body.partition(b"\r\n\r\n")
    content, _, tail = rest.partition(b"\r\n--" + boundary + b"--")
    assert tail == b"\r\n" and head.startswith(b"--" + boundary)
    return head.decode().partition('filename="')[2].partition('"')[0], content


def _says(status: int, body: Any) -> Answer:
    return status, {}, json.dumps(body).encode()
