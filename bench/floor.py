"""The floor: a bare DuckDB query over a Zeek conn.log that reads the columns ours reads, as a command of its own.

``python -m bench.floor LOG [measured]``: the seed's counts by (source, destination, port), with the engine settings of
the log source. ``measured`` reads the columns of ``run`` too: source port, duration and connection state. No checks of
rows, no bad lines named, no windows, no address classes, no scores: just the reading and grouping.
"""

import sys
import tempfile

import duckdb

from bench.measuring import ENGINE_MB, ENGINE_THREADS

_WANTED = {
    "ts": "DOUBLE",
    "id.orig_h": "VARCHAR",
    "id.resp_h": "VARCHAR",
    "id.resp_p": "USMALLINT",
    "proto": "VARCHAR",
    "service": "VARCHAR",
    "orig_bytes": "UBIGINT",
    "resp_bytes": "UBIGINT",
    "history": "VARCHAR",
    "orig_pkts": "UBIGINT",
    "orig_ip_bytes": "UBIGINT",
    "resp_pkts": "UBIGINT",
    "resp_ip_bytes": "UBIGINT",
}
_MEASURED = ("id.orig_p", "duration", "conn_state")
_QUERY = """
SELECT "id.orig_h", "id.resp_h", "id.resp_p", count(*) AS connections,
  count(DISTINCT floor(ts / 3600)::BIGINT) AS hours, min(ts), max(ts),
  sum(coalesce(orig_ip_bytes, orig_bytes, 0)), sum(coalesce(resp_ip_bytes, resp_bytes, 0)),
  sum(orig_pkts), sum(resp_pkts), min(proto), max(service), bool_or(history LIKE '%S%'){more}
FROM {source}
GROUP BY ALL HAVING connections >= 20 AND hours >= 3
"""


def main(path: str, measured: bool = False) -> int:
    """Run the query; the number of tuples that pass its HAVING."""
    with open(path, encoding="utf-8") as log:
        names = next(line for line in log if line.startswith("#fields")).rstrip("\n").split("\t")[1:]
    columns = ", ".join(f"'{name}': '{_WANTED.get(name, 'VARCHAR')}'" for name in names)
    source = (
        f"read_csv('{path}', delim = '\t', header = false, auto_detect = false, nullstr = '-', quote = '', "
        f"escape = '', ignore_errors = true, columns = {{{columns}}})"
    )
    with tempfile.TemporaryDirectory() as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{ENGINE_MB}MB",
            "temp_directory": spill,
            "preserve_insertion_order": False,
        }
        if ENGINE_THREADS:
            config["threads"] = ENGINE_THREADS
        with duckdb.connect(config=config) as connection:
            more = "".join(f', max("{name}")' for name in _MEASURED) if measured else ""
            return len(connection.execute(_QUERY.format(source=source, more=more)).fetchall())


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2:] == ["measured"]))
