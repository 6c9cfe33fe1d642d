"""Calls under a token that a log-in gives and that ends: taken when first needed, and once more when it is refused."""

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import SecretStr

from connectors.http import Credential, Reply, Transport
from playbook.errors import BadAnswer, Unauthorized

# A transport that signs with the credential, or with nothing for the log-in itself.
Opener = Callable[[Credential | None], Transport]
LogIn = Callable[[Transport], Reply]


class RefreshingToken:
    """One account of one product. ``setting`` is what errors name; ``field`` holds the token in the log-in's answer.

    ``headers`` go with every call after the log-in. ``ended_by`` are the statuses that may mean an ended token: 401,
    and whatever else the product says then.
    """

    def __init__(
        self,
        opener: Opener,
        log_in: LogIn,
        setting: str,
        field: str,
        headers: Mapping[str, str] | None = None,
        ended_by: frozenset[int] = frozenset({401}),
    ) -> None:
        self._opener, self._log_in, self._setting, self._field = opener, log_in, setting, field
        self._headers, self._ended_by = headers, ended_by
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    def request(self, method: str, path: str, *, passes: Collection[int] = (), **options: Any) -> Reply:
        """As ``Transport.request``; an ended token is answered by one new log-in and one more attempt.

        Nothing was done by the first: a refusal came before it. What a new token does not end is what it says.
        """
        used = self._signed(None)
        reply = used.request(method, path, headers=self._headers, passes={*self._ended_by, *passes}, **options)
        if reply.status in self._ended_by:
            used = self._signed(used)
            reply = used.request(method, path, headers=self._headers, passes={401, *passes}, **options)
        if reply.status == 401:
            raise Unauthorized(f"{used.subject}: the token was refused as soon as it was given (401): {self._setting}")
        return reply

    def _signed(self, refused: Transport | None) -> Transport:
        """The transport in use; a new one when there is none or ``refused`` is still the one in use."""
        with self._lock:
            if self._transport is None or self._transport is refused:
                self._transport = self._opener(Credential(f"token of {self._setting}", self._token()))
            return self._transport

    def _token(self) -> SecretStr:
        plain = self._opener(None)
        reply = self._log_in(plain)
        if reply.status in (400, 401, 403):
            raise Unauthorized(f"{plain.subject}: the log-in was refused ({reply.status}): {self._setting}")
        try:
            token = reply.json()[self._field] if reply.status in (200, 201) else None
        except (BadAnswer, KeyError, TypeError):
            token = None  # an excerpt of this answer could carry the token, so nothing of it is told
        if not isinstance(token, str) or not token:
            raise BadAnswer(f"{plain.subject}: the log-in answered without a token (status {reply.status})")
        return SecretStr(token)
