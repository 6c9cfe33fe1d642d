"""The names behind a destination: from DNS answers, TLS server names and HTTP Host headers of the same source."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from connectors.sources.logs.engine import Engine
from playbook.model.address import parse, unwrap, within
from playbook.model.site import Networks
from playbook.model.traffic import NamedBy
from playbook.reference_data.lists import covering

MOST = 1000  # a client may claim any number of names; the listed one must not drown among them
_PAIRS = "(SELECT DISTINCT src_ip, dst_ip FROM wanted)"
_PORT = re.compile(r":\d{1,5}$")
By = str


def names(
    engine: Engine, relations: Mapping[str, str], networks: Networks
) -> dict[tuple[str, str], tuple[NamedBy, ...]]:
    """By (source, destination): the names this source connected to it; IP literals are no names.

    A name is ``backed`` when a logged DNS answer to anyone for this name held the destination and came from a
    resolver of ours (``networks.resolvers``, or any machine of ours while that is unset) or a public one: a bot's own
    name server says whatever it likes. A question counts only for the source that asked it: behind a forwarding
    resolver, the log of its questions backs SNI and Host only.
    """
    answered: dict[str, set[str]] = defaultdict(set)
    found: dict[tuple[str, str], set[tuple[str, By]]] = defaultdict(set)
    if "dns" in relations:
        for src, name, dst, server in engine.believed(_answers(relations["dns"])):
            if server is not None and _trusted(server, networks):
                answered[dst].add(name)
            found[src, dst].add((name, "dns"))
    for kind, by in (("tls", "sni"), ("http", "http_host")):
        if kind in relations:
            for src, dst, name in engine.believed(f"""
                    SELECT DISTINCT src_ip, dst_ip, name FROM {relations[kind]}
                    SEMI JOIN {_PAIRS} USING (src_ip, dst_ip)
                    WHERE start IS NOT NULL AND name IS NOT NULL AND name != ''"""):
                found[src, dst].add((_bare(name), by))
    return {pair: _named(told, answered[pair[1]]) for pair, told in found.items()}


@lru_cache(maxsize=65536)
def _trusted(server: str, networks: Networks) -> bool:
    address = parse(server)
    if address is None:
        return False
    inner = unwrap(address, networks.nat64)
    ours = within(inner, networks.resolvers or networks.home)
    return ours or any(row.category == "resolver" for row in covering(inner))


def _named(told: Iterable[tuple[str, By]], answered: set[str]) -> tuple[NamedBy, ...]:
    kept = sorted(((name not in answered, name, by) for name, by in told if name and parse(name.strip("[]")) is None))
    return tuple(
        sorted(
            (NamedBy(name=name, by=by, backed=not claimed) for claimed, name, by in kept[:MOST]),
            key=lambda named: (named.name, named.by),
        )
    )


def _bare(name: str) -> str:
    """Without the port that a Host header may carry."""
    return name if parse(name) else _PORT.sub("", name)


def _answers(dns: str) -> str:
    return f"""
        SELECT DISTINCT src_ip, query, answer, server FROM (
          SELECT src_ip, query, unnest(answers) AS answer, server FROM {dns} WHERE start IS NOT NULL AND query != '')
        SEMI JOIN (SELECT DISTINCT dst_ip AS answer FROM wanted) USING (answer)"""
