"""Our own event table, as CSV or Parquet, for sources that no other format module reads.

Columns, names in any case: time (ISO with or without an offset, or epoch seconds), hostname, src_ip, dst_ip, dst_port,
bytes_sent, bytes_rcvd, process_name; and, if there, src_port, proto, conns, service, duration, denied. An empty byte
counter is unknown. A quoted value may hold commas and quotes, not line ends.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from connectors.sources.logs import line_sql, vpc_fields
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan
from playbook.errors import UnknownFormat

NAME = "csv"

REQUIRED = ("time", "hostname", "src_ip", "dst_ip", "dst_port", "bytes_sent", "bytes_rcvd", "process_name")
OPTIONAL = ("src_port", "proto", "conns", "service", "duration", "denied")

_PARQUET = "PAR1"
_TELLING = ("time", "src_ip", "dst_ip", "dst_port", "bytes_sent", "bytes_rcvd", "process_name")
_LIKE_OURS = 3
_PATTERNS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")


SAMPLE = Sample(
    headers=("time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name",),
    rows=("${iso}Z,ws-01,$client,45.60.1.1,443,517,4096,chrome.exe",),
)


def recognise(head: str, path: str) -> Recognised | None:
    """A Parquet file, or a CSV whose header has at least three of our telling names; None for any other content."""
    if head.startswith(_PARQUET):
        # The columns stand at the file's end: one that is not ours may be another format's.
        names = {name.lower() for name in vpc_fields.parquet_columns(path)}
        theirs = bool(names) and not names & set(_TELLING)
        return None if theirs else Recognised(format=NAME, kind="conn", options=(("file", "parquet"),))
    columns = line_sql.header(head)
    names = {column.strip().lower() for column in columns}
    if len(names & set(_TELLING)) < _LIKE_OURS:
        return None
    return Recognised(format=NAME, kind="conn", columns=columns)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per row. Raises UnknownFormat when a CSV lacks a required column, naming all of them."""
    if dict(form.options).get("file") == "parquet":
        raw, source, faults = {name: line_sql.identifier(name) for name in (*REQUIRED, *OPTIONAL)}, _parquet(paths), []
    else:
        names = [column.strip().lower() for column in form.columns]
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            raise UnknownFormat(
                f"{', '.join(paths[:3])}: this CSV lacks the columns {', '.join(missing)}; "
                f"expected at least {','.join(REQUIRED)}"
            )
        raw = {
            name: f"f[{names.index(name) + 1}]" if name in names else "NULL::VARCHAR" for name in (*REQUIRED, *OPTIONAL)
        }
        source = line_sql.csv_rows(paths, scan, form.columns)
        wide = len(names)
        faults = [
            ("f IS NULL", "'a quote is left open'"),
            (f"len(f) != {wide}", f"'expected {wide} fields, found ' || len(f)"),
        ]
    zone = dict(form.options).get("time_zone", scan.time_zone)
    return line_sql.canonical("conn", line_sql.checked(source, _cells(raw, zone), faults=faults), _values())


def _parquet(paths: Sequence[str]) -> str:
    """The files' rows with every column as text; a column that no file has is null."""
    empty = ", ".join(f"NULL::VARCHAR AS {line_sql.identifier(name)}" for name in (*REQUIRED, *OPTIONAL))
    files = f"read_parquet({line_sql.file_list(paths)}, union_by_name = true, filename = true, file_row_number = true)"
    both = f"(SELECT {empty} WHERE false) UNION ALL BY NAME (SELECT * FROM {files})"
    return f"SELECT *, filename AS file, file_row_number + 1 AS line FROM ({both})"


def _time(raw: str, zone: str) -> str:
    return f"coalesce({line_sql.seconds(raw)}, {line_sql.offset_time(raw)}, {line_sql.time(raw, zone, _PATTERNS)})"


def _text(raw: str) -> str:
    return f"coalesce({raw}, '')"


def _truth(raw: str) -> str:
    return f"try_cast({raw} AS BOOLEAN)"


def _cells(raw: Mapping[str, str], zone: str) -> dict[str, Cell]:
    return {
        "seen": Cell("time", raw["time"], partial(_time, zone=zone)),
        "src": Cell("src_ip", raw["src_ip"], line_sql.address),
        "dst": Cell("dst_ip", raw["dst_ip"], line_sql.address),
        "dport": Cell("dst_port", raw["dst_port"], line_sql.port),
        "sport": Cell("src_port", raw["src_port"], line_sql.port, required=False),
        "sent": Cell("bytes_sent", raw["bytes_sent"], line_sql.count, required=False),
        "received": Cell("bytes_rcvd", raw["bytes_rcvd"], line_sql.count, required=False),
        "sessions": Cell("conns", raw["conns"], line_sql.count, required=False),
        "lasted": Cell("duration", raw["duration"], line_sql.seconds, required=False),
        "refused": Cell("denied", raw["denied"], _truth, required=False),
        "host": Cell("hostname", raw["hostname"], _text),
        "process": Cell("process_name", raw["process_name"], _text),
        "spoken": Cell("service", raw["service"], _text),
        "transport": Cell("proto", raw["proto"], line_sql.protocol, required=False),
    }


def _values() -> dict[str, str]:
    return {
        "start": "seen",
        "hostname": "host",
        "src_ip": "src",
        "src_port": "sport",
        "dst_ip": "dst",
        "dst_port": "dport",
        "proto": "transport",
        "conns": "greatest(coalesce(sessions, 1), 1)",
        "bytes_sent": "sent",
        "bytes_rcvd": "received",
        "bytes_total": "sent + received",
        "orig_bytes": "CASE WHEN coalesce(sessions, 1) <= 1 THEN sent END",
        "process_name": "process",
        "service": "lower(spoken)",
        "duration": "lasted",
        "denied": "coalesce(refused, false)",
    }
