"""The declared backup: the declared program, on the declared host, to the declared place, of the declared size."""

from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ListEntry
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import (
    DESTINATION,
    a_beacon,
    a_job,
    a_record,
    a_socket,
    a_traffic,
    an_enriched,
    at,
    named,
    said,
    silent,
    steady,
)

RULE = "declared_backup"
SENT = a_beacon(total_bytes_sent=1_000_000, total_bytes_rcvd=100_000)
VAULT = named("vault.backup.example")
NO_NAMES = a_traffic(SENT, start_times=steady(300))


RESTIC = (a_socket(),)


def backup(job=None, *, sockets=RESTIC, record=True, about="ws-31", more=(), **change):
    change = {"detection": SENT, "traffic": VAULT} | change
    known = (said("host", a_record()),) if record else ()
    owners = (said("processes", *sockets, about=about),) if sockets else ()
    return an_enriched(*known, *owners, said("backup_jobs", job or a_job(), about=about), *more, **change)


def sized(sent, received):
    return backup(detection=a_beacon(total_bytes_sent=sent, total_bytes_rcvd=received))


def over_days(days, sent):
    span = {"first_seen": at(0), "last_seen": at(24 * days - 1)}
    return backup(detection=a_beacon(total_bytes_sent=sent, total_bytes_rcvd=0, **span))


def until(hour):
    return a_job(always=False, windows=(TimeWindow(start=at(0), end=at(hour)),))


LISTS = said("lists", about=DESTINATION)
CLOUD = said("lists", ListEntry(name="a cloud", category="cloud"), about=DESTINATION)
BY_SIGNER = a_job(sha256="", signer="Backup Ltd")
VENDOR = a_job(repositories=(), vendor_networks=("203.0.113.0/24",))
EVIL = a_socket(process_name="restic", path="/tmp/restic", sha256="ee" * 32)

TABLE = [
    Row("speaks", "hash, name, bytes, always", backup(), "conclusive"),
    Row("speaks", "signer", backup(BY_SIGNER, sockets=(a_socket(sha256="", signer="Backup Ltd"),)), "conclusive"),
    Row("speaks", "the vendor's own network", backup(VENDOR, traffic=NO_NAMES, more=(LISTS,)), "conclusive"),
    Row(
        "speaks",
        "a dedicated address",
        backup(a_job(repositories=(DESTINATION,)), traffic=NO_NAMES, more=(LISTS,)),
        "conclusive",
    ),
    Row("speaks", "exactly 90 % in its window", backup(until(21.6)), "conclusive"),
    Row("speaks", "reviewed until today", backup(a_job(review_by=at(30).date())), "conclusive"),
    Row("speaks", "exactly half of the volume", sized(500_000, 0), "conclusive"),
    Row("speaks", "exactly twice the volume", sized(2_000_000, 0), "conclusive"),
    Row("speaks", "exactly three times what it received", sized(900_000, 300_000), "conclusive"),
    *(
        Row("near miss", f"{sent} bytes sent and {received} received", sized(sent, received), "strong")
        for sent, received in ((None, None), (None, 9), (1_000_000, None))
    ),
    Row(
        "near miss",
        "a window, and nobody knows when it connected",
        backup(until(24), traffic=VAULT.model_copy(update={"hourly": (), "start_times": None})),
        "strong",
    ),
    *(
        Row(
            "near miss",
            f"jobs unread, {sent} sent and {received} received",
            an_enriched(
                silent("backup_jobs", "ws-31"), detection=a_beacon(total_bytes_sent=sent, total_bytes_rcvd=received)
            ),
            "waits",
        )
        for sent, received in ((None, 9), (1, None))
    ),
    Row(
        "silent",
        "the inventory is unread, and no job names this place",
        an_enriched(silent("host"), detection=SENT),
        "silent",
    ),
    *(
        Row(
            "hostile",
            f"the vendor's network is a {shared}",
            backup(
                VENDOR, traffic=NO_NAMES, more=(said("lists", ListEntry(name="x", category=shared), about=DESTINATION),)
            ),
            "silent",
        )
        for shared in ("cdn", "cloud", "shared", "resolver")
    ),
    Row("near miss", "just under half of the volume", sized(499_999, 0), "strong"),
    Row("speaks", "half of the volume of three days", over_days(3, 1_500_000), "conclusive"),
    Row("near miss", "one day's volume over three days", over_days(3, 1_000_000), "strong"),
    Row("near miss", "just over twice the volume of three days", over_days(3, 6_000_001), "strong"),
    Row("near miss", "just over twice the volume", sized(2_000_001, 0), "strong"),
    Row("near miss", "just under three times received", sized(899_999, 300_000), "strong"),
    Row("near miss", "just under 90 % in its window", backup(until(21.5)), "contradicted"),
    Row("near miss", "review due yesterday", backup(a_job(review_by=at(6).date())), "strong"),
    Row(
        "hostile",
        "only an agent that the host can write to names the program",
        backup(sockets=(a_socket(written_by="host"),)),
        "strong",
    ),
    Row(
        "hostile",
        "a source that the host can write to, whatever its rows say",
        backup(sockets=(), more=(said("processes", *RESTIC, about="ws-31", written_by="host"),)),
        "strong",
    ),
    Row("hostile", "one row of it among ours", backup(sockets=(*RESTIC, a_socket(written_by="host"))), "strong"),
    Row("near miss", "no review date", backup(a_job(review_by=None)), "strong"),
    Row("near miss", "neither signer nor hash declared", backup(a_job(sha256="")), "strong"),
    Row("near miss", "no process inventory", backup(sockets=()), "strong"),
    Row("near miss", "process inventory unread", backup(sockets=(), more=(silent("processes", "ws-31"),)), "waits"),
    Row(
        "near miss",
        "jobs unread, it could be one",
        an_enriched(silent("backup_jobs", "ws-31"), detection=SENT),
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
        "vendor network while the lists are unread",
        backup(VENDOR, traffic=NO_NAMES, more=(silent("lists", DESTINATION),)),
        "waits",
    ),
    Row("silent", "no job", an_enriched(detection=SENT), "silent"),
    Row("silent", "another place", backup(a_job(repositories=("other.example",))), "silent"),
    Row(
        "silent",
        "jobs unread, but it received more",
        an_enriched(silent("backup_jobs", "ws-31"), detection=a_beacon(total_bytes_sent=1, total_bytes_rcvd=9)),
        "silent",
    ),
    Row("hostile", "renamed to the declared host", backup(record=False, host="ws-31"), "hint"),
    Row("hostile", "a program called restic", backup(sockets=(EVIL,)), "contradicted"),
    Row("hostile", "the bot beside the real restic", backup(sockets=(a_socket(), EVIL)), "strong"),
    Row(
        "hostile",
        "unsigned with the signer's name in it",
        backup(BY_SIGNER, sockets=(a_socket(sha256="", signed=False, signer="Backup Ltd"),)),
        "contradicted",
    ),
    Row("hostile", "sockets of last month", backup(sockets=(a_socket(seen=at(-720)),)), "strong"),
    Row("hostile", "sockets to elsewhere", backup(sockets=(a_socket(dst_ip="203.0.113.9"),)), "strong"),
    Row(
        "hostile",
        "SNI of the repository, no DNS answer",
        backup(traffic=named("vault.backup.example", by="sni", backed=False)),
        "silent",
    ),
    Row(
        "hostile",
        "another bucket at the same address",
        backup(traffic=named("vault.backup.example", "c2.backup.example")),
        "strong",
    ),
    Row(
        "hostile",
        "a cloud address inside the vendor's network",
        backup(VENDOR, traffic=NO_NAMES, more=(CLOUD,)),
        "silent",
    ),
    Row("hostile", "a parent of the repository's name", backup(a_job(repositories=("backup.example",))), "silent"),
    Row(
        "hostile", "a broken network in the job", backup(a_job(repositories=(), vendor_networks=("no net",))), "silent"
    ),
]


@rows(TABLE)
def test_declared_backup(row):
    assert outcome(RULE, row.enriched) == row.said


def test_a_network_that_others_may_share_closes_nothing_while_the_lists_are_unread():
    word = evidence(RULE, backup(VENDOR, traffic=NO_NAMES, more=(silent("lists", DESTINATION),)))
    assert word.strength == "strong" and any("share the address" in fault for fault in word.missing)
