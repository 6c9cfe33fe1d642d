"""Whether the DNS look-ups of a source are in the log: only then does the absence of a name mean anything."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from connectors.sources.logs.engine import Engine
from connectors.sources.logs.schema import literal
from playbook.detections.languages.duckdb import v4, within
from playbook.model.site import Networks
from playbook.model.traffic import LookUps
from playbook.reference_data.lists import resolver_addresses

# Look-ups in the log for each connection that could have carried one.
LEAST_SHARE = 0.5
# What was asked over TLS or HTTPS may be used for a day.
_HIDDEN_AFTER_H = 24
_SOURCES = "(SELECT DISTINCT src_ip FROM wanted)"
# DNS over HTTPS at addresses that serve other names too; by the documentation of browsers and operators.
_DOH_NAMES = (
    "cloudflare-dns.com",
    "one.one.one.one",
    "dns.google",
    "dns.quad9.net",
    "doh.opendns.com",
    "dns.nextdns.io",
    "doh.cleanbrowsing.org",
    "dns.adguard-dns.com",
    "dns.mullvad.net",
    "doh.xfinity.com",
    "dns.controld.com",
)
# Multicast and broadcast names (mDNS, LLMNR, NetBIOS) lead nowhere outside.
_UNICAST = "server IS NOT NULL AND NOT regexp_matches(server, '^(22[4-9]|23[0-9])[.]|^ff|[.]255$')"

Hours = Mapping[str, Mapping[int, int]]


def look_ups(engine: Engine, relations: Mapping[str, str], networks: Networks) -> dict[str, LookUps]:
    """By wanted source; empty when there is no DNS log."""
    if "dns" not in relations:
        return {}
    asked = _by_hour(engine, relations["conn"], "dst_port = 53", "sum(conns)::BIGINT")
    logged = _by_hour(engine, relations["dns"], _UNICAST, "count(*)")
    encrypted = _encrypted(engine, relations, networks)
    web = _web_visible(engine, relations)
    sources = [src for (src,) in engine.believed(f"SELECT src_ip FROM {_SOURCES}")]
    return {
        src: _of_source(asked.get(src, {}), logged.get(src, {}), encrypted.get(src, frozenset()), web.get(src, False))
        for src in sources
    }


def _of_source(
    asked: Mapping[int, int], logged: Mapping[int, int], encrypted: Iterable[int], web_visible: bool
) -> LookUps:
    connections, rows = sum(asked.values()), sum(logged.values())
    if not rows or rows < LEAST_SHARE * connections:
        return LookUps(
            web_visible=web_visible,
            detail=(f"the DNS log holds {rows} look-ups of this source, for {connections} connections to port 53"),
        )
    over_tls = {hour + after for hour in encrypted for after in range(_HIDDEN_AFTER_H + 1)}
    missing = {hour for hour, count in asked.items() if logged.get(hour, 0) < LEAST_SHARE * count}
    hidden = sorted(over_tls | missing)
    why = "it asks a resolver over TLS or HTTPS" if over_tls else "look-ups are missing" if missing else ""
    if not web_visible and not why:
        why = "the log holds less than half of its TLS handshakes and HTTP requests"
    return LookUps(visible=True, hidden_hours=tuple(hidden), web_visible=web_visible, detail=why)


def _by_hour(engine: Engine, relation: str, condition: str, count: str) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for src, hour, number in engine.believed(f"""
            SELECT src_ip, floor(start / 3600)::BIGINT AS hour_no, {count} FROM {relation}
            SEMI JOIN {_SOURCES} USING (src_ip) WHERE start IS NOT NULL AND {condition} GROUP BY ALL"""):
        found[src][hour] = number
    return found


def _encrypted(engine: Engine, relations: Mapping[str, str], networks: Networks) -> dict[str, frozenset[int]]:
    """The hours in which a source used DNS over TLS, or a known resolver over HTTPS, by source."""
    known = f"dst_ip IN ({', '.join(map(literal, resolver_addresses()))})"
    declared = within(v4("dst_ip"), networks.resolvers) if networks.resolvers else "false"
    used = "NOT denied AND coalesce(answered, true)"
    found: dict[str, set[int]] = defaultdict(set)
    parts = [(relations["conn"], f"{used} AND (dst_port = 853 OR dst_port = 443 AND ({known} OR {declared}))")]
    if "tls" in relations:
        names = " OR ".join(f"name = {literal(n)} OR ends_with(name, {literal(f'.{n}')})" for n in _DOH_NAMES)
        parts.append((relations["tls"], f"({names})"))
    for relation, condition in parts:
        for src, hours in _by_hour(engine, relation, condition, "count(*)").items():
            found[src] |= hours.keys()
    return {src: frozenset(hours) for src, hours in found.items()}


def _web_visible(engine: Engine, relations: Mapping[str, str]) -> dict[str, bool]:
    """Whether a TLS or an HTTP log holds at least half as many rows of a source as it has connections to 443 or 80."""
    visible: dict[str, bool] = defaultdict(bool)
    for kind, port in (("tls", 443), ("http", 80)):
        if kind not in relations:
            continue
        spoken = f"proto IN ('tcp', '') AND NOT denied AND coalesce(answered, true) AND dst_port = {port}"
        for src, rows, connections in engine.believed(f"""
                SELECT src_ip, coalesce(rows, 0), coalesce(connections, 0) FROM {_SOURCES}
                LEFT JOIN (SELECT src_ip, count(*) AS rows FROM {relations[kind]}
                  WHERE start IS NOT NULL GROUP BY src_ip) USING (src_ip)
                LEFT JOIN (SELECT src_ip, sum(conns) AS connections FROM {relations["conn"]}
                  WHERE start IS NOT NULL AND {spoken} GROUP BY src_ip) USING (src_ip)"""):
            visible[src] |= rows >= LEAST_SHARE * connections
    return visible
