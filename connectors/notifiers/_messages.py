"""What every notifier says and how: the same lines, inert text, and web hooks whose address is the secret."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from connectors.http import Clocks, Reply, ReplyBounds, Transport, printable
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized
from playbook.model.check import CheckResult
from playbook.model.response import Notice

_OURS = "A notice of botnet-playbook."
_LINKED = "The link only shows the case and decides nothing: to answer, sign in there, or use the command line."
_LINKLESS = "This message decides nothing."
_GONE = (401, 403, 404, 410)
_FORBIDDEN = frozenset("<>\"'|\\^`{} ")


@dataclass(frozen=True)
class MessageText:
    """A notice ready to be shown: ``title`` one line, ``text`` without control characters, ``link`` "" or a URL."""

    title: str
    text: str
    link: str
    footer: str


def lines_of(notice: Notice, most: int) -> MessageText:
    """The parts of a notice, ``text`` at most ``most`` characters; a link that is no plain web address is left out."""
    title = " ".join(printable(notice.title).split())[:200] or "something happened"
    text = "\n".join(printable(line).rstrip() for line in notice.text.splitlines())
    link = plain_link(notice.link)
    return MessageText(
        title=("URGENT: " if notice.urgent else "") + title,
        text=text if len(text) <= most else text[: most - 4] + " ...",
        link=link,
        footer=f"{_OURS} {_LINKED if link else _LINKLESS}",
    )


def plain_link(link: str) -> str:
    """``link`` when it is a web address without anything that a markup could mistake, else ""."""
    try:
        parts = urlsplit(link)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return ""
    return link if usable and link.isascii() and link.isprintable() and not _FORBIDDEN & set(link) else ""


def message_id(key: str) -> str:
    """The same short name for every delivery of a notice, so that a receiver can tell a repeat."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


class WebhookEndpoint:
    """A web hook: its whole address is the secret, so that no error names more than the host."""

    def __init__(
        self, name: str, url: SecretStr, deadline_s: float, clocks: Clocks, ca_file: Path | None = None
    ) -> None:
        self._named = getattr(url, "variable", "url")
        try:
            parts = urlsplit(url.get_secret_value())
        except ValueError:
            raise ConfigError(f"{name}: {self._named}: not a URL") from None
        if parts.fragment or not parts.path.strip("/"):
            raise ConfigError(f"{name}: {self._named}: expected https://host/path")
        self.host = parts.hostname or ""
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._wire = Transport(
            f"{parts.scheme}://{parts.netloc}",
            subject=name,
            bounds=ReplyBounds(deadline_s=deadline_s, max_bytes=65536),
            clocks=clocks,
            ca_file=ca_file,
        )

    def post(self, json: Any) -> Reply:
        """Send ``json`` once."""
        return self._wire.post(self._path, json=json, passes=_GONE)

    def post_raw(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Send exactly these bytes once."""
        return self._wire.post(self._path, data=body, headers=headers, passes=_GONE)

    def answers(self) -> CheckResult:
        """Whether the host can be reached; nobody is told anything, so that the address itself stays unproven."""
        try:
            self._wire.get("/", passes=range(401, 600))
        except ConnectorError as fault:
            return CheckResult.failed(self.host, fault)
        told = "answers; whether it still takes messages shows only when one is sent"
        return CheckResult(subject=self.host, ok=True, message=told)

    def lives(self) -> CheckResult:
        """Whether the address itself still leads somewhere: it is read, which tells nobody anything."""
        try:
            reply = self._wire.get(self._path, passes=range(400, 600))
        except ConnectorError as fault:
            return CheckResult.failed(self.host, fault)
        if reply.status in _GONE or b"NotEnabled" in reply.body or b"NotFound" in reply.body:
            return CheckResult.failed(self.host, self.refused(reply, self.reason(reply)))
        told = f"answers ({reply.status}); that a message is shown is proven when one is sent"
        return CheckResult(subject=self.host, ok=True, message=told)

    def reason(self, reply: Reply) -> str:
        """Why the hook refused: the code and message of a JSON body, or a short plain text; no part of the address."""
        try:
            body = reply.json()
        except BadAnswer:
            text = reply.body.decode("utf-8", "replace")
            return "" if "<" in text else self._without_address(text)
        error = body.get("error", body) if isinstance(body, dict) else {}
        words = (error.get(name) for name in ("code", "message")) if isinstance(error, dict) else (error,)
        return self._without_address(": ".join(word for word in words if isinstance(word, str)))

    def _without_address(self, text: str) -> str:
        for piece in sorted(re.split(r"[/?&=]", unquote(self._path)), key=len, reverse=True):
            text = text.replace(piece, "<url>") if len(piece) > 3 else text
        return " ".join(printable(text).split())[:200]

    def refused(self, reply: Reply, said: str = "") -> ConnectorError:
        """The error for an answer that is not the one of success; bodies may echo the address and are not shown."""
        told = f"{reply.subject}: {self.host} did not take the notice ({reply.status}{said and f', {said}'})"
        if reply.status in _GONE:
            return Unauthorized(f"{told}: is the address in {self._named} still valid?")
        return BadAnswer(told)
