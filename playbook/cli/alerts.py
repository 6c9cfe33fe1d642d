"""alerts: detections raised elsewhere, filed, judged and planned as our own are."""

import csv
import gzip
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from playbook.alerts import work
from playbook.alerts.intake import receive, row_sentence
from playbook.alerts.senders import parsed
from playbook.alerts.work import Ground
from playbook.assembly import action_context
from playbook.cases import alerts
from playbook.cases.access import authenticate, open_case_store
from playbook.cases.store import Store
from playbook.cli._options import config_option, configuration, emit, now
from playbook.errors import ConfigError, ConnectorError, NotProven
from playbook.web import case_state

_MOST_BYTES = 64 * 2**20
_MOST_ROWS = 50_000


@click.command(name="alerts")
@config_option
@click.argument("file", metavar="FILE|-")
@click.option("--as", "sender", default="", help="The [alerts.NAME] that says how FILE is read.")
@click.option("--by", "who", help="The account that files them (default: the token's).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(
    ctx: click.Context, config_file: Path | None, file: str, sender: str, who: str | None, as_json: bool
) -> None:
    """File alerts of another product: each is kept, measured, judged, and its plan asked for.

    FILE is JSON as its sender wrote it: a row, an array, a body of Sumo Logic, Splunk, Elastic or Sentinel, or the
    payload of a Splunk alert action, whose results file is read. Whoever files never approves.
    """
    config, name = configuration(config_file)
    document = with_results(parsed(_bytes(file)))
    with open_case_store(config, name) as store:
        proof = authenticate(store, who, "responder", now())
        if not proof.reaches("intake"):
            raise NotProven(f"filing alerts takes the scope intake; the token has {', '.join(proof.scopes)}")
        ground, holder = Ground(store, lambda: action_context(config, name, now()), now), f"call-{uuid4().hex}"
        received = receive(ground, config, document, sender, proof.name, holder)
        for start in range(0, len(received.accepted.queued), work.MOST_AT_ONCE):
            part = received.accepted.queued[start : start + work.MOST_AT_ONCE]
            with store.change() as conn:
                alerts.hold(conn, part, holder, now())
            work.at_once(ground, part, holder)
        rows = [_row(store, key) for key in received.keys]
    lines = (*map(row_sentence, received.rejected), *received.notes)
    for line in lines:
        click.echo(f"warning: {line}", err=True)
    if not rows and received.rejected:
        raise ConfigError("no row of it could be taken")
    if as_json:
        emit({"alerts": rows, "repeated": len(received.accepted.repeated), "warnings": list(lines)})
    else:
        for row in rows:
            click.echo(
                f"{row['alert_id'][:12]}  {row['state']:8}  {row['case_id'] or '-':14}  "
                f"{row['disposition']:16}  {row['plan_state']}"
            )
    if any(row["state"] in ("queued", "failed") for row in rows):
        ctx.exit(ConnectorError.exit_code)
    ctx.exit(1 if any(row["plan_state"] == "waiting" for row in rows) else 0)


def with_results(document: Any) -> Any:
    """The payload of a Splunk alert action with the rows of its results file, without its session key.

    Raises ConfigError when the file cannot be read.
    """
    if not isinstance(document, Mapping) or "results_file" not in document:
        return document
    whole = {key: value for key, value in document.items() if key != "session_key"}
    path = str(document["results_file"])
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
        text = raw
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(raw)) as unpacked:
                text = unpacked.read(_MOST_BYTES + 1)
    except (OSError, EOFError) as fault:
        raise ConfigError(f"results_file: {path}: cannot be read: {fault}") from None
    if len(text) > _MOST_BYTES:
        raise ConfigError(f"results_file: {path}: larger than {_MOST_BYTES} bytes")
    reader = csv.DictReader(io.StringIO(text.decode("utf-8", "replace")))
    rows = [
        {key: value for key, value in row.items() if key and not key.startswith("__mv_") and value}
        for row, _ in zip(reader, range(_MOST_ROWS), strict=False)
    ]
    return {key: value for key, value in whole.items() if key != "results_file"} | {"results": rows}


def _row(store: Store, key: str) -> dict[str, Any]:
    with store.reading() as conn:
        one = alerts.alert_of(conn, key)
        case = case_state.of(conn, one.case_id, "") if one and one.case_id else None
    result = case_state.result_of(one) if one else {}
    plan = case.plan if case else None
    return {
        "alert_id": key,
        "state": one.state if one else "over_cap",
        "case_id": case.case_id if case else "",
        "host": case.host if case else result.get("host", ""),
        "disposition": case.disposition if case else result.get("disposition", ""),
        "severity": case.severity if case else "",
        "notes": result.get("notes", []),
        "plan_id": plan.plan_id if plan else "",
        "digest": plan.digest if plan else "",
        "plan_state": plan.state if plan else "",
    }


def _bytes(file: str) -> bytes:
    name = "stdin" if file == "-" else file
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                raw = stream.read(_MOST_BYTES + 1)
    except OSError as fault:
        raise ConfigError(f"{name}: {fault.strerror}") from None
    if len(raw) > _MOST_BYTES:
        raise ConfigError(f"{name}: larger than {_MOST_BYTES} bytes")
    return raw
