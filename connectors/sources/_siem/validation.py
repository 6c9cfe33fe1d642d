"""Whether what a SIEM says is an answer to what was asked: of the asked time, each row once, and readable.

A page that is served twice, another search's result or a type that changed would else look like a whole answer.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import ValidationError

from connectors.sources._siem.coverage import Read
from playbook.model.detection import Detection, TimeWindow

# Clocks of devices run ahead or behind, and a connection may have begun long before its log line.
_SLACK = timedelta(days=1)
_EXPECTED = {
    "missing": "is missing",
    "too_short": "is empty",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
    "greater_than_equal": "expected a number of at least 0",
}
# The beginnings of pydantic's names of faults, and what was expected.
_KINDS = {
    "int_": "a whole number",
    "float_": "a number",
    "bool_": "true or false",
    "string_": "text",
    "list_": "a list",
    "tuple_": "a list",
    "dict_": "an object",
    "mapping_": "an object",
    "model_": "an object",
    "datetime_": "a time",
    "timezone_": "a time with its zone",
}


def fitting(found: Sequence[Detection], read: Read[object], window: TimeWindow) -> tuple[tuple[Detection, ...], str]:
    """The detections that belong to ``window``, each once, and why others may be missing ("" when none is)."""
    inside = [d for d in found if window.start - _SLACK <= d.last_seen <= window.end + _SLACK]
    once = tuple(dict.fromkeys(inside))
    faults = []
    if len(inside) < len(found):
        faults.append(f"{len(found) - len(inside)} rows are of another time than was asked for")
    if len(once) < len(inside):
        faults.append(f"{len(inside) - len(once)} rows came twice, so that others may be missing")
    if read.rejected and not read.values:
        faults.append(f"none of the {read.rejected} rows could be read")
    return once, "; ".join(faults)


def first_fault(fault: ValidationError) -> str:
    """The first thing that is wrong with an answer, as a person says it: ``resultCount: expected a whole number``."""
    first = fault.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:100] or "the body"
    kind = next((word for prefix, word in _KINDS.items() if first["type"].startswith(prefix)), "")
    return f"{where}: {_EXPECTED.get(first['type']) or (f'expected {kind}' if kind else 'of no known form')}"
