"""The busiest quarters of an hour of the detections' sources: floods, spreads, and bursts of failed names."""

from collections import defaultdict
from collections.abc import Sequence
from ipaddress import IPv6Network
from typing import Any

from connectors.sources.logs.domains import registered
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.schema import literal
from connectors.sources.logs.tuple_traffic import REFUSED, keep_v6
from playbook.detections.beaconing import moment
from playbook.detections.hunts import QUARTER_S
from playbook.detections.languages._external_addresses import BROWSERS_REFUSE, NOT_FLOODED, UNANSWERED_SHARE
from playbook.detections.languages.duckdb import v4, within
from playbook.model.address import NOT_GLOBAL, Network, why_not_global
from playbook.model.traffic import Burst, NameBurst, Spread

# Twelve quarters are three hours at least: whether something comes again in a third hour is never cut off.
MOST = 12
# A quarter with fewer failed names is no burst under any threshold that is used.
_FEWEST_FAILED = 10
_MOST_NAMES = 500_000
_SOURCES = "(SELECT DISTINCT src_ip FROM wanted)"


def quarters(engine: Engine, relation: str, lab: Sequence[Network], nat64: Sequence[IPv6Network]) -> str:
    """Connections of the wanted sources to outside addresses by quarter of an hour, destination and port."""
    target = literal(str(engine.folder / "quarters.parquet"))
    engine.run(f"""
        COPY (
          SELECT src_ip, floor(start / {QUARTER_S})::BIGINT AS quarter, dst_ip, dst_port, sum(conns)::BIGINT AS n,
            coalesce(sum(conns) FILTER ({REFUSED}), 0)::BIGINT AS refused
          FROM {relation} SEMI JOIN (SELECT DISTINCT src_ip FROM wanted) USING (src_ip)
          WHERE start IS NOT NULL GROUP BY ALL
        ) TO {target} (FORMAT parquet)""")
    rows = f"read_parquet({target})"
    _outside_addresses(engine, rows, lab, nat64)
    return f"(SELECT * FROM {rows} SEMI JOIN outside USING (dst_ip))"


def _outside_addresses(engine: Engine, rows: str, lab: Sequence[Network], nat64: Sequence[IPv6Network]) -> None:
    """Create the temporary table ``outside`` of global destinations: IPv4 by SQL, the others one by one."""
    inside = within("dst_v4", [network for network, _ in NOT_GLOBAL])
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE outside AS
        WITH once AS MATERIALIZED (SELECT DISTINCT dst_ip FROM {rows}),
        numbered AS MATERIALIZED (SELECT dst_ip, {v4("dst_ip")} AS dst_v4 FROM once)
        SELECT dst_ip FROM numbered WHERE contains(dst_ip, ':') OR NOT {inside} OR {within("dst_v4", lab)}""")
    keep_v6(engine, "outside", "dst_ip", lambda address: why_not_global(address, lab, nat64) is None)


def bursts(engine: Engine, rows: str) -> dict[str, tuple[Burst, ...]]:
    """The most connections to one destination and port, busiest first."""
    found: dict[str, list[Burst]] = defaultdict(list)
    for src, quarter, dst, port, connections in engine.believed(f"""
            SELECT src_ip, quarter, dst_ip, dst_port, n FROM {rows} WHERE dst_port NOT IN {NOT_FLOODED}
            QUALIFY row_number() OVER (PARTITION BY src_ip ORDER BY n DESC, quarter, dst_ip, dst_port) <= {MOST}
            ORDER BY src_ip, n DESC, quarter, dst_ip, dst_port"""):
        found[src].append(Burst(start=_start(quarter), dst_ip=dst, dst_port=port, connections=connections))
    return {src: tuple(values) for src, values in found.items()}


def spreads(engine: Engine, rows: str) -> dict[str, tuple[Spread, ...]]:
    """The quarters with the most pairs of destination and port that never answered, and the widest, scans first."""
    found: dict[str, list[Spread]] = defaultdict(list)
    scans = f"failed >= {UNANSWERED_SHARE} * pairs DESC, pairs DESC, quarter"
    for src, quarter, pairs, share, refused in engine.believed(f"""
            WITH spread AS (
              SELECT src_ip, quarter, count(*) AS pairs, count(*) FILTER (refused = n) AS failed,
                count(*) FILTER (refused = n AND dst_port IN {BROWSERS_REFUSE}) AS shut
              FROM {rows} GROUP BY src_ip, quarter
            )
            SELECT src_ip, quarter, pairs, failed / pairs, shut / greatest(failed, 1) FROM spread
            QUALIFY row_number() OVER (PARTITION BY src_ip ORDER BY {scans}) <= {MOST}
              OR row_number() OVER (PARTITION BY src_ip ORDER BY failed DESC, quarter) <= {MOST}
            ORDER BY src_ip, {scans}"""):
        found[src].append(
            Spread(start=_start(quarter), pairs=pairs, unanswered_share=share, refused_ports_share=refused)
        )
    return {src: tuple(values) for src, values in found.items()}


def outside(engine: Engine, rows: str) -> dict[str, int]:
    """How many distinct outside addresses each source contacted."""
    return dict(engine.believed(f"SELECT src_ip, count(DISTINCT dst_ip) FROM {rows} GROUP BY src_ip"))


def name_bursts(engine: Engine, dns: str) -> dict[str, tuple[NameBurst, ...]]:
    """The quarters with the most failed names; registered domains are told apart by the public suffix list.

    Names of addresses (``.arpa``) are left out: nobody registers those, and any mail server asks for hundreds.
    """
    names: dict[tuple[str, int], list[tuple[str, bool]]] = defaultdict(list)
    for src, quarter, query, failed in engine.believed(f"""
            WITH names AS (
              SELECT src_ip, floor(start / {QUARTER_S})::BIGINT AS quarter, query,
                coalesce(bool_and(failed), false) AS failed
              FROM {dns} SEMI JOIN {_SOURCES} USING (src_ip)
              WHERE start IS NOT NULL AND query != '' AND query NOT LIKE '%.arpa' GROUP BY ALL
            ), busy AS (
              SELECT src_ip, quarter FROM names GROUP BY src_ip, quarter
              HAVING count(*) FILTER (failed) >= {_FEWEST_FAILED}
              QUALIFY row_number() OVER (PARTITION BY src_ip ORDER BY count(*) FILTER (failed) DESC, quarter) <= {MOST}
            )
            SELECT src_ip, quarter, query, failed FROM names SEMI JOIN busy USING (src_ip, quarter)
            ORDER BY src_ip, quarter, query LIMIT {_MOST_NAMES}"""):
        names[src, quarter].append((query, failed))
    found: dict[str, list[NameBurst]] = defaultdict(list)
    for (src, quarter), asked in names.items():
        found[src].append(_name_burst(quarter, asked))
    return {
        src: tuple(sorted(values, key=lambda burst: (-burst.failed_domains, burst.start)))
        for src, values in found.items()
    }


def _name_burst(quarter: int, asked: Sequence[tuple[str, bool]]) -> NameBurst:
    domains = {registered(name) for name, _ in asked}
    failed = [name for name, gone in asked if gone]
    answered = {registered(name) for name, gone in asked if not gone}
    return NameBurst(
        start=_start(quarter),
        names=len(asked),
        failed_names=len(failed),
        domains=len(domains),
        failed_domains=len({registered(name) for name in failed} - answered),
    )


def _start(quarter: int) -> Any:
    return moment(quarter * QUARTER_S)
