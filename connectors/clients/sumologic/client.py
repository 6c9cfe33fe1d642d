"""One call to a Sumo Logic API: which failures are waited out, which are told, and what a status means here."""

import random
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import SecretStr

from connectors.clients.sumologic.deployment import api_root, moved_to
from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, printable, retry_after
from playbook.errors import BadAnswer, ConfigError, RateLimited, Unauthorized

# Ten requests of one key may be open at a time; every job of this process counts.
_OPEN = threading.BoundedSemaphore(10)
_SEEN = frozenset({401, 403, 429, 500})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 60.0
CALL_S = 60.0
_ATTEMPTS = 4

KEYS_GRANT = "it needs a role with View Collectors and Download Search Results"


_PARAGRAPH = re.compile(r"<p[^>]*>([^<]{1,300})", re.IGNORECASE)


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


class SumoClient:
    """Calls under one account. Remembers whether its key ever worked: a later 401 may be the login throttle.

    ``keys`` names where the access key came from, ``grant`` what its user's role needs; both for errors.
    """

    def __init__(self, transport: Transport, keys: str, grant: str = KEYS_GRANT) -> None:
        self.transport = transport
        self.keys = keys
        self.grant = grant
        self.subject = transport.subject
        self._proven = False

    def sibling(self) -> "SumoClient":
        """The same account with a cookie jar of its own, for one job."""
        other = SumoClient(self.transport.with_cookies(), self.keys, self.grant)
        other._proven = self._proven
        return other

    def learn(self, other: "SumoClient") -> None:
        """Take over that the key worked for a sibling."""
        self._proven = self._proven or other._proven

    def call(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
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
                    method,
                    path,
                    json=json,
                    params=params,
                    retry=method != "POST",
                    passes=_SEEN,
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
            raise Unauthorized(f"{self.subject}: {complaint(reply)} (403): {self.grant}, and an Enterprise plan")
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
    """What an error says, made safe to show: ``message``, ``errors`` of messages, or the paragraphs of an HTML page.

    A fixed sentence when the body has none of these forms.
    """
    said = printable(_error(reply, "message") or "; ".join(_said(reply))).strip()
    return reply.redact(said)[:300] if said else "Sumo Logic answered with an error"


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


def _said(reply: Reply) -> Iterable[str]:
    try:
        body = reply.json()
    except BadAnswer:
        return _PARAGRAPH.findall(reply.body[:16_384].decode("utf-8", "replace"))
    errors = body.get("errors") if isinstance(body, dict) else None
    listed = errors if isinstance(errors, list) else []
    texts = (error.get("message") if isinstance(error, dict) else error for error in listed)
    return [text for text in texts if isinstance(text, str)]


def account_wire(
    name: str,
    root: str,
    access_id: SecretStr,
    access_key: SecretStr,
    rate: float,
    clocks: Clocks,
    grant: str = KEYS_GRANT,
    max_bytes: int = ReplyBounds().max_bytes,
) -> SumoClient:
    """Calls to the deployment written as ``root``, signed with an access key, at most ``rate`` a second.

    Raises ConfigError for a place that is no deployment, or a URL that is not allowed.
    """
    secrets = {"access_id": access_id, "access_key": access_key}
    names = [getattr(secret, "variable", setting) for setting, secret in secrets.items()]
    credential = Credential(names[1], access_key, user=access_id.get_secret_value())
    bounds = ReplyBounds(deadline_s=CALL_S, min_interval_s=1.0 / rate, max_bytes=max_bytes)
    transport = Transport(api_root(root, name), subject=name, credential=credential, bounds=bounds, clocks=clocks)
    return SumoClient(transport, " and ".join(names), grant)
