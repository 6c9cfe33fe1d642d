"""The same events and connections as ClickHouse tables hold them, and what ClickHouse's own engine says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from connectors.sources._siem import host_activity, prevalence
from connectors.sources.clickhouse import mapping
from playbook.detections.beaconing import Event, Profile, Scope, score_events
from playbook.detections.languages import clickhouse
from playbook.model.address import Network
from playbook.model.detection import Detection
from tests.emulators.clickhouse_engine import Engine, engine
from tests.interpreters import activity, users
from tests.interpreters.telemetry import LAB, MIDNIGHT, SCOPE
from tests.interpreters.users import WANTED, Connection, zeek

Fields = dict[str, Any]
WEEK = {"start": MIDNIGHT - 86_400, "end": MIDNIGHT + 6 * 86_400}

_ZEEK = (
    "uid String, {0} String, {1} UInt16, {2} String, {3} UInt16, proto LowCardinality(String),"
    " service Nullable(String), duration Nullable(Float64), orig_bytes Nullable(UInt64), resp_bytes Nullable(UInt64),"
    " conn_state Nullable(String), history Nullable(String), orig_pkts Nullable(UInt64),"
    " orig_ip_bytes Nullable(UInt64), resp_pkts Nullable(UInt64), resp_ip_bytes Nullable(UInt64)"
)
_NAMES = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
CREATED: Mapping[str, str] = {
    # As `load` makes it, but for its engine's key.
    "canonical": "start DateTime64(6, 'UTC'), hostname String, src_ip String, src_port Nullable(UInt16), dst_ip String,"
    " dst_port UInt16, proto LowCardinality(String), conns UInt32, bytes_sent Nullable(UInt64),"
    " bytes_rcvd Nullable(UInt64), bytes_total Nullable(UInt64), orig_bytes Nullable(UInt64),"
    " sent_packets Nullable(UInt64), rcvd_packets Nullable(UInt64), process_name String, service String,"
    " duration Nullable(Float64), answered Nullable(Bool), denied Bool, continues Bool",
    "zeek": "ts DateTime64(6, 'UTC'), " + _ZEEK.format(*(f"`{name}`" for name in _NAMES)),
    "zeek-flat": "ts Float64, " + _ZEEK.format(*(name.replace(".", "_") for name in _NAMES)),
    "rita": "import_time DateTime, ts DateTime, src IPv6, dst IPv6, src_port UInt16, dst_port UInt16,"
    " missing_host_header Bool, proto LowCardinality(String), service LowCardinality(String),"
    " conn_state LowCardinality(String), duration Float64, src_bytes Int64, dst_bytes Int64, src_ip_bytes Int64,"
    " dst_ip_bytes Int64, src_packets Int64, dst_packets Int64, zeek_history String",
    "ocsf": "class_uid UInt32, activity_id UInt8, time Int64, action String,"
    " src_endpoint Tuple(ip String, port UInt16), dst_endpoint Tuple(ip String, port UInt16), "
    " connection_info Tuple(protocol_name String),"
    " traffic Tuple(bytes_out Nullable(UInt64), bytes_in Nullable(UInt64), packets_out Nullable(UInt64),"
    " packets_in Nullable(UInt64))",
    "own": "zeit String, wer Nullable(String), von String, nach String, tor String, hinaus Nullable(Int64),"
    " herein Nullable(Int64), art String",
}
OWN_FIELDS = {
    "time": "zeit",
    "hostname": "wer",
    "src_ip": "von",
    "dst_ip": "nach",
    "dst_port": "tor",
    "bytes_sent": "hinaus",
    "bytes_rcvd": "herein",
    "proto": "art",
}


def _canonical(e: Event) -> Fields:
    return {**e._asdict(), "duration": None, "answered": None}


def _zeek(e: Event, dot: str = ".") -> Fields:
    return {
        "ts": e.start,
        f"id{dot}orig_h": e.src_ip,
        f"id{dot}orig_p": e.src_port,
        f"id{dot}resp_h": e.dst_ip,
        f"id{dot}resp_p": e.dst_port,
        "proto": e.proto,
        "service": e.service or None,
        "orig_ip_bytes": e.bytes_sent,
        "resp_ip_bytes": e.bytes_rcvd,
        "orig_pkts": e.sent_packets,
        "resp_pkts": e.rcvd_packets,
        "history": "DadA" if e.continues else "ShADadFf",
        "conn_state": "SF",
    }


def _rita(e: Event) -> Fields:
    return {
        "ts": int(e.start),
        "src": _mapped(e.src_ip),
        "dst": _mapped(e.dst_ip),
        "src_port": e.src_port,
        "dst_port": e.dst_port,
        "missing_host_header": False,
        "proto": e.proto,
        "service": e.service,
        "conn_state": "SF",
        "duration": 0,
        "src_ip_bytes": e.bytes_sent or 0,
        "dst_ip_bytes": e.bytes_rcvd or 0,
        "zeek_history": "DadA" if e.continues else "ShADadFf",
    }


def _mapped(text: str) -> str:
    """As a column of IPv6 takes it; it keeps no zone."""
    plain = text.partition("%")[0]
    return plain if ":" in plain else f"::ffff:{plain}"


def _ocsf(e: Event) -> Fields:
    return {
        "class_uid": 4001,
        "activity_id": 2,
        "time": int(e.start * 1000),
        "action": "Denied" if e.denied else "Allowed",
        "src_endpoint": {"ip": e.src_ip, "port": e.src_port},
        "dst_endpoint": {"ip": e.dst_ip, "port": e.dst_port},
        "connection_info": {"protocol_name": e.proto},
        "traffic": {"bytes_out": e.bytes_sent, "bytes_in": e.bytes_rcvd},
    }


def _own(e: Event) -> Fields:
    return {
        "zeit": repr(e.start),
        "wer": e.hostname or None,
        "von": e.src_ip,
        "nach": e.dst_ip,
        "tor": str(e.dst_port),
        "hinaus": e.bytes_sent,
        "herein": e.bytes_rcvd,
        "art": e.proto.upper(),
    }


WRITERS: Mapping[str, Callable[[Event], Fields]] = {
    "canonical": _canonical,
    "zeek": _zeek,
    "zeek-flat": lambda e: _zeek(e, "_"),
    "rita": _rita,
    "ocsf": _ocsf,
    "own": _own,
}


def told(preset: str, events: Iterable[Event]) -> list[Event]:
    """The events as far as the preset's table can know them."""
    return [_TOLD[preset](e) for e in events]


def _of_zeek(e: Event) -> Event:
    return e._replace(hostname="", process_name="", denied=False, conns=1, **_either(e))


def _either(e: Event) -> Fields:
    """Where one counter of IP bytes is there, the other one counts as none."""
    if e.bytes_sent is None and e.bytes_rcvd is None:
        return {"bytes_total": None}
    sent, received = e.bytes_sent or 0, e.bytes_rcvd or 0
    return {"bytes_sent": sent, "bytes_rcvd": received, "bytes_total": sent + received}


def _of_rita(e: Event) -> Event:
    known = _of_zeek(e)
    if not (known.bytes_sent or known.bytes_rcvd):
        known = known._replace(bytes_sent=None, bytes_rcvd=None, bytes_total=None)
    address = e.dst_ip.partition("%")[0].removeprefix("::ffff:")
    return known._replace(start=float(int(e.start)), dst_ip=address)


def _of_ocsf(e: Event) -> Event:
    return e._replace(
        start=int(e.start * 1000) / 1000, hostname="", process_name="", service="", bytes_total=_total(e), conns=1
    )


def _of_own(e: Event) -> Event:
    return e._replace(process_name="", service="", denied=False, bytes_total=_total(e), conns=1)


def _total(e: Event) -> int | None:
    return None if e.bytes_sent is None or e.bytes_rcvd is None else e.bytes_sent + e.bytes_rcvd


_TOLD: Mapping[str, Callable[[Event], Event]] = {
    "canonical": lambda e: e,
    "zeek": _of_zeek,
    "zeek-flat": _of_zeek,
    "rita": _of_rita,
    "ocsf": _of_ocsf,
    "own": _of_own,
}


@cache
def tables() -> Engine:
    """The engine with an empty table for each preset, called as the preset."""
    made = engine()
    made.run("CREATE DATABASE IF NOT EXISTS presets")
    for preset, columns in CREATED.items():
        made.run(f"CREATE TABLE presets.`{preset}` ({columns}) ENGINE = Memory")
    return made


_FILLED: dict[str, Sequence[Fields]] = {}


def filled(preset: str, rows: Sequence[Fields]) -> Engine:
    """The engine, with these rows alone in the table of the preset."""
    made = tables()
    if _FILLED.get(preset) == rows:
        return made
    _FILLED[preset] = rows
    made.run(f"TRUNCATE TABLE presets.`{preset}`")
    if rows:
        made.insert(f"presets.`{preset}`", rows)
    return made


def place(preset: str) -> tuple[str, str, Fields]:
    """What the renderers are told of the table of a preset."""
    return preset, f"presets.{preset}", OWN_FIELDS if preset == "own" else {}


def by_clickhouse(preset: str, events: Sequence[Event], query: str = "", profile: Profile = "default") -> list[Fields]:
    """What the query finds in the events, read by the connector's own reader and scored by the reference scorer."""
    return detected(preset, events, query, profile)[0]


def detected(
    preset: str, events: Sequence[Event], query: str = "", profile: Profile = "default"
) -> tuple[list[Fields], int]:
    """The same, and how many rows crossed the wire: the scorer decides again, so a generous text costs only rows."""
    text = query or clickhouse.detection(*place(preset), profile, LAB)
    rows = filled(preset, [WRITERS[preset](e) for e in events]).rows(text, WEEK)
    made, read = mapping.detections(rows, _scope(profile))
    assert read.rejected == 0, read.examples
    return plain(preset, made), len(rows)


def by_reference(preset: str, events: Sequence[Event], profile: Profile = "default") -> list[Fields]:
    """What plain Python finds in what the table can know."""
    return plain(preset, score_events(told(preset, events), _scope(profile)))


def plain(preset: str, made: Iterable[Detection]) -> list[Fields]:
    """The values; of the sizes of packets only what a table with packets says."""
    aside = {"ntp_sized"} if preset in ("own", "ocsf") else set()
    return [d.model_dump(exclude=aside) for d in made]


def _scope(profile: Profile) -> Scope:
    return Scope(source=SCOPE.source, profile=profile, lab=SCOPE.lab)


def users_told(connections: Iterable[Connection], home: Sequence[Network], query: str = "") -> users.Told:
    """What the query says of the users of the destinations, over the rows of conn.log."""
    made = filled("zeek", [zeek(c) for c in connections])
    rows = made.rows(query or clickhouse.popularity(WANTED, home, *place("zeek")), WEEK)
    read = mapping.users(rows)
    used = prevalence.prevalence(users.detections(), home, lambda _: (read, ""))
    assert used.unknown == (), used.unknown
    return users.Told(
        used.active_hosts,
        [
            (use.hosts_using, use.hosts_answered, None if use.first is None else int(use.first.timestamp()))
            for use in map(used.by_destination.get, WANTED)
            if use is not None
        ],
    )


def activity_told(connections: Iterable[Connection], query: str = "") -> activity.Told:
    """What the query says of busy quarters of an hour, over the rows of conn.log."""
    made = filled("zeek", [zeek(c) for c in connections])
    rows = made.rows(query or clickhouse.activity(activity.KEYS, LAB, *place("zeek")), WEEK)
    read, asked = mapping.quarters(rows), activity.detections()
    known = host_activity.activity(asked, 1.0, activity.NETWORKS, clickhouse.tuple_key, lambda _: (read, ""))
    attempts = [known.attempts[d.src_ip, d.dst_ip, d.dst_port] for d in asked]
    return activity.Told([(h.src_ip, h.bursts, h.spreads) for h in known.hosts], [tuple(one) for one in attempts])
