"""Microsoft Sentinel: scheduled analytics rules in the YAML of its content repositories."""

import json
from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from playbook.platforms.content._searches import TACTICS, TECHNIQUES, Search

_VERSION = "1.0.0"
# The connector that fills each table that the texts read.
_CONNECTORS = {
    "CommonSecurityLog": "CefAma",
    "DeviceNetworkEvents": "MicrosoftThreatProtection",
    "DnsEvents": "DNS",
}
_ENTITIES = {"hostname": ("Host", "HostName"), "src_ip": ("IP", "Address"), "dst_ip": ("IP", "Address")}
_DETAILS = {
    "beaconing": ("connections", "hourly_buckets", "avg_per_hour", "beaconing_score", "dst_port", "denied"),
    "hunt_dga_burst": ("names", "failed_names", "failed_domains"),
}
_COUNTS = ("connections", "unique_ports")


def rule(one: Search) -> str:
    """One analytics rule; the query is the one that ``query kql`` prints."""
    table = one.query.split("\n", 1)[0]
    shown = [name for name in _ENTITIES if name in one.columns]
    subject = " to ".join(f"{{{{{name}}}}}" for name in one.ends)
    fields = {
        "id": str(uuid5(NAMESPACE_URL, f"botnet-playbook/sentinel/{one.what}/{one.preset}")),
        "name": f"{one.title} ({one.preset})",
        "description": one.description,
        "severity": one.severity.capitalize(),
        "status": "Available",
        "requiredDataConnectors": [{"connectorId": _CONNECTORS[table], "dataTypes": [table]}],
        "queryFrequency": "1h" if one.hourly else "1d",
        "queryPeriod": "1d",
        "triggerOperator": "gt",
        "triggerThreshold": 0,
        "tactics": list(TACTICS),
        "relevantTechniques": list(TECHNIQUES),
    }
    after = {
        "entityMappings": [
            {
                "entityType": _ENTITIES[name][0],
                "fieldMappings": [{"identifier": _ENTITIES[name][1], "columnName": name}],
            }
            for name in shown
        ],
        "customDetails": {name: name for name in _DETAILS.get(one.what, _COUNTS)},
        "alertDetailsOverride": {"alertDisplayNameFormat": f"{one.title}: {subject}"},
        "eventGroupingSettings": {"aggregationKind": "AlertPerResult"},
        "incidentConfiguration": {
            "createIncident": True,
            "groupingConfiguration": {
                "enabled": True,
                "reopenClosedIncident": False,
                "lookbackDuration": "1d",
                "matchingMethod": "AllEntities",
            },
        },
        "version": _VERSION,
        "kind": "Scheduled",
    }
    block = "".join(f"  {line}\n" for line in one.query.splitlines())
    return f"{_yaml(fields)}query: |\n{block}{_yaml(after)}"


def _yaml(fields: Mapping[str, object]) -> str:
    """One line a key; a value is JSON, which is YAML too and quotes every text safely."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
