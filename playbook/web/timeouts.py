"""How long a connection may take to say what it wants: one that dawdles, or does not read, makes room for others."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# Of all connections that are taken (serve's limit), what one address may hold.
MOST_OF_ONE = 128
# Of serve's 256: above so many, a new connection takes the place of the one that has waited longest without a request.
MOST_AT_ONCE = 192


class TimeoutProtocol(H11Protocol):
    """uvicorn's protocol with an end to its patience: it waits for ever for the rest of a head or of a body.

    A request must be whole, and an answer taken, ``patience_s`` seconds after the connection opened or the last answer.
    """

    patience_s = 30.0
    _waiting_since = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection opens; one too many of the same address closes at once (a proxy is many people)."""
        super().connection_made(transport)
        if not self.config.proxy_headers and self._of_this_address() > MOST_OF_ONE:
            transport.abort()
            return
        if len(self.connections) > MOST_AT_ONCE:
            self._make_room()
        self._waiting_since = self.loop.time()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over: nothing more to wait for."""
        self._stop()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The patience for the next request begins."""
        self._waiting_since = self.loop.time()
        self._wait()
        super().on_response_complete()

    def _make_room(self) -> None:
        """Close the connection that has waited longest without a whole request: silence makes room for who speaks."""
        others = (one for one in self.connections if one is not self and isinstance(one, TimeoutProtocol))
        waiting = (one for one in others if one.cycle is None or one.cycle.response_complete)
        # What is closing already makes no more room: many connections may come before the first of them is gone.
        there = (one for one in waiting if one.transport is not None and not one.transport.is_closing())
        idle = min(there, key=lambda one: one._waiting_since, default=None)
        if idle is not None:
            idle.transport.abort()

    def _of_this_address(self) -> int:
        mine = self.client[0] if self.client else ""
        clients = (getattr(each, "client", None) for each in self.connections)
        return sum(1 for client in clients if client and client[0] == mine)

    def _wait(self) -> None:
        self._stop()
        self._timer = self.loop.call_later(self.patience_s, self._over)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _over(self) -> None:
        working = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if working and not self.flow.write_paused:
            self._wait()
        elif not self.transport.is_closing():
            self.transport.abort()
