"""Alerts taken in: a body's rows read, the good ones kept in one transaction, the bad ones named."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import SecretStr

from playbook.alerts.entries import BadRow, read
from playbook.alerts.work import Ground
from playbook.cases import alerts
from playbook.cases.alerts import Accepted, Incoming
from playbook.config import AlertSender, Config

_FRESH = timedelta(minutes=5)


class Received(NamedTuple):
    """What became of one body: its alerts in order, what was accepted, the bad rows, and what has to be told."""

    keys: tuple[str, ...]
    accepted: Accepted
    rejected: tuple[BadRow, ...]
    notes: tuple[str, ...]


def receive(ground: Ground, config: Config, document: Any, sender: str, account: str, holder: str = "") -> Received:
    """Keep the alerts of a parsed body; they are durable when this returns.

    Raises ConfigError for a body without rows, ConnectorError when the record cannot be written.
    """
    now = ground.now()
    body = read(document, config, sender, now)
    incoming = [Incoming(one.alert_id, one.name, one.source, one.model_dump_json()) for one in body.entries]
    if not incoming:
        return Received((), Accepted((), (), ()), body.rejected, body.notes)
    with ground.store.change() as conn:
        accepted = alerts.accept(conn, incoming, account, config.limits.alerts_per_hour, now, holder)
    return Received(tuple(one.alert_id for one in incoming), accepted, body.rejected, body.notes)


def row_sentence(bad: BadRow) -> str:
    """``row 3: dst_port: ...``."""
    return f"row {bad.row}: {bad.error}"


def why_not_signed(
    settings: AlertSender, secret: SecretStr, headers: Mapping[str, str], body: bytes, now: datetime
) -> str:
    """Why the signature of a body does not prove its sender, or "" when it does.

    The header holds the hex HMAC-SHA256 under the secret, alone or after ``sha256=`` or ``v1=``.
    """
    given = headers.get(settings.signature_header.lower(), "").strip()
    if not given:
        return f"a signature is needed in the header {settings.signature_header}"
    signed = body
    if settings.timestamp_header:
        stamp = headers.get(settings.timestamp_header.lower(), "").strip()
        if not re.fullmatch(r"\d{1,12}", stamp, re.ASCII):
            return f"the time of signing is needed in the header {settings.timestamp_header}, in epoch seconds"
        if abs(now.timestamp() - int(stamp)) > _FRESH.total_seconds():
            return "the signature is older than five minutes, or a clock is wrong"
        signed = f"{stamp}.".encode() + body
    expected = hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    text = given.rpartition("=")[2].lower().encode("utf-8", "replace")
    return "" if hmac.compare_digest(text, expected.encode()) else "the signature is not one of this body"
