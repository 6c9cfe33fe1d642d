"""The tables of runs, cases, detections, the audit trail and the schedule."""

import sqlalchemy as sa

from playbook.cases.schema.columns import (
    document,
    flag,
    metadata,
    number,
    reference,
    text,
    time,
    unique_where,
)

# A run without ``finished_at`` is still being filed, or was cut off.
runs = sa.Table(
    "runs",
    metadata,
    text("run_id", primary_key=True),
    text("source"),
    time("window_start"),
    time("window_end"),
    flag("complete"),
    time("filed_at"),
    time("finished_at", True),
    document(),
)
# ``document`` is the Case as last judged, ``owner`` its host's, ``assignee`` who took it over. ``person_*`` is what a
# person said, kept beside our verdict, never over it.
cases = sa.Table(
    "cases",
    metadata,
    text("case_id", primary_key=True),
    text("host"),
    text("status", 16),
    text("disposition", 32),
    text("confidence", 16),
    time("first_seen"),
    time("last_seen"),
    time("opened_at"),
    time("updated_at"),
    time("closed_at", True),
    text("closed_by"),
    text("reopened_from"),
    text("person_disposition", 32),
    text("person_by"),
    document("person_reason"),
    text("person_fault", 16),
    time("person_at", True),
    text("owner", server_default=""),
    text("assignee", server_default=""),
    time("assigned_at", True),
    number("watch_days"),
    text("watch_day", 10),
    text("ticket_key"),
    text("run_id"),
    document(),
    sa.Index(None, "status", "updated_at"),
    sa.Index(None, "host", "opened_at"),
    unique_where("one_open_case_a_host", "host", "closed_at IS NULL"),
)
detections = sa.Table(
    "detections",
    metadata,
    reference("case_id", "cases.case_id", primary_key=True),
    text("detection_id", primary_key=True),
    number("place"),
    text("src_ip", 64),
    text("dst_ip", 64),
    number("dst_port"),
    text("dst_name", server_default=""),
    text("disposition", 32),
    text("status", 16),
    time("first_seen"),
    time("last_seen"),
    time("updated_at"),
    text("run_id"),
    document(),
    sa.Index(None, "detection_id"),
    sa.Index(None, "dst_ip", "dst_port"),
    sa.Index(None, "dst_name"),
)
journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    text("at", 40),
    text("case_id"),
    text("actor"),
    text("kind", 64),
    document("content"),
    text("prev", 64),
    text("hash", 64),
    sa.Index(None, "case_id", "seq"),
)
journal_head = sa.Table(
    "journal_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    number("seq"),
    text("hash", 64),
)
# ``name`` is a source and a length of time; ``trouble`` is why its last run failed.
errands = sa.Table("errands", metadata, text("name", primary_key=True), time("due_at"), text("trouble", 2000))
executors = sa.Table(
    "executors",
    metadata,
    text("executor_id", primary_key=True),
    time("started_at"),
    time("beat_at"),
)
