"""Connections as Cloud SIEM keeps them: normalized records, the signals they made, and insights over those."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from playbook.detections.beaconing import Event


def naive(epoch: float) -> str:
    """A time as Cloud SIEM writes it: UTC without saying so, microseconds only where there are any."""
    return datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None).isoformat()


def record_of(event: Event, uid: str, **more: Any) -> dict[str, Any]:
    """A connection as a normalized record; what the log did not say is no key at all."""
    made = {
        "uid": uid,
        "objectType": "NetworkFlow",
        "timestamp": round(event.start * 1000),
        "metadata_receiptTime": int(event.start) + 2,
        "metadata_parseTime": round(event.start * 1000) + 2500,
        "device_hostname": "fw-1",
        "srcDevice_ip": event.src_ip,
        "dstDevice_ip": event.dst_ip,
        "dstPort": event.dst_port,
        "srcPort": event.src_port,
        "srcDevice_hostname": event.hostname or None,
        "ipProtocol": event.proto,
        "bytesOut": event.bytes_sent,
        "bytesIn": event.bytes_rcvd,
        "baseImage": event.process_name or None,
        "application": event.service or None,
        "action": "deny" if event.denied else "allow",
        "bro_flow_service": [],
        "listMatches": [],
    }
    return {name: value for name, value in (made | more).items() if value is not None}


def signal_of(
    name: str, records: Sequence[dict[str, Any]], created: float, rule: str = "THRESHOLD-U00001", **more: Any
) -> dict[str, Any]:
    """A signal as it is stored: ``created`` is known to queries and not shown."""
    address = records[0].get("srcDevice_ip", "10.0.0.1") if records else "10.0.0.1"
    return {
        "id": name,
        "name": "Many connections",
        "description": "x",
        "contentType": "RULE",
        "ruleId": rule,
        "severity": 4,
        "stage": "Command and Control",
        "suppressed": False,
        "recordCount": len(records),
        "recordTypes": [],
        "artifacts": [],
        "tags": ["_mitreAttackTechnique:T1071"],
        "created": naive(created),
        "entity": {"id": f"_ip-lab-{address}", "name": address, "ip": {"address": address}, "ipHostname": None},
        "timestamp": naive(created - 60),
        "allRecords": list(records),
        **more,
    }


def signals_of(events: Sequence[Event], created: float, each: int = 400) -> list[dict[str, Any]]:
    """All of these connections as signals of ``each`` records."""
    records = [record_of(event, f"r{number}") for number, event in enumerate(events)]
    return [
        signal_of(f"s-{n // each:04d}", records[n : n + each], created + n / 1000) for n in range(0, len(records), each)
    ]


def insight_of(name: str, signals: Sequence[str], created: float, **more: Any) -> dict[str, Any]:
    """An insight over some signals, its entity in the newer shape."""
    entity = {"id": "_hostname-cam--1", "entityType": "_hostname", "value": "cam-1", "name": "cam-1", "hostname": None}
    return {
        "id": name,
        "readableId": f"INSIGHT-{name}",
        "name": "Command and Control",
        "description": "x",
        "severity": "HIGH",
        "confidence": None,
        "source": "ALGORITHM",
        "entity": entity,
        "tags": [],
        "artifacts": [],
        "status": {"name": "new", "displayName": "New"},
        "resolution": None,
        "closed": None,
        "closedBy": None,
        "created": naive(created),
        "timestamp": naive(created - 30),
        "recordSummaryFields": [],
        "signals": [{"id": one, "name": "x", "timestamp": naive(created - 60)} for one in signals],
        **more,
    }
