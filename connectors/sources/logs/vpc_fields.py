"""AWS VPC flow records beside their text form: Parquet files, and the addresses of packets that a NAT gateway hides.

A NAT gateway's interface logs each connection twice: from the client to the gateway, where only pkt-dstaddr names the
true destination, and from the gateway to the destination. The first row is read with the addresses of the packet; the
second one is the gateway's own side of the same connection and is passed over. On other interfaces (a pod's traffic on
its node) the packet's address is the true end as well, and no second row exists.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import duckdb

from connectors.sources.logs.line_sql import file_list, identifier

PASSED = "the NAT gateway's side of a connection that is counted from its client"


def parquet_columns(path: str) -> tuple[str, ...]:
    """The columns of a Parquet file; empty when it cannot be read."""
    file = Path(path)
    return _columns(path, file.stat().st_mtime_ns) if file.is_file() else ()


@lru_cache(maxsize=1024)
def _columns(path: str, _written_at: int) -> tuple[str, ...]:
    try:
        with duckdb.connect(config={"memory_limit": "64MB", "threads": 1}) as connection:
            rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({file_list([path])})").fetchall()
    except duckdb.Error:
        return ()
    return tuple(name for name, *_ in rows)


def as_fields(names: Sequence[str], paths: Sequence[str]) -> str:
    """SELECT file, line, n, text, f: the rows of Parquet files with these columns as lists of texts."""
    fields = ", ".join(f"coalesce({identifier(name)}::VARCHAR, '-')" for name in names)
    return (
        f"SELECT filename AS file, file_row_number + 1 AS line, file_row_number AS n, '' AS text, [{fields}] AS f "
        f"FROM read_parquet({file_list(paths)}, union_by_name = true, filename = true, file_row_number = true)"
    )


def behind_nat(read: str) -> str:
    """SELECT of checked rows with the ends of the packet; rows of a gateway's own side are ``passed``.

    ``read`` has src, sport, dst, dport, pkt_src, pkt_dst (null where the log has none), bad and passed.
    """
    sound = "bad IS NULL AND passed IS NULL"
    legs = f"""
        SELECT DISTINCT dst AS gateway, pkt_dst AS far, dport AS port FROM rows WHERE {sound} AND pkt_dst != dst
        UNION SELECT DISTINCT src, pkt_src, sport FROM rows WHERE {sound} AND pkt_src != src"""
    own = "coalesce(pkt_src = src, true) AND coalesce(pkt_dst = dst, true)"
    sent = "(src, dst, dport) IN (SELECT (gateway, far, port) FROM legs)"
    returned = "(dst, src, sport) IN (SELECT (gateway, far, port) FROM legs)"
    side = f"{sound} AND {own} AND ({sent} OR {returned})"
    return f"""
        WITH rows AS (SELECT * FROM ({read})), legs AS ({legs})
        SELECT * REPLACE (coalesce(pkt_src, src) AS src, coalesce(pkt_dst, dst) AS dst,
            CASE WHEN {side} THEN '{PASSED.replace("'", "''")}' ELSE passed END AS passed) FROM rows"""
