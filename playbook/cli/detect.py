"""detect: stage one alone, the rows of the beaconing detection over log files."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from playbook.assembly import log_source
from playbook.cli._columns import columns, columns_option
from playbook.cli._log_options import log_options, log_settings
from playbook.cli._options import config_option, configuration, emit, now, uncollected
from playbook.cli._source_options import progress_bar
from playbook.detections import languages
from playbook.detections.beaconing import COLUMNS, row
from playbook.detections.by_name import NAME as BY_NAME
from playbook.detections.rows import BESIDE, beside
from playbook.model.detection import RULE, Detection, Fetched, SourceHealth
from playbook.ports import Progress
from playbook.report.sanitize import plain, several, utc
from playbook.triage.merge import merge_windows

_BESIDE = ("bytes_known", "denied", "blocked", "rule")
_FORMULA = ("=", "+", "-", "@")
_LONGEST_CELL = 8192
_LONGEST_HOST = 40
_REASONS = 6


@click.command(name="detect")
@config_option
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@log_options
@click.option(
    "--profile",
    type=click.Choice(["default", "seed"]),
    default="default",
    show_default=True,
    help="seed: the original rule, for comparison.",
)
@click.option(
    "--rule",
    type=click.Choice([*languages.all_detections(), "all"]),
    default=RULE,
    show_default=True,
    help="The rows of another detection; all: of every one, as `run` takes them.",
)
@click.option("--window", default="auto", show_default=True, help="24h or 7d back from the newest event, or all.")
@columns_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    config_file: Path | None,
    paths: tuple[str, ...],
    format_: str,
    year: int | None,
    time_zone: str | None,
    profile: str,
    rule: str,
    window: str,
    columns_file: Path | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Find beaconing in log files; nothing is judged. Rows by score and connections."""
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    ctx.with_resource(uncollected())
    settings = {
        "profile": profile,
        "window": window,
        "keep_traffic": False,
        "names": rule in (BY_NAME, "all"),
        **log_settings(format_, year, time_zone),
        **columns(columns_file),
    }
    with progress_bar("reading", not as_json) as told:
        fetched = _fetch(config_file, paths, settings, now(), told)
    health = merge_windows(fetched).health
    every = [d for one in fetched for d in one.detections]
    rows = [_row(d, profile) for d in every if rule in ("all", d.rule)]
    if as_json:
        emit(_document(profile, health, rows, dict(_not_shown(every, rule))))
    else:
        beyond = _others(every, rule)
        for line in (_read(health), *_left_out(health), *beyond, *(f"warning: {text}" for text in health.warnings)):
            click.echo(plain(line, _LONGEST_CELL), err=True)
        click.echo(_csv(rows, profile) if as_csv else _text(rows, health), nl=False)
    ctx.exit(0 if health.complete else 4)


def _fetch(
    config_file: Path | None,
    paths: tuple[str, ...],
    settings: dict[str, Any],
    moment: datetime,
    progress: Progress | None,
) -> tuple[Fetched, ...]:
    config, file = configuration(config_file)
    source = log_source(config, file, paths, settings, moment)
    fetched: tuple[Fetched, ...] = source.fetch(None, progress)
    return fetched


def _row(detection: Detection, profile: str) -> dict[str, Any]:
    """The normative columns; the default profile adds what it knows of bytes and denials."""
    more = {name: getattr(detection, name) for name in _BESIDE} if profile == "default" else {}
    return row(detection) | more | beside(detection)


def _rejected(health: SourceHealth) -> tuple[str, ...]:
    return tuple(f"rejected: {example}" for example in health.rejected_examples)


def _read(health: SourceHealth) -> str:
    """What was read: how many rows, from when to when."""
    if health.oldest_event is None or health.newest_event is None:
        return "read: no row"
    return (
        f"read: {several(health.rows_read, 'row')}, {utc(health.oldest_event)} to {utc(health.newest_event)} UTC"
        f"{'' if health.complete else ', INCOMPLETE'}"
    )


def _document(
    profile: str, health: SourceHealth, rows: list[dict[str, Any]], not_shown: dict[str, int]
) -> dict[str, Any]:
    """The JSON document; ``not_shown`` are the rows of other detections, by their name."""
    return {
        "profile": profile,
        "rows_read": health.rows_read,
        "rows_rejected": health.rows_rejected,
        "rows_passed": health.rows_passed,
        "complete": health.complete,
        "warnings": [*health.warnings, *_rejected(health)],
        "not_shown": not_shown,
        "detections": rows,
    }


def _not_shown(every: Sequence[Detection], rule: str) -> Counter[str]:
    """How many rows the other detections have."""
    return Counter(detection.rule for detection in every if rule not in ("all", detection.rule))


def _others(every: Sequence[Detection], rule: str) -> tuple[str, ...]:
    """What the other detections have that is not shown, and how it is."""
    counts = _not_shown(every, rule)
    return tuple(f"not shown: {several(number, 'row')} of {name} (--rule {name})" for name, number in counts.items())


def _left_out(health: SourceHealth) -> tuple[str, ...]:
    """What was left out and why: rows that say nothing of a connection by reason, rejected ones with the first few."""
    reasons = [f"{count:,} {reason}" for reason, count in health.rows_passed.items()]
    more = f"; and {len(reasons) - _REASONS} more reasons" if len(reasons) > _REASONS else ""
    total = sum(health.rows_passed.values())
    passed = (
        (
            f"left out: {several(total, 'row')} that {'tells' if total == 1 else 'tell'} of no connection ("
            f"{'; '.join(reasons[:_REASONS])}{more})",
        )
        if reasons
        else ()
    )
    return (*passed, *(f"warning: {text}" for text in _rejected(health)))


def _csv(rows: list[dict[str, Any]], profile: str) -> str:
    text = io.StringIO()
    columns = [*COLUMNS, *((*_BESIDE, *BESIDE) if profile == "default" else ())]
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        r | {name: _cell(r[name]) for name in ("hostname", "dst_name") if name in r} | _lists(r) for r in rows
    )
    return text.getvalue()


def _lists(row: dict[str, Any]) -> dict[str, str]:
    return {name: _cell(";".join(row[name])) for name in ("processes", "destinations") if name in row}


def _cell(text: str) -> str:
    """What a host wrote, without terminal sequences, and no formula where a spreadsheet opens it."""
    shown = plain(text, _LONGEST_CELL)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _remark(row: dict[str, Any]) -> str:
    """What is special: that it was blocked, or how long the longest connection was open."""
    length = f"  open for {row['longest_s'] / 3600:.1f} h" if "longest_s" in row else ""
    return ("  blocked" if row.get("blocked") else "") + length


def _destination(row: dict[str, Any]) -> str:
    """The address, or the name with how many addresses it stands for."""
    return f"{plain(row['dst_name'])} ({row['destination_count']} addresses)" if "dst_name" in row else row["dst_ip"]


def _text(rows: list[dict[str, Any]], health: SourceHealth) -> str:
    """A plain table of what a person looks at first, and one line that counts."""
    hosts = [plain(r["hostname"] or r["src_ip"], _LONGEST_HOST) for r in rows]
    wide = max((len(host) for host in hosts), default=0)
    head = f"score  connections  hours   a hour  bytes each  {'host':<{wide}}  source -> destination"
    lines = [head] if rows else []
    lines += [
        f"{r['beaconing_score']:>5}  {r['connections']:>11}  {r['hourly_buckets']:>5}  {r['avg_per_hour']:>7}  "
        f"{'unknown' if r['avg_bytes_per_conn'] is None else r['avg_bytes_per_conn']:>10}  "
        f"{host:<{wide}}  {r['src_ip']} -> {_destination(r)} port {r['dst_port']}{_remark(r)}"
        for host, r in zip(hosts, rows, strict=True)
    ]
    state = "" if health.complete else ", INCOMPLETE"
    found = f"{several(len(rows), 'row')} from {several(health.rows_read, 'event')}"
    lines.append(f"{found}, {health.rows_rejected:,} rejected{state}")
    return "\n".join(lines) + "\n"
