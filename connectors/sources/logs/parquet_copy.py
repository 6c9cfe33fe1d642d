"""A reading copied once to Parquet, repaired and read again as its files need, every line accounted for."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb

from connectors.sources.logs.accounting import account
from connectors.sources.logs.engine import Engine, Progress
from connectors.sources.logs.line_copies import line_copies
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.schema import ASIDE, ASIDE_DEFAULTS, literal
from playbook.detections.languages.duckdb import ADDRESS
from playbook.errors import BadAnswer

EVERYTHING = (*ASIDE, *ASIDE_DEFAULTS)
_ATTEMPTS = 3
_USABLE = " AND ".join(f"regexp_full_match({side}, '{ADDRESS}')" for side in ("src_ip", "dst_ip"))


def copied(engine: Engine, reading: Reading, columns: Sequence[str] = (), progress: Progress | None = None) -> str:
    """The relation of the copy, with ``columns`` beside the kind's own. Raises BadAnswer when it cannot be read."""
    names = tuple(dict.fromkeys((*columns, *(() if reading.by_line else EVERYTHING))))
    number = len(list(engine.folder.glob("copy-*")))
    relation = f"read_parquet({literal(str(engine.folder / f'copy-{number}.parquet'))})"
    halves = _halves(progress)
    for _ in range(_ATTEMPTS):
        try:
            with ThreadPoolExecutor(1) as worker:
                reading.start_survey(worker)
                with line_copies(engine, reading, halves[0]) as everywhere:
                    engine.run(
                        f"COPY ({reading.sql(names, keep_rejects=not reading.by_line)}) TO {relation[13:-1]} "
                        "(FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440)",
                        halves[1] if everywhere else progress,
                        reading.size,
                        in_order=not (reading.by_line or everywhere),
                    )
            if not reading.by_line and reading.torn():
                continue
            if not reading.by_line:
                account(reading, relation)
                return relation
            usable, unusable = _counted(engine, relation, reading.kind)
            if not reading.settle(usable, unusable):
                return _without_text(relation) if unusable else relation
        except duckdb.Error as fault:
            if not reading.repair():
                raise BadAnswer(f"{reading.kind} log: cannot be read: {str(fault).splitlines()[0]}") from fault
    raise BadAnswer(f"{reading.kind} log: cannot be read: rows go missing at each attempt")


def _halves(progress: Progress | None) -> tuple[Progress | None, Progress | None]:
    """The progress of the copy of the lines, and that of reading it."""
    if progress is None:
        return None, None
    return lambda done, total: progress(done // 2, total), lambda done, total: progress((done + total) // 2, total)


def _counted(engine: Engine, relation: str, kind: str) -> tuple[int, int]:
    """How many rows can be used by their time, and how many of those have text for an address."""
    if kind != "conn":
        ((rows,),) = engine.believed(f"SELECT count(*) FROM {relation} WHERE start IS NOT NULL")
        return rows, 0
    pairs = f"SELECT src_ip, dst_ip, count(*) AS n FROM {relation} WHERE start IS NOT NULL GROUP BY ALL"
    ((rows, unusable),) = engine.believed(
        f"SELECT coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (NOT ({_USABLE})), 0)::BIGINT FROM ({pairs})"
    )
    return rows, unusable


def _without_text(relation: str) -> str:
    return f"(SELECT * REPLACE (CASE WHEN {_USABLE} THEN start END AS start) FROM {relation})"
