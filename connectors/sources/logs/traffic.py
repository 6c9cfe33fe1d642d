"""Everything the logs know of the detections of one fetch (playbook/model/traffic.py); absent logs stay unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.sources.logs import host_activity, tuple_traffic
from connectors.sources.logs.aggregate import Summary
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.look_ups import look_ups
from connectors.sources.logs.names import MOST, Naming, naming
from playbook.detections.beaconing import Profile, moment
from playbook.model.detection import Detection
from playbook.model.site import Networks
from playbook.model.traffic import HostTraffic, LogCoverage, LogKind, NamedBy, Traffic, TupleTraffic

_LOGS: tuple[LogKind, ...] = ("conn", "dns", "tls", "http", "irc")
_NAMING = ("dns", "tls", "http")
_LARGE_PART = 0.2
_MOST_TOLD = 5
_CLOSED = {
    "dns": "no DNS log: names asked for, and bursts of failed names, are unknown",
    "tls": "no TLS log: server names are unknown",
    "http": "no HTTP log: Host headers are unknown",
}


@dataclass(frozen=True)
class Sources:
    """The relations to read, by kind (``conn`` always), in the span of the fetch; what was wrong with them.

    ``held`` is what the windows of that span hold of connections.
    """

    relations: Mapping[str, str]
    held: tuple[Summary, ...] = ()
    faults: tuple[str, ...] = ()


def traffic(
    engine: Engine, sources: Sources, detections: Sequence[Detection], networks: Networks, profile: Profile
) -> Traffic:
    """The answer of ``LogSource.traffic``."""
    conn = sources.relations["conn"]
    tuple_traffic.wanted(engine, detections)
    many = sum(one.connections for one in detections) > _LARGE_PART * sum(one.rows for one in sources.held)
    named = naming(engine, sources.relations, networks)
    rows = tuple_traffic.hits(engine, conn, profile == "default", many, sources.relations.get("named", ""))
    active = tuple_traffic.active_hosts(engine, conn, networks.home)
    missing = tuple(sentence for kind, sentence in _CLOSED.items() if kind not in sources.relations)
    return Traffic(
        tuples=_tuples(engine, rows, sources, detections, named),
        hosts=_hosts(engine, sources, detections, networks),
        coverage=tuple(_coverage(engine, kind, sources) for kind in _LOGS if kind in sources.relations),
        active_hosts=active,
        history_days=_history_days(sources.held),
        unknown=(*missing, *_about_names(named, networks), *sources.faults),
    )


def _about_names(named: Naming, networks: Networks) -> tuple[str, ...]:
    """What an administrator should know of the names: that none is backed, and which were cut."""
    found = []
    if named.servers and not networks.resolvers:
        servers = ", ".join(f'"{server}"' for server in named.servers)
        found.append(
            "networks.resolvers is not set, so every name is only claimed and closes no case; if they are yours, set "
            f"[networks] resolvers = [{servers}]"
        )
    found += [
        f"{source} connected {MOST + more:,} names to {destination}: {more:,} of them were left out"
        for (source, destination), more in sorted(named.cut.items())[:_MOST_TOLD]
    ]
    return tuple(found)


def _tuples(
    engine: Engine, rows: str, sources: Sources, detections: Sequence[Detection], named: Naming
) -> tuple[TupleTraffic, ...]:
    hours, starts = tuple_traffic.by_hour(engine, rows), tuple_traffic.starts(engine, rows)
    used = tuple_traffic.destinations(engine, sources.relations["conn"])
    told = any(kind in sources.relations for kind in _NAMING)
    answer = []
    for number, detection in enumerate(detections):
        use = used.get(tuple_traffic.place_of(detection), tuple_traffic.Use(0, 0, 0, None, []))
        answer.append(
            TupleTraffic(
                detection_id=detection.detection_id,
                **hours.get(number, {}),
                **starts.get(number, {}),
                names=_names(detection, named) if told else None,
                names_cut=named.cut.get((detection.src_ip, detection.dst_ip), 0),
                unnamed=(
                    None
                    if detection.dst_name
                    else named.unnamed.get((detection.src_ip, detection.dst_ip, detection.dst_port))
                ),
                hosts_using=use.hosts,
                hosts_answered=use.proven,
                hosts_returning=use.returning,
                destination_first_seen=None if use.first is None else moment(use.first),
                other_hosts=tuple(text for text in use.some if text != detection.src_ip)[: tuple_traffic.MOST_OTHERS],
            )
        )
    return tuple(answer)


def _names(detection: Detection, named: Naming) -> tuple[NamedBy, ...]:
    """The names behind the address; of a detection by name that name alone, whatever else lies at its addresses."""
    if not detection.dst_name:
        return named.names.get((detection.src_ip, detection.dst_ip), ())
    every = (
        one
        for address in tuple_traffic.addresses_of(detection)
        for one in named.names.get((detection.src_ip, address), ())
    )
    return tuple(dict.fromkeys(one for one in every if one.name.lower().rstrip(".") == detection.dst_name))


def _hosts(
    engine: Engine, sources: Sources, detections: Sequence[Detection], networks: Networks
) -> tuple[HostTraffic, ...]:
    rows = host_activity.quarters(engine, sources.relations["conn"], networks.lab, networks.nat64)
    bursts, spreads, outside = (
        host_activity.bursts(engine, rows),
        host_activity.spreads(engine, rows),
        host_activity.outside(engine, rows),
    )
    dns = sources.relations.get("dns")
    failed = host_activity.name_bursts(engine, dns) if dns else None
    seen = look_ups(engine, sources.relations, networks)
    return tuple(
        HostTraffic(
            src_ip=src,
            bursts=bursts.get(src, ()),
            spreads=spreads.get(src, ()),
            name_bursts=None if failed is None else failed.get(src, ()),
            distinct_outside=outside.get(src, 0),
            look_ups=seen.get(src),
        )
        for src in sorted({detection.src_ip for detection in detections})
    )


def _history_days(held: Sequence[Summary]) -> float | None:
    return (max(one.newest for one in held) - min(one.oldest for one in held)) / 86400 if held else None


def _coverage(engine: Engine, kind: LogKind, sources: Sources) -> LogCoverage:
    if kind == "conn":
        hours = sorted({hour for one in sources.held for hour in one.hours})
    else:
        # An endpoint's own look-ups (no server) say nothing of what other hosts asked.
        told = "start IS NOT NULL AND server IS NOT NULL" if kind == "dns" else "start IS NOT NULL"
        hours = [
            hour
            for (hour,) in engine.believed(
                f"SELECT DISTINCT floor(start / 3600)::BIGINT AS hour_no FROM {sources.relations[kind]} WHERE {told} "
                "ORDER BY ALL"
            )
        ]
    return LogCoverage(kind=kind, hours=tuple(moment(hour * 3600) for hour in hours))
