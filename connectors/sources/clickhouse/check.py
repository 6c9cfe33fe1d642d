"""The cheapest queries that tell whether a ClickHouse source can work: account, query, then one row of a day."""

from collections.abc import Callable, Iterator

from connectors.http import printable
from connectors.sources.clickhouse import decoding
from connectors.sources.clickhouse.client import Answer
from connectors.sources.clickhouse.settings import Settings
from playbook.detections.languages import clickhouse
from playbook.errors import ConfigError, ConnectorError
from playbook.model import address
from playbook.model.check import CheckResult

_ACCOUNT = "SELECT currentUser() AS account, version() AS version, timezone() AS zone"
_USEFUL = {
    "bytes_total": "sizes and the low-byte branch stay unknown",
    "sent_packets": "whether a connection was a conversation is told by bytes alone",
    "answered": "whether attempts were answered stays unknown",
}
Run = Callable[[str], Answer]


def results(settings: Settings, run: Run) -> Iterator[CheckResult]:
    """What can be said; nothing more is asked once something fails."""
    for subject, ask in (("account", _account), ("query", _query), ("scope", _row)):
        made = _tried(subject, ask, settings, run)
        yield from made
        if not all(result.ok for result in made):
            return


def _tried(
    subject: str, ask: Callable[[Settings, Run], list[CheckResult]], settings: Settings, run: Run
) -> list[CheckResult]:
    try:
        return ask(settings, run)
    except (ConnectorError, ConfigError, ValueError) as fault:
        return [CheckResult(subject=subject, ok=False, message=str(fault))]


def _account(settings: Settings, run: Run) -> list[CheckResult]:
    (row,) = run(_ACCOUNT).rows[:1] or ({},)
    shown = {name: printable(decoding.text(row, name))[:60] for name in ("account", "version", "zone")}
    message = f"{shown['account']} may read; ClickHouse {shown['version']}, zone {shown['zone']}"
    return [CheckResult(subject="account", ok=True, message=message)]


def _query(settings: Settings, run: Run) -> list[CheckResult]:
    """Whether the server takes the detection over this table; nothing is read."""
    run(f"EXPLAIN {clickhouse.detection(*settings.place)}")
    return [CheckResult(subject="query", ok=True, message="the table and its columns fit the query")]


def _row(settings: Settings, run: Run) -> list[CheckResult]:
    table = settings.scope or clickhouse.PRESETS[settings.preset].table
    rows = run(clickhouse.probe(*settings.place)).rows
    if not rows:
        message = f"0 rows of the last 24 hours in {table}: scope unproven, and so is the unit of the time column"
        return [CheckResult(subject="scope", ok=False, message=message)]
    row = rows[0]
    for name in ("src_ip", "dst_ip"):
        if address.parse(decoding.text(row, name)) is None:
            message = f"{name} is no address: {printable(decoding.text(row, name))[:60]!r}: map it with fields"
            return [CheckResult(subject="fields", ok=False, message=message)]
    absent = [f"no {name} ({why})" for name, why in _USEFUL.items() if row.get(name) is None]
    message = "; ".join(absent) or "addresses, port, bytes, packets and states are there"
    return [
        CheckResult(subject="scope", ok=True, message=f"one row of {table} read"),
        CheckResult(subject="fields", ok=True, message=message),
    ]
