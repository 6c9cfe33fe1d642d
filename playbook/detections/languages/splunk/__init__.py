"""The beaconing detection in Splunk's search language: a prelude per source, one tail for events and data models."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from playbook.detections.beaconing import MIN_CONNECTIONS, MIN_HOURS, Profile
from playbook.detections.languages.splunk import activity as activity_query
from playbook.detections.languages.splunk import escaping, hunts, paste, prevalence
from playbook.detections.languages.splunk.escaping import Unquotable
from playbook.detections.languages.splunk.lint import lint
from playbook.detections.languages.splunk.presets import PRESETS
from playbook.detections.languages.splunk.prologue import KEY, NOT_ICMP, prelude, start_of
from playbook.detections.layout import Part, laid_out
from playbook.model.address import Network

__all__ = (
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

HOUR_S = 3_600
Purpose = Literal["paste", "fetch"]
SOURCE_KIND = "splunk"
NO_LIMITS: Mapping[str, int] = MappingProxyType({})

_SUMMED = ("rows", "conns", "ended", "sent_known", "rcvd_known", "total_known", "sent", "rcvd", "total")


def counted(beside: str = "") -> tuple[str, ...]:
    """The stages from slots to the counts of each key, from 20 in 3 hours on, and those from there to what is fetched.

    Denied attempts are counted beside the connections, never among them; a null is no hour and no time. ``beside``:
    further aggregates, each after a blank.
    """
    return (
        f"eval hour=floor(slot_first/{HOUR_S})",
        "eval counted_hour=if(denied=0, hour, null()), denied_hour=if(denied=1, hour, null())",
        "eval counted_first=if(denied=0, slot_first, null()), counted_last=if(denied=0, slot_last, null())",
        "eval denied_conns=if(denied=1, slot_conns, 0)",
        "eval " + ", ".join(f"slot_{name}=if(denied=0, slot_{name}, 0)" for name in _SUMMED),
        "stats sum(slot_conns) AS connections dc(counted_hour) AS hourly_buckets sum(slot_rows) AS row_count"
        " sum(slot_ended) AS ended sum(slot_sent_known) AS sent_known sum(slot_rcvd_known) AS rcvd_known"
        " sum(slot_total_known) AS total_known sum(slot_sent) AS total_bytes_sent sum(slot_rcvd) AS total_bytes_rcvd"
        " sum(slot_total) AS total_bytes min(counted_first) AS counted_first max(counted_last) AS counted_last"
        " min(slot_first) AS any_first max(slot_last) AS any_last sum(denied_conns) AS denied"
        " dc(denied_hour) AS denied_hours values(process_name) AS processes values(proto) AS protos"
        f" values(service) AS services{beside} BY {KEY}",
        # A device that logs both ends of a session: the larger of the two numbers is the number of sessions.
        "eval connections=max(connections-ended, ended), row_count=if(ended>0, connections, row_count)",
        "eval sent_known=min(sent_known, row_count), rcvd_known=min(rcvd_known, row_count),"
        " total_known=min(total_known, row_count)",
        f"where (connections>={MIN_CONNECTIONS} AND hourly_buckets>={MIN_HOURS})"
        f" OR (denied>={MIN_CONNECTIONS} AND denied_hours>={MIN_HOURS})",
        "eval first_ms=round(coalesce(counted_first, any_first)*1000, 0),"
        " last_ms=round(coalesce(counted_last, any_last)*1000, 0)",
        "table hostname src_ip dst_ip dst_port connections hourly_buckets row_count sent_known rcvd_known total_known"
        " total_bytes_sent total_bytes_rcvd total_bytes first_ms last_ms denied denied_hours processes protos services",
    )


_COUNTED = counted()
_BEGUN = "where denied=0 AND slot_ended=0"
_STARTS = (
    "stats sum(slot_conns) AS start_conns sum(slot_rows) AS row_count sum(slot_sent_known) AS sent_known"
    f" sum(slot_sent) AS start_sent BY start_s {KEY}",
    "table start_s hostname src_ip dst_ip dst_port start_conns row_count sent_known start_sent",
)

_HEARTBEAT = (
    f"eval hour=floor(oldest/{HOUR_S})",
    "stats sum(slot_rows) AS row_count min(oldest) AS oldest max(newest) AS newest BY hour",
    "eval oldest_ms=round(oldest*1000, 0), newest_ms=round(newest*1000, 0)",
    "table hour row_count oldest_ms newest_ms",
)


def detection(preset: str = "cim", scope: str = "", fields: Mapping[str, str] | None = None) -> str:
    """The search whose rows are the tuples with 20 connections (or denied attempts) in 3 hours; no score in it.

    ``scope`` replaces the preset's; ``fields`` maps our column names to the source's own ("" = has none).
    Columns: those of the Sumo Logic records (``first_ms`` epoch milliseconds ...), plus ``denied``, ``denied_hours``.
    An absent host name is ``unknown``. Raises KeyError for an unknown preset, Unquotable for text that cannot be used.
    """
    return _joined((*prelude(PRESETS[preset], scope, fields), *_COUNTED))


def traffic(
    keys: Sequence[str],
    preset: str = "cim",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
    since: Mapping[str, int] = NO_LIMITS,
    step_s: int = 1,
) -> str:
    """The follow-up: one row per start second of the tuples in ``keys`` (see ``tuple_key``).

    ``since`` leaves out what began before an epoch second, by key; ``step_s`` counts longer stretches than a second.
    """
    wanted = ", ".join(escaping.literal(key) for key in keys)
    addresses = tuple(key.split(" ")[1] for key in keys if key.count(" ") == 2)
    narrowed = (
        'eval tuple_key=src_ip." ".dst_ip." ".tostring(dst_port)',
        f"where in(tuple_key, {wanted})",
        *(f"where NOT (tuple_key={escaping.literal(key)} AND slot_first<{second})" for key, second in since.items()),
    )
    span, step = ("1s", "floor(slot_first)") if step_s == 1 else ("15m", f"floor(slot_first/{step_s})*{step_s}")
    slots = prelude(PRESETS[preset], scope, fields, span, addresses)
    return _joined((*slots, *narrowed, _BEGUN, f"eval start_s={step}", *_STARTS))


def tuple_key(src_ip: str, dst_ip: str, dst_port: int) -> str:
    """How ``traffic`` names a tuple; the host name is no part of it, so that no host can write into a search."""
    return f"{src_ip} {dst_ip} {dst_port}"


def popularity(
    destinations: Sequence[str],
    home: Sequence[Network],
    preset: str = "cim",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
) -> str:
    """How many of our hosts sent anything, and how many used each of these destinations (see ``popular``)."""
    slots = prelude(PRESETS[preset], scope, fields, scored=False, told=True)
    return _joined((*slots, *prevalence.aggregation_stage(destinations, home)))


def activity(
    keys: Sequence[str],
    lab: Sequence[Network],
    preset: str = "cim",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
) -> str:
    """The busy quarters of an hour of the sources in ``keys``, and each of these tuples in each (see ``busy``)."""
    sources = tuple(dict.fromkeys(key.partition(" ")[0] for key in keys))
    slots = prelude(PRESETS[preset], scope, fields, scored=False, told=True)
    return _joined((*slots, *activity_query.aggregation_stage(sources, keys, lab)))


def heartbeat(preset: str = "cim", scope: str = "") -> str:
    """The cheap count: one row per UTC hour with the rows of the scope, whatever is in them."""
    chosen = PRESETS[preset]
    if chosen.modelled:
        counted: tuple[str, ...] = (
            start_of(chosen, scope, "count AS slot_rows min(_time) AS oldest max(_time) AS newest", "15m"),
        )
    else:
        counted = (start_of(chosen, scope), "eval slot_rows=1, oldest=_time, newest=_time")
    return _joined((*counted, *_HEARTBEAT))


def probe(preset: str = "cim", scope: str = "", fields: Mapping[str, str] | None = None) -> str:
    """One row of the scope, taken apart by the prelude: proves the scope and the field names."""
    return _joined((*prelude(PRESETS[preset], scope, fields), "head 1"))


def query(
    preset: str = "cim",
    hunt: str | None = None,
    purpose: Purpose = "paste",
    profile: Profile = "default",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
    lab: Sequence[Network] = (),
) -> str:
    """The text that ``query splunk`` prints: the detection, or one of the hunts.

    ``purpose`` paste: with the seed's columns and score, to be saved in Splunk; fetch: what the connector sends.
    Raises KeyError for an unknown preset or hunt, and for a hunt over rows that the preset does not read.
    """
    if hunt is not None:
        return _joined(hunts.hunt(hunt, PRESETS[preset], scope, fields))
    if purpose == "fetch":
        return detection(preset, scope, fields)
    return _pasted(preset, scope, fields, profile, lab)


def _pasted(preset: str, scope: str, fields: Mapping[str, str] | None, profile: Profile, lab: Sequence[Network]) -> str:
    chosen, unknown = PRESETS[preset], "Where a row does not tell its bytes, the branch for small ones does not hold."
    slots = prelude(chosen, scope, fields)
    if profile == "seed":
        slots = (*(stage for stage in slots if stage != NOT_ICMP), "eval denied=0, slot_ended=0")
        unknown = "Bytes that a row does not tell count as 0."
    return laid_out(
        (
            Part(
                f"Botnet beaconing (T1584.005), profile {profile}, preset {preset}. Save it with a range of 24 hours"
                f" that ends 15 minutes ago. {chosen.caveat}".strip(),
                slots,
            ),
            *(
                Part("Destinations that are globally routable.", outside)
                for outside in (paste.outside(profile, lab),)
                if outside
            ),
            Part("Per tuple, with the distinct UTC hours; what a device denied is counted apart.", _COUNTED[:-2]),
            Part(f"The score, in whole numbers, so that no rounding decides. {unknown}", paste.scored(profile)),
            Part("The columns; times in UTC, whatever the zone of the user.", paste.shown(profile)),
        ),
        paste.comment,
    )


def _joined(stages: Sequence[str]) -> str:
    return "\n| ".join(stages)


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": ("yes: raw, cim, tstats, sysmon", "own lint, linter", "interpreter, all four"),
    "floods and scans of a host": (
        "asked by the connector: raw, cim, tstats, sysmon",
        "own lint",
        "interpreter: raw, cim, tstats, as the users below",
    ),
    "users of a destination": (
        "asked by the connector: raw, cim, tstats, sysmon",
        "own lint",
        "interpreter: raw, cim, tstats, against the log connector",
    ),
    "ddos-burst": ("yes: raw, cim, tstats, sysmon", "own lint, linter", "interpreter, all four"),
    "dga-burst": ("yes: raw, cim, sysmon", "own lint, linter", "interpreter, all three"),
    "irc": ("yes: raw, cim, tstats, sysmon", "own lint, linter", "interpreter: raw, cim, tstats"),
}
