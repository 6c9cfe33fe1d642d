"""The part of Enterprise Security that keeps notables (7) and findings (8): their state, comments and notes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

UPDATE_7 = "/services/notable_update"
FINDINGS_8 = "/servicesNS/nobody/SplunkEnterpriseSecuritySuite/public/v2/findings/"
CHANGE_8 = "/servicesNS/nobody/missioncontrol/v1/investigations/"
NOTES_8 = "/servicesNS/nobody/missioncontrol/public/v2/investigations/"
PATHS = (UPDATE_7, FINDINGS_8, CHANGE_8, NOTES_8)
Answer = tuple[int, Any]


def notable(event_id: str, written: float, rule_name: str, **columns: Any) -> dict[str, Any]:
    """A notable as it is stored: ``comment`` holds every comment it ever got, the newest last."""
    state = {"status": "1", "disposition": "disposition:6", "comment": []}
    return {"event_id": event_id, "finding_s": written, "rule_name": rule_name, **state, **columns}


def changed(stored: Sequence[dict[str, Any]], method: str, path: str, given: Mapping[str, Any]) -> Answer:
    """Carry out one call of the API of either version."""
    if path == UPDATE_7:
        return _update(stored, given)
    prefix = next(p for p in PATHS if path.startswith(p))
    name, _, tail = path.removeprefix(prefix).partition("/")
    row = next((row for row in stored if row["event_id"] == unquote(name)), None)
    if row is None:
        return 404, {"code": 404, "message": "finding not found", "details": {}}
    if prefix == FINDINGS_8:
        if int(given.get("earliest", 0)) >= int(row["finding_s"]):
            return 404, {"code": 404, "message": "finding not found", "details": {}}
        return 200, {"finding_id": row["event_id"], "status": row["status"], "disposition": row["disposition"]}
    if "notable_time" not in given:
        return 400, {"code": 400, "message": "notable_time is required", "details": {}}
    if prefix == NOTES_8 and tail == "notes":
        if method == "GET":
            return 200, {"items": [{"id": str(n), "content": text} for n, text in enumerate(row["comment"])]}
        row["comment"].append(given["content"])
        return 201, {"id": str(len(row["comment"])), "content": given["content"]}
    row.update({key: given[key] for key in ("status", "disposition") if given.get(key)})
    return 200, {"id": row["event_id"]}


def _update(stored: Sequence[dict[str, Any]], given: Mapping[str, Any]) -> Answer:
    row = next((row for row in stored if row["event_id"] == given.get("ruleUIDs")), None)
    if row is None:
        return 200, {"success": False, "message": "0 events updated, 1 failed", "success_count": 0, "failure_count": 1}
    row.update({key: given[key] for key in ("status", "disposition") if given.get(key)})
    if given.get("comment"):
        row["comment"].append(given["comment"])
    return 200, {"success": True, "message": "1 event updated successfully", "success_count": 1, "failure_count": 0}


def reviews(query: str, stored: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log of reviews of one notable."""
    found = re.search(r'rule_id=("(?:[^"\\]|\\.)*")', query)
    wanted = json.loads(found.group(1)) if found else ""
    return [{"comment": row["comment"]} for row in stored if row["event_id"] == wanted and row["comment"]]
