"""The names behind a destination: from DNS answers, TLS server names and HTTP Host headers of the same source."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from connectors.logs.engine import Engine
from playbook.model.address import parse
from playbook.model.traffic import NamedBy

MOST = 50
_PAIRS = "(SELECT DISTINCT src_ip, dst_ip FROM wanted)"
_PORT = re.compile(r":\d{1,5}$")
By = str


def names(engine: Engine, relations: Mapping[str, str]) -> dict[tuple[str, str], tuple[NamedBy, ...]]:
    """By (source, destination): the names this source connected to it; IP literals are no names.

    A name is ``backed`` when a logged DNS answer to anyone for this name held the destination. A question counts only
    for the source that asked it: behind a forwarding resolver, the log of its questions backs SNI and Host only.
    """
    answered: dict[str, set[str]] = defaultdict(set)
    found: dict[tuple[str, str], set[tuple[str, By]]] = defaultdict(set)
    if "dns" in relations:
        for src, name, dst in engine.believed(_answers(relations["dns"])):
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


def _named(told: Iterable[tuple[str, By]], answered: set[str]) -> tuple[NamedBy, ...]:
    kept = sorted((name, by) for name, by in told if name and parse(name.strip("[]")) is None)
    return tuple(NamedBy(name=name, by=by, backed=name in answered) for name, by in kept[:MOST])


def _bare(name: str) -> str:
    """Without the port that a Host header may carry."""
    return name if parse(name) else _PORT.sub("", name)


def _answers(dns: str) -> str:
    return f"""
        SELECT DISTINCT src_ip, query, answer FROM (
          SELECT src_ip, query, unnest(answers) AS answer FROM {dns} WHERE start IS NOT NULL AND query != '')
        SEMI JOIN (SELECT DISTINCT dst_ip AS answer FROM wanted) USING (answer)"""
