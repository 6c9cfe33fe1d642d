"""Sumo Logic content, read by a strict model of its import formats: scheduled searches and monitors."""

from typing import Any, Literal

from pydantic import Field

from playbook.detections.languages import sumo
from tests.manifests.content import FOLDER, Strict, all_printed


class Boundary(Strict):
    type: Literal["RelativeTimeRangeBoundary"]
    relativeTime: str = Field(pattern=r"^-\d+m$")


class Range(Strict):
    type: Literal["BeginBoundedTimeRange"]
    from_: Boundary = Field(alias="from")
    to: Boundary | None


class Threshold(Strict):
    thresholdType: Literal["message", "group"]
    operator: Literal["eq", "gt", "ge", "lt", "le"]
    count: int


class Mail(Strict):
    taskType: Literal["EmailSearchNotificationSyncDefinition"]
    toList: list[str]
    subjectTemplate: str
    includeQuery: bool
    includeResultSet: bool
    includeHistogram: bool
    includeCsvAttachment: bool


class Schedule(Strict):
    # Quartz has seven fields, and one of the two days is a question mark.
    cronExpression: str = Field(pattern=r"^\d+ \d+ (\*|\d+) \* \* \? \*$")
    displayableTimeRange: str
    parseableTimeRange: Range
    timeZone: Literal["UTC"]
    threshold: Threshold | None
    notification: Mail
    muteErrorEmails: bool
    scheduleType: Literal["RealTime", "15Minutes", "1Hour", "2Hours", "4Hours", "6Hours", "8Hours", "12Hours", "1Day"]
    parameters: list[Any]


class SearchText(Strict):
    queryText: str = Field(max_length=15_000)
    defaultTimeRange: str
    byReceiptTime: bool
    viewName: str
    viewStartTime: str
    queryParameters: list[Any]
    parsingMode: Literal["AutoParse", "Manual"]


class Scheduled(Strict):
    type: Literal["SavedSearchWithScheduleSyncDefinition"]
    name: str = Field(max_length=255)
    description: str
    search: SearchText
    searchSchedule: Schedule


class Folder(Strict):
    type: Literal["Folder"]
    name: str
    description: str
    children: list[Scheduled]


class MonitorQuery(Strict):
    rowId: Literal["A"]
    query: str = Field(max_length=15_000)


class Trigger(Strict):
    detectionMethod: Literal["StaticCondition"]
    triggerType: Literal["Critical", "Warning", "ResolvedCritical", "ResolvedWarning"]
    timeRange: Literal["-24h"]
    threshold: float
    thresholdType: Literal["GreaterThan", "LessThanOrEqual"]
    field: None
    occurrenceType: Literal["ResultSet"]
    triggerSource: Literal["AllResults"]


class Monitor(Strict):
    type: Literal["MonitorsLibraryMonitorExport"]
    name: str
    description: str
    monitorType: Literal["Logs"]
    evaluationDelay: str = Field(pattern=r"^\d+m$")
    alertName: None
    runAs: None
    notificationGroupFields: list[str]
    queries: list[MonitorQuery] = Field(min_length=1, max_length=1)
    triggers: list[Trigger] = Field(min_length=2, max_length=2)
    notifications: list[Any]
    isDisabled: Literal[True]
    groupNotifications: bool
    playbook: str
    sloId: None
    monitorTemplateId: None
    tags: dict[str, str]


class Monitors(Strict):
    type: Literal["MonitorsLibraryFolderExport"]
    name: str
    description: str
    children: list[Monitor]


def test_the_folder_of_scheduled_searches_holds_every_text() -> None:
    folder = Folder.model_validate_json((FOLDER / "sumo" / "scheduled_searches.json").read_text())
    assert sorted(one.search.queryText for one in folder.children) == sorted(all_printed("sumo", ".sumo"))
    assert len({one.name for one in folder.children}) == len(folder.children)
    for one in folder.children:
        assert sumo.lint(one.search.queryText) == ()
        assert one.searchSchedule.parseableTimeRange.from_.relativeTime == "-1455m"


def test_the_folder_of_monitors_holds_every_text_and_each_resolves_what_it_raised() -> None:
    folder = Monitors.model_validate_json((FOLDER / "sumo" / "monitors.json").read_text())
    assert sorted(one.queries[0].query for one in folder.children) == sorted(all_printed("sumo", ".sumo"))
    for one in folder.children:
        raised, resolved = one.triggers
        assert resolved.triggerType == f"Resolved{raised.triggerType}"
        assert (raised.thresholdType, resolved.thresholdType) == ("GreaterThan", "LessThanOrEqual")
