"""What ``check`` proves of a Sumo Logic key."""

import pytest

from tests.emulators.sumo import Behaviour, Tenant
from tests.emulators.sumo_records import Event
from tests.support.sumo_fixtures import END, EVENTS, READY, FakeClock, talking

pytestmark = pytest.mark.loopback


def test_check_proves_key_query_scope_and_fields() -> None:
    tenant, clock = Tenant(EVENTS, READY), FakeClock()
    with talking(tenant, clock) as source:
        results = source.check()
    assert [(r.subject, r.ok) for r in results] == [("key and query", True), ("scope", True), ("fields", True)]
    assert "10.0.0.31" in results[-1].message and len(tenant.log) == 5


@pytest.mark.parametrize(
    ("behaviour", "events", "subject", "words"),
    [
        (Behaviour(refuse=True), EVENTS, "key and query", "View Collectors and Download Search Results"),
        (Behaviour(states=(), scopes=("other",)), EVENTS, "scope", "scope unproven"),
        (Behaviour(states=()), [Event(END.timestamp() - 9, "", "", 0)], "fields", "src_ip, dst_ip"),
        (Behaviour(moved="https://api.eu.sumologic.com/"), EVENTS, "key and query", "https://api.eu.sumologic.com"),
    ],
)
def test_check_says_what_is_missing(behaviour, events, subject, words) -> None:
    tenant, clock = Tenant(events, behaviour), FakeClock()
    with talking(tenant, clock) as source:
        failed = [r for r in source.check() if not r.ok]
    assert [r.subject for r in failed] == [subject] and words in failed[0].message
