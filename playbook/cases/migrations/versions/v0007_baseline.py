"""The tables of revision 0007, where every upgrade begins; a database of before is brought there by the release 0.1."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = None
branch_labels = None
depends_on = None

_LENGTHS = {"names": 255, "moments": 32, "codes": 16, "words": 32, "hashes": 64, "errors": 2000}
metadata = sa.MetaData()


def upgrade() -> None:
    """Create the tables."""
    metadata.create_all(op.get_bind())


def table(
    name: str, keys: str, sized: dict[str, int] | None = None, nullable: str = "", counted: bool = True, **columns: str
) -> sa.Table:
    """A table whose columns are given by their kind, as names with spaces between.

    Kinds: ``names``, ``moments``, ``codes``, ``words``, ``hashes`` and ``errors`` are texts of a length, ``longs``
    texts without one, then ``wholes`` and ``flags``; ``sized`` has the texts of another length. A key that is a whole
    number is given by the database where it is ``counted``.
    """
    sizes = {column: size for kind, size in _LENGTHS.items() for column in columns.get(kind, "").split()}
    types: dict[str, sa.types.TypeEngine[Any]] = {
        **{column: sa.String(size) for column, size in (sizes | (sized or {})).items()},
        **dict.fromkeys(columns.get("longs", "").split(), sa.Text()),
        **dict.fromkeys(columns.get("wholes", "").split(), sa.Integer()),
        **dict.fromkeys(columns.get("flags", "").split(), sa.Boolean()),
    }
    return sa.Table(
        name,
        metadata,
        *(
            sa.Column(column, kind, nullable=column in nullable.split(), autoincrement="auto" if counted else False)
            for column, kind in types.items()
        ),
        sa.PrimaryKeyConstraint(*keys.split(), name=f"pk_{name}"),
    )


def owned_by(owned: sa.Table, column: str, owner: str) -> None:
    """A foreign key."""
    owned.append_constraint(sa.ForeignKeyConstraint([column], [owner], name=f"fk_{owned.name}_{column}"))


def index(of: sa.Table, *columns: str, name: str = "", only: str = "") -> None:
    """An index; with ``only`` a value may stand once among these rows."""
    where = sa.text(only) if only else None
    name = name or f"ix_{of.name}_{'_'.join(columns)}"
    sa.Index(
        name,
        *(of.c[column] for column in columns),
        unique=bool(only),
        sqlite_where=where,
        postgresql_where=where,
    )


accounts = table(
    "accounts",
    "name",
    nullable="disabled_at locked_until",
    names="name password_hash created_by",
    moments="created_at disabled_at locked_until",
    codes="role",
    wholes="failures",
)

attempts = table("attempts", "id", names="target", moments="at", words="kind key", wholes="id")
index(attempts, "kind", "at")

cases = table(
    "cases",
    "case_id",
    sized={"watch_day": 10},
    nullable="closed_at person_at",
    names="case_id host closed_by reopened_from person_by ticket_key run_id",
    moments="first_seen last_seen opened_at updated_at closed_at person_at",
    codes="status confidence person_fault",
    words="disposition person_disposition",
    longs="person_reason document",
    wholes="watch_days",
)
index(cases, "host", "opened_at")
index(cases, "status", "updated_at")
index(cases, "host", name="one_open_case_a_host", only="closed_at IS NULL")

errands = table("errands", "name", names="name", moments="due_at", errors="trouble")

executors = table("executors", "executor_id", names="executor_id", moments="started_at beat_at")

journal = table(
    "journal",
    "seq",
    sized={"at": 40},
    counted=False,
    names="case_id actor",
    hashes="kind prev hash",
    longs="content",
    wholes="seq",
)
index(journal, "case_id", "seq")

journal_head = table("journal_head", "id", counted=False, hashes="hash", wholes="id seq")

notices = table(
    "notices",
    "key",
    nullable="sent_at",
    names="key case_id",
    moments="created_at sent_at",
    errors="trouble",
    longs="document",
    wholes="tries",
    flags="urgent",
)
index(notices, "sent_at", "created_at")

outcomes = table(
    "outcomes",
    "key",
    sized={"finding_id": 300},
    nullable="written_at held_until",
    names="source case_id",
    moments="created_at updated_at written_at held_until",
    codes="fault",
    words="disposition",
    hashes="key",
    errors="trouble",
    longs="reference reason",
    wholes="round tries",
    flags="whole",
)
index(outcomes, "source", "written_at")

runs = table(
    "runs",
    "run_id",
    nullable="finished_at",
    names="run_id source",
    moments="window_start window_end filed_at finished_at",
    longs="document",
    flags="complete",
)

tickets = table(
    "tickets",
    "key",
    sized={"title": 500},
    nullable="opened_at",
    names="key desk reference",
    moments="created_at updated_at opened_at",
    codes="state",
    errors="trouble",
    longs="text case_ids",
    wholes="tries",
)
index(tickets, "state", "created_at")

comments = table(
    "comments",
    "key",
    nullable="sent_at",
    names="key ticket_key",
    moments="created_at sent_at",
    errors="trouble",
    longs="text",
    wholes="tries",
)
owned_by(comments, "ticket_key", "tickets.key")
index(comments, "sent_at", "created_at")

containments = table(
    "containments",
    "key",
    nullable="until",
    names="case_id request_id target connector approved_by release_by",
    moments="until created_at updated_at",
    codes="state",
    words="key kind",
    hashes="digest",
    errors="trouble",
    longs="step",
    wholes="ttl_s round",
)
owned_by(containments, "case_id", "cases.case_id")
index(containments, "case_id")
index(containments, "state", "until")

detections = table(
    "detections",
    "case_id detection_id",
    names="case_id detection_id run_id",
    moments="first_seen last_seen updated_at",
    codes="status",
    words="disposition",
    hashes="src_ip dst_ip",
    longs="document",
    wholes="place dst_port",
)
owned_by(detections, "case_id", "cases.case_id")
index(detections, "detection_id")
index(detections, "dst_ip", "dst_port")

outcome_cases = table(
    "outcome_cases", "key case_id", names="key case_id", codes="fault", words="disposition", longs="reason"
)
owned_by(outcome_cases, "key", "outcomes.key")
index(outcome_cases, "case_id")

requests = table(
    "requests",
    "request_id",
    nullable="reminded_at decided_at",
    names="request_id case_id requester decided_by",
    moments="asked_at remind_at expires_at reminded_at decided_at",
    codes="state",
    hashes="digest",
    wholes="people votes",
)
owned_by(requests, "case_id", "cases.case_id")
index(requests, "case_id")
index(requests, "state", "asked_at")
index(requests, "case_id", name="one_waiting_request_a_case", only="state = 'waiting'")

sessions = table(
    "sessions",
    "session_hash",
    names="account",
    moments="created_at seen_at expires_at",
    hashes="session_hash csrf_hash",
)
owned_by(sessions, "account", "accounts.name")
index(sessions, "account")

tokens = table(
    "tokens",
    "token_hash",
    nullable="expires_at revoked_at",
    names="account label",
    moments="created_at expires_at revoked_at",
    codes="scope via",
    hashes="token_hash",
)
owned_by(tokens, "account", "accounts.name")
index(tokens, "account")

decisions = table(
    "decisions",
    "id",
    names="request_id case_id plan_id who",
    moments="at recorded_at",
    codes="via",
    hashes="digest",
    longs="comment",
    wholes="id",
    flags="approve",
)
owned_by(decisions, "request_id", "requests.request_id")
decisions.append_constraint(sa.UniqueConstraint("request_id", "who", name="uq_decisions_request_id_who"))

plans = table(
    "plans",
    "request_id digest",
    names="request_id plan_id case_id",
    hashes="digest",
    longs="document",
    wholes="place ttl_s",
)
owned_by(plans, "request_id", "requests.request_id")
index(plans, "digest")
index(plans, "plan_id")

receipts = table(
    "receipts", "id", names="key", moments="at", words="action", longs="document", wholes="id round", flags="ok changed"
)
owned_by(receipts, "key", "containments.key")
index(receipts, "key", "id")
