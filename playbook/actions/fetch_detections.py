"""Run the beaconing detection over a configured source and return its rows."""

from datetime import timedelta

from playbook.actions import Flat, Outside, Result, slot
from playbook.actions._detection_fields import DetectionRow, TimeText, flat, moment
from playbook.config import Config, Table
from playbook.detections.beaconing import sort_key
from playbook.errors import ConfigError
from playbook.model.detection import TimeWindow
from playbook.triage.merge import merge_windows

KIND, READ_ONLY = "investigate", True
# Rows younger than this may still be on their way into a SIEM.
_SETTLED = timedelta(minutes=15)


class Input(Flat):
    """Which source, and which time."""

    source: str = slot(
        "Name of a configured source; may be left out when there is only one", "", example="sumo", max_length=100
    )
    hours: int | None = slot(
        "Hours to look back: from 15 minutes ago in a SIEM, from the newest event in log files",
        None,
        example=24,
        ge=1,
        le=31 * 24,
    )
    start: TimeText | None = slot(
        "Start of the window, instead of hours and with end: yyyy-MM-dd HH:mm:ss in UTC", None, max_length=40
    )
    end: TimeText | None = slot("End of the window, not included, in the same form", None, max_length=40)


Output = DetectionRow


def run(given: Input, outside: Outside) -> Result:
    """The rows, loudest first; incomplete when the source could not read everything or was silent."""
    name, table = source_table(outside.config, given.source, "fetch_detections")
    window, table = _window(given, table, outside)
    gathered = merge_windows(outside.source((name, table)).fetch(window))
    rows = tuple(flat(detection) for detection in sorted(gathered.detections, key=sort_key))
    span = f"{gathered.window.start:%Y-%m-%d %H:%M} to {gathered.window.end:%Y-%m-%d %H:%M} UTC"
    found = f"{len(rows)} detection(s) in {gathered.health.rows_read} row(s) of {name}, {span}"
    message = found if gathered.health.complete else f"INCOMPLETE: {found}"
    rejected = tuple(f"rejected: {example}" for example in gathered.health.rejected_examples)
    return Result(rows, message, gathered.health.complete, (*gathered.health.warnings, *rejected))


def source_table(config: Config, name: str, action: str) -> tuple[str, Table]:
    """The name and table of a configured source; ConfigError when there is none of that name, or no single one."""
    chosen = name or (next(iter(config.sources)) if len(config.sources) == 1 else "")
    if chosen not in config.sources:
        known = ", ".join(config.sources) or "none"
        said = f"{name!r} is not configured" if name else "which one"
        raise ConfigError(f"{action}: source: {said}; expected the name of a [sources.NAME] table; there are: {known}")
    return chosen, dict(config.sources[chosen])


def _window(given: Input, table: Table, outside: Outside) -> tuple[TimeWindow | None, Table]:
    if given.start is not None or given.end is not None:
        if given.start is None or given.end is None or given.hours is not None:
            raise ConfigError("fetch_detections: start: expected start and end together, and without hours")
        start, end = moment(given.start), moment(given.end)
        if end <= start:
            raise ConfigError(f"fetch_detections: end: {given.end} is not after start {given.start}")
        return TimeWindow(start=start, end=end), table
    if given.hours is None:
        return None, table
    if table.get("kind") == "logs":
        return None, table | {"window": f"{given.hours}h"}
    until = outside.now - _SETTLED
    return TimeWindow(start=until - timedelta(hours=given.hours), end=until), table
