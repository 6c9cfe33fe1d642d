"""Zeek logs of all types in one stream of JSON lines (Corelight, json-streaming-logs): each line by its own type.

The type is ``_path``; a line without one is told by its fields, as a file of one type is. Lines of types that say
nothing of a kind are passed over by their type. conn_long lines are states of connections that last. A capture_loss
line with a share above nought makes the log incomplete.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sources.logs import line_sql
from connectors.sources.logs.formats import _zeek_fields
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import CANONICAL, Kind, Recognised, Sample, Scan, literal

NAME = "zeek-stream"
LACKS = "conn line (Zeek's conn.log)"
FIELDS = ("_path", "id.orig_h", "id.resp_h", "uid")

_TYPE = re.compile(r'"_path"\s*:\s*"([a-z0-9_]+)"')
_OBJECTS = 200
_LOST = "capture_loss: packets were lost"
_KINDS: Mapping[Kind, tuple[str, ...]] = {
    "conn": ("conn", "conn_red", "conn_agg"),
    "dns": ("dns", "dns_red"),
    "tls": ("ssl", "ssl_red"),
    "http": ("http", "http_red"),
    "irc": ("irc",),
    "holders": ("dhcp", "ntlm", "kerberos"),
}
_INTERIM = ("conn_long", "open_conn")
_FLOW = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")


SAMPLE = Sample(
    rows=(
        '{"_path": "conn", "ts": $epoch.5, "uid": "C$n", "id.orig_h": "$client", "id.orig_p": $port, '
        '"id.resp_h": "45.60.1.1", "id.resp_p": 443, "proto": "tcp", "service": "ssl", "duration": 1.5,'
        ' "orig_bytes": 120, "resp_bytes": 300, "conn_state": "SF", "history": "ShADadFf", '
        '"orig_pkts": 6, "orig_ip_bytes": 360, "resp_pkts": 5, "resp_ip_bytes": 500}',
        '{"_path": "ssl", "ts": $epoch.6, "uid": "C$n", "id.orig_h": "$client", "id.orig_p": $port, '
        '"id.resp_h": "45.60.1.1", "id.resp_p": 443, "version": "TLSv12", "cipher": "TLS_AES", '
        '"server_name": "a.example", "established": true}',
        '{"_path": "weird", "ts": $epoch.7, "uid": "C$n", "name": "dns_unmatched_reply", "notice": false}',
    ),
)


def recognise(head: str, path: str) -> Recognised | tuple[Recognised, ...] | None:
    """A stream by ``_path`` in its objects, or by objects of several types; None for any other content."""
    if '"ts"' not in head or not any(mark in head for mark in ('"_path"', '"id.orig_h"', '"id_orig_h"')):
        return None
    objects = [value for line in head.lstrip("\ufeff").splitlines()[:_OBJECTS] if (value := _object(line))]
    typed = [value for value in objects if "_path" in value and "ts" in value]
    kinds = {_zeek_fields.kind_of([_zeek_name(key) for key in value]) for value in objects if "ts" in value}
    if not typed and len(kinds - {None}) < 2:
        return None
    known: tuple[Kind, ...] = tuple(_KINDS)
    return (
        *(Recognised(format=NAME, kind=kind) for kind in known),
        Recognised(format=NAME, kind="conn", options=(("interim", "yes"),)),
    )


def assumed(head: str) -> tuple[Recognised, ...]:
    """What every stream may hold."""
    return tuple(Recognised(format=NAME, kind=kind) for kind in _KINDS)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The SELECT of one kind; the connections account for every line of the stream."""
    interim = ("interim", "yes") in form.options
    # What DuckDB refuses is told once, with the connections that ended.
    scan = scan.model_copy(update={"rejects": ""}) if interim else scan
    names = dict.fromkeys((*_zeek_fields.needed(form.kind), "uid"))
    parsed = _events(paths, scan, [name for name in names if name != "ts"])
    wanted = f"kind = '{form.kind}' AND interim = {str(interim).lower()}"
    whole = form.kind == "conn" and not interim
    source = f"SELECT * FROM ({parsed})" + ("" if whole else f" WHERE {wanted}")
    share = "try_cast(regexp_extract(text, '\"percent_lost\" *: *([0-9.eE+-]+)', 1) AS DOUBLE)"
    passed = (
        f"CASE WHEN is_json AND type = 'capture_loss' AND {share} > 0 THEN {literal(_LOST)} "
        f"WHEN is_json AND NOT coalesce({wanted}, false) THEN 'a line of ' || type END"
        if whole
        else "NULL"
    )
    rows = line_sql.checked(
        source, _cells(form.kind), passed, faults=[("NOT is_json", "'not a JSON object: ' || left(text, 60)")]
    )
    have = {name: line_sql.identifier("z " + name) for name in names if name not in _zeek_fields.TYPES}
    have |= {
        name: f"try_cast({line_sql.identifier('z ' + name)} AS {sql_type})"
        for name, sql_type in _zeek_fields.TYPES.items()
        if name in names
    } | {"ts": "moment"}
    have["answers"] = f"from_json({line_sql.identifier('z answers')}, '[\"VARCHAR\"]')"
    inner = _zeek_fields.canonical(form.kind, have, f"({rows})", interim, aside=True)
    columns = ", ".join((*CANONICAL[form.kind], "bad", "passed", "file", "line", *(("uid",) if interim else ())))
    late = "'not usable: ' || left(text, 60)"
    lost = f"coalesce(passed = {literal(_LOST)}, false)"
    return f"""SELECT {columns}, 1::BIGINT AS records, 0::BIGINT AS joined, {lost} AS lost FROM (
        SELECT * REPLACE (CASE WHEN start IS NULL AND passed IS NULL THEN coalesce(bad, {late}) END AS bad,
            CASE WHEN bad IS NULL AND passed IS NULL THEN start END AS start) FROM ({inner}))"""


def uids(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """A SELECT of the identities of the connections that ended, as ``uid``."""
    events = _events(paths, scan.model_copy(update={"rejects": ""}), ["uid"])
    return f"SELECT \"z uid\" AS uid FROM ({events}) WHERE kind = 'conn' AND NOT interim"


def _events(paths: Sequence[str], scan: Scan, names: Sequence[str]) -> str:
    """SELECT file, line, text, is_json, type, kind, interim, moment and each field as ``z NAME``, of every line."""
    keys = {name: _spellings(name) for name in (*names, "ts", "_path")}
    flat = [key for spellings in keys.values() for key in spellings]
    places = {key: number for number, key in enumerate(flat, 1)}
    listed = ", ".join(literal(key) for key in flat)
    texts = f"CASE WHEN json_valid(text) THEN json_extract_string(text, [{listed}]) END AS v"
    value = {
        name: f"coalesce({', '.join(f'v[{places[key]}]' for key in spellings)})" for name, spellings in keys.items()
    }
    fields = ", ".join(f"{value[name]} AS {line_sql.identifier('z ' + name)}" for name in names)
    types = " ".join(
        f"WHEN type IN ({', '.join(map(literal, of_kind))}) THEN '{kind}'"
        for kind, of_kind in (dict(_KINDS) | {"conn": (*_KINDS["conn"], *_INTERIM)}).items()
    )
    return f"""SELECT *, CASE {types} END AS kind, type IN ({", ".join(map(literal, _INTERIM))}) AS interim FROM (
        SELECT file, line, text, v IS NOT NULL AND starts_with(ltrim(text), '{{') AS is_json, {fields},
            {value["ts"]} AS "z ts",
            coalesce({line_sql.seconds(value["ts"])}, {line_sql.offset_time(value["ts"])},
                {line_sql.time(value["ts"], "UTC", ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S"))}) AS moment,
            lower(coalesce({value["_path"]}, {_untyped()}, 'an unknown type')) AS type
        FROM (SELECT file, line, text, {texts} FROM ({line_sql.lines(paths, scan)})))"""


def _untyped() -> str:
    """The type of a line that names none, from fields that only one type has."""
    signs = {"conn": "conn_state", "dns": "qtype_name", "ssl": "cipher", "http": "trans_depth", "dhcp": "assigned_addr"}
    cases = " ".join(f"WHEN contains(text, '\"{field}\":') THEN '{kind}'" for kind, field in signs.items())
    return f"CASE {cases} END"


def _spellings(name: str) -> tuple[str, ...]:
    """JSON paths of a field: with a dot in its name, with an underscore, and nested."""
    if name in _FLOW:
        return f'$."{name}"', f'$."{name.replace(".", "_")}"', f"$.{name}"
    return (f'$."{name}"',)


def _cells(kind: Kind) -> dict[str, Cell]:
    cells = {"seen": Cell("ts", '"z ts"', lambda _: "moment")}
    if kind != "holders":
        cells["orig"] = Cell("id.orig_h", '"z id.orig_h"', line_sql.address)
    if kind in ("conn", "tls", "http", "irc"):
        cells["resp"] = Cell("id.resp_h", '"z id.resp_h"', line_sql.address)
        cells["resp_port"] = Cell("id.resp_p", '"z id.resp_p"', line_sql.port)
    if kind == "conn":
        cells |= {
            f"n_{name}": Cell(name, line_sql.identifier("z " + name), line_sql.count, required=False)
            for name in _zeek_fields.COUNTERS
        }
    return cells


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _zeek_name(key: str) -> str:
    return key.replace("id_", "id.", 1) if key.startswith("id_") else key
