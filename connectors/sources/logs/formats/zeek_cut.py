"""Zeek's logs in the writings of its own options and tools that are not its default ones.

Columns cut by zeek-cut (with ``-C``, ``-c`` or ``-m``, times of ``-d``), separated by tabs, commas or spaces; another
scope separator (``id_orig_h`` in a table); JSON with nested ``id`` objects, and JSON times in milliseconds. The rules
of direction, denied, repeats and bytes are Zeek's (connectors/sources/logs/formats/_zeek_fields.py). A table of which
the columns left are those of conn.log is read as connections.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from connectors.sources.logs import json_paths, line_sql
from connectors.sources.logs.formats import _zeek_fields
from connectors.sources.logs.formats.zeek import DEFAULT_ORDER
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Kind, Recognised, Sample, Scan

NAME = "zeek-cut"
ASKED_LAST = True  # what zeek.py and zeek_json.py read themselves is theirs

_SCOPED = re.compile(r"(id)[^a-z]{1,2}((?:orig|resp)_[hp])")
_LEAST = frozenset(("ts", "id.orig_h", "id.resp_h", "id.resp_p"))
_OF_CONN = frozenset(
    (
        *DEFAULT_ORDER["conn"],
        "vlan",
        "inner_vlan",
        "orig_l2_addr",
        "resp_l2_addr",
        "ip_proto",
        "community_id",
        "tunnel_parents",
        "pcr",
        "orig_cc",
        "resp_cc",
        "speculative_service",
    )
)
_SEPARATORS = ("\t", ",", " ")
_REQUIRED = frozenset(("ts", "id.orig_h", "id.resp_h", "id.resp_p"))


SAMPLE = Sample(
    headers=("ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,duration,orig_bytes,resp_bytes,conn_state",),
    rows=("$epoch.5,$client,$port,45.60.1.1,443,tcp,1.5,120,300,SF",),
)


def recognise(head: str, path: str) -> Recognised | None:
    """A table with Zeek's names, or JSON with nested or unusual ones; None for any other content."""
    text = head.lstrip("\ufeff\r\n")
    if text.startswith("{"):
        return _json(json_paths.objects(text))
    for line in text.splitlines()[:20]:
        bare = line.removeprefix("#fields").lstrip()
        if line.startswith("#") and not line.startswith("#fields"):
            continue
        for separator in _SEPARATORS:
            names = tuple(_zeek_name(name) for name in (bare.split(separator) if separator != " " else bare.split()))
            kind = _kind(names)
            if kind:
                options = (("separator", separator), ("file", "table"))
                return Recognised(format=NAME, kind=kind, columns=names, options=options)
        if not line.startswith("#"):
            return None
    return None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The canonical SELECT of the form's kind, its refused rows with their reasons."""
    options = dict(form.options)
    if options["file"] == "json":
        wanted = {f"of {name}": _json_paths(name) for name in _zeek_fields.needed(form.kind)}
        source = json_paths.records(paths, scan, wanted)
        raw = {name: line_sql.identifier(f"of {name}") for name in _zeek_fields.needed(form.kind)}
        faults = [("NOT is_json", "'not JSON: ' || left(text, 60)")]
    else:
        source = _rows(form, paths, scan, options["separator"])
        raw = {
            name: _present(f"f[{form.columns.index(name) + 1}]")
            for name in _zeek_fields.needed(form.kind)
            if name in form.columns
        }
        faults = [
            ("f IS NULL", "'a quote is left open'"),
            (f"len(f) != {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
        ]
    cells = {_column(name): _cell(name, text, form.kind, scan) for name, text in raw.items()}
    rows = line_sql.checked(source, cells, faults=faults)
    have = {name: _column(name) for name in raw}
    if "answers" in have:
        several = f"try(from_json({have['answers']}, '[\"VARCHAR\"]'))"
        have["answers"] = (
            f"CASE WHEN starts_with({have['answers']}, '[') THEN {several} "
            f"ELSE string_split({have['answers']}, ',') END"
        )
    sound = _zeek_fields.canonical(form.kind, have, f"({rows})", aside=True)
    return f"SELECT * REPLACE (CASE WHEN bad IS NULL THEN start END AS start) FROM ({sound})"


def _rows(form: Recognised, paths: Sequence[str], scan: Scan, separator: str) -> str:
    """SELECT file, line, n, text, f: the rows without Zeek's comments and without repeated headers."""
    fields = {
        ",": line_sql.csv_fields(),
        " ": "string_split_regex(trim(text), ' +')",
        "\t": "string_split(text, chr(9))",
    }[separator]
    return (
        f"SELECT *, {fields} AS f FROM ({line_sql.lines(paths, scan)}) "
        "WHERE NOT starts_with(text, '#') AND NOT regexp_matches(text, '(^|[\\t, ])id[^a-z]{1,2}orig_h')"
    )


def _json(records: Sequence[Mapping[str, Any]]) -> Recognised | None:
    for one in records:
        names = [_zeek_name(name) for name in one if name != "id"]
        inner = one.get("id")
        names += [f"id.{name}" for name in inner] if isinstance(inner, dict) else []
        kind = _kind(names)
        if kind:
            return Recognised(format=NAME, kind=kind, options=(("file", "json"),))
    return None


def _kind(names: Sequence[str]) -> Kind | None:
    if "ts" not in names:
        return None
    kind = _zeek_fields.kind_of(names)
    return kind or ("conn" if set(names) >= _LEAST and set(names) <= _OF_CONN else None)


def _zeek_name(name: str) -> str:
    scoped = _SCOPED.fullmatch(name.strip())
    return f"id.{scoped[2]}" if scoped else name.strip()


def _json_paths(name: str) -> json_paths.Paths:
    if not name.startswith("id."):
        return name
    return (name, *(name.replace(".", sign) for sign in ("_", "-", ":", "/")))


def _column(name: str) -> str:
    return "z_" + name.replace(".", "_").lower()


def _cell(name: str, raw: str, kind: Kind, scan: Scan) -> Cell:
    if name == "ts":
        return Cell(name, raw, partial(json_paths.moment, zone=scan.time_zone))
    required = name in _REQUIRED and not (kind == "dns" and name != "id.orig_h") and kind != "holders"
    if name.endswith("_h"):
        return Cell(name, raw, line_sql.address, required)
    if name.endswith("_p"):
        return Cell(name, raw, line_sql.port, required)
    if name in _zeek_fields.COUNTERS:
        return Cell(name, raw, line_sql.count, required=False)
    return Cell(name, f"({raw})::VARCHAR", str, required=False)


def _present(raw: str) -> str:
    return f"CASE WHEN trim({raw}) NOT IN ('-', '') THEN trim({raw}) END"
