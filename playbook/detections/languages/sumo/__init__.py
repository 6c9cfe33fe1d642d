"""The beaconing detection in Sumo Logic's query language: a prelude per source, one shared tail in two aggregations."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from playbook.detections.beaconing import ICMP_NAMES, MIN_CONNECTIONS, MIN_HOURS, Profile
from playbook.detections.languages.sumo import activity as activity_query
from playbook.detections.languages.sumo import escaping, paste, prevalence
from playbook.detections.languages.sumo.escaping import Unquotable
from playbook.detections.languages.sumo.hunts import HUNTED, hunted
from playbook.detections.languages.sumo.lint import lint
from playbook.detections.languages.sumo.presets import BESIDE, COLUMNS, NONE, NOT_EXTERNAL, PRESETS, TOLD, SumoPreset
from playbook.detections.layout import Part, laid_out
from playbook.model.address import Network

__all__ = (
    "HUNTED",
    "PRESETS",
    "Unquotable",
    "activity",
    "detection",
    "heartbeat",
    "lint",
    "popularity",
    "probe",
    "query",
    "traffic",
    "tuple_key",
)

HOUR_MS = 3_600_000
Purpose = Literal["paste", "fetch"]
SOURCE_KIND = "sumologic"
NO_LIMITS: Mapping[str, int] = MappingProxyType({})
# The presets that mean a profile other than the default one.
PROFILE: Mapping[str, Profile] = MappingProxyType({"seed": "seed"})

_KEY = "hostname, src_ip, dst_ip, dst_port"

# concat gives "" for a null (documented), so that no group key and no count depends on how nulls are treated;
# num() only ever sees digits, so that nothing depends on both branches of an if being evaluated.
ADDRESSES = (
    'concat(dst_ip, "") as dst_ip',
    'concat(src_ip, "") as src_ip',
    "where !isBlank(src_ip) and !isBlank(dst_ip)",
)
# What the detection never scores; the hunts count it.
_SCORED = (f"where !{NOT_EXTERNAL}",)
NOT_ICMP = (f"where !(proto in ({', '.join(escaping.literal(name) for name in (*sorted(ICMP_NAMES), '1', '58'))}))",)
PROTO = (
    'concat(proto, "") as proto',
    "toLowerCase(proto) as proto",
)
COUNTED = (
    'concat(hostname, "") as hostname',
    'concat(dst_port, "") as dst_port',
    "where dst_port matches /^[0-9]+$/",
    'concat(conns, "") as conns',
    'if(conns matches /^[0-9]+$/, conns, "1") as conns',
    "num(conns) as conns",
    "where conns > 0",
    'concat(bytes_sent, "") as bytes_sent',
    'concat(bytes_rcvd, "") as bytes_rcvd',
    'concat(bytes_total, "") as bytes_total',
    "if(bytes_sent matches /^[0-9]+$/, 1, 0) as sent_known",
    "if(bytes_rcvd matches /^[0-9]+$/, 1, 0) as rcvd_known",
    "if(bytes_total matches /^[0-9]+$/, 1, 0) as whole_known",
    'if(sent_known = 1, bytes_sent, "0") as bytes_sent',
    'if(rcvd_known = 1, bytes_rcvd, "0") as bytes_rcvd',
    'if(whole_known = 1, bytes_total, "0") as bytes_total',
    "num(bytes_sent) as bytes_sent",
    "num(bytes_rcvd) as bytes_rcvd",
    "num(bytes_total) as bytes_total",
    "if(whole_known = 1, bytes_total, bytes_sent + bytes_rcvd) as bytes_total",
    "if(whole_known = 1 or sent_known + rcvd_known = 2, 1, 0) as total_known",
)
_SHARED = (*ADDRESSES, *_SCORED, *PROTO, *NOT_ICMP, *COUNTED)

_DETECTION = (
    'concat(process_name, "") as process_name',
    'concat(service, "") as service',
    f"floor(start_ms / {HOUR_MS}) as hour",
    "count as hour_rows, sum(conns) as hour_conns, sum(sent_known) as hour_sent_known,"
    " sum(rcvd_known) as hour_rcvd_known, sum(total_known) as hour_total_known, sum(bytes_sent) as hour_sent,"
    " sum(bytes_rcvd) as hour_rcvd, sum(bytes_total) as hour_total, min(start_ms) as hour_first,"
    " max(start_ms) as hour_last, values(process_name) as hour_processes, values(proto) as hour_protos,"
    f" values(service) as hour_services by hour, {_KEY}",
    "sum(hour_conns) as connections, count as hourly_buckets, sum(hour_rows) as row_count,"
    " sum(hour_sent_known) as sent_known, sum(hour_rcvd_known) as rcvd_known, sum(hour_total_known) as total_known,"
    " sum(hour_sent) as total_bytes_sent, sum(hour_rcvd) as total_bytes_rcvd, sum(hour_total) as total_bytes,"
    " min(hour_first) as first_ms, max(hour_last) as last_ms, values(hour_processes) as processes,"
    f" values(hour_protos) as protos, values(hour_services) as services by {_KEY}",
    f"where connections >= {MIN_CONNECTIONS} and hourly_buckets >= {MIN_HOURS}",
    "toLong(first_ms) as first_ms",
    "toLong(last_ms) as last_ms",
    f"fields {_KEY}, connections, hourly_buckets, row_count, sent_known, rcvd_known, total_known, total_bytes_sent,"
    " total_bytes_rcvd, total_bytes, first_ms, last_ms, processes, protos, services",
)

_STARTS = (
    "sum(conns) as start_conns, count as row_count, sum(sent_known) as sent_known, sum(bytes_sent) as start_sent"
    f" by start_s, {_KEY}",
    "toLong(start_s) as start_s",
    f"fields start_s, {_KEY}, start_conns, row_count, sent_known, start_sent",
)

_HEARTBEAT = (
    f"floor(_messageTime / {HOUR_MS}) as hour",
    "count as row_count, min(_messageTime) as oldest_ms, max(_messageTime) as newest_ms by hour",
    "toLong(oldest_ms) as oldest_ms",
    "toLong(newest_ms) as newest_ms",
)


def detection(preset: str = "seed", scope: str = "", fields: Mapping[str, str] | None = None) -> str:
    """The query whose records are the tuples with at least 20 connections in 3 hours; no score in it.

    ``scope`` replaces the preset's; ``fields`` maps our column names to the source's own ("" = has none).
    Raises KeyError for an unknown preset, Unquotable for a scope or field name that cannot be used.
    """
    return _whole(preset, scope, fields, (*_SHARED, *_DETECTION))


def traffic(
    keys: Sequence[str],
    preset: str = "seed",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
    since: Mapping[str, int] = NO_LIMITS,
    step_s: int = 1,
) -> str:
    """The follow-up: one record per start second of the tuples in ``keys`` (see ``tuple_key``).

    ``since`` leaves out what began before an epoch second, by key; ``step_s`` counts longer stretches than a second.
    """
    wanted = ", ".join(escaping.literal(key) for key in keys)
    narrowed = ('concat(src_ip, " ", dst_ip, " ", dst_port) as tuple_key', f"where tuple_key in ({wanted})")
    later = tuple(
        f"where !(tuple_key = {escaping.literal(key)} and start_ms < {second * 1000})" for key, second in since.items()
    )
    step = f"floor(start_ms / {step_s * 1000})" + (f" * {step_s}" if step_s > 1 else "")
    return _whole(preset, scope, fields, (*_SHARED, *narrowed, *later, f"{step} as start_s", *_STARTS))


def tuple_key(src_ip: str, dst_ip: str, dst_port: int) -> str:
    """How ``traffic`` names a tuple; the host name is no part of it, so that no host can write into a query."""
    return f"{src_ip} {dst_ip} {dst_port}"


def popularity(
    destinations: Sequence[str],
    home: Sequence[Network],
    preset: str = "seed",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
) -> str:
    """How many of our hosts sent anything, and how many used each of these destinations (see ``popular``)."""
    tail = (*ADDRESSES, *prevalence.ours(home), *PROTO, *COUNTED, *prevalence.aggregation_stage(destinations))
    return _joined((*prelude(PRESETS[preset], scope, fields, told=True), *tail))


def activity(
    keys: Sequence[str],
    lab: Sequence[Network],
    preset: str = "seed",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
) -> str:
    """The busy quarters of an hour of the sources in ``keys``, and each of these tuples in each (see ``busy``)."""
    sources = tuple(dict.fromkeys(key.partition(" ")[0] for key in keys))
    tail = (*ADDRESSES, *activity_query.of(sources), *PROTO, *COUNTED, *activity_query.aggregation_stage(keys, lab))
    return _joined((*prelude(PRESETS[preset], scope, fields, told=True), *tail))


def heartbeat(preset: str = "seed", scope: str = "") -> str:
    """The cheap count: one record per UTC hour with the rows of the scope, whatever is in them."""
    return _joined((_scope(PRESETS[preset], scope), *_HEARTBEAT))


def probe(preset: str = "seed", scope: str = "", fields: Mapping[str, str] | None = None) -> str:
    """One row of the scope as a message, taken apart by the prelude: proves the scope and the field names."""
    return _joined((*prelude(PRESETS[preset], scope, fields), "limit 1"))


def query(
    preset: str = "seed",
    hunt: str | None = None,
    purpose: Purpose = "paste",
    profile: Profile | None = None,
    scope: str = "",
    fields: Mapping[str, str] | None = None,
    lab: Sequence[Network] = (),
) -> str:
    """The text that ``query sumo`` prints: the detection, or one of the hunts (also with the preset ``endpoint``).

    ``purpose`` paste: with the seed's columns and score, to be saved in Sumo Logic; fetch: what the connector sends.
    ``profile`` None means the one of the preset (``PROFILE``). Raises KeyError for an unknown preset or hunt.
    """
    if hunt is not None:
        chosen, own = hunted(hunt, preset)
        flows = (*ADDRESSES, *PROTO, *COUNTED) if chosen.columns else ()
        return _joined((*prelude(chosen, scope, fields), *flows, *own))
    if purpose == "fetch":
        return detection(preset, scope, fields)
    return _pasted(preset, scope, fields, profile or PROFILE.get(preset, "default"), lab)


def _pasted(preset: str, scope: str, fields: Mapping[str, str] | None, profile: Profile, lab: Sequence[Network]) -> str:
    chosen = PRESETS[preset]
    icmp = () if profile == "seed" else NOT_ICMP
    unknown = (
        "Bytes that a row does not tell count as 0."
        if profile == "seed"
        else "Where a row does not tell its bytes, the branch for small connections does not hold."
    )
    return laid_out(
        (
            Part(
                f"Botnet beaconing (T1584.005), profile {profile}, preset {preset}. Save it with a range of 24 hours"
                f" that ends 15 minutes ago. {chosen.caveat}".strip(),
                prelude(chosen, scope, fields),
            ),
            Part(
                "Destinations outside, one text a value, whole numbers.",
                (*ADDRESSES, *paste.outside(profile, lab), *PROTO, *icmp, *COUNTED),
            ),
            Part(
                "Per UTC hour and tuple, then per tuple: the hours are counted, not estimated. From"
                f" {MIN_CONNECTIONS} connections in {MIN_HOURS} hours on.",
                _DETECTION[:-1],
            ),
            Part(f"The score, in whole numbers, so that no rounding decides. {unknown}", paste.scored(profile)),
            Part("The columns, times in UTC.", paste.shown(profile)),
        ),
        paste.comment,
    )


def _whole(preset: str, scope: str, fields: Mapping[str, str] | None, tail: Sequence[str]) -> str:
    return _joined((*prelude(PRESETS[preset], scope, fields), *tail))


def _joined(stages: Sequence[str]) -> str:
    return "\n| ".join(stages)


def _scope(preset: SumoPreset, scope: str) -> str:
    return escaping.scope(scope or preset.scope)


def prelude(preset: SumoPreset, scope: str, fields: Mapping[str, str] | None, told: bool = False) -> tuple[str, ...]:
    """The scope, the stages that take the log apart, and our names for its columns."""
    mapped = {name: _mapped(name, theirs) for name, theirs in (fields or {}).items() if name not in BESIDE}
    columns = ((name, mapped.get(name, expression)) for name, expression in preset.columns if told or name not in TOLD)
    aliases = tuple(f"{expression} as {name}" for name, expression in columns if expression != name)
    return (_scope(preset, scope), *preset.stages, *(preset.told if told else ()), *aliases)


def _mapped(name: str, theirs: str) -> str:
    ours = (*COLUMNS, *TOLD, *BESIDE)
    if name not in ours:
        raise Unquotable(f"{name!r} is no column of ours: {', '.join(ours)}")
    if theirs in ours and theirs != name:
        # The aliases run one after the other: a swap would read what the one before has just written.
        raise Unquotable(f"{name} cannot be read from {theirs!r}, which is another column of ours")
    return escaping.field(theirs) if theirs else NONE


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": ("yes: eight presets", "own lint", "interpreter: cse over generated events, all over fixed lines"),
    "floods and scans of a host": (
        "asked by the connector: eight presets",
        "own lint",
        "interpreter: zeek-json, as the users below",
    ),
    "users of a destination": (
        "asked by the connector: eight presets",
        "own lint",
        "interpreter: zeek-json, against the log connector over the same lines",
    ),
    "ddos-burst": ("yes: seed, cse, endpoint", "own lint", "interpreter: cse, endpoint"),
    "dga-burst": ("yes: cse, endpoint", "own lint", "interpreter: cse, endpoint"),
    "irc": ("yes: seed, cse, endpoint", "own lint", "interpreter: cse"),
}
