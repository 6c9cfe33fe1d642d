"""From a source's own fields to slots: rows of our columns that one tail can count, whatever the source."""

import re
from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import ICMP_NAMES, SEED_INTERNAL
from playbook.detections.languages.splunk import escaping
from playbook.detections.languages.splunk.escaping import Unquotable
from playbook.detections.languages.splunk.presets import BESIDE, COLUMNS, MODEL, TOLD, SplunkPreset

ABSENT = "unknown"
KEY = "hostname src_ip dst_ip dst_port"

_NOT_EXTERNAL = " OR ".join(f'cidrmatch("{network}", dst_ip)' for network in SEED_INTERNAL)
_ICMP = ", ".join(f'"{name}"' for name in (*sorted(ICMP_NAMES), "1", "58"))
_DENIED = "^(block|blocked|denied|deny|drop|dropped|reject|rejected)$"
_NO_NAME = f"^(-|{ABSENT}|null)?$"

# A field may hold an empty text or a name where an address belongs; only what looks right is taken.
_ADDRESS = "^([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%.*)?)$"
_DIGITS = "^[0-9]{1,15}$"
_TEXT = "[^ ]"
_SHAPES = {
    "src_ip": _ADDRESS,
    "dst_ip": _ADDRESS,
    "dst_port": "^[0-9]{1,5}$",
    "conns": "^[0-9]{1,9}$",
    "bytes_sent": _DIGITS,
    "bytes_rcvd": _DIGITS,
    "bytes_total": _DIGITS,
    "packets_sent": _DIGITS,
    "packets_rcvd": _DIGITS,
}
_BYTES = ("sent", "rcvd", "total")
Columns = Mapping[str, tuple[str, ...]]

# Every group key has a value before a count: stats drops a row whose key is null.
_WHOLE = (
    "where isnotnull(src_ip) AND isnotnull(dst_ip) AND isnotnull(dst_port)",
    "eval dst_port=tonumber(dst_port)",
)
NOT_ICMP = f"where NOT in(proto, {_ICMP})"
_SCORED = (f"where NOT ({_NOT_EXTERNAL})", NOT_ICMP)
_NAMED = (
    f'eval hostname=if(match(lower(coalesce(hostname, "")), "{_NO_NAME}"), "{ABSENT}", hostname)',
    f'eval proto=if(match(lower(coalesce(proto, "")), "{_NO_NAME}"), "", lower(proto))',
)


def prelude(
    preset: SplunkPreset,
    scope: str,
    fields: Mapping[str, str] | None,
    span: str = "15m",
    to: tuple[str, ...] = (),
    scored: bool = True,
    told: bool = False,
) -> tuple[str, ...]:
    """The stages that end in slots: the key, proto, service, process_name, denied and the slot_* measures.

    ``told`` adds what tells a conversation: conn_state, and counted_*, least_* and most_* of bytes and packets.

    A slot is one event, or with tstats what one tuple did in ``span``: 15 minutes, because a longer one is cut by the
    searching user's time zone and could lie in two UTC hours. ``to`` confines the search to these destinations;
    ``scored`` leaves out what the detection never scores (private destinations, ICMP).
    """
    columns = _columns(preset, fields)
    tail = (*_WHOLE, *_SCORED) if scored else _WHOLE
    if preset.modelled:
        return (*_modelled(preset, scope, columns, span, _terms(columns, to, scored), told), *tail)
    begun = start_of(preset, scope) + _terms(columns, to, False)
    named, more = _named(columns, (*COLUMNS, *TOLD)) if told else _named(columns, COLUMNS), _MEASURED if told else ()
    last = "eval slot_first=_time, slot_last=slot_first"
    return (begun, *preset.filters, *named, *tail, *_EVENT, *more, last)


def start_of(
    preset: SplunkPreset, scope: str, counted: str = "", span: str = "15m", more: str = "", by: str = ""
) -> str:
    """How the search begins: the scope, or with a data model tstats over it."""
    confined = escaping.scope(scope or preset.scope)
    if not preset.modelled:
        return f"search {confined}"
    return (
        f'| tstats summariesonly=false fillnull_value="{ABSENT}" {counted} from datamodel=Network_Traffic.{MODEL}'
        f" where {confined}{more} by _time span={span}{by}"
    )


def first_of(names: tuple[str, ...], shape: str) -> str:
    """An expression: the first value of the first of these fields whose value has this shape, else null."""
    if not names:
        return "null()"
    values = [f"mvindex({escaping.field(name)}, 0)" for name in names]
    return "case(" + ", ".join(f'match({value}, "{shape}"), {value}' for value in values) + ")"


_EVENT = (
    f'eval denied=if(match(lower(coalesce(action, "")), "{_DENIED}"), 1, 0)',
    "eval slot_conns=if(isnull(conns), 1, tonumber(conns)), slot_rows=1, slot_ended=0",
    "where slot_conns>0",
    *(
        f"eval slot_{name}_known=if(isnull(bytes_{name}), 0, 1), slot_{name}=if(isnull(bytes_{name}), 0,"
        f" tonumber(bytes_{name}))"
        for name in _BYTES
    ),
    "eval slot_total=if(slot_total_known=1, slot_total, slot_sent+slot_rcvd),"
    " slot_total_known=if(slot_total_known=1 OR (slot_sent_known=1 AND slot_rcvd_known=1), 1, 0)",
)


# What is counted on either side of a connection.
_SIDES = ("bytes_sent", "bytes_rcvd", "packets_sent", "packets_rcvd")
_MEASURED = tuple(
    f"eval counted_{name}=if(isnull({name}), 0, 1), least_{name}=if(isnull({name}), 0, tonumber({name})),"
    f" most_{name}=least_{name}"
    for name in _SIDES
)


def _terms(columns: Columns, to: tuple[str, ...], scored: bool) -> str:
    """Search terms that leave out early what a later stage would drop anyway."""
    fields = [field for field in columns["dst_ip"] if re.fullmatch(r"[\w.]+", field)]
    terms = ""
    if scored and fields:
        terms += f" NOT {fields[0]} IN ({', '.join(escaping.literal(str(network)) for network in SEED_INTERNAL)})"
    if to and len(fields) == len(columns["dst_ip"]) and all(re.fullmatch(_ADDRESS, address) for address in to):
        listed = ", ".join(escaping.literal(address) for address in dict.fromkeys(to))
        terms += " (" + " OR ".join(f"{field} IN ({listed})" for field in fields) + ")"
    return terms


def _columns(preset: SplunkPreset, fields: Mapping[str, str] | None) -> dict[str, tuple[str, ...]]:
    columns = dict(preset.columns)
    for name, theirs in (fields or {}).items():
        if name in BESIDE:
            continue
        if name not in (*COLUMNS, *TOLD):
            raise Unquotable(f"{name!r} is no column of ours: {', '.join((*COLUMNS, *TOLD, *BESIDE))}")
        columns[name] = (theirs,) if theirs else ()
    return columns


def _named(columns: Columns, names: Sequence[str]) -> tuple[str, ...]:
    """One stage for all columns: within one eval a column must not be read after it was written, so via our_*."""
    given = ", ".join(f"our_{name}={first_of(columns[name], _SHAPES.get(name, _TEXT))}" for name in names)
    taken = ", ".join(f"{name}=our_{name}" for name in names)
    return (f"eval {given}", f"eval {taken}", *_NAMED)


def _modelled(preset: SplunkPreset, scope: str, columns: Columns, span: str, terms: str, told: bool) -> tuple[str, ...]:
    modelled = {name: tuple(map(escaping.model_field, names)) for name, names in columns.items()}
    keyed = ("hostname", "src_ip", "dst_ip", "dst_port", "proto", "action")
    by = "".join(f" {field}" for field in dict.fromkeys(field for name in keyed for field in modelled[name]))
    counted = ["count AS slot_rows", "min(_time) AS slot_first", "max(_time) AS slot_last"]
    counted += [
        f"count({field}) AS counted_{name} sum({field}) AS summed_{name}"
        for name in _BYTES
        for field in modelled[f"bytes_{name}"]
    ]
    counted += [
        f"count({field}) AS given_{name} min({field}) AS lowest_{name} max({field}) AS highest_{name}"
        for name in _SIDES
        if told
        for field in modelled[name]
    ]
    counted += [f"values({field}) AS model_{name}" for name in ("service", "process_name") for field in modelled[name]]
    return (start_of(preset, scope, " ".join(counted), span, terms, by), *_slots(modelled), *_extremes(modelled, told))


def _extremes(columns: Columns, told: bool) -> tuple[str, ...]:
    """The least and the most of what was counted in a slot; a data model knows no connection states."""
    if not told:
        return ()
    parts = (("counted", "given"), ("least", "lowest"), ("most", "highest"))
    return (
        "eval conn_state=null()",
        *(
            "eval "
            + ", ".join(
                f"{ours}_{name}=" + (f"coalesce({theirs}_{name}, 0)" if columns[name] else "0")
                for ours, theirs in parts
            )
            for name in _SIDES
        ),
    )


def _slots(columns: Columns) -> tuple[str, ...]:
    keyed = ("src_ip", "dst_ip", "dst_port", "proto", "action")
    given = [f"our_{name}={first_of(columns[name], _SHAPES.get(name, _TEXT))}" for name in keyed]
    # src is an address or a name; only a name is the host.
    named = [f'NOT match({escaping.field(name)}, "{_ADDRESS}"), {escaping.field(name)}' for name in columns["hostname"]]
    host = "case(" + ", ".join(named) + ")" if named else "null()"
    absent = {name: f"model_{name}" if columns[name] else "null()" for name in ("service", "process_name")}
    known = {name: f"coalesce(counted_{name}, 0)" if columns[f"bytes_{name}"] else "0" for name in _BYTES}
    summed = {name: f"coalesce(summed_{name}, 0)" if columns[f"bytes_{name}"] else "0" for name in _BYTES}
    both = "(slot_sent_known=slot_rows AND slot_rcvd_known=slot_rows)"
    return (
        "eval " + ", ".join((*given, f"our_hostname={host}")),
        "eval " + ", ".join(f"{name}=our_{name}" for name in (*keyed, "hostname")),
        "eval " + ", ".join(f"{name}={value}" for name, value in absent.items()),
        *_NAMED,
        _EVENT[0],
        'eval slot_conns=slot_rows, slot_ended=if(lower(coalesce(action, ""))="teardown", slot_rows, 0)',
        "eval " + ", ".join(f"slot_{name}_known={known[name]}, slot_{name}={summed[name]}" for name in _BYTES),
        "eval slot_total=if(slot_total_known=slot_rows, slot_total, slot_sent+slot_rcvd),"
        f" slot_total_known=if(slot_total_known=slot_rows OR {both}, slot_rows, 0)",
    )
