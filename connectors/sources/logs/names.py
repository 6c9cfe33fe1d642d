"""The names behind a destination: from DNS answers, TLS server names and HTTP Host headers of the same source."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from connectors.sources.logs.engine import Engine
from playbook.model.address import parse, unwrap, within
from playbook.model.site import Networks
from playbook.model.traffic import NamedBy, Unnamed

MOST = 20_000  # a client may claim any number of names; the listed one must not drown among them
_PORT = re.compile(r":\d{1,5}$")
# A handshake on these ports may begin later than at the first byte, or its clients send no name by custom: mail,
# directories, databases, remote desktops, message queues.
_LATE_TLS = (25, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 3306, 3389, 5432, 5671, 8883)
_MOST_SERVERS = 3

Pair = tuple[str, str]
Tuple = tuple[str, str, int]


@dataclass(frozen=True)
class Naming:
    """What the logs say of names: by (source, destination), how many were cut, and by tuple what names nothing.

    ``servers`` are those that answered the sources most often, for the line that declares them.
    """

    names: Mapping[Pair, tuple[NamedBy, ...]]
    cut: Mapping[Pair, int]
    unnamed: Mapping[Tuple, Unnamed]
    servers: tuple[str, ...] = ()


def naming(engine: Engine, relations: Mapping[str, str], networks: Networks) -> Naming:
    """The names that each wanted source connected to a wanted destination; IP literals are no names.

    A name is backed when a resolver in ``networks.resolvers`` answered it to this very source with this address: a
    bot's own name server says whatever it likes, and what another host asked says nothing of this one.
    """
    backed: dict[Pair, set[str]] = defaultdict(set)
    seen: dict[Pair, set[tuple[str, str]]] = defaultdict(set)
    answered_by: Counter[str] = Counter()
    if "dns" in relations:
        for src, name, dst, server in engine.believed(_answers(relations["dns"])):
            seen[src, dst].add((name, "dns"))
            if server is not None:
                answered_by[server] += 1
                if is_declared(server, networks):
                    backed[src, dst].add(name)
    unnamed = _unnamed(engine, relations, seen)
    named = {pair: _ordered(names, backed[pair]) for pair, names in seen.items()}
    return Naming(
        names={pair: tuple(sorted(names[:MOST], key=lambda n: (n.name, n.by))) for pair, names in named.items()},
        cut={pair: len(names) - MOST for pair, names in named.items() if len(names) > MOST},
        unnamed=unnamed,
        servers=tuple(server for server, _ in answered_by.most_common(_MOST_SERVERS)),
    )


def _unnamed(
    engine: Engine, relations: Mapping[str, str], seen: dict[Pair, set[tuple[str, str]]]
) -> dict[Tuple, Unnamed]:
    """What the protocols themselves say: adds the names to ``seen``, and counts by tuple what names nothing.

    Not where an answer to this source, from anyone, held the address; and nothing of a log without a single name,
    which may not have been told to write them.
    """
    counts: dict[Tuple, Counter[str]] = defaultdict(Counter)
    for kind, by, what in (("tls", "sni", "handshakes"), ("http", "http_host", "requests")):
        if kind not in relations:
            continue
        rows = engine.believed(_named_rows(relations[kind], kind))
        if not _tells_names(engine, relations[kind]):
            continue
        for src, dst, port, raw, times in rows:
            name = bare_name(raw or "")
            bare = not name or parse(name.strip("[]")) is not None
            if not bare:
                seen[src, dst].add((name, by))
            if kind == "tls" and port in _LATE_TLS:
                continue
            counts[src, dst, port] += Counter({what: times, f"{what}_unnamed": times if bare else 0})
    return {
        place: Unnamed(**count)
        for place, count in counts.items()
        if not any(by == "dns" for _, by in seen.get(place[:2], ()))
    }


@lru_cache(maxsize=65536)
def is_declared(server: str, networks: Networks) -> bool:
    """Whether a server that answered is one of ``networks.resolvers``."""
    address = parse(server)
    return address is not None and within(unwrap(address, networks.nat64), networks.resolvers)


def _ordered(names: set[tuple[str, str]], backed: set[str]) -> list[NamedBy]:
    """The backed names first, so that a cut leaves out claims before answers."""
    usable = [(name, by) for name, by in names if name and parse(name.strip("[]")) is None]
    return [
        NamedBy(name=name, by=by, backed=name in backed)
        for name, by in sorted(usable, key=lambda named: (named[0] not in backed, *named))
    ]


def bare_name(name: str) -> str:
    """The name without the port that a Host header may carry."""
    return name if parse(name) else _PORT.sub("", name)


def _answers(dns: str) -> str:
    return f"""
        SELECT DISTINCT src_ip, query, answer, server FROM (
          SELECT src_ip, query, unnest(answers) AS answer, server FROM {dns} WHERE start IS NOT NULL AND query != '')
        SEMI JOIN (SELECT DISTINCT dst_ip AS answer FROM wanted) USING (answer)"""


def _named_rows(relation: str, kind: str) -> str:
    """By tuple and name, how often; a row of HTTP without a method is no request."""
    request = "AND (method IS NOT NULL OR name IS NOT NULL)" if kind == "http" else ""
    return f"""
        SELECT src_ip, dst_ip, dst_port, name, count(*) FROM {relation}
        SEMI JOIN (SELECT DISTINCT src_ip, dst_ip FROM wanted) USING (src_ip, dst_ip)
        WHERE start IS NOT NULL {request} GROUP BY ALL"""


def _tells_names(engine: Engine, relation: str) -> bool:
    ((some,),) = engine.believed(f"SELECT count(*) > 0 FROM {relation} WHERE name IS NOT NULL AND name != ''")
    return bool(some)
