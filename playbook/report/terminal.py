"""The run as a person reads it in a terminal: a header, the cases worst first, then everything else in short."""

from collections import Counter
from collections.abc import Iterable
from textwrap import wrap

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from playbook.model.case import Case, Run
from playbook.model.enrichment import NetworkOwner
from playbook.model.verdict import Disposition
from playbook.report.sanitize import TIED, count, named, plain, several, tied, utc
from playbook.report.wording import (
    DISPOSITION,
    FILTER_NAMES,
    destination,
    missing,
    outcome,
    proposal,
    silence,
    traffic_words,
    unavailable,
    unstored,
)

_WIDE = 150
# Too narrow a column is left to rich, which folds anywhere.
_LEAST = 12
_QUIET = frozenset({"watch", "closed"})
_MOST_ROWS, _MOST_HOSTS, _MOST_DESTINATIONS, _MOST_REASONS, _MOST_LINES, _MOST_EXAMPLES = 50, 12, 3, 3, 8, 3
_STYLE: dict[Disposition, str] = {
    "TRUE_POSITIVE": "bold red",
    "UNDETERMINED": "bold yellow",
    "BENIGN_POSITIVE": "green",
    "FALSE_POSITIVE": "dim",
}


def _line(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style, overflow="fold")


def _hanging(text: str, style: str = "", width: int = 0) -> Text:
    """Lines of at most ``width`` cells, all but the first set in; a number stays with its unit."""
    whole = tied(plain(text))
    lines = wrap(whole, width, subsequent_indent="  ", break_on_hyphens=False) if width > _LEAST else [whole]
    return Text("\n".join(lines).replace(TIED, " "), style=style, overflow="fold")


def _stack(parts: Iterable[Text]) -> Text:
    return Text("\n").join(parts)


def _listed(texts: tuple[str, ...], most: int, style: str = "", width: int = 0) -> list[Text]:
    lines = [_hanging(text, style, width) for text in texts[:most]]
    if len(texts) > most:
        lines.append(_line(f"and {len(texts) - most} more", "dim"))
    return lines


def _alike(cases: tuple[Case, ...]) -> tuple[tuple[Case, ...], ...]:
    """The rows of the table: quiet cases that say the same of the same destination share one."""
    rows: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        verdict = case.verdict
        same = (verdict.disposition, verdict.confidence, verdict.reasons, _destinations(case), proposal(case))
        rows.setdefault(same if case.status in _QUIET else (case.case_id,), []).append(case)
    return tuple(tuple(row) for row in rows.values())


def _host(row: tuple[Case, ...]) -> Text:
    names = sorted({named(case.host) for case in row})
    more = f" and {len(names) - _MOST_HOSTS} more" if len(names) > _MOST_HOSTS else ""
    parts = [_line(", ".join(names[:_MOST_HOSTS]) + more, "bold")]
    if row[0].status not in _QUIET:
        parts += [_line(address, "dim") for address in row[0].addresses[:2] if address != row[0].host]
    owners = dict.fromkeys(case.record.owner for case in row if case.record and case.record.owner)
    parts.append(_line(f"owner: {', '.join(owners) or 'unknown'}", "dim"))
    return _stack(parts)


def _verdict(row: tuple[Case, ...]) -> Text:
    verdict = row[0].verdict
    told = _line(DISPOSITION[verdict.disposition], _STYLE[verdict.disposition])
    told.append(f", {verdict.confidence}")
    return _stack([told, _line(row[0].case_id if len(row) == 1 else several(len(row), "case"), "dim")])


def _destinations(case: Case) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            destination(d.enriched.detection) + (" (denied)" if d.enriched.detection.blocked else "")
            for d in case.detections
        )
    )


def _table(console: Console, *columns: tuple[str, int]) -> tuple[Table, int]:
    """A table of these columns, those of width 0 as wide as what is left over allows, and that width."""
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, show_lines=False, leading=1)
    for title, width in columns:
        table.add_column(title, width=width or None, ratio=None if width else 1, overflow="fold")
    open_ones = sum(not width for _, width in columns)
    taken = sum(width for _, width in columns) + 3 * len(columns) - 1
    return table, (console.width - taken) // open_ones


def _seen(row: tuple[Case, ...]) -> tuple[str, ...]:
    """What was counted of the worst detection, when, and whose network and name the destination is.

    Nothing of cases that are closed, or that share a row.
    """
    if len(row) > 1 or row[0].status == "closed":
        return ()
    judged = row[0].detections[0].enriched
    found = judged.detection
    network = next((a for e in judged.enrichments for a in e.answers if isinstance(a, NetworkOwner)), None)
    where = [f"AS{network.asn} {network.organisation}".strip()] if network is not None and network.asn else []
    parts = [
        traffic_words([found]),
        f"{utc(found.first_seen)} to {utc(found.last_seen)}",
        *where,
        ", ".join(judged.names[:2]),
    ]
    return ("; ".join(part for part in parts if part),)


def _nearest_change(case: Case) -> tuple[str, ...]:
    """What would turn a case that is only watched."""
    return tuple(f"would turn it: {text}" for text in case.verdict.would_change[:1]) if case.status == "watch" else ()


def _wide(rows: tuple[tuple[Case, ...], ...], console: Console) -> Table:
    table, width = _table(console, ("Host", 16), ("Verdict", 15), ("Why", 0), ("Destination", 23), ("Proposed", 0))
    for row in rows:
        case = row[0]
        table.add_row(
            _host(row),
            _verdict(row),
            _stack(
                [
                    *_listed(case.verdict.reasons, _MOST_REASONS, width=width),
                    *_listed(_nearest_change(case), 1, "dim", width),
                    *_listed(_seen(row), 1, "dim", width),
                ]
            ),
            _stack(_listed(_destinations(case), _MOST_DESTINATIONS)),
            _stack(_listed(proposal(case), _MOST_REASONS, width=width)),
        )
    return table


def _narrow(rows: tuple[tuple[Case, ...], ...], console: Console) -> Table:
    table, width = _table(console, ("Host and verdict", 22), ("Why, where to, and what is proposed", 0))
    for row in rows:
        case = row[0]
        told = [
            *_listed(case.verdict.reasons, _MOST_REASONS, width=width),
            *_listed(_nearest_change(case), 1, "dim", width),
            *_listed(tuple(f"to {d}" for d in _destinations(case)), _MOST_DESTINATIONS, width=width),
            *_listed(_seen(row), 1, "dim", width),
            *_listed(tuple(f"> {p}" for p in proposal(case)), _MOST_REASONS, "bold", width),
        ]
        table.add_row(_stack([_host(row), _verdict(row)]), _stack(told))
    return table


def _header(run: Run, console: Console) -> None:
    health = run.health
    rejected = f" ({count(health.rows_rejected)} rejected)" if health.rows_rejected else ""
    console.print(
        Text.assemble(
            (plain(run.source, 80), "bold"), f"  {utc(run.window.start)} to {utc(run.window.end)} UTC", overflow="fold"
        )
    )
    line = Text(f"{count(health.rows_read)} rows read{rejected}  ", overflow="fold")
    line.append("complete" if run.complete else "INCOMPLETE", style="" if run.complete else "bold red")
    console.print(line.append(f"  {several(len(run.warnings), 'warning')}"))
    if unstored(run):
        console.print(_line(unstored(run), "dim"))
    for text in silence(run):
        console.print(_line(f"! {text}", "bold red"))
    listed = (
        *_listed(_left_out(run), 1, "dim", console.width),
        *_listed(tuple(f"warning: {w}" for w in run.warnings), _MOST_LINES, "yellow", console.width),
        *_listed(tuple(f"rejected: {e}" for e in health.rejected_examples), _MOST_EXAMPLES, "yellow"),
    )
    for line in listed:
        console.print(line)


def _left_out(run: Run) -> tuple[str, ...]:
    """How many rows tell of no connection, and of which sorts the most are."""
    passed = run.health.rows_passed
    if not passed:
        return ()
    reasons = "; ".join(f"{count(n)} {reason}" for reason, n in list(passed.items())[:_MOST_REASONS])
    more = f"; and {len(passed) - _MOST_REASONS} more reasons" if len(passed) > _MOST_REASONS else ""
    return (f"left out: {several(sum(passed.values()), 'row')} of no connection ({reasons}{more})",)


def _section(console: Console, title: str, lines: tuple[str, ...], most: int = _MOST_LINES) -> None:
    if not lines:
        return
    console.print(_line(title, "bold"))
    for text in _listed(lines, most, width=console.width - 2):
        console.print(Padding(text, (0, 0, 0, 2)))


def _filtered(run: Run) -> tuple[str, ...]:
    """One line a filter: how many rows it took out and a few examples."""
    lines: list[str] = []
    for filter, taken in sorted(Counter(g.filter for g in run.filtered).items()):
        rows = [g for g in run.filtered if g.filter == filter]
        seen = dict.fromkeys(f"{named(g.host)} to {plain(g.dst_ip, 45)} port {g.dst_port}" for g in rows)
        examples = "; ".join(list(seen)[:_MOST_EXAMPLES])
        lines.append(f"{filter} {FILTER_NAMES[filter]}: {taken:,} (for example {examples})")
    return tuple(lines)


def _tickets(run: Run) -> tuple[str, ...]:
    """One line a ticket of several cases, which no row of the table shows whole, and one for all the others."""
    shared = tuple(
        f"{plain(t.title, 160)} ({several(len(t.case_ids), 'case')})" for t in run.tickets if len(t.case_ids) != 1
    )
    alone = len(run.tickets) - len(shared)
    return (*shared, f"{several(alone, 'case')} above with one each") if alone else shared


def render(run: Run, console: Console, next_step: str = "") -> None:
    """Print the run on the console; ``next_step`` is the last line, what to try next.

    Text from logs is shown without control characters and never read as markup. Colour is the console's business:
    rich gives none in a pipe.
    """
    _header(run, console)
    console.print(_line(outcome(run), "bold"))
    if run.cases:
        rows = _alike(run.cases)
        console.print((_wide if console.width >= _WIDE else _narrow)(rows[:_MOST_ROWS], console))
        left = sum(len(row) for row in rows[_MOST_ROWS:])
        if left:
            console.print(_line(f"and {several(left, 'case')} more, all of them in the report"))
    _section(console, f"Filtered before any look-up: {several(len(run.filtered), 'detection')}", _filtered(run))
    _section(console, f"Tickets: {len(run.tickets)}{'' if run.stored else ' (proposed, none opened)'}", _tickets(run))
    _section(console, "Expired exceptions (no longer applied)", run.exceptions_expired)
    _section(console, "Enrichers that did not answer", unavailable(run))
    _section(console, "Missing", tuple(f"{what} ({several(n, 'case')})" for what, n in missing(run)))
    if next_step:
        console.print()
        console.print(Text(plain(next_step), style="bold cyan", overflow="fold"))
