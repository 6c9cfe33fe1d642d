"""One question to one registry over RDAP: redirects only to registries, and a dead one is not asked again.

A regional registry may send us on to a national one that the bootstrap does not know (APNIC to Japan's). Its own
answer, over https, names that server; the national server can send us nowhere but to itself or to a regional one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from connectors.enrichers.whois.bootstrap import Registry, origin_of
from connectors.enrichers.whois.range_cache import moment
from connectors.enrichers.whois.rdap_parser import Holder, holder_of
from connectors.http import Clocks, Reply, ReplyBounds, Transport, printable
from playbook.errors import BadAnswer, ConnectorError, RateLimited
from playbook.model.address import Address

_HOPS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BAD_IN_A_ROW = 3
_MOST_NATIONAL = 64
# A public name over https on its usual port, asked about a network: never an address, never a host of this site.
_NATIONAL = re.compile(
    r"https://(?=[^/]*[.])(?:[a-z0-9-]+[.])+(?!local\b|internal\b|localhost\b|lan\b)[a-z]{2,63}(?::443)?"
    r"(?:/[A-Za-z0-9._~-]+)*/ip/[0-9A-Fa-f.:/]+",
    re.ASCII | re.IGNORECASE,
)


class _NoRegistry(BadAnswer):
    """A redirect that is not followed: it says nothing against the registry that gave it."""


@dataclass
class _Route:
    """Where one question has got to."""

    origin: str
    name: str


class RdapClient:
    """Questions to the registries; ``sent`` counts them by registry, redirects included."""

    def __init__(
        self,
        registries: Sequence[Registry],
        bounds: ReplyBounds,
        clocks: Clocks,
        rest_s: float,
        ca_file: Path | None = None,
    ) -> None:
        self.sent: dict[str, int] = dict.fromkeys((registry.name for registry in registries), 0)
        self._clocks, self._ca_file = clocks, ca_file
        self._rest_s = rest_s
        self._bounds = bounds
        self._transports = {
            registry.origin: Transport(
                registry.origin,
                subject=registry.name,
                clocks=clocks,
                ca_file=ca_file,
                bounds=ReplyBounds(
                    bounds.deadline_s, bounds.max_bytes, bounds.attempts, max(bounds.min_interval_s, registry.pace_s)
                ),
            )
            for registry in registries
        }
        self._national: dict[str, Transport] = {}
        # By origin: what one server does is no reason to leave another alone.
        self._resting: dict[str, tuple[float, str]] = {}
        self._bad: dict[str, int] = {}

    def resting(self, registry: Registry) -> str | None:
        """Why the registry is not asked at the moment, or None."""
        return self._why_resting(registry.origin)

    def ask(self, registry: Registry, address: Address, left_s: float) -> Holder:
        """What the registry says of the address within ``left_s`` seconds; ``known`` False after a 404.

        Raises ConnectorError. No answer, a refusal, or three bad answers in a row send the server to rest that gave
        them: a national one that fails is no reason to leave its regional registry alone.
        """
        route = _Route(registry.origin, registry.name)
        try:
            holder = self._ask(registry, address, left_s, route)
        except _NoRegistry:
            raise
        except BadAnswer as fault:
            self._bad[route.origin] = self._bad.get(route.origin, 0) + 1
            if self._bad[route.origin] >= _BAD_IN_A_ROW:
                self._rest(route.origin, fault)
            raise
        except ConnectorError as fault:
            if left_s >= self._bounds.deadline_s:  # else it is our own time that ran out
                self._rest(route.origin, fault)
            raise
        self._bad[route.origin] = 0
        return holder

    def greet(self, registry: Registry) -> None:
        """The cheapest call that proves the registry answers RDAP; raises ConnectorError."""
        reply = self._get(registry, registry.base + "help", self._bounds.deadline_s)
        if not isinstance(reply.expect(200).json(), dict):
            raise BadAnswer(f"{registry.name}: expected an RDAP help object")

    def _why_resting(self, origin: str) -> str | None:
        until, why = self._resting.get(origin, (float("-inf"), ""))
        return f"{why}; not asked again for now" if self._clocks.monotonic() < until else None

    def _rest(self, origin: str, fault: ConnectorError) -> None:
        self._resting[origin] = (self._clocks.monotonic() + self._rest_s, str(fault))
        self._bad[origin] = 0

    def _ask(self, registry: Registry, address: Address, left_s: float, route: _Route) -> Holder:
        until = self._clocks.monotonic() + min(left_s, self._bounds.deadline_s + registry.pace_s)
        url = f"{registry.base}ip/{address}"
        for _ in range(1 + _HOPS):
            reply = self._get(registry, url, until - self._clocks.monotonic())
            if reply.status in _REDIRECTS:
                url = self._followed(reply.location, route)
                continue
            now = moment(self._clocks.wall())
            if reply.status == 404:
                return Holder(asked=address, first=address, last=address, registry=route.name, fetched=now, known=False)
            if reply.status == 403:
                raise RateLimited(f"{route.name}: refuses to answer us (403), as registries do after many questions")
            return holder_of(reply.expect(200).json(), address, route.name, now)
        raise _NoRegistry(f"{registry.name}: more than {_HOPS} redirects for {address}")

    def _followed(self, target: str | None, route: _Route) -> str:
        """``target`` when it may be asked; ``route`` is then there. Raises BadAnswer, or what a rest is for."""
        origin = origin_of(target or "")
        if origin not in self._transports and origin != route.origin and not self._is_national(target, origin, route):
            where = printable(origin.partition("//")[2])[:100] or "nowhere"
            raise _NoRegistry(f"{route.name}: a redirect to {where}, which is no registry")
        if why := self._why_resting(origin):
            raise _NoRegistry(why)
        if origin != route.origin:
            route.origin, route.name = origin, urlsplit(origin).hostname or ""
        return target or ""

    def _is_national(self, target: str | None, origin: str, route: _Route) -> bool:
        """Whether a regional registry, proven by its certificate, named this server; it is then one of ours."""
        told = route.origin in self._transports and route.origin.startswith("https://")
        if not told or target is None or not _NATIONAL.fullmatch(target):
            return False
        if origin not in self._national and len(self._national) < _MOST_NATIONAL:
            self._national[origin] = Transport(
                origin,
                subject=urlsplit(origin).hostname or "",
                clocks=self._clocks,
                ca_file=self._ca_file,
                bounds=self._bounds,
            )
        return origin in self._national

    def _get(self, registry: Registry, url: str, left_s: float) -> Reply:
        parts = urlsplit(url)
        self.sent[registry.name] += 1  # each registry is worked by one thread
        origin = origin_of(url)
        return (self._transports.get(origin) or self._national[origin]).get(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            headers={"Accept": "application/rdap+json, application/json"},
            passes={403},
            deadline_s=max(left_s, 0.05),
        )
