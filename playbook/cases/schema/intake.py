"""The tables of alerts that others sent."""

import sqlalchemy as sa

from playbook.cases.schema.columns import (
    document,
    metadata,
    number,
    reference,
    text,
    time,
)

# An alert from outside: ``document`` as it was read, ``result`` what came of it; a row is held while it is worked on.
alerts = sa.Table(
    "alerts",
    metadata,
    text("alert_id", 64, primary_key=True),
    text("name"),
    text("source"),
    text("account"),
    text("state", 16),
    time("received_at"),
    time("updated_at"),
    time("held_until", True),
    text("holder", 64),
    number("tries"),
    text("last_error", 2000),
    text("case_id"),
    text("detection_id", 64),
    document(),
    document("result"),
    sa.Index("ix_alerts_state", "state", "received_at"),
    sa.Index("ix_alerts_case_id", "case_id"),
    sa.Index("ix_alerts_account", "account", "received_at"),
)
# Everybody who sent an alert: none of them answers the plan that follows from it.
alert_senders = sa.Table(
    "alert_senders",
    metadata,
    reference("alert_id", "alerts.alert_id", primary_key=True),
    text("account", primary_key=True),
    time("sent_at"),
)
