"""The account of a format whose rows are not its lines: how many were read, passed over by reason, and rejected."""

from collections.abc import Sequence

from connectors.sources.logs.line_sql import lines
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.rejects import Rejected, named
from connectors.sources.logs.schema import Scan, literal

_EXAMPLES, _MOST_REASONS, _NAMED_REASONS, _MOST_FILES = 5, 1000, 4, 5
_NO_DEVICE = "a line of no known device"


def account(reading: Reading, relation: str) -> None:
    """Fill the reading's ``rejected``, ``passed``, ``warnings`` and ``cut`` from a copy with the columns of ASIDE."""
    reading.note_cuts()
    _rejected(reading, relation)
    for reason, count in reading.engine.believed(
        f"SELECT passed, sum(records)::BIGINT AS many FROM {relation} WHERE passed IS NOT NULL "
        f"GROUP BY passed ORDER BY many DESC, passed LIMIT {_MOST_REASONS}"
    ):
        reading.passed[reason] += count
    _of_no_device(reading)
    ((joined, lost),) = reading.engine.believed(
        f"SELECT coalesce(sum(joined), 0)::BIGINT, count(*) FILTER (lost) FROM {relation}"
    )
    if joined:
        reading.warnings.append(
            f"{reading.module.NAME}: {joined:,} rows were joined to the connection before them by time alone, because "
            "the log shows no TCP flags there"
        )
    if lost:
        reading.cut.append(f"{reading.module.NAME}: {lost:,} lines say that the exporter lost records")
    if hasattr(reading.module, "LACKS") and reading.kind == "conn":
        _lacking(reading, relation)


def _rejected(reading: Reading, relation: str) -> None:
    refused = f"FROM {relation} WHERE start IS NULL AND passed IS NULL"
    ((count,),) = reading.engine.believed(f"SELECT coalesce(sum(records), 0)::BIGINT {refused}")
    first = (
        reading.engine.believed(f"SELECT file, line, bad {refused} ORDER BY bad IS NULL, file, line LIMIT {_EXAMPLES}")
        if count
        else ()
    )
    examples = tuple(_named(reading, path, line, why or "no usable time or address") for path, line, why in first)
    by_engine, unread = reading.from_table()
    reading.rejected += Rejected(count + unread, (*examples, *by_engine.examples)[:_EXAMPLES])


def _named(reading: Reading, path: str | None, line: int | None, why: str) -> str:
    where, number = reading.place(path).at(line) if path else ("a row", line)
    return named(where, number, why)


def _of_no_device(reading: Reading) -> None:
    """Of files that hold the lines of several devices: the lines that are of none of them, told once."""
    for form, files in reading.forms.items():
        all_of_them = dict(form.options).get("all lines", "")
        if all_of_them:
            rows = lines([str(file.path) for file in files], Scan())
            ((count,),) = reading.engine.believed(
                f"SELECT count(*) FROM ({rows}) WHERE NOT regexp_matches(text, {literal(all_of_them)})"
            )
            reading.passed.update({_NO_DEVICE: count} if count else {})


def _lacking(reading: Reading, relation: str) -> None:
    """Name the files that hold lines of this format and not one event."""
    rows = reading.engine.believed(f"""
        SELECT file, sum(records)::BIGINT, list(DISTINCT passed ORDER BY passed)[:{_NAMED_REASONS}] FROM {relation}
        WHERE file IS NOT NULL GROUP BY file HAVING count(start) = 0 AND count(passed) > 0 ORDER BY file
        LIMIT {_MOST_FILES}""")
    reading.warnings += [
        f"{reading.place(path).path}: no {reading.module.LACKS} among {count:,} lines (seen: {_joined(reasons)})"
        for path, count, reasons in rows
    ]


def _joined(reasons: Sequence[str]) -> str:
    return "; ".join("".join(c if c.isprintable() else "?" for c in reason[:60]) for reason in reasons)
