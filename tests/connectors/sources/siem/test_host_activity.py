"""Floods, scans and unanswered attempts over a SIEM: whole or unknown, of the host that did them, and bounded."""

from datetime import UTC, datetime

import pytest

from connectors.sources._siem import host_activity
from connectors.sources._siem.coverage import Read
from connectors.sources._siem.host_activity import Quarter
from connectors.sources.splunk import mapping as splunk_rows
from connectors.sources.sumologic import mapping as sumo_rows
from playbook.detections.languages.sumo import tuple_key
from playbook.errors import Unreachable
from playbook.model.detection import Detection
from playbook.model.site import Networks
from tests.interpreters.users import BOT, C2, detections
from tests.support.sumo_fixtures import LAB

DETECTION = detections()[0]
NETWORKS = Networks(lab=LAB)
NIGHT = 1_795_392_000 // 900
ROW = {
    "src_ip": BOT,
    "quarter": str(NIGHT),
    "place": f"{C2}/443",
    "connections": "9",
    "pairs": "1",
    "refused_pairs": "0",
    "untold_pairs": "0",
    "stated": "9",
    "sure": "9",
    "failed": "2",
}


def quarter(place: str = f"{C2}/443", connections: int = 9, at: int = 0, **more: int) -> Quarter:
    """A quarter of the bot."""
    counts = {
        "pairs": 1,
        "refused_pairs": 0,
        "untold_pairs": 0,
        "stated": connections,
        "sure": connections,
        "failed": 0,
    } | more
    return Quarter(BOT, NIGHT + at, place, connections, **counts)


def asked(*rows: Quarter, found: tuple[Detection, ...] = (DETECTION,)) -> host_activity.Activity:
    """What comes of these rows."""
    return host_activity.activity(found, 1.0, NETWORKS, tuple_key, lambda _: (Read(rows, 0, ()), ""))


def test_a_flood_is_outside_busy_enough_and_no_resolver() -> None:
    (host,) = asked(
        quarter(connections=2000),
        quarter("203.0.113.7/80", 3000, 1),
        quarter("10.0.0.5/80", 9000),
        quarter("8.8.8.8/53", 9000),
        quarter("8.8.8.8/443", 99),
        quarter("*", 9000, pairs=0),
    ).hosts
    assert [(b.dst_ip, b.connections) for b in host.bursts or ()] == [("203.0.113.7", 3000), (C2, 2000)]
    assert (host.bursts or ())[0].start == datetime(2026, 11, 23, 0, 15, tzinfo=UTC)


def test_a_few_quarters_the_busiest_first() -> None:
    (host,) = asked(
        *(quarter(connections=200 + n, at=n) for n in range(30)), *(quarter("*", pairs=30 + n, at=n) for n in range(30))
    ).hosts
    assert [b.connections for b in host.bursts or ()] == list(range(229, 217, -1))
    assert [s.pairs for s in host.spreads or ()] == [*range(59, 47, -1), *range(41, 29, -1)]


def test_wide_quarters_that_were_answered_hide_no_scan() -> None:
    """A proxy reaches many places all day; its one scan is narrower than any of those quarters."""
    proxied = [quarter("*", 9000, n, pairs=900, refused_pairs=500) for n in range(30)]
    (host,) = asked(*proxied, quarter("*", 400, 40, pairs=400, refused_pairs=390)).hosts
    first = (host.spreads or ())[0]
    assert (first.pairs, first.unanswered_share) == (400, 0.975)
    assert max(round(s.pairs * s.unanswered_share) for s in host.spreads or ()) == 500


def test_a_scan_is_told_only_where_every_pair_is_and_a_quiet_host_scans_nothing() -> None:
    told = asked(quarter("*", 300, pairs=250, refused_pairs=240))
    assert [(s.pairs, s.unanswered_share) for s in told.hosts[0].spreads or ()] == [(250, 0.96)]
    untold = asked(quarter("*", 300, pairs=250, untold_pairs=1))
    assert untold.hosts[0].spreads is None and untold.hosts[0].bursts == ()
    assert untold.unknown == ("whether 1 hosts scan is unknown: the rows do not tell who was answered",)
    assert asked().hosts[0].spreads == () and asked().unknown == ()


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([quarter(failed=5), quarter(at=1, failed=2), quarter(at=4)], (27, 7, 1)),
        ([quarter(failed=5), quarter(at=4, failed=1)], (18, 6, 2)),
        ([quarter(failed=5, stated=8)], (9, None, None)),
        ([quarter(sure=0)], (9, None, None)),
    ],
)
def test_unanswered_attempts_are_known_when_every_attempt_is(rows: list[Quarter], wanted: tuple[int, ...]) -> None:
    assert tuple(asked(*rows).attempts[BOT, C2, 443]) == wanted


def test_attempts_that_two_host_names_share_are_nobody_s() -> None:
    other = DETECTION.model_copy(update={"detection_id": "x", "hostname": "pc-9"})
    assert asked(quarter(failed=5), found=(DETECTION, other)).attempts == {}


@pytest.mark.parametrize("read", [(Read((), 0, ()), "past 100000 rows"), (Read((), 1, ("row 1: place: no",)), "")])
def test_an_answer_that_is_not_whole_tells_nothing_of_any_host(read: tuple[Read, str]) -> None:
    got = host_activity.activity((DETECTION,), 1.0, NETWORKS, tuple_key, lambda _: read)
    assert (got.hosts, got.attempts) == ((), {}) and (read[1] or "row 1: place: no") in got.unknown[0]


@pytest.mark.parametrize(("days", "batches"), [(1.0, [200, 50]), (7.0, [66, 66, 66, 52])])
def test_a_long_window_is_asked_for_in_more_searches_and_a_failure_costs_its_own_hosts(
    days: float, batches: list[int]
) -> None:
    found = [DETECTION.model_copy(update={"src_ip": f"10.0.{n // 250}.{n % 250}"}) for n in range(250)]
    sizes: list[int] = []

    def ask(keys: tuple[str, ...]) -> tuple[Read, str]:
        sizes.append(len(keys))
        if len(sizes) == 1:
            raise Unreachable("siem: no answer")
        return Read((), 0, ()), ""

    got = host_activity.activity(found, days, NETWORKS, tuple_key, ask)
    assert sizes == batches and len(got.hosts) == 250 - batches[0]
    assert got.unknown == (f"floods, scans and attempts of {batches[0]} hosts are unknown: siem: no answer",)


def test_a_detection_without_addresses_is_not_asked_for() -> None:
    hostile = DETECTION.model_copy(update={"src_ip": '" | delete'})
    got = host_activity.activity((hostile,), 1.0, NETWORKS, tuple_key, lambda keys: pytest.fail("asked"))
    assert got == ((), {}, ())


@pytest.mark.parametrize(
    "reader",
    [
        lambda row: sumo_rows.quarters([row]),
        lambda row: splunk_rows.quarters([{name: (text,) for name, text in row.items()}]),
    ],
    ids=["sumo", "splunk"],
)
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"place": "everywhere"}, "place"),
        ({"place": f"{C2}/99999"}, "place"),
        ({"quarter": "9" * 12}, "quarter"),
        ({"failed": "few"}, "failed"),
    ],
)
def test_a_row_that_cannot_be_read_is_counted_and_named(reader, change: dict[str, str], why: str) -> None:
    assert reader(ROW).values == (quarter(failed=2),)
    got = reader(ROW | change)
    assert got.rejected == 1 and why in got.examples[0]
