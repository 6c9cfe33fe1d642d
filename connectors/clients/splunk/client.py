"""One call to splunkd: how it is signed, which failures are waited out, which are told, and what an answer says."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import SecretStr

from connectors.clients.splunk.account import Account
from connectors.http import Clocks, Credential, Reply, Transport, printable, retry_after
from playbook.errors import BadAnswer, ConnectorError, RateLimited, Unauthorized, Unreachable

LOGIN = "/services/auth/login"
CALL_S = 60.0
_SEEN = frozenset({401, 403, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 60.0
_ATTEMPTS = 4
MAX_NOTES = 20
GRANT = "it needs a role with the capability search and the index of the scope among its searched indexes"
# The words of limits.conf and of users' quotas; they come as 503, as 200, and with any severity.
_BUSY = re.compile(
    r"maximum number of concurrent|not executed|concurren\w+ .*(limit|quota)|(limit|quota) .*concurren\w+"
    r"|quota .*(exceeded|reached)|too many .*search",
    re.IGNORECASE,
)
Form = Mapping[str, str | int]


class Note(NamedTuple):
    """One entry of ``messages``: its severity (FATAL, ERROR, WARN, INFO ...) and its text, safe to show."""

    kind: str
    text: str

    @property
    def bad(self) -> bool:
        """Whether it says that something did not work."""
        return self.kind in ("FATAL", "ERROR")


class Deadline:
    """The instant after which a search is given up."""

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


class SplunkClient:
    """Calls under one account: signs them, logs in when sessions are used, and again once when a session ended.

    ``connect`` makes a transport that signs with a credential (None: signs nothing). ``new_id`` names search jobs.
    ``old`` remembers that this splunkd has no v2 search endpoints.
    """

    def __init__(
        self,
        name: str,
        settings: Account,
        connect: Callable[[Credential | None], Transport],
        clocks: Clocks,
        new_id: Callable[[], str] = lambda: f"botnet_playbook_{uuid.uuid4().hex}",
    ) -> None:
        self.subject = name
        self.clocks = clocks
        self.new_id = new_id
        self.old = False
        self._settings = settings
        self._connect = connect
        self._signed: Transport | None = None

    def call(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        data: Form | None = None,
        json: Any = None,
        params: Form | None = None,
    ) -> Reply:
        """The reply: 2xx, 4xx but 401 and 403, or a 5xx to a POST; 429 was waited out, 5xx to reads and deletes too.

        A POST that got no answer or a 5xx is never repeated here: whoever sent it must look first.
        Raises Unauthorized, RateLimited, Unreachable, and BadAnswer for a redirect.
        """
        attempts, chances = 0, int(self._session)
        form = {"output_mode": "json"} if path.startswith("/services/") else {}
        while True:
            reply = self._transport(deadline).request(
                method,
                path,
                json=json,
                data=data,
                params={**form, **(params or {})},
                retry=method != "POST",
                passes=_SEEN,
                deadline_s=max(min(CALL_S, deadline.left()), 0.05),
            )
            if 300 <= reply.status < 400:
                raise BadAnswer(
                    f"{self.subject}: redirected ({reply.status}): base_url must name the management port (8089),"
                    " not the web interface"
                )
            attempts += 1
            if reply.status == 401 and chances:
                chances = 0
                self._forget()
                continue
            pause = self._pause(reply, method, attempts)
            if pause is None:
                return self._permitted(reply)
            if attempts >= _ATTEMPTS or not deadline.pause(pause):
                raise self._gave_up(reply)

    @property
    def _session(self) -> bool:
        return self._settings.token is None and self._settings.auth == "session"

    def _transport(self, deadline: Deadline) -> Transport:
        if self._signed is None:
            self._signed = self._connect(self._credential(deadline))
        return self._signed

    def _forget(self) -> None:
        """Drop a session that ended, so that the next call logs in."""
        if self._signed is not None:
            self._signed.close()
            self._signed = None

    def _credential(self, deadline: Deadline) -> Credential:
        settings = self._settings
        if settings.token is not None:
            return Credential(settings.proof, settings.token)
        user, password = settings.username, settings.password
        if user is None or password is None:
            raise Unauthorized(f"{self.subject}: no credential is configured")
        if not self._session:
            return Credential(settings.proof, password, user=user.get_secret_value())
        return Credential("session key", self._login(user, password, deadline), scheme="Splunk")

    def _login(self, user: SecretStr, password: SecretStr, deadline: Deadline) -> SecretStr:
        form = {"username": user.get_secret_value(), "password": password.get_secret_value()}
        # A login changes nothing that matters if it happens twice, so that it may be repeated.
        unsigned = self._connect(None)
        reply = unsigned.request(
            "POST",
            LOGIN,
            data=form,
            params={"output_mode": "json"},
            retry=True,
            passes=(400, 401, 403),
            deadline_s=max(min(CALL_S, deadline.left()), 0.05),
        )
        unsigned.close()
        if reply.status in (400, 401, 403):
            raise Unauthorized(f"{self.subject}: Splunk refused {self._settings.proof} ({reply.status})")
        body = reply.expect(200).json()
        key = body.get("sessionKey") if isinstance(body, dict) else None
        if not isinstance(key, str) or not key:
            raise BadAnswer(f"{self.subject}: the login gave no session key")
        return SecretStr(key)

    def _pause(self, reply: Reply, method: str, attempts: int) -> float | None:
        if reply.status != 429 and (reply.status < 500 or method == "POST"):
            return None
        return pause_for(reply, attempts, self.clocks)

    def _permitted(self, reply: Reply) -> Reply:
        if reply.status == 401:
            raise Unauthorized(f"{self.subject}: Splunk refused {self._settings.proof} (401): {complaint(reply)}")
        if reply.status == 403:
            raise Unauthorized(f"{self.subject}: {complaint(reply)} (403): {GRANT}")
        return reply

    def _gave_up(self, reply: Reply) -> ConnectorError:
        if reply.status == 429 or busy(notes(reply)):
            return RateLimited(f"{self.subject}: {complaint(reply)} ({reply.status}), past the deadline")
        return Unreachable(f"{self.subject}: {complaint(reply)} ({reply.status})")


def pause_for(reply: Reply | None, attempts: int, clocks: Clocks) -> float:
    """Seconds to wait after a failed attempt: what the server asks for, else doubling from 2 to 60."""
    asked = retry_after(reply.headers.get("retry-after"), clocks.wall()) if reply is not None else None
    return asked if asked is not None else min(_FIRST_PAUSE_S * 2 ** (attempts - 1), _LONGEST_PAUSE_S)


def notes(reply: Reply) -> tuple[Note, ...]:
    """What the body of an answer says, in any of the shapes there are; nothing when it is no JSON object."""
    try:
        body = reply.json()
    except BadAnswer:
        return ()
    return notes_of(body, reply.redact)


def notes_of(body: Any, redact: Callable[[str], str] = str) -> tuple[Note, ...]:
    """``messages`` (a list of type and text, one of them, or texts by type), or the ``message`` of newer endpoints."""
    if not isinstance(body, dict):
        return ()
    entries = body.get("messages")
    if isinstance(entries, dict):
        entries = [entries] if "text" in entries else list(_by_severity(entries))
    if not isinstance(entries, list):
        said = body.get("message") or body.get("text")
        entries = [{"type": "ERROR", "text": said}] if isinstance(said, str) else []
    found = (
        Note(str(entry.get("type", "")).upper()[:20], redact(printable(str(entry.get("text", ""))))[:300].strip())
        for entry in entries
        if isinstance(entry, dict)
    )
    return tuple(dict.fromkeys(note for note in found if note.text))


def _by_severity(entries: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """``{"fatal": ["text"], "warn": "text"}``, as older servers write messages."""
    for kind, texts in entries.items():
        for text in texts if isinstance(texts, list) else [texts]:
            if isinstance(text, str):
                yield {"type": kind, "text": text}


def busy(said: tuple[Note, ...]) -> bool:
    """Whether the server did not run the search because too many run already."""
    return any(_BUSY.search(note.text) for note in said if note.kind != "INFO")


def complaint(reply: Reply) -> str:
    """What the answer complains of; a fixed sentence when it is a page of a proxy, or says nothing."""
    said = dict.fromkeys(note.text for note in notes(reply))
    return "; ".join(said) if said else "Splunk, or something in front of it, answered with an error"
