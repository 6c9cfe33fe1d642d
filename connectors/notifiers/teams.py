"""Microsoft Teams as a notifier: a Workflows web hook (202), or an Office 365 connector (200 and "1").

The card's text stands in rich text runs, which know no Markdown. What the hook answers is from public descriptions;
a connector is known to say 200 and put the error into the body.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.http import Clocks
from connectors.notifiers._messages import MessageText, WebhookEndpoint, lines_of
from playbook.errors import RateLimited
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.response import Notice
from playbook.model.site import Site

_MOST = 8000  # a message holds about 28 KB
_TAKEN = (b"", b"1")


class Settings(Value):
    """``url_env`` names the variable with the hook's address: it carries its own signature, so it is a secret."""

    url: SecretStr = Field(min_length=1)
    deadline_s: float = Field(default=15.0, ge=1, le=120)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Teams":  # noqa: B008
    """The notifier called ``name``."""
    return Teams(name, WebhookEndpoint(name, settings.url, settings.deadline_s, clocks))


def message(lines: MessageText) -> dict[str, Any]:
    """The payload: one adaptive card whose only link is ours."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _run(lines.title, weight="Bolder", size="Medium"),
            *(_run(line) for line in lines.text.split("\n") if line),
            _run(lines.footer, isSubtle=True),
        ],
    }
    if lines.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the case", "url": lines.link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


class Teams:
    """A ``Notifier``. The hook has no key against repeats: after a lost answer a notice may appear twice."""

    def __init__(self, name: str, hook: WebhookEndpoint) -> None:
        self.name = name
        self._hook = hook

    def tell(self, notice: Notice) -> None:
        """Post the notice; BadAnswer unless it was taken, RateLimited when the body says 429."""
        reply = self._hook.post(message(lines_of(notice, _MOST)))
        if reply.status == 202 or (reply.status == 200 and reply.body.strip() in _TAKEN):
            return
        if reply.status == 200 and b"429" in reply.body:
            raise RateLimited(f"{self.name}: {self._hook.host} limits our rate (429 in the body of a 200)")
        raise self._hook.refused(reply, self._hook.reason(reply))

    def check(self) -> tuple[CheckResult, ...]:
        """Whether the hook still leads somewhere: reading it tells nobody; one that was retired or stopped says so."""
        return (self._hook.lives(),)


def _run(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}
