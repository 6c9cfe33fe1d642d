"""One question to one registry over RDAP: redirects only to registries, and a dead one is not asked again."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from connectors.enrichers.whois.bootstrap import Registry, origin_of
from connectors.enrichers.whois.range_cache import moment
from connectors.enrichers.whois.rdap_parser import Holder, holder_of
from connectors.http import Clocks, Reply, ReplyBounds, Transport, printable
from playbook.errors import BadAnswer, ConnectorError
from playbook.model.address import Address

_HOPS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BAD_IN_A_ROW = 3


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
        self._clocks = clocks
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
        self._resting: dict[str, tuple[float, str]] = {}
        self._bad: dict[str, int] = {}

    def resting(self, registry: Registry) -> str | None:
        """Why the registry is not asked at the moment, or None."""
        until, why = self._resting.get(registry.name, (float("-inf"), ""))
        return f"{why}; not asked again for now" if self._clocks.monotonic() < until else None

    def ask(self, registry: Registry, address: Address, left_s: float) -> Holder:
        """What the registry says of the address within ``left_s`` seconds; ``known`` False after a 404.

        Raises ConnectorError. No answer, a refusal, or three bad answers in a row send the registry to rest.
        """
        try:
            holder = self._ask(registry, address, left_s)
        except BadAnswer as fault:
            self._bad[registry.name] = self._bad.get(registry.name, 0) + 1
            if self._bad[registry.name] >= _BAD_IN_A_ROW:
                self._rest(registry, fault)
            raise
        except ConnectorError as fault:
            if left_s >= self._bounds.deadline_s:  # else it is our own time that ran out
                self._rest(registry, fault)
            raise
        self._bad[registry.name] = 0
        return holder

    def greet(self, registry: Registry) -> None:
        """The cheapest call that proves the registry answers RDAP; raises ConnectorError."""
        reply = self._get(registry, registry.base + "help", self._bounds.deadline_s)
        if not isinstance(reply.expect(200).json(), dict):
            raise BadAnswer(f"{registry.name}: expected an RDAP help object")

    def _rest(self, registry: Registry, fault: ConnectorError) -> None:
        self._resting[registry.name] = (self._clocks.monotonic() + self._rest_s, str(fault))
        self._bad[registry.name] = 0

    def _ask(self, registry: Registry, address: Address, left_s: float) -> Holder:
        until = self._clocks.monotonic() + min(left_s, self._bounds.deadline_s + registry.pace_s)
        url = f"{registry.base}ip/{address}"
        for _ in range(1 + _HOPS):
            reply = self._get(registry, url, until - self._clocks.monotonic())
            if reply.status in _REDIRECTS:
                url = self._followed(registry, reply.location)
                continue
            now = moment(self._clocks.wall())
            if reply.status == 404:
                return Holder(
                    asked=address, first=address, last=address, registry=registry.name, fetched=now, known=False
                )
            return holder_of(reply.expect(200).json(), address, registry.name, now)
        raise BadAnswer(f"{registry.name}: more than {_HOPS} redirects for {address}")

    def _followed(self, registry: Registry, target: str | None) -> str:
        origin = origin_of(target or "")
        if origin not in self._transports:
            where = printable(origin.partition("//")[2])[:100] or "nowhere"
            raise BadAnswer(f"{registry.name}: a redirect to {where}, which is no registry")
        return target or ""

    def _get(self, registry: Registry, url: str, left_s: float) -> Reply:
        parts = urlsplit(url)
        self.sent[registry.name] += 1  # each registry is worked by one thread
        return self._transports[origin_of(url)].get(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            headers={"Accept": "application/rdap+json, application/json"},
            deadline_s=max(left_s, 0.05),
        )
