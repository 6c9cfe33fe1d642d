"""Sumo Logic: a folder of scheduled searches for the library, and a folder of monitors, each ready to import."""

import json
from collections.abc import Iterable
from typing import Any

from playbook.platforms.content._searches import BENIGN, DELAY_MIN, WINDOW_MIN, Search

_FOLDER = "Botnet playbook"
_LEVEL = {"low": "Warning", "medium": "Warning", "high": "Critical"}
_FROM, _TO = f"-{WINDOW_MIN + DELAY_MIN}m", f"-{DELAY_MIN}m"


def scheduled_searches(found: Iterable[Search]) -> str:
    """The content of a library folder (Import, or POST /v2/content/folders/ID/import); mail goes to nobody yet."""
    folder = {
        "type": "Folder",
        "name": _FOLDER,
        "description": BENIGN,
        "children": [_scheduled(one) for one in found],
    }
    return json.dumps(folder, indent=2) + "\n"


def monitors(found: Iterable[Search]) -> str:
    """A folder of monitors (Monitors, Import, or POST /v1/monitors/ID/import); all are disabled and tell nobody yet."""
    folder = {
        "type": "MonitorsLibraryFolderExport",
        "name": _FOLDER,
        "description": BENIGN,
        "children": [_monitor(one) for one in found],
    }
    return json.dumps(folder, indent=2) + "\n"


def _scheduled(one: Search) -> dict[str, Any]:
    return {
        "type": "SavedSearchWithScheduleSyncDefinition",
        "name": one.name,
        "description": one.description,
        "search": {
            "queryText": one.query,
            "defaultTimeRange": f"{_FROM} {_TO}",
            "byReceiptTime": False,
            "viewName": "",
            "viewStartTime": "1970-01-01T00:00:00Z",
            "queryParameters": [],
            "parsingMode": "Manual",
        },
        "searchSchedule": {
            # Quartz: seconds, minutes, hours, day of month, month, day of week, year.
            "cronExpression": "0 7 * * * ? *" if one.hourly else "0 7 5 * * ? *",
            "displayableTimeRange": f"{_FROM} {_TO}",
            "parseableTimeRange": {
                "type": "BeginBoundedTimeRange",
                "from": {"type": "RelativeTimeRangeBoundary", "relativeTime": _FROM},
                "to": {"type": "RelativeTimeRangeBoundary", "relativeTime": _TO},
            },
            "timeZone": "UTC",
            "threshold": {"thresholdType": "group", "operator": "gt", "count": 0},
            "notification": {
                "taskType": "EmailSearchNotificationSyncDefinition",
                "toList": [],
                "subjectTemplate": "Search Results: {{SearchName}}",
                "includeQuery": True,
                "includeResultSet": True,
                "includeHistogram": False,
                "includeCsvAttachment": False,
            },
            "muteErrorEmails": False,
            "scheduleType": "1Hour" if one.hourly else "1Day",
            "parameters": [],
        },
    }


def _monitor(one: Search) -> dict[str, Any]:
    level = _LEVEL[one.severity]
    common = {
        "detectionMethod": "StaticCondition",
        "timeRange": f"-{WINDOW_MIN // 60}h",
        "threshold": 0.0,
        "field": None,
        "occurrenceType": "ResultSet",
        "triggerSource": "AllResults",
    }
    return {
        "type": "MonitorsLibraryMonitorExport",
        "name": one.name,
        "description": f"{one.description} {BENIGN}",
        "monitorType": "Logs",
        "evaluationDelay": f"{DELAY_MIN}m",
        "alertName": None,
        "runAs": None,
        "notificationGroupFields": [],
        "queries": [{"rowId": "A", "query": one.query}],
        "triggers": [
            common | {"triggerType": level, "thresholdType": "GreaterThan"},
            common | {"triggerType": f"Resolved{level}", "thresholdType": "LessThanOrEqual"},
        ],
        "notifications": [],
        "isDisabled": True,
        "groupNotifications": True,
        "playbook": BENIGN,
        "sloId": None,
        "monitorTemplateId": None,
        "tags": {},
    }
