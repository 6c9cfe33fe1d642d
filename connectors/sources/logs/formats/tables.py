"""Tables that a search exported, CSV, JSON or Parquet: names of Splunk's CIM, Sumo Logic, the usual ones or your own.

Which column is which is known by its name (``NAMES``), or said by ``--columns FILE`` and ``[sources.NAME] columns``:
our name on the left, theirs on the right; a JSON column may be a path (``event.src.ip``).

- Direction: the source column opened the connection; a table that has the answers as rows of their own is not one.
- NAT: ``src_translated_ip`` and ``dest_translated_ip`` are left aside: the host's own address counts.
- Denied: ``action`` is a drop, deny, block, reject or reset, or ``denied`` is true.
- Repeats: a row is one connection, or as many as ``conns`` (``count``, ``_count``, ``flows``) says.
- Bytes: bytes_sent (``bytes_out``) leave the source, bytes_rcvd (``bytes_in``) come back; absent is unknown. A total
  alone (``bytes``) is the total.
- Time: see connectors/sources/logs/json_paths.py ``moment``; a stamp without an offset is of ``--timezone``.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from connectors.sources.logs import json_paths, line_sql, vpc_fields
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Columns, Recognised, Sample, Scan, literal
from playbook.errors import ConfigError

NAME = "table"
ASKED_LAST = True  # its names are anybody's: a format that knows its own columns better goes first

# Our name -> the names that exports give it, in lower case; the first one that is there is taken.
NAMES: Mapping[str, tuple[str, ...]] = {
    "time": (
        "_time",
        "_messagetime",
        "start_time",
        "starttime",
        "starttimeutc",
        "event_time",
        "eventtime",
        "timestamp",
        "@timestamp",
        "time",
        "_receipttime",
        "datetime",
        "date",
        "ts",
    ),
    "src_ip": (
        "src_ip",
        "src",
        "srcip",
        "source_ip",
        "sourceip",
        "source.ip",
        "source_address",
        "srcaddr",
        "src_addr",
        "client_ip",
        "c_ip",
    ),
    "dst_ip": (
        "dest_ip",
        "dest",
        "dst_ip",
        "dstip",
        "dst",
        "destination_ip",
        "destip",
        "destinationip",
        "destination.ip",
        "destination_address",
        "dstaddr",
        "dst_addr",
        "server_ip",
    ),
    "dst_port": (
        "dest_port",
        "dst_port",
        "dstport",
        "dport",
        "destination_port",
        "destport",
        "destinationport",
        "destination.port",
        "server_port",
    ),
    "src_port": ("src_port", "srcport", "sport", "source_port", "sourceport", "source.port", "client_port"),
    "bytes_sent": ("bytes_out", "bytes_sent", "sent_bytes", "sentbyte", "bytessent", "source.bytes", "orig_bytes"),
    "bytes_rcvd": (
        "bytes_in",
        "bytes_received",
        "bytes_rcvd",
        "rcvd_bytes",
        "rcvdbyte",
        "bytesreceived",
        "destination.bytes",
        "resp_bytes",
    ),
    "bytes_total": ("bytes", "total_bytes", "bytes_total", "network.bytes"),
    "proto": ("transport", "proto", "protocol", "network.transport", "ip_protocol"),
    "service": ("app", "service", "application", "network.protocol"),
    "duration": ("duration",),
    "action": ("action", "vendor_action"),
    "denied": ("denied",),
    "conns": ("conns", "count", "_count", "flows", "connections"),
    "hostname": ("src_host", "src_hostname", "src_name", "hostname"),
    "process_name": ("process_name", "process"),
}
NEEDED = ("time", "src_ip", "dst_ip", "dst_port")
_REFUSALS = "deny|denied|drop|dropped|block|blocked|reject|rejected|reset|failure|denied-.*|blocked-.*"
# What a detection's own answer has: rows about many connections each, over hours.
_SUMMED = frozenset(("beaconing_score", "hourly_buckets", "avg_per_hour"))


SAMPLE = Sample(
    headers=("_time,src_ip,src_port,dest_ip,dest_port,transport,action,bytes_out,bytes_in",),
    rows=(
        "${iso}.000+0000,$client,$port,45.60.1.1,443,tcp,allowed,517,4096",
        "${iso}.000+0000,$client,$port,45.60.1.3,23,tcp,blocked,,",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """A CSV header or JSON rows with a time, both addresses and the port under known names; None for other content."""
    first = head.lstrip("\ufeff \t\r\n")
    names = _json_names(first) if first.startswith("{") else line_sql.header(first)
    by_name = {name.strip().lower(): name for name in reversed(names)}
    if _SUMMED & by_name.keys():
        return None
    chosen = {ours: by_name[one] for ours, known in NAMES.items() for one in reversed(known) if one in by_name}
    return _form(chosen, names, "json" if first.startswith("{") else "csv") if chosen.keys() >= set(NEEDED) else None


def mapped(head: str, columns: Columns, path: str = "") -> Recognised | None:
    """The table that has the columns of a person's own mapping; None for any other file.

    Raises ConfigError for a name of ours that there is not, and for a mapping without one that is needed.
    """
    chosen = dict(columns)
    if unknown := sorted(set(chosen) - set(NAMES)):
        raise ConfigError(f"columns: {', '.join(unknown)}: not known; known: {', '.join(NAMES)}")
    if missing := [name for name in NEEDED if name not in chosen]:
        raise ConfigError(f"columns: {', '.join(missing)} must be given")
    if head.startswith("PAR1"):
        names = vpc_fields.parquet_columns(path)
        return _form(chosen, names, "parquet") if set(chosen.values()) <= set(names) else None
    first = head.lstrip("\ufeff \t\r\n")
    if first.startswith("{"):
        records = json_paths.objects(first)
        found = all(any(json_paths.at(one, chosen[name]) is not None for one in records) for name in NEEDED)
        return _form(chosen, (), "json") if found else None
    names = line_sql.header(first)
    return _form(chosen, names, "csv") if set(chosen.values()) <= {name.strip() for name in names} else None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per row of the table."""
    options = dict(form.options)
    zone = options.get("time_zone", scan.time_zone)
    chosen = {name: options[f"column {name}"] for name in NAMES if f"column {name}" in options}
    if options["file"] == "json":
        source = json_paths.records(paths, scan, {f"of {name}": path for name, path in chosen.items()})
        raw = {name: line_sql.identifier(f"of {name}") if name in chosen else "NULL::VARCHAR" for name in NAMES}
        faults = [("NOT is_json", "'not JSON: ' || left(text, 60)")]
    elif options["file"] == "parquet":
        source, faults = vpc_fields.as_fields([chosen[name] for name in chosen], paths), []
        raw = dict.fromkeys(NAMES, "NULL::VARCHAR")
        raw |= {name: f"nullif(f[{place}], '-')" for place, name in enumerate(chosen, 1)}
    else:
        stripped = [name.strip() for name in form.columns]
        raw = {
            name: f"trim(f[{stripped.index(chosen[name]) + 1}])" if name in chosen else "NULL::VARCHAR"
            for name in NAMES
        }
        source = line_sql.csv_rows(paths, scan, form.columns)
        faults = [
            ("f IS NULL", "'a quote is left open'"),
            (f"len(f) != {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
        ]
    return line_sql.canonical("conn", line_sql.checked(source, _cells(raw, zone), faults=faults), _values())


def _form(chosen: Mapping[str, str], names: Sequence[str], file: str) -> Recognised:
    options = [(f"column {ours}", theirs.strip()) for ours, theirs in chosen.items()]
    return Recognised(
        format=NAME,
        kind="conn",
        columns=() if file == "json" else tuple(names),
        options=(("file", file), *options),
    )


def _json_names(head: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in json_paths.objects(head) for name in one))


def _cells(raw: Mapping[str, str], zone: str) -> dict[str, Cell]:
    def optional(name: str) -> Cell:
        return Cell(name, raw[name], line_sql.count, required=False)

    def text(name: str) -> Cell:
        return Cell(name, f"coalesce({line_sql.present(raw[name])}, '')", str)

    return {
        "seen": Cell("time", raw["time"], partial(json_paths.moment, zone=zone)),
        "src": Cell("src_ip", raw["src_ip"], line_sql.address),
        "dst": Cell("dst_ip", raw["dst_ip"], line_sql.address),
        "dport": Cell("dst_port", raw["dst_port"], line_sql.port),
        "sport": Cell("src_port", raw["src_port"], line_sql.port, required=False),
        "sent": optional("bytes_sent"),
        "received": optional("bytes_rcvd"),
        "total": optional("bytes_total"),
        "sessions": optional("conns"),
        "lasted": Cell("duration", raw["duration"], line_sql.seconds, required=False),
        "transport": Cell("proto", raw["proto"], line_sql.protocol, required=False),
        "outcome": text("action"),
        "refusal": text("denied"),
        "host": text("hostname"),
        "process": text("process_name"),
        "spoken": text("service"),
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
        "bytes_total": "coalesce(sent + received, total)",
        "orig_bytes": "CASE WHEN coalesce(sessions, 1) <= 1 THEN sent END",
        "process_name": "process",
        "service": "lower(spoken)",
        "duration": "lasted",
        "denied": f"coalesce(try_cast(refusal AS BOOLEAN), false) OR "
        f"regexp_full_match(lower(outcome), {literal(_REFUSALS)})",
    }
