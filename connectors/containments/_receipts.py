"""Receipts as every containment connector writes them: the device's words made printable, the clock injected."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from connectors.http import Clocks, printable
from playbook.model.response import Receipt

Action = Literal["contain", "verify", "release", "verify_released"]
_MOST = 2000


@dataclass(frozen=True)
class ReceiptFactory:
    """Writes the receipts of the connector called ``name``."""

    name: str
    clocks: Clocks = Clocks()  # noqa: RUF009 a frozen value

    def now(self) -> datetime:
        """The instant, UTC, whole seconds."""
        return datetime.fromtimestamp(int(self.clocks.wall()), UTC)

    def receipt(
        self,
        action: Action,
        *,
        ok: bool,
        changed: bool = False,
        said: str = "",
        reference: str = "",
        seconds_left: int | None = None,
    ) -> Receipt:
        """What the device said; ``seconds_left`` until it lets go by itself, where it has a TTL."""
        now = self.now()
        return Receipt(
            connector=self.name,
            action=action,
            ok=ok,
            changed=changed,
            said=printable(said)[:_MOST],
            reference=reference,
            until=None if seconds_left is None else now + timedelta(seconds=seconds_left),
            at=now,
        )
