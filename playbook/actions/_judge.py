"""Judge one detection that a platform hands over: the same story as a run, over a source that holds only this row."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from playbook.actions import Outside, slot
from playbook.actions._detection_fields import Columns, detection_of
from playbook.actions.fetch_detections import source_table
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


def judge_row(given: DetectionInput, outside: Outside, action: str) -> JudgedInput:
    """The run over this row. Raises ConfigError for a wrong field or an unknown source."""
    origin = None
    if given.source:
        origin = outside.source(source_table(outside.config, given.source, action))
    detection, misfits = detection_of(given, given.source or "platform", action)
    # A row that was seen at one instant still lies in some window.
    window = detection.span or TimeWindow(start=detection.first_seen, end=detection.first_seen + _MOMENT)
    toolkit, terms = outside.around(_OneRow(detection, window, origin))
    run = respond(toolkit, outside.site, terms)
    return JudgedInput(detection, run.model_copy(update={"warnings": (*misfits, *run.warnings)}))
