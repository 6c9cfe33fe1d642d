"""One call to the Sumo Logic API: which failures are waited out, which are told, and what a status means here."""

import random
import threading
from collections.abc import Mapping
from typing import Any

from connectors.sumologic.deployment import moved_to
from connectors.transport import Clocks, Reply, Transport, printable, retry_after
from playbook.errors import BadAnswer, ConfigError, RateLimited, Unauthorized

# Ten requests of one key may be open at a time; every job of this process counts.
_OPEN = threading.BoundedSemaphore(10)
_SEEN = frozenset({401, 403, 429, 500})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 60.0
CALL_S = 60.0
_ATTEMPTS = 4

KEYS_GRANT = "it needs a role with View Collectors and Download Search Results"


class Deadline:
    """The instant after which a job is given up."""

    def __init__(self, clocks: Clocks, seconds: float) -> None:
        self.clocks = clocks
        self._until = clocks.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; at most 0 when it is over."""
        return self._until - self.clocks.monotonic()

    def pause(self, seconds: float) -> bool:
        """Wait ``seconds``; False, without waiting, when the deadline comes first."""
        if seconds >= self.left():
            return False
        self.clocks.sleep(seconds)
        return True


class Wire:
    """Calls under one account. Remembers whether its key ever worked: a later 401 may be the login throttle.

    ``keys`` names where the access key came from, for errors.
    """

    def __init__(self, transport: Transport, keys: str) -> None:
        self.transport = transport
        self.keys = keys
        self.subject = transport.subject
        self._proven = False

    def sibling(self) -> "Wire":
        """The same account with a cookie jar of its own, for one job."""
        other = Wire(self.transport.with_cookies(), self.keys)
        other._proven = self._proven
        return other

    def learn(self, other: "Wire") -> None:
        """Take over that the key worked for a sibling."""
        self._proven = self._proven or other._proven

    def call(
        self, method: str, path: str, deadline: Deadline, *, json: Any = None, params: Mapping[str, int] | None = None
    ) -> Reply:
        """The reply, whatever its status, after 429s and (for reads and deletes) 500s were waited out.

        A POST that got no answer or a 5xx is never repeated: it may have started a paid scan.
        Raises Unauthorized (after one second chance for a key that worked before), RateLimited, Unreachable,
        ConfigError for another deployment, BadAnswer for any other redirect.
        """
        attempts, chances = 0, 1 if self._proven else 0
        while True:
            with _OPEN:
                reply = self.transport.request(
                    method, path, json=json, params=params, retry=method != "POST", passes=_SEEN,
                    deadline_s=max(min(CALL_S, deadline.left()), 0.05),
                )
            if reply.status in (301, 302, 303, 307, 308):
                raise self._moved(reply)
            attempts += 1
            pause = self._pause(reply, method, attempts)
            if reply.status == 401 and chances:
                chances, pause = 0, _FIRST_PAUSE_S
            if pause is None:
                return self._permitted(reply)
            if attempts >= _ATTEMPTS or not deadline.pause(pause):
                raise self._gave_up(reply)

    def _pause(self, reply: Reply, method: str, attempts: int) -> float | None:
        if reply.status == 500 and method != "POST" and not job_is_gone(reply):
            return 2.0 ** (attempts - 1)
        if reply.status != 429:
            return None
        asked = retry_after(reply.headers.get("retry-after"), self.transport.clocks.wall())
        doubled = min(_FIRST_PAUSE_S * 2 ** (attempts - 1), _LONGEST_PAUSE_S)
        return asked if asked is not None else doubled * random.uniform(1.0, 1.2)

    def _permitted(self, reply: Reply) -> Reply:
        if reply.status == 401:
            raise Unauthorized(
                f"{self.subject}: Sumo Logic refused the access key (401): check {self.keys},"
                " and that the key is active"
            )
        if reply.status == 403:
            raise Unauthorized(f"{self.subject}: {complaint(reply)} (403): {KEYS_GRANT}, and an Enterprise plan")
        self._proven = self._proven or reply.status < 400
        return reply

    def _gave_up(self, reply: Reply) -> RateLimited | BadAnswer:
        if reply.status == 429:
            return RateLimited(
                f"{self.subject}: Sumo Logic limits our rate (429) past the deadline; the limit is shared by every"
                " program that uses this user, and 200 active search jobs of an organization give the same answer"
            )
        return BadAnswer(f"{self.subject}: {complaint(reply)} ({reply.status})")

    def _moved(self, reply: Reply) -> ConfigError | BadAnswer:
        right = moved_to(reply.location)
        if right:
            return ConfigError(f'{self.subject}: this account lives on another deployment: set base_url = "{right}"')
        target = printable(reply.location or "nowhere")[:120]
        return BadAnswer(f"{self.subject}: a redirect to {target} is not followed")


def error_code(reply: Reply) -> str:
    """The code of an error body without its ``searchjob.`` prefix, lower case; "" when there is none."""
    return _error(reply, "code").lower().removeprefix("searchjob.")


def complaint(reply: Reply) -> str:
    """The message of an error body, made safe to show; a fixed sentence when the body is no JSON object."""
    said = printable(_error(reply, "message"))[:300]
    return reply.redact(said) if said else "Sumo Logic answered with an error"


def job_is_gone(reply: Reply) -> bool:
    """Whether the answer means that the job id is unknown: expired, or the affinity cookie was lost."""
    said = f"{error_code(reply)} {_error(reply, 'message')}".lower()
    return reply.status in (400, 404, 500) and ("jobid.invalid" in said or "job id is invalid" in said)


def _error(reply: Reply, key: str) -> str:
    try:
        body = reply.json()
    except BadAnswer:
        return ""
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""
