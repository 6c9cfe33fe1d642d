"""How often a step was tried, and when it may be tried again."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from playbook.cases import approval_requests
from playbook.cases import containments as kept
from playbook.cases.containments import ContainmentRecord

# Seconds before a step is tried again, doubled with each attempt.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 30, 900


def attempts(conn: sa.Connection, found: ContainmentRecord) -> tuple[datetime, ...]:
    """When this round of the containment was tried."""
    request = approval_requests.find_request(conn, found.request_id)
    since = request.decided_at if request is not None and request.decided_at is not None else found.created_at
    return kept.attempts_of(conn, found.key, since)


def too_early(tried: tuple[datetime, ...], now: datetime) -> bool:
    """Whether the last attempt is too recent; a clock set back does not make it wait longer than the longest wait."""
    if not tried:
        return False
    wait = min(_FIRST_WAIT_S * 2 ** min(len(tried) - 1, 10), _LONGEST_WAIT_S)
    return timedelta(0) <= now - tried[-1] < timedelta(seconds=wait)
