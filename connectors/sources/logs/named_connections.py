"""Connections with the name of their destination, for names behind several addresses: what by_name counts."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from connectors.sources.logs.aggregate import aggregate
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.names import bare_name, is_declared
from connectors.sources.logs.schema import literal
from playbook.detections import by_name
from playbook.detections.beaconing import Scope, external
from playbook.detections.by_name import LEAST_ADDRESSES, NamedAggregate
from playbook.detections.languages.duckdb import Windows
from playbook.detections.languages.duckdb.by_name import aggregation
from playbook.model.address import parse
from playbook.model.detection import Detection
from playbook.model.site import Networks

# A handshake or a request belongs to the connection that began at most this long before it.
_SAME_CONNECTION_S = 60
# What a resolver answered is used for a day at most.
_ANSWER_USED_S = 86_400
_NAMES = {"raw": "VARCHAR", "dst_name": "VARCHAR"}


class NamedDetections(NamedTuple):
    """Detections of by_name by window, and the relation of their connections ("" when no name has two addresses)."""

    by_window: Mapping[int, tuple[Detection, ...]] = MappingProxyType({})
    relation: str = ""


def named_detections(
    engine: Engine, relations: Mapping[str, str], networks: Networks, scope: Scope, windows: Windows
) -> "NamedDetections":
    """The detections of by_name, by window, and the relation of the connections to names behind several addresses.

    A connection's name is the TLS server name or HTTP host seen in it, else what a declared resolver last answered to
    its source with its address. ``relations`` are the logs by kind, ``conn`` among them.
    """
    if not _collect_names(engine, relations, networks, scope):
        return NamedDetections()
    named = _name_connections(engine, relations["conn"])
    found: dict[int, list[Detection]] = defaultdict(list)
    for row in engine.believed(aggregation(scope.profile, named, windows, scope.lab)):
        number, hostname, src_ip, name, port, *counts, destinations, _ = row
        counted = aggregate((hostname, src_ip, destinations[0], port, *counts))
        one = by_name.score(NamedAggregate(name, tuple(destinations), counted), scope)
        if one is not None:
            found[number].append(one)
    return NamedDetections({number: tuple(ones) for number, ones in found.items()}, named)


def _collect_names(engine: Engine, relations: Mapping[str, str], networks: Networks, scope: Scope) -> bool:
    """Create ``name_uses`` (what names which address when) and ``pools``; whether a name has several addresses."""
    parts = [_web_uses(engine, relations[kind], kind) for kind in ("tls", "http") if kind in relations]
    if "dns" in relations and networks.resolvers:
        parts.append(_answers(engine, relations["dns"], networks))
    parts = [part for part in parts if part]
    if not parts:
        return False
    engine.run(f"CREATE OR REPLACE TEMP TABLE name_uses AS {' UNION ALL '.join(parts)}")
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE pools AS
        SELECT DISTINCT src_ip, dst_ip, dst_name FROM name_uses SEMI JOIN (
          SELECT src_ip, dst_name FROM name_uses GROUP BY ALL HAVING count(DISTINCT dst_ip) >= {LEAST_ADDRESSES}
        ) USING (src_ip, dst_name)""")
    addresses = [text for (text,) in engine.believed("SELECT DISTINCT dst_ip FROM pools")]
    inside = [(text,) for text in addresses if not external(text, scope)]
    if inside:
        engine.table("inside", {"dst_ip": "VARCHAR"}, inside)
        engine.run("DELETE FROM pools USING inside WHERE pools.dst_ip = inside.dst_ip")
    return len(addresses) > len(inside)


def _web_uses(engine: Engine, relation: str, kind: str) -> str:
    """SELECT of what TLS server names or HTTP hosts name; bare addresses are no names."""
    raw = [text for (text,) in engine.believed(f"SELECT DISTINCT name FROM {relation} WHERE name != ''")]
    pairs = [(text, plain) for text in raw if (plain := _plain(text))]
    if not pairs:
        return ""
    engine.table(f"{kind}_names", _NAMES, pairs)
    return f"""
        SELECT src_ip, dst_ip, dst_port, start, dst_name, true AS in_it
        FROM {relation} JOIN {kind}_names ON name = raw WHERE start IS NOT NULL"""


def _answers(engine: Engine, relation: str, networks: Networks) -> str:
    """SELECT of what declared resolvers answered to the source itself."""
    servers = [text for (text,) in engine.believed(f"SELECT DISTINCT server FROM {relation} WHERE server IS NOT NULL")]
    declared = ", ".join(literal(text) for text in servers if is_declared(text, networks))
    if not declared:
        return ""
    return f"""
        SELECT src_ip, unnest(answers) AS dst_ip, NULL::INTEGER AS dst_port, start,
          rtrim(lower(query), '.') AS dst_name, false AS in_it
        FROM {relation} WHERE start IS NOT NULL AND query != '' AND server IN ({declared})"""


def _plain(text: str) -> str:
    """A name as it is counted; "" for a bare address."""
    name = bare_name(text).lower().rstrip(".")
    return "" if parse(name.strip("[]")) is not None else name


def _name_connections(engine: Engine, relation: str) -> str:
    """The connections to the addresses of ``pools`` with the name that was meant, copied; the relation of the copy.

    Where one source knows one address by one name, that is meant; else the name in the connection, else the last
    answer before it.
    """
    reached = _copied(
        engine,
        "pool_connections",
        f"""SELECT * FROM {relation} SEMI JOIN (SELECT DISTINCT src_ip, dst_ip FROM pools) USING (src_ip, dst_ip)
        WHERE start IS NOT NULL""",
    )
    return _copied(
        engine,
        "named_connections",
        f"""
        WITH only_names AS (
          SELECT src_ip, dst_ip, min(dst_name) AS only_name FROM name_uses
          GROUP BY ALL HAVING count(DISTINCT dst_name) = 1
        ), meant AS (
          SELECT c.*, coalesce(only_names.only_name,
            CASE WHEN web.start - c.start <= {_SAME_CONNECTION_S} THEN web.dst_name END,
            CASE WHEN c.start - dns.start <= {_ANSWER_USED_S} THEN dns.dst_name END) AS dst_name
          FROM {reached} AS c
          LEFT JOIN only_names ON c.src_ip = only_names.src_ip AND c.dst_ip = only_names.dst_ip
          ASOF LEFT JOIN (SELECT * FROM name_uses WHERE in_it) AS web
            ON c.src_ip = web.src_ip AND c.dst_ip = web.dst_ip AND c.dst_port = web.dst_port AND c.start <= web.start
          ASOF LEFT JOIN (SELECT * FROM name_uses WHERE NOT in_it) AS dns
            ON c.src_ip = dns.src_ip AND c.dst_ip = dns.dst_ip AND c.start >= dns.start
        )
        SELECT * FROM meant SEMI JOIN (SELECT DISTINCT src_ip, dst_name FROM pools) USING (src_ip, dst_name)""",
    )


def _copied(engine: Engine, name: str, query: str) -> str:
    target = literal(str(engine.folder / f"{name}.parquet"))
    engine.run(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440)")
    return f"read_parquet({target})"
