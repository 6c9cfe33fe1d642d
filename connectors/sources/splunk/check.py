"""The cheapest calls that tell whether a Splunk source can work: account, query, indexes, scope and field names."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from connectors.clients.splunk import decoding
from connectors.clients.splunk.client import GRANT, Deadline, SplunkClient, complaint
from connectors.clients.splunk.search_job import SearchAnswer
from connectors.http import printable
from connectors.sources.splunk.settings import Settings
from playbook.errors import ConfigError, ConnectorError, Unauthorized
from playbook.model.check import CheckResult

CONTEXT = "/services/authentication/current-context"
INDEXES = "/services/data/indexes"
PARSERS = ("/services/search/v2/parser", "/services/search/parser")
_INDEX = re.compile(r"\bindex\s*=\s*\"?([A-Za-z0-9_-]+)(?![\w*-])|\bindex\s+IN\s*\(([^)]*)\)", re.IGNORECASE)
_NEEDED = ("src_ip", "dst_ip", "dst_port")
_USEFUL = {
    "hostname": "hosts are named by their address",
    "process_name": "processes stay unknown",
    "proto": "the protocol stays unknown",
}


def cheap_results(wire: SplunkClient, settings: Settings, query: str, scope: str) -> Iterator[CheckResult]:
    """Account, query and indexes, without running a search; nothing more is asked of an account that is refused."""
    deadline = Deadline(wire.clocks, 120.0)
    account = tried("account", lambda: list(_account(wire, settings, deadline)))
    yield from account
    if all(result.ok for result in account):
        yield from tried("query", lambda: [_query(wire, query, deadline)])
        yield from tried("index", lambda: list(_indexes(wire, scope, deadline)))


def _account(wire: SplunkClient, settings: Settings, deadline: Deadline) -> Iterator[CheckResult]:
    """Who we are and what we may; nothing beyond ``search`` is needed to read."""
    reply = wire.call("GET", CONTEXT, deadline)
    content = next(iter(_contents(reply.json() if reply.status == 200 else None)), {})
    held = {str(name) for name in _list(content.get("capabilities"))}
    user = printable(str(content.get("username", "")))[:60] or "unknown"
    if not held:
        yield CheckResult(
            subject="account",
            ok=reply.status == 200,
            message=f"the credentials work ({user}), what they permit could not be read ({reply.status}); {GRANT}",
        )
        return
    if "search" not in held:
        yield CheckResult(subject="account", ok=False, message=f"{user} lacks the capability search; {GRANT}")
        return
    roles = ", ".join(printable(str(role))[:40] for role in _list(content.get("roles"))[:8])
    yield CheckResult(subject="account", ok=True, message=f"the credentials of {user} work (roles: {roles})")
    if settings.rule_name and "edit_notable_events" not in held:
        message = "notables can be read; writing an outcome back needs the capability edit_notable_events"
        yield CheckResult(subject="notables", ok=True, message=message)


def _query(wire: SplunkClient, query: str, deadline: Deadline) -> CheckResult:
    """Whether splunkd parses the query; free, nothing is searched."""
    form = {"q": query, "parse_only": "true"}
    reply = wire.call("POST", PARSERS[wire.old], deadline, data=form)
    if reply.status == 404 and not wire.old:
        reply = wire.call("POST", PARSERS[1], deadline, data=form)
    if reply.status == 200:
        return CheckResult(subject="query", ok=True, message="the query parses")
    if reply.status == 400:
        message = f"the query was refused: {complaint(reply)}: check scope and fields"
        return CheckResult(subject="query", ok=False, message=message)
    return CheckResult(
        subject="query",
        ok=True,
        message=f"no parser to be had here ({reply.status}), so the query is untested",
    )


def named_indexes(scope: str) -> tuple[str, ...]:
    """The indexes that a scope names one by one; patterns with ``*`` name none."""
    found: dict[str, None] = {}
    for one, several in _INDEX.findall(scope):
        names = [one] if one else [name.strip(' "') for name in several.split(",")]
        found |= dict.fromkeys(name for name in names if name and "*" not in name)
    return tuple(found)


def _indexes(wire: SplunkClient, scope: str, deadline: Deadline) -> Iterator[CheckResult]:
    wanted = named_indexes(scope)
    if not wanted:
        return
    reply = wire.call("GET", INDEXES, deadline, params={"count": 0, "datatype": "event"})
    entries = reply.json().get("entry") if reply.status == 200 else None
    if not isinstance(entries, list):
        message = f"the list of indexes is not readable ({reply.status}); one row of the scope has to prove it"
        yield CheckResult(subject="index", ok=True, message=message)
        return
    visible = {str(entry.get("name")) for entry in entries if isinstance(entry, dict)}
    lost = [name for name in wanted if name not in visible]
    if lost and len(lost) == len(wanted):
        message = f"not visible to this account: {', '.join(lost)}; {GRANT}"
        yield CheckResult(subject="index", ok=False, message=message)
    else:
        said = f"; not visible: {', '.join(lost)}" if lost else ""
        shown = ", ".join(name for name in wanted if name in visible)
        yield CheckResult(subject="index", ok=True, message=f"visible: {shown}{said}")


def row_results(answer: SearchAnswer, scope: str) -> Iterator[CheckResult]:
    """What one row of the scope, taken apart by the prelude, proves about scope and field names."""
    if not answer.rows:
        yield CheckResult(
            subject="scope",
            ok=False,
            message="0 rows in the last 24 hours have the addresses and the port of a connection to the outside,"
            f" scope unproven: {scope}: a wrong name gives no error, only silence; map names with fields; {GRANT}",
        )
        return
    yield CheckResult(subject="scope", ok=True, message="one row read")
    row = answer.rows[0]
    shown = {name: "; ".join(row.get(name, ()))[:60].strip() for name in (*_NEEDED, *_USEFUL)}
    lost = [name for name in _NEEDED if not shown[name]]
    if lost:
        yield CheckResult(subject="fields", ok=False, message=f"a row has no {', '.join(lost)}: map them with fields")
        return
    absent = [f"no {name} ({why})" for name, why in _USEFUL.items() if shown[name] in ("", "unknown")]
    if decoding.listed(row, "slot_total_known") == ("0",):
        absent.append("no byte counters (sizes and the low-byte branch stay unknown)")
    found = ", ".join(f"{name}={printable(shown[name])}" for name in _NEEDED)
    yield CheckResult(subject="fields", ok=True, message="; ".join([f"one row has {found}", *absent]))


def tried(subject: str, attempt: Callable[[], list[CheckResult]]) -> list[CheckResult]:
    """The results of ``attempt``, or one failed result that says what to do."""
    try:
        return attempt()
    except Unauthorized as fault:
        return [CheckResult.failed(subject, fault, f"; {GRANT}")]
    except (ConnectorError, ConfigError) as fault:
        return [CheckResult.failed(subject, fault)]


def _contents(body: Any) -> Iterator[dict[str, Any]]:
    entries = body.get("entry") if isinstance(body, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        content = entry.get("content") if isinstance(entry, dict) else None
        if isinstance(content, dict):
            yield content


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
