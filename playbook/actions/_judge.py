"""Judge one detection that a platform hands over: the same story as a run, over a source that holds only this row."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import create_model

from playbook.actions import Action, Flat, Outside, slot
from playbook.actions._detection_fields import Columns, detection_of
from playbook.actions.fetch_detections import source_table
from playbook.alerts import road
from playbook.alerts.entries import PLATFORM, Entry, read
from playbook.alerts.rescoring import AlertColumns
from playbook.alerts.senders import parsed
from playbook.errors import ConfigError
from playbook.model.case import Run
from playbook.model.check import CheckResult
from playbook.model.detection import Detection, Fetched, SourceHealth, TimeWindow
from playbook.model.traffic import Traffic
from playbook.ports import DetectionSource, Progress
from playbook.respond import respond

_MOMENT = timedelta(seconds=1)
_NOT_MEASURED = "no source was named, so the traffic was not read and nothing is measured"


class DetectionInput(Columns):
    """A row of fetch_detections as it came; ``source`` is asked for the raw traffic behind it."""

    source: str = slot(
        "Configured source that is asked for the traffic behind the row; empty: nothing is measured",
        "",
        example="sumo",
        max_length=100,
    )


def _optional(name: str) -> tuple[Any, Any]:
    """A field of ``Given`` that may be left out, because the alert's text may hold it."""
    field = DetectionInput.model_fields[name]
    if not field.is_required():
        return DetectionInput.__annotations__.get(name, field.annotation), field
    kinds: Any = Columns.model_fields[name].annotation
    return kinds | None, field.merge_field_infos(field, default=None, annotation=kinds | None)


if TYPE_CHECKING:

    class AlertInput(DetectionInput):
        """A row in flat columns, or one alert as the JSON text that its sender wrote."""

        alert: str = ""
else:
    AlertInput = create_model(
        "AlertInput",
        __base__=Flat,
        __doc__="A row in flat columns, or one alert as the text that its sender wrote.",
        alert=(
            str,
            slot(
                "The alert as one JSON text as Sumo Logic, Splunk, Elastic or Sentinel write it, instead of columns",
                "",
                max_length=1_000_000,
            ),
        ),
        **{name: _optional(name) for name in DetectionInput.model_fields},
    )


def columns_given(action: Action, given: AlertInput) -> dict[str, Any]:
    """The columns as a row. ConfigError names each one that a judgement cannot do without."""
    checked = action.checked(DetectionInput, {name: getattr(given, name) for name in DetectionInput.model_fields})
    return checked.model_dump(exclude_none=True)


def entry_given(given: AlertInput, outside: Outside, action: str) -> Entry:
    """The one alert that the text holds. ConfigError when it holds none that can be judged, or more than one."""
    body = read(parsed(given.alert.encode()), outside.config, "", outside.now)
    if len(body.entries) != 1:
        why = "; ".join(f"row {bad.row}: {bad.error}" for bad in body.rejected[:5])
        number = (
            f"it holds {len(body.entries)} rows: send them to POST /api/alerts"
            if body.entries
            else (why or "it holds no row")
        )
        raise ConfigError(f"{action}: alert: {number}")
    entry = body.entries[0]
    return entry.model_copy(update={"source": given.source}) if given.source else entry


class JudgedInput(NamedTuple):
    """The run over this one row, with the detection as it was scored again."""

    detection: Detection
    run: Run


class _OneRow:
    """A DetectionSource that holds one detection; its traffic is that of the source it came from, if one is named."""

    def __init__(self, detection: Detection, window: TimeWindow, origin: DetectionSource | None) -> None:
        self.name = detection.source
        self._detection, self._window, self._origin = detection, window, origin

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        return (Fetched(source=self.name, window=self._window, detections=(self._detection,), health=SourceHealth()),)

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        if self._origin is None:
            return Traffic(unknown=(_NOT_MEASURED,))
        return self._origin.traffic(detections)

    def check(self) -> tuple[CheckResult, ...]:
        return ()


def judge_row(sent: AlertInput, outside: Outside, action: Action) -> JudgedInput:
    """The run over this row or alert. Raises ConfigError for a wrong field or an unknown source."""
    if sent.alert:
        return _judged_alert(sent, outside, action.identifier)
    given = DetectionInput(**columns_given(action, sent))
    return _judged_row(given, outside, action.identifier)


def _judged_alert(sent: AlertInput, outside: Outside, action: str) -> JudgedInput:
    """As ``file_detection`` judges it: what only the alert says is a hint."""
    entry = entry_given(sent, outside, action)
    if entry.source:
        source_table(outside.config, entry.source, action)
    alone = road.judge_alerts((entry,), entry.source, outside)
    detection, _ = detection_of(entry.columns, PLATFORM, action)
    case = next(iter(alone.run.cases), None)
    judged_one = case.detections[0].enriched.detection if case else detection
    notes = alone.notes[entry.alert_id]
    return JudgedInput(judged_one, alone.run.model_copy(update={"warnings": (*notes, *alone.run.warnings)}))


def _judged_row(given: DetectionInput, outside: Outside, action: str) -> JudgedInput:
    origin = None
    if given.source:
        origin = outside.source(source_table(outside.config, given.source, action))
    columns = AlertColumns.model_validate(given.model_dump(include=set(AlertColumns.model_fields)))
    detection, misfits = detection_of(columns, given.source or "platform", action)
    # A row that was seen at one instant still lies in some window.
    window = detection.span or TimeWindow(start=detection.first_seen, end=detection.first_seen + _MOMENT)
    toolkit, terms = outside.around(_OneRow(detection, window, origin))
    run = respond(toolkit, outside.site, terms)
    return JudgedInput(detection, run.model_copy(update={"warnings": (*misfits, *run.warnings)}))
