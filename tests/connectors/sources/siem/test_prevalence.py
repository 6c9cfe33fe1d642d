"""The users of a destination over a SIEM: counted whole, or unknown with a reason; a number is never a guess."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.sources._siem import prevalence
from connectors.sources._siem.coverage import Read
from connectors.sources._siem.prevalence import Users
from connectors.sources.splunk import mapping as splunk_rows
from connectors.sources.sumologic import mapping as sumo_rows
from playbook.errors import Unreachable
from playbook.model.detection import Detection
from playbook.model.site import Networks
from playbook.model.traffic import Traffic
from tests.interpreters.users import detections
from tests.support.siem_fixtures import C2, DAY, SIEMS, calls, every, siem

HOME = Networks().home
NOON, MORNING = (datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (12, 8))
ROW = {
    "place": C2,
    "source6": "",
    "hosts": "5",
    "reached": "4",
    "held": "3",
    "untold": "0",
    "first_ms": "1795478400000",
}


def whole(*values: Users) -> tuple[Read, str]:
    """An answer without gaps."""
    return Read(values, 0, ()), ""


def asked(answer: Callable[[tuple[str, ...]], tuple[Read, str]]) -> prevalence.Prevalence:
    """What comes of it for the detections of ``users``."""
    return prevalence.prevalence(detections(), HOME, answer)


def test_ipv4_hosts_come_counted_and_ipv6_sources_are_counted_when_they_are_ours() -> None:
    used = prevalence.uses(
        [
            Users(C2, "", 40, 30, 20, 0, NOON),
            Users(C2, "fd00::1", 1, 1, 1, 0, MORNING),
            Users(C2, "2001:db8::1", 1, 1, 1, 0, MORNING),
            Users(C2, "fc-no-address:", 1, 1, 1, 0, MORNING),
        ],
        HOME,
    )
    assert used == {C2: prevalence.Use(31, 21, MORNING)}


def test_where_nobody_was_answered_all_who_tried_are_counted_and_all_hosts_are_all() -> None:
    used = prevalence.uses([Users(C2, "", 7, 0, 0, 0, NOON), Users("*", "", 9, 2, 2, 0, NOON)], HOME)
    assert (used[C2].hosts_using, used[C2].hosts_answered, used["*"].hosts_using) == (7, 0, 9)


@pytest.mark.parametrize(("held", "untold", "answered"), [(3, 2, 3), (0, 2, None), (0, 0, 0)])
def test_what_no_row_tells_is_unknown_and_what_one_proves_is_at_least_that(
    held: int, untold: int, answered: int | None
) -> None:
    assert prevalence.uses([Users(C2, "", 5, 5, held, untold, NOON)], HOME)[C2].hosts_answered == answered


def test_a_destination_without_a_row_is_used_by_none_of_ours() -> None:
    got = asked(lambda wanted: whole(Users("*", "", 9, 9, 9, 0, NOON)))
    assert got.active_hosts == 9 and set(got.by_destination.values()) == {prevalence.Use(0, 0, None)}


@pytest.mark.parametrize(
    "read",
    [
        (Read((), 0, ()), "the search has more rows than 100000"),
        (Read((), 2, ("row 1: hosts: no number",)), ""),
    ],
)
def test_an_answer_that_is_not_whole_gives_no_number_and_says_why(read: tuple[Read, str]) -> None:
    got = asked(lambda wanted: read)
    assert (got.active_hosts, got.by_destination) == (None, {}) and len(got.unknown) == 1
    assert "hosts that use 2 destinations is unknown" in got.unknown[0]
    assert (read[1] or "row 1: hosts: no number") in got.unknown[0]


def test_a_search_that_fails_leaves_its_own_destinations_unknown_and_the_others_known() -> None:
    found = [d.model_copy(update={"dst_ip": f"8.8.{n // 250}.{n % 250}"}) for n in range(250) for d in detections()[:1]]
    batches: list[int] = []

    def ask(wanted: tuple[str, ...]) -> tuple[Read, str]:
        batches.append(len(wanted))
        if len(batches) == 1:
            raise Unreachable("siem: no answer")
        return whole(Users("*", "", 9, 9, 9, 0, NOON))

    got = prevalence.prevalence(found, HOME, ask)
    assert batches == [200, 50] and len(got.by_destination) == 50 and got.active_hosts == 9
    assert got.unknown == ("the number of hosts that use 200 destinations is unknown: siem: no answer",)


@pytest.mark.parametrize(
    "reader",
    [
        lambda row: sumo_rows.users([row]),
        lambda row: splunk_rows.users([{name: (text,) for name, text in row.items()}]),
    ],
    ids=["sumo", "splunk"],
)
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hosts": "many"}, "hosts"),
        ({"held": ""}, "held"),
        ({"first_ms": "9" * 17}, "first_ms"),
    ],
)
def test_a_row_that_cannot_be_read_is_counted_and_named(reader, change: dict[str, str], why: str) -> None:
    assert reader(ROW).values == (Users(C2, "", 5, 4, 3, 0, datetime(2026, 11, 24, tzinfo=UTC)),)
    got = reader(ROW | change)
    assert got.rejected == 1 and why in got.examples[0]


def told(kind: str, overstated: int = 0) -> tuple[Traffic, tuple[Detection, ...]]:
    """The traffic of a bot over an emulated SIEM, with three others that speak with its server."""
    others = [event for n in range(3) for event in calls([1000.0 + n], src=f"10.0.1.{n}", hostname="")]
    with siem(kind, calls(every(300)) + others, overstated) as source:
        found = source.fetch(DAY)[0].detections
        return source.traffic(found), found


@pytest.mark.loopback
@pytest.mark.parametrize("kind", SIEMS)
def test_a_siem_tells_who_uses_the_destination_since_when_and_how_far_it_looked_back(kind: str) -> None:
    traffic, (found,) = told(kind)
    (own,) = traffic.tuples
    assert (traffic.active_hosts, own.hosts_using, own.hosts_answered) == (4, 4, 4)
    assert own.destination_first_seen and abs(own.destination_first_seen - found.first_seen) < timedelta(seconds=1)
    assert 0.9 < (traffic.history_days or 0) <= 1


@pytest.mark.loopback
def test_rows_that_never_came_make_the_number_unknown_not_smaller() -> None:
    traffic, _ = told("sumo", overstated=3)
    assert traffic.active_hosts is None and not any(t.hosts_using is not None for t in traffic.tuples)
    assert any("hosts that use 1 destinations is unknown" in text for text in traffic.unknown)
