"""Zeek's logs as JSON, one object a line: keys ``id.orig_h`` or ``id_orig_h``, times as numbers or ISO 8601."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.sources.logs.formats import _zeek_fields
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "zeek-json"
ROWS_ARE_LINES = True

_LONGEST_OBJECT = 4 * 1024 * 1024


SAMPLE = Sample(
    rows=(
        '{"ts": $epoch.5, "uid": "C$n", "id.orig_h": "$client", "id.orig_p": $port, "id.resp_h": '
        '"45.60.1.1", "id.resp_p": 443, "proto": "tcp", "service": "ssl", "duration": 1.5, '
        '"orig_bytes": 120, "resp_bytes": 300, "conn_state": "SF", "history": "ShADadFf", "orig_pkts": '
        '6, "orig_ip_bytes": 360, "resp_pkts": 5, "resp_ip_bytes": 500}',
    ),
)


def recognise(head: str, path: str) -> Recognised | tuple[Recognised, ...] | None:
    """A Zeek log by the keys of its first objects; an empty tuple for a Zeek log that is not read."""
    keys: dict[str, Any] = {}
    for line in head.lstrip("\ufeff").splitlines()[:200]:
        values = _object(line)
        keys |= {key: value for key, value in values.items() if keys.get(key) is None}
    if "_path" in keys and "ts" in keys:
        return None  # its lines may be of several types: zeek_stream.py
    if "ts" not in keys or not {"uid", "id.orig_h", "id_orig_h", "_path", "mac"} & keys.keys():
        return None
    if isinstance(keys["ts"], int | float) and keys["ts"] > _zeek_fields.LATEST:
        return None  # milliseconds: zeek_cut.py
    kind = _zeek_fields.kind_of([_zeek_name(key) for key in keys])
    if kind is None:
        return ()
    options: tuple[tuple[str, str], ...] = (("time", "text"),) if isinstance(keys["ts"], str) else ()
    options += (("interim", "yes"),) if kind == "conn" and _zeek_fields.is_interim(path, "") else ()
    wanted = (*_zeek_fields.needed(kind), "uid")
    columns = tuple(key for key in keys if _zeek_name(key) in wanted)
    # A field that the first objects lack may come later; it is then written in the same style.
    under = "id_orig_h" in keys
    absent = [name for name in wanted if name not in {_zeek_name(key) for key in columns}]
    later = tuple(name.replace("id.", "id_") if under else name for name in absent)
    return Recognised(format=NAME, kind=kind, columns=columns + later, options=options)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The canonical SELECT of the form's kind; a line that is no object of this shape gives a row without a start."""
    have, source = _read(form, paths)
    return _zeek_fields.canonical(form.kind, have, source, ("interim", "yes") in form.options)


def uids(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """A SELECT of the identities of the rows, as ``uid``; "" when the log has none."""
    have, source = _read(form, paths)
    return f"SELECT {have['uid']} AS uid FROM {source}" if "uid" in have else ""


def assumed(head: str) -> tuple[Recognised, ...]:
    """Objects that show no kind of log: connections, in the spelling of the first of them."""
    under = '"id_orig_h"' in head
    names = ((name.replace("id.", "id_") if under else name) for name in (*_zeek_fields.needed("conn"), "uid"))
    return (Recognised(format=NAME, kind="conn", columns=tuple(names), options=(("time", "text"),)),)


def _read(form: Recognised, paths: Sequence[str]) -> tuple[dict[str, str], str]:
    """The SQL of each field by Zeek's name, and the source they are in."""
    text_time = ("time", "text") in form.options
    types = {key: _zeek_fields.TYPES.get(_zeek_name(key), "VARCHAR") for key in form.columns}
    types |= {key: "VARCHAR[]" for key in form.columns if key == "answers"}
    if text_time:
        types["ts"] = "VARCHAR"
    columns = ", ".join(f"{literal(key)}: '{sql_type}'" for key, sql_type in types.items())
    listed = ", ".join(literal(_plain(path)) for path in paths)
    source = (
        f"read_json([{listed}], format = 'newline_delimited', ignore_errors = true, "
        f"maximum_object_size = {_LONGEST_OBJECT}, columns = {{{columns}}})"
    )
    have = {_zeek_name(key): '"' + key.replace('"', '""') + '"' for key in form.columns}
    if text_time:
        have["ts"] = "coalesce(try_cast(ts AS DOUBLE), epoch(try_cast(ts AS TIMESTAMPTZ)))"
    return have, source


def fault(form: Recognised, line: str) -> str | None:
    """Why this line is no usable row; None when it is one, "" when it is blank."""
    if not line.strip():
        return ""
    values: Mapping[str, Any] = _object(line)
    if not values:
        return "not a JSON object"
    named = {_zeek_name(key): value for key, value in values.items()}
    if isinstance(named.get("ts"), str):
        named["ts"] = _epoch(named["ts"])
    return _zeek_fields.fault(form.kind, named)


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _zeek_name(key: str) -> str:
    return key.replace("id_", "id.", 1) if key in ("id_orig_h", "id_orig_p", "id_resp_h", "id_resp_p") else key


def _epoch(text: str) -> float | str:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _plain(path: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
