"""The cheapest calls that tell whether a Sumo Logic source can work: key, query, scope, and field names."""

from collections.abc import Callable, Iterator

from connectors.clients.sumologic.client import Deadline, SumoClient, complaint
from connectors.sources.sumologic import decoding
from connectors.sources.sumologic.search_job import SearchAnswer
from playbook.errors import ConfigError, ConnectorError, Unauthorized
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow

ESTIMATE = "/api/v1/logSearches/estimatedUsage"
GRANT = (
    "create an access key for a user whose role has only View Collectors and Download Search Results,"
    " with a search filter on this scope"
)
_NEEDED = ("src_ip", "dst_ip", "dst_port")
_USEFUL = {
    "bytes_sent": "sizes and the low-byte branch stay unknown",
    "hostname": "hosts are named by their address",
    "process_name": "processes stay unknown",
}


def query_accepted(wire: SumoClient, query: str, window: TimeWindow, deadline: Deadline) -> CheckResult:
    """Ask what the query would scan: free, at once, and it fails for text that does not parse."""
    moment = [
        {"type": "EpochTimeRangeBoundary", "epochMillis": int(t.timestamp() * 1000)} for t in (window.start, window.end)
    ]
    body = {
        "queryString": query,
        "timezone": "UTC",
        "timeRange": {"type": "BeginBoundedTimeRange", "from": moment[0], "to": moment[1]},
    }
    reply = wire.call("POST", ESTIMATE, deadline, json=body)
    if reply.status == 200:
        return CheckResult(subject="key and query", ok=True, message="the key works and the query parses")
    if reply.status == 400:
        return CheckResult(
            subject="key and query",
            ok=False,
            message=f"the key works; the query was refused: {complaint(reply)}: check scope and fields",
        )
    return CheckResult(
        subject="key and query",
        ok=reply.status == 404,
        message=f"the key works; no estimate to be had here ({reply.status}), so the query is untested",
    )


def row_results(answer: SearchAnswer, scope: str) -> Iterator[CheckResult]:
    """What one row of the scope, taken apart by the prelude, proves about scope and field names."""
    if not answer.rows:
        yield CheckResult(
            subject="scope",
            ok=False,
            message=f"0 rows in the last 24 hours, scope unproven: {scope}: a wrong name gives no error, only silence",
        )
        return
    yield CheckResult(subject="scope", ok=True, message="one row read")
    row = answer.rows[0]
    lost = [name for name in _NEEDED if not decoding.text(row, name)]
    if lost:
        raw = decoding.text(row, "_raw")[:160]
        message = f"a row has no {', '.join(lost)}: map them with fields; the row begins {raw!r}"
    else:
        shown = ", ".join(f"{name}={decoding.text(row, name)[:60]}" for name in _NEEDED)
        absent = [f"no {name} ({why})" for name, why in _USEFUL.items() if not decoding.text(row, name)]
        message = "; ".join([f"one row has {shown}", *absent])
    yield CheckResult(subject="fields", ok=not lost, message=message)


def tried(subject: str, attempt: Callable[[], list[CheckResult]]) -> list[CheckResult]:
    """The results of ``attempt``, or one failed result that says what to do."""
    try:
        return attempt()
    except Unauthorized as fault:
        return [CheckResult.failed(subject, fault, f"; {GRANT}")]
    except (ConnectorError, ConfigError) as fault:
        return [CheckResult.failed(subject, fault)]
