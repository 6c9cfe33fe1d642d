"""Connections as Parquet files of a few megabytes each, to be sent to an engine that takes such files."""

from pathlib import Path

import duckdb

from connectors.sources.logs.engine import Engine
from connectors.sources.logs.schema import CANONICAL, literal
from playbook.errors import BadAnswer

_PART_BYTES = 16 << 20


def parquet_parts(engine: Engine, relation: str, digest: str) -> tuple[tuple[Path, ...], int]:
    """The rows of ``relation`` that can be used, and how many; times are UTC stamps to the microsecond.

    ``digest`` stands in the column ``loaded_from`` of each. Raises BadAnswer when the files cannot be read.
    """
    folder = engine.folder / "parts"
    columns = ", ".join(name for name in CANONICAL["conn"] if name != "start")
    try:
        engine.run(
            f"COPY (SELECT make_timestamp(floor(start * 1000000)::BIGINT) AS start, {columns},"
            f" {literal(digest)} AS loaded_from FROM {relation} WHERE start IS NOT NULL AND dst_port IS NOT NULL)"
            f" TO {literal(str(folder))} (FORMAT parquet, FILE_SIZE_BYTES {_PART_BYTES}, OVERWRITE true)"
        )
        paths = tuple(sorted(folder.glob("*.parquet")))
        listed = ", ".join(literal(str(path)) for path in paths)
        ((rows,),) = engine.believed(f"SELECT count(*) FROM read_parquet([{listed}])")
    except duckdb.Error as fault:
        raise BadAnswer(f"the rows cannot be written: {str(fault).splitlines()[0]}") from fault
    return paths, rows
