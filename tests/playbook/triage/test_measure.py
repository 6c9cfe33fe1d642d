"""Raw traffic becomes numbers: known values, unknown ones with their reason, and how much of the time a log covers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.model.traffic import (
    Burst,
    HostTraffic,
    LogCoverage,
    LookUps,
    NameBurst,
    NamedBy,
    Spread,
    Traffic,
    TupleTraffic,
    Unnamed,
)
from playbook.triage.measure import measure
from tests.support.builders import SOURCE, a_beacon, at, steady
from tests.support.examples import examples

DAY = tuple(at(h) for h in range(24))
WEEK = a_beacon(first_seen=at(0), last_seen=at(167.9), hourly_buckets=168)
SNI, BACKED = NamedBy(name="a.example", by="sni"), NamedBy(name="a.example", by="sni", backed=True)
HOST_HEADER = NamedBy(name="a.example", by="http_host")
DNS, STRANGE = NamedBy(name="a.example", by="dns", backed=True), NamedBy(name="a.example", by="dns")


def coverage(**hours):
    return tuple(LogCoverage(kind=kind, hours=DAY[:n] if isinstance(n, int) else n) for kind, n in hours.items())


def tuple_of(detection, **change):
    times = change.get("start_times", steady(300))
    sizes = (400,) * len(times) if times is not None else None
    return TupleTraffic(**({"detection_id": detection.detection_id, "start_times": times, "sizes": sizes} | change))


def measures(detection=None, hours=None, host=None, **change):
    found = detection or a_beacon()
    own = tuple_of(found, **{k: v for k, v in change.items() if k in TupleTraffic.model_fields})
    rest = {k: v for k, v in change.items() if k in Traffic.model_fields and k not in TupleTraffic.model_fields}
    traffic = Traffic(
        tuples=(own,),
        hosts=(host,) if host else (),
        **rest,
        coverage=coverage(conn=24, dns=24, tls=24) if hours is None else coverage(**hours),
    )
    return {m.name: m for m in measure(found, traffic)}


def host(**change):
    return HostTraffic(src_ip=SOURCE, **change)


@given(
    times=st.lists(st.integers(0, 10**10), max_size=60, unique=True).map(sorted).map(tuple),
    sizes=st.one_of(st.none(), st.lists(st.integers(0, 2**50), max_size=60).map(tuple)),
    complete=st.booleans(),
    hours=st.integers(0, 24),
    attempts=st.integers(0, 50),
    unanswered=st.integers(0, 50),
)
@examples(100)
def test_any_traffic_gives_bounded_numbers_and_never_a_fault(times, sizes, complete, hours, attempts, unanswered):
    found = measures(
        hours={"conn": hours},
        start_times=times,
        sizes=sizes,
        starts_complete=complete,
        attempts=attempts,
        unanswered=unanswered,
        unanswered_hours=3,
    )
    score = found["beacon_score"]
    assert score.value is None or 0 <= score.value <= 1
    assert all(0 <= m.coverage <= 1 for m in found.values())
    assert score.value is not None or score.detail


def test_a_detection_without_traffic_has_nothing_known():
    assert all(m.known is None for m in measure(a_beacon(), Traffic(coverage=coverage(conn=24, dns=24, tls=24))))


def test_a_perfect_beacon_is_1():
    score = measures()["beacon_score"]
    assert (score.known, score.coverage) == (1.0, 1.0)
    assert "median interval 300 s" in score.detail


@pytest.mark.parametrize(
    "change",
    [
        {"start_times": None},
        {"start_times": (), "sizes": ()},
        {"sizes": None},
        {"sizes": (1, 2)},
        {"start_times": steady(300)[:3]},
    ],
)
def test_starts_or_sizes_that_are_absent_few_or_misaligned_are_unknown(change):
    score = measures(**change)["beacon_score"]
    assert score.value is None and score.detail


@pytest.mark.parametrize(("hours", "known"), [(24, True), (20, True), (19, False), (0, False)])
def test_a_log_that_covers_less_than_80_percent_says_nothing(hours, known):
    found = measures(hours={"conn": hours}, attempts=10, unanswered=5, unanswered_hours=3, hosts_using=1)
    for name in ("beacon_score", "unanswered_share", "unanswered_hours", "hosts_using"):
        assert (found[name].known is not None) == known, name


def test_the_best_day_of_a_week_counts():
    noise = tuple(int(at(24 * d + h).timestamp()) + 7 * h * h for d in range(1, 7) for h in (9, 10, 15))
    times = tuple(sorted({*steady(300), *noise}))
    score = measures(WEEK, {"conn": tuple(at(h) for h in range(168))}, start_times=times)["beacon_score"]
    assert score.known > 0.95


@pytest.mark.parametrize(
    ("detection", "times", "covered"),
    [
        (a_beacon(), steady(10, 6, 18), 0.25),
        (a_beacon(), steady(60, 19.2, 4.8), 0.80),
        (WEEK, steady(60, 83, 84.9), 1.0),
        (WEEK, steady(1, 1.4, 166.5), 0.06),
    ],
)
def test_starts_that_were_left_out_lower_the_coverage_of_the_best_day(detection, times, covered):
    hours = {"conn": tuple(at(h) for h in range(168))}
    whole = measures(detection, hours, start_times=times)["beacon_score"]
    part = measures(detection, hours, start_times=times, starts_complete=False)["beacon_score"]
    assert whole.coverage == 1.0
    assert part.coverage == pytest.approx(covered, abs=0.01)


VISIBLE = LookUps(visible=True, web_visible=True)
_FIRST = int(at(0).timestamp()) // 3600


def hidden(hours):
    return VISIBLE.model_copy(update={"hidden_hours": tuple(range(_FIRST, _FIRST + hours))})


NAMELESS = [
    ("no name at all", (), VISIBLE, True),
    ("backed DNS answer", (DNS,), VISIBLE, False),
    ("backed SNI", (BACKED,), VISIBLE, False),
    ("SNI that nothing backs", (SNI,), VISIBLE, True),
    ("Host header that nothing backs", (HOST_HEADER,), VISIBLE, True),
    ("unbacked SNI beside a backed answer", (SNI, DNS), VISIBLE, False),
    ("a strange name server", (STRANGE,), VISIBLE, None),
    ("a strange name server and an unbacked SNI", (STRANGE, SNI), VISIBLE, None),
    ("names unknown", None, VISIBLE, None),
    ("no DNS log", (), None, None),
    ("its look-ups are not in the log", (), LookUps(web_visible=True, detail="0 look-ups"), None),
    ("its handshakes are not in the log", (), LookUps(visible=True, detail="half of its handshakes"), None),
    ("look-ups hidden for 21 %", (), hidden(5), None),
    ("look-ups hidden for 17 %", (), hidden(4), True),
]


@pytest.mark.parametrize(("names", "seen", "known"), [row[1:] for row in NAMELESS], ids=[row[0] for row in NAMELESS])
def test_nameless(names, seen, known):
    found = measures(hours={"conn": 24}, host=host(look_ups=seen), names=names)["nameless"]
    assert found.known is known
    assert found.known is not None or found.detail or found.coverage < 0.8 or names is None


def test_names_that_were_cut_leave_it_unknown():
    assert measures(host=host(look_ups=VISIBLE), names=(), names_cut=1)["nameless"].known is None


def test_an_hour_without_connections_in_the_log_covers_nothing():
    assert measures(hours={"conn": 19}, host=host(look_ups=VISIBLE), names=())["nameless"].known is None


def test_what_is_claimed_is_shown():
    assert measures(host=host(look_ups=VISIBLE), names=(SNI,))["nameless"].detail == "a.example (sni, unbacked)"
    endless = SNI.model_copy(update={"name": "a" * 5000})
    assert len(measures(host=host(look_ups=VISIBLE), names=(endless,))["nameless"].detail) < 120


@pytest.mark.parametrize(("requests", "bare", "share"), [(0, 0, None), (20, 18, 0.9), (20, 0, 0.0)])
def test_requests_and_handshakes_without_a_name_are_shares(requests, bare, share):
    counted = Unnamed(requests=requests, requests_unnamed=bare, handshakes=requests, handshakes_unnamed=bare)
    found = measures(unnamed=counted)
    assert found["unnamed_requests"].known == found["unnamed_handshakes"].known == share
    assert found["requests"].known == found["handshakes"].known == (requests or None)


def test_unanswered_and_prevalence_are_shares():
    found = measures(attempts=40, unanswered=10, unanswered_hours=4, hosts_using=7, hosts_answered=5, active_hosts=50)
    assert (found["unanswered_share"].known, found["unanswered_hours"].known) == (0.25, 4)
    assert (found["prevalence"].known, found["hosts_using"].known) == (0.1, 7)


def test_age_and_history_are_days():
    seen = a_beacon().last_seen - timedelta(days=3, hours=12)
    found = measures(destination_first_seen=seen, history_days=20)
    assert (found["destination_age"].known, found["history"].known) == (3.5, 20)


def test_the_busiest_quarter_hour_is_measured_and_quiet_is_not_unknown():
    bursts = (
        Burst(start=at(2), dst_ip="203.0.113.9", dst_port=80, connections=1500),
        Burst(start=at(1), dst_ip="203.0.113.8", dst_port=80, connections=20),
    )
    found = measures(host=host(bursts=bursts, spreads=(), name_bursts=()))
    assert found["flood"].known == 1500 and "203.0.113.9 port 80" in found["flood"].detail
    assert (found["scan_pairs"].known, found["failed_domains"].known) == (0, 0)
    unknown = measures(host=host())
    assert (unknown["flood"].known, unknown["scan_pairs"].known, unknown["failed_domains"].known) == (None,) * 3


def test_an_answered_crawl_does_not_hide_a_scan():
    crawl, scan = (5000, 0.1), (300, 0.95)
    spreads = tuple(Spread(start=at(n), pairs=p, unanswered_share=u) for n, (p, u) in enumerate((crawl, scan)))
    found = measures(host=host(spreads=spreads))
    assert (found["scan_pairs"].known, found["scan_unanswered"].known) == (300, 0.95)


def test_many_good_names_in_one_quarter_do_not_hide_a_burst_in_another():
    quarters = (
        NameBurst(start=at(1), names=1000, failed_names=100, domains=900, failed_domains=90),
        NameBurst(start=at(2), names=50, failed_names=50, domains=50, failed_domains=50),
    )
    found = measures(host=host(name_bursts=quarters))
    assert (found["failed_domains"].known, found["failed_names_share"].known) == (50, 1.0)


def test_what_a_source_does_not_tell_of_hosts_and_their_neighbours_says_so():
    found = measures()
    assert (found["prevalence"].detail, found["flood"].detail) == (
        "it is not told how many of our hosts speak with this destination",
        "it is not told what else the host did",
    )
    known = measures(host=host(bursts=()), hosts_using=3, hosts_answered=2, active_hosts=10)
    assert (known["prevalence"].value, known["prevalence"].detail, known["flood"].detail) == (0.2, "", "")
