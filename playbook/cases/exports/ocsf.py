"""A case as OCSF 1.5 events: an incident finding (2005), a detection finding each (2004), a network remediation (7004).

One JSON array, oldest class first, times in epoch milliseconds. A containment is told twice, set (Isolate) and, when it
is over, lifted (Restore).
"""

import json
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Any, NamedTuple

from playbook.cases.containments import ContainmentRecord
from playbook.cases.exports import CaseExport
from playbook.cases.exports._steps import pair, title
from playbook.model.case import JudgedDetection
from playbook.model.detection import Detection
from playbook.model.verdict import Disposition
from playbook.report import wording
from playbook.report.wording import Technique

MEDIA_TYPE = "application/json"
VERSION = "1.5.0"
Event = dict[str, Any]


class _Class(NamedTuple):
    """An event class and the category that it is of."""

    uid: int
    name: str
    category: int
    category_name: str


_INCIDENT = _Class(2005, "Incident Finding", 2, "Findings")
_DETECTION = _Class(2004, "Detection Finding", 2, "Findings")
_REMEDIATION = _Class(7004, "Network Remediation Activity", 7, "Remediation")
_SEVERITY = {
    "none": (1, "Informational"),
    "informational": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_CONFIDENCE = {"low": (1, "Low"), "medium": (2, "Medium"), "high": (3, "High")}
_VERDICT: dict[Disposition, tuple[int, str]] = {
    "TRUE_POSITIVE": (2, "True Positive"),
    "UNDETERMINED": (7, "Insufficient Data"),
    "BENIGN_POSITIVE": (5, "Benign"),
    "FALSE_POSITIVE": (1, "False Positive"),
}
_OPEN = {"proposed": (2, "In Progress"), "ticket": (2, "In Progress"), "watch": (3, "On Hold"), "closed": (5, "Closed")}
_NAMES = {1: "Create", 2: "Update", 3: "Close"}
_TRANSPORTS = {"tcp": 6, "udp": 17, "icmp": 1}


def render(export: CaseExport) -> str:
    """The events of the case."""
    return json.dumps(list(_events(export)), indent=2) + "\n"


def _events(export: CaseExport) -> Iterator[Event]:
    yield _incident(export)
    for judged in export.case.detections:
        yield _finding(export, judged)
    for one in export.containments:
        if one.state in ("active", "extending", "releasing", "released", "failed"):
            yield _remediation(export, one, restored=False)
        if one.state == "released":
            yield _remediation(export, one, restored=True)


def _incident(export: CaseExport) -> Event:
    row, verdict = export.row, export.case.verdict
    activity = 3 if row.status == "closed" else 1 if row.updated_at <= row.opened_at else 2
    status_id, status = _OPEN[row.status]
    verdict_id, verdict_name = _VERDICT[row.disposition]
    confidence_id, confidence = _CONFIDENCE[verdict.confidence]
    told = {
        "status_id": status_id,
        "status": status,
        "verdict_id": verdict_id,
        "verdict": verdict_name,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "message": f"{row.disposition} about {export.case.host}",
        "desc": " ".join(verdict.reasons),
        "start_time": _ms(row.first_seen),
        "end_time": _ms(row.last_seen),
        "attacks": [_attack(one) for one in wording.case_techniques(export.case)],
        "finding_info_list": [_info(export, judged) for judged in export.case.detections],
        "is_suspected_breach": row.disposition == "TRUE_POSITIVE",
        "assignee_group": {"name": "responder"},
    }
    if export.url:
        told["src_url"] = export.url
    if row.person_disposition:
        told["comment"] = f"{row.person_by}: {row.person_disposition}. {row.person_reason}"
        told["assignee"] = {"name": row.person_by, "type_id": 1, "type": "User"}
    ticket = export.case.ticket
    if ticket is not None:
        told["ticket"] = {"uid": ticket.key, "title": ticket.title, "status": ticket.state}
    return _event(export, _INCIDENT, activity, _NAMES[activity], row.updated_at) | told


def _finding(export: CaseExport, judged: JudgedDetection) -> Event:
    detection, verdict = judged.enriched.detection, judged.verdict
    confidence_id, confidence = _CONFIDENCE[verdict.confidence]
    severity_id, severity = _SEVERITY[wording.detection_severity(verdict)]
    evidence = {
        "src_endpoint": _endpoint(detection.src_ip, None, detection.hostname),
        "dst_endpoint": _endpoint(detection.dst_ip, detection.dst_port, ""),
        "connection_info": _connection(detection),
        "data": {
            "connections": detection.connections,
            "hourly_buckets": detection.hourly_buckets,
            "avg_per_hour": detection.avg_per_hour,
            "beaconing_score": detection.beaconing_score,
            "total_bytes_sent": detection.total_bytes_sent,
            "total_bytes_rcvd": detection.total_bytes_rcvd,
            "denied": detection.denied,
        },
    }
    told = {
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "message": " ".join(verdict.reasons),
        "count": max(detection.connections, detection.denied, 1),
        "start_time": _ms(detection.first_seen),
        "end_time": _ms(detection.last_seen),
        "finding_info": _info(export, judged),
        "evidences": [evidence],
        "is_alert": verdict.disposition == "TRUE_POSITIVE",
    }
    return _event(export, _DETECTION, 1, "Create", detection.last_seen) | told


def _info(export: CaseExport, judged: JudgedDetection) -> Event:
    detection = judged.enriched.detection
    return {
        "uid": detection.detection_id,
        "title": f"{detection.host_text} to {wording.destination(detection)}",
        "desc": " ".join(judged.verdict.reasons),
        "analytic": {"name": detection.rule, "type_id": 1, "type": "Rule"},
        "attacks": [_attack(one) for one in wording.techniques(detection)],
        "data_sources": [detection.source],
        "first_seen_time": _ms(detection.first_seen),
        "last_seen_time": _ms(detection.last_seen),
    }


def _remediation(export: CaseExport, one: ContainmentRecord, restored: bool) -> Event:
    activity, name = (3, "Restore") if restored else (1, "Isolate")
    status_id, status = (2, "Failure") if one.state == "failed" else (1, "Success")
    moment = one.updated_at if restored else one.created_at
    told = {
        "command_uid": one.key,
        "status_id": status_id,
        "status": status,
        "message": title(one.step),
        "status_detail": one.trouble or f"approved by {one.approved_by}",
        "connection_info": {"direction_id": 2, "direction": "Outbound"},
        "countermeasures": [{"d3f_technique": _countermeasure(one)}],
        "remediation": {"desc": f"{one.step.scope}; lifted after {one.step.ttl_s} s"},
        "unmapped": {"plan_digest": one.digest, "connector": one.step.connector, "state": one.state},
    }
    source, destination, _ = pair(one.step)
    told["observables"] = [
        {"name": name_of, "type_id": 2 if _is_address(end) else 1, "value": end}
        for name_of, end in (("src_endpoint", source), ("dst_endpoint", destination))
        if end
    ]
    return _event(export, _REMEDIATION, activity, name, moment) | told


def _countermeasure(one: ContainmentRecord) -> Event:
    if one.step.kind == "isolate_host":
        return {"uid": "D3-NI", "name": "Network Isolation"}
    return {"uid": "D3-OTF", "name": "Outbound Traffic Filtering"}


def _attack(one: Technique) -> Event:
    tactic, _, name = one.tactic.partition(" ")
    technique, dot, _ = one.technique.partition(".")
    link = wording.technique_link(one.technique)
    attack: Event = {"tactic": {"uid": tactic, "name": name}, "version": "17.1"}
    if dot:
        return attack | {
            "technique": {"uid": technique, "name": one.name.partition(":")[0]},
            "sub_technique": {"uid": one.technique, "name": one.name.partition(": ")[2], "src_url": link},
        }
    return attack | {"technique": {"uid": technique, "name": one.name, "src_url": link}}


def _connection(detection: Detection) -> Event:
    protocol = next((one for one in detection.transports if one in _TRANSPORTS), "")
    known = {"protocol_name": protocol, "protocol_num": _TRANSPORTS[protocol]} if protocol else {}
    return {"direction_id": 2, "direction": "Outbound"} | known


def _endpoint(address: str, port: int | None, hostname: str) -> Event:
    more = {} if port is None else {"port": port}
    return {"ip": address} | more | ({"hostname": hostname} if hostname else {})


def _is_address(text: str) -> bool:
    return bool(text) and (":" in text or text.replace(".", "").isdigit())


def _event(export: CaseExport, kind: _Class, activity: int, name: str, moment: datetime) -> Event:
    severity_id, severity = _SEVERITY[wording.severity(export.case)]
    return {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": kind.category,
        "category_name": kind.category_name,
        "class_uid": kind.uid,
        "class_name": kind.name,
        "type_uid": kind.uid * 100 + activity,
        "type_name": f"{kind.name}: {name}",
        "severity_id": severity_id,
        "severity": severity,
        "time": _ms(moment),
        "metadata": {
            "version": VERSION,
            "product": {
                "name": "botnet-playbook",
                "vendor_name": "botnet-playbook",
                "version": version("botnet-playbook"),
            },
            "correlation_uid": export.row.case_id,
        },
    }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
