"""The lines of large text files as Parquet, so that all processors take them apart, each line with its number.

DuckDB numbers the lines of a text file by one thread, and everything above that number then runs in the same thread. A
Parquet file knows the number of each row itself. The copy costs about a tenth of what reading a firewall's lines does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.sources.logs import line_sql
from connectors.sources.logs.engine import Engine, Progress
from connectors.sources.logs.files import LogFile
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.schema import literal

LEAST_BYTES = 16 << 20  # smaller files are done before two threads have begun
_GROUP_BYTES = 8 << 20
_FEWEST_ROWS, _MOST_ROWS = 2048, 61440
_LOOKED_AT = 256 << 10


@contextmanager
def line_copies(engine: Engine, reading: Reading, progress: Progress | None = None) -> Iterator[bool]:
    """Inside, the reading takes the lines of its large plain files from copies; yields whether all its files are such.

    The table of what DuckDB refuses is begun anew, and filled while the copies are written.
    """
    files = () if reading.by_line else reading.text_files
    if engine.threads < 2 or len(files) > line_sql.NUMBERED_PATHS:
        files = ()
    large = [file for file in files if file.size >= LEAST_BYTES and file.packing == "plain"]
    engine.run(f"DROP TABLE IF EXISTS {reading.scan.rejects}; DROP TABLE IF EXISTS reject_scans")
    try:
        for number, file in enumerate(large):
            target = engine.folder / f"lines-{number}.parquet"
            rows = line_sql.every_line((str(file.path),), reading.scan)
            engine.run(
                f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy, "
                f"ROW_GROUP_SIZE {_rows_a_group(file)})",
                progress,
                file.size,
                in_order=True,
            )
            reading.line_copies += ((str(file.path), str(target)),)
        yield bool(large) and len(large) == len(reading.paths)
    finally:
        for _, copy in reading.line_copies:
            Path(copy).unlink(missing_ok=True)
        reading.line_copies = ()


def _rows_a_group(file: LogFile) -> int:
    """As many lines as fill a group of some megabytes, which each thread holds at once."""
    with file.path.open("rb") as text:
        head = text.read(_LOOKED_AT)
    return min(max(_GROUP_BYTES * (head.count(b"\n") + 1) // max(len(head), 1), _FEWEST_ROWS), _MOST_ROWS)
