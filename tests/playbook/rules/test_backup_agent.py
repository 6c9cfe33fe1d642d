"""The managed backup: this host's session, to its own repository, at these times, with these bytes."""

import pytest

from playbook.model.enrichment import ListEntry
from playbook.model.traffic import HourOfTraffic
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import (
    DESTINATION,
    a_beacon,
    a_record,
    a_session,
    a_traffic,
    an_enriched,
    at,
    named,
    said,
    silent,
    steady,
)

RULE = "backup_agent"
SENT = a_beacon(total_bytes_sent=1_000_000, total_bytes_rcvd=100_000)
VAULT = named("vault.backup.example")


def backup(*, session=None, sessions=(), record=True, about="ws-31", detection=SENT, traffic=VAULT, more=(), **change):
    known = (said("host", a_record()),) if record else ()
    own = said("backup_sessions", *(sessions or (session or a_session(),)), about=about)
    return an_enriched(*known, own, *more, detection=detection, traffic=traffic, **change)


def sized(sent, received, transferred=1_000_000):
    return backup(
        detection=a_beacon(total_bytes_sent=sent, total_bytes_rcvd=received),
        session=a_session(transferred_bytes=transferred),
    )


ADDRESS = a_session(destinations=(DESTINATION,))
NO_NAMES = a_traffic(SENT, start_times=steady(300))

TABLE = [
    Row("speaks", "session, name, bytes", backup(), "conclusive"),
    Row(
        "speaks",
        "a dedicated address",
        backup(session=ADDRESS, traffic=NO_NAMES, more=(said("lists", about=DESTINATION),)),
        "conclusive",
    ),
    Row("speaks", "exactly 90 % in the session", backup(session=a_session(ended=at(21.6))), "conclusive"),
    Row(
        "speaks",
        "two sessions together",
        backup(
            sessions=(
                a_session(ended=at(12), transferred_bytes=500_000),
                a_session(started=at(12), transferred_bytes=500_000),
            )
        ),
        "conclusive",
    ),
    Row(
        "speaks",
        "last night's session is not this one's bytes",
        backup(
            sessions=(
                a_session(),
                a_session(started=at(-24), ended=at(-1), transferred_bytes=9_000_000),
            )
        ),
        "conclusive",
    ),
    Row("speaks", "exactly three times received", sized(900_000, 300_000), "conclusive"),
    Row("speaks", "exactly half of the session", sized(500_000, 0), "conclusive"),
    Row("speaks", "exactly twice the session", sized(2_000_000, 0), "conclusive"),
    Row("near miss", "just under 90 % in the session", backup(session=a_session(ended=at(21.5))), "contradicted"),
    Row("near miss", "just under three times received", sized(899_999, 300_000), "strong"),
    Row("near miss", "just under half of the session", sized(499_999, 0), "strong"),
    Row("near miss", "just over twice the session", sized(2_000_001, 0), "strong"),
    Row("near miss", "bytes unknown", backup(detection=a_beacon(total_bytes_sent=None, bytes_known=False)), "strong"),
    Row("near miss", "times unknown", backup(traffic=VAULT.model_copy(update={"start_times": None})), "strong"),
    Row(
        "near miss",
        "sessions unread, it could be one",
        an_enriched(silent("backup_sessions", "ws-31"), detection=SENT),
        "waits",
    ),
    Row(
        "near miss",
        "the inventory that proves the host is unread",
        backup(record=False, more=(silent("host"),)),
        "waits",
    ),
    Row(
        "near miss",
        "address session while the lists are unread",
        backup(session=ADDRESS, traffic=NO_NAMES, more=(silent("lists", DESTINATION),)),
        "waits",
    ),
    Row("silent", "no sessions at all", an_enriched(detection=SENT), "silent"),
    Row(
        "silent",
        "sessions unread, but it received more",
        an_enriched(silent("backup_sessions", "ws-31"), detection=a_beacon(total_bytes_sent=10, total_bytes_rcvd=90)),
        "silent",
    ),
    Row("silent", "another repository", backup(session=a_session(destinations=("other.backup.example",))), "silent"),
    Row("hostile", "renamed to the backed-up host", backup(record=False, host="ws-31"), "hint"),
    Row(
        "hostile",
        "SNI of the repository without a DNS answer",
        backup(traffic=named("vault.backup.example", by="sni", backed=False)),
        "silent",
    ),
    Row(
        "hostile",
        "its own name server gives the repository's name",
        backup(traffic=named("vault.backup.example", backed=False)),
        "silent",
    ),
    *(
        Row(
            "hostile",
            f"an address of a {shared} named as repository",
            backup(
                session=ADDRESS,
                traffic=NO_NAMES,
                more=(said("lists", ListEntry(name="x", category=shared), about=DESTINATION),),
            ),
            "silent",
        )
        for shared in ("cdn", "cloud", "shared", "resolver")
    ),
    Row("speaks", "by its name, whatever the lists do", backup(more=(silent("lists", DESTINATION),)), "conclusive"),
    Row(
        "near miss",
        "only what was received is unknown",
        backup(detection=a_beacon(total_bytes_sent=1_000_000, total_bytes_rcvd=None)),
        "strong",
    ),
    Row(
        "hostile",
        "another bucket at the same address",
        backup(traffic=named("vault.backup.example", "c2.backup.example")),
        "strong",
    ),
    Row("hostile", "a session of the future", backup(session=a_session(started=at(48), ended=at(50))), "contradicted"),
    Row("hostile", "a session of no length", backup(session=a_session(ended=at(0))), "contradicted"),
    Row("hostile", "quotes and new lines in the host name", backup(record=False, host="ws-31'\n\"; --"), "hint"),
]


@rows(TABLE)
def test_backup_agent(row):
    assert outcome(RULE, row.enriched) == row.said


def test_an_address_that_others_may_share_closes_nothing_while_the_lists_are_unread():
    word = evidence(RULE, backup(session=ADDRESS, traffic=NO_NAMES, more=(silent("lists", DESTINATION),)))
    assert word.strength == "strong" and any("share the address" in fault for fault in word.missing)


@pytest.mark.parametrize(("early", "said_of_it"), [(0, "conclusive"), (8, "conclusive"), (9000, "contradicted")])
def test_connections_before_the_known_starts_count_too(early, said_of_it):
    hourly = (HourOfTraffic(hour=at(-2), connections=early), HourOfTraffic(hour=at(0), connections=288))
    traffic = VAULT.model_copy(update={"starts_complete": False, "hourly": hourly})
    assert outcome(RULE, backup(traffic=traffic)) == said_of_it


def test_what_is_not_settled_is_said():
    word = evidence(RULE, sized(3_000_000, 0))
    assert word.missing == ("sent 3,000,000 bytes, but the sessions transferred 1,000,000",)
    assert "not settled" in word.reason
