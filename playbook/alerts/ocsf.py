"""Detection findings of OCSF (class 2004) -> rows: one for each piece of evidence with the ends of a connection."""

from collections.abc import Mapping, Sequence
from typing import Any

DETECTION_FINDING = 2004
_MOST_EVIDENCE = 5_000


def findings(document: Any) -> tuple[Mapping[str, Any], ...] | None:
    """The detection findings of a body, one event or an array of events; None when it is no OCSF with a finding."""
    events = document if isinstance(document, list) else [document]
    found = tuple(one for one in events if isinstance(one, Mapping) and _class(one) == DETECTION_FINDING)
    return found or None


def rows(found: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """A row for each evidence; a finding without one is a row without addresses, which is then named as a bad one."""
    return tuple(row for one in found for row in _rows(one))


def about(found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the first finding says of itself, under the names that other senders use."""
    info = _object(found[0].get("finding_info"))
    return {
        "title": info.get("title") or found[0].get("message"),
        "severity": found[0].get("severity"),
        "link": info.get("src_url"),
        "id": info.get("uid"),
    }


def _rows(finding: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    evidences = finding.get("evidences")
    listed = evidences[:_MOST_EVIDENCE] if isinstance(evidences, list) else []
    # One evidence is what the event counts; of several nobody says which was seen how often.
    counts = {"connections": finding.get("count")} if len(listed) == 1 else {}
    info = _object(finding.get("finding_info"))
    times = {
        "first_seen": finding.get("start_time", info.get("first_seen_time")),
        "last_seen": finding.get("end_time", info.get("last_seen_time")),
    }
    made: list[Mapping[str, Any]] = [_given(counts | times | _evidence(_object(one))) for one in listed]
    return made or [_given(times)]


def _evidence(one: Mapping[str, Any]) -> dict[str, Any]:
    """The two ends, the process and the protocol; ``data`` may hold our own columns, as our export writes them."""
    source, destination = _object(one.get("src_endpoint")), _object(one.get("dst_endpoint"))
    data = one.get("data")
    columns = {name: value for name, value in data.items() if _plain(value)} if isinstance(data, Mapping) else {}
    return columns | {
        "src_ip": source.get("ip"),
        "dst_ip": destination.get("ip"),
        "dst_port": destination.get("port"),
        "hostname": source.get("hostname") or source.get("name"),
        "processes": _object(one.get("process")).get("name"),
        "transports": _object(one.get("connection_info")).get("protocol_name"),
        "services": destination.get("svc_name"),
    }


def _class(event: Mapping[str, Any]) -> int | None:
    value = event.get("class_uid")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is told: where every attempt was denied, no connection is, and a count of none is no count."""
    return {
        name: value for name, value in row.items() if value is not None and not (name == "connections" and value == 0)
    }
