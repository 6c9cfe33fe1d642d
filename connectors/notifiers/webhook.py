"""Any receiver of JSON as a notifier: each notice is signed with HMAC-SHA256 over its time and its exact bytes.

docs/notifications.md says what is sent and how a receiver verifies it.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.http import Clocks
from connectors.notifiers._messages import WebhookEndpoint, lines_of, message_id
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.event import Event
from playbook.model.response import Notice
from playbook.model.site import Site

TIME_HEADER = "X-Botnet-Playbook-Timestamp"
SIGNATURE_HEADER = "X-Botnet-Playbook-Signature"
ID_HEADER = "X-Botnet-Playbook-Id"
_MOST = 30_000


class Settings(Value):
    """``url`` (or ``url_env``, when the address is a secret) and ``secret_env``: the key of the signature.

    ``ca_file`` is relative to the configuration. ``notices`` and ``events``: which of the two are sent; a platform
    that waits for a case's plan or its containment takes events.
    """

    url: SecretStr = Field(min_length=1)
    secret: SecretStr = Field(min_length=16)
    ca_file: Path | None = None
    notices: bool = True
    events: bool = False
    deadline_s: float = Field(default=15.0, ge=1, le=120)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Webhook":  # noqa: B008
    """The notifier called ``name``."""
    ca_file = settings.ca_file and folder / settings.ca_file
    hook = WebhookEndpoint(name, settings.url, settings.deadline_s, clocks, ca_file)
    return Webhook(name, settings, hook, clocks)


def signature(secret: SecretStr, timestamp: int, body: bytes) -> str:
    """``v1=`` and the hex HMAC-SHA256 of ``timestamp``, a dot and the body."""
    signed = f"{timestamp}.".encode() + body
    return "v1=" + hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()


class Webhook:
    """A ``Notifier``; the id is the same for every delivery of one notice, so that a receiver can drop a repeat."""

    def __init__(self, name: str, settings: Settings, hook: WebhookEndpoint, clocks: Clocks) -> None:
        self.name = name
        self.takes_events = settings.events
        self._notices = settings.notices
        self._secret = settings.secret
        self._hook = hook
        self._clocks = clocks

    def tell(self, notice: Notice) -> None:
        """Post the notice; any 2xx means taken, anything else is BadAnswer."""
        if not self._notices:
            return
        lines = lines_of(notice, _MOST)
        self._post(
            notice.key,
            {
                "type": "botnet-playbook.notice",
                "title": lines.title,
                "text": lines.text,
                "link": lines.link,
                "urgent": notice.urgent,
                "note": lines.footer,
            },
        )

    def send_event(self, event: Event) -> None:
        """Post the event, signed as a notice is; its id is the same for every delivery."""
        self._post(
            event.key,
            {
                "type": f"botnet-playbook.{event.kind}",
                "case_id": event.case_id,
                "at": event.at.isoformat(),
                "content": event.content,
            },
        )

    def _post(self, key: str, content: Mapping[str, Any]) -> None:
        now = int(self._clocks.wall())
        sent_at = datetime.fromtimestamp(now, UTC).isoformat()
        body = json.dumps({"version": 1, "id": message_id(key), "sent_at": sent_at, **content}, sort_keys=True).encode()
        reply = self._hook.post_raw(
            body,
            {
                "Content-Type": "application/json",
                TIME_HEADER: str(now),
                ID_HEADER: message_id(key),
                SIGNATURE_HEADER: signature(self._secret, now, body),
            },
        )
        if not 200 <= reply.status < 300:
            raise self._hook.refused(reply)

    def check(self) -> tuple[CheckResult, ...]:
        """Whether the host can be reached; nothing is posted."""
        return (self._hook.answers(),)
