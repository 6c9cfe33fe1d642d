"""Slack as a notifier, over an incoming web hook."""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.http import Clocks, Reply
from connectors.notifiers._messages import MessageText, WebhookEndpoint, lines_of
from playbook.errors import ConnectorError
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.response import Notice
from playbook.model.site import Site

_MOST = 2900  # a section holds 3,000 characters
_WORD = re.compile(rb"[a-z_]{1,40}")
# How a living hook answers a message without text; a dead one says no_service, invalid_token or the like.
_ALIVE = (b"no_text", b"invalid_payload", b"missing_text_or_fallback_or_attachments")


class Settings(Value):
    """``url_env`` names the variable with the hook's address: who knows it can post, so it is a secret."""

    url: SecretStr = Field(min_length=1)
    deadline_s: float = Field(default=15.0, ge=1, le=120)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Slack":  # noqa: B008
    """The notifier called ``name``."""
    return Slack(name, WebhookEndpoint(name, settings.url, settings.deadline_s, clocks))


def escaped(text: str) -> str:
    """``text`` as Slack wants it: without &, < and > there is no mention, link or channel call."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def message(lines: MessageText) -> dict[str, Any]:
    """The payload: everything that came from outside is plain text, only our own link and words are markup."""
    blocks = [_section("plain_text", lines.title)]
    if lines.text.strip():
        blocks.append(_section("plain_text", lines.text))
    link = f"<{escaped(lines.link)}|Open the case>\n" if lines.link else ""
    blocks.append(_section("mrkdwn", f"{link}{lines.footer}"))
    return {"text": escaped(lines.title), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


class Slack:
    """A ``Notifier``. An incoming hook has no key against repeats: after a lost answer a notice may appear twice."""

    def __init__(self, name: str, hook: WebhookEndpoint) -> None:
        self.name = name
        self._hook = hook

    def tell(self, notice: Notice) -> None:
        """Post the notice; BadAnswer unless Slack says ok."""
        reply = self._hook.post(message(lines_of(notice, _MOST)))
        if reply.status != 200 or reply.body.strip() != b"ok":
            raise self._hook.refused(reply, _word(reply))

    def check(self) -> tuple[CheckResult, ...]:
        """Post a message without text, which Slack refuses without showing anything."""
        try:
            reply = self._hook.post({})
        except ConnectorError as fault:
            return (CheckResult.failed(self._hook.host, fault),)
        alive = reply.status == 400 and reply.body.strip() in _ALIVE
        told = "the hook is alive" if alive else f"the hook answers {reply.status} {_word(reply)}".rstrip()
        return (CheckResult(subject=self._hook.host, ok=alive, message=told),)


def _section(kind: str, text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def _word(reply: Reply) -> str:
    body = reply.body.strip()
    return body.decode() if _WORD.fullmatch(body) else ""
