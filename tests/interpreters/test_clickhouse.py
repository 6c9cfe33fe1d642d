"""ClickHouse's own engine, over every shape of table, finds what the reference scorer finds in the same events."""

from collections.abc import Sequence
from ipaddress import ip_network
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import Phase, given

from connectors.sources.clickhouse import mapping
from playbook.detections.beaconing import Event, Profile, row, score_events
from playbook.detections.languages import clickhouse
from playbook.model.address import Network
from tests.interpreters import activity, users
from tests.interpreters.clickhouse import (
    WEEK,
    WRITERS,
    activity_told,
    by_clickhouse,
    by_reference,
    filled,
    place,
    told,
    users_told,
)
from tests.interpreters.corpus import corpus
from tests.interpreters.telemetry import LAB, MIDNIGHT, SCOPE, events, flow
from tests.interpreters.users import HOMES, Connection, by_log, zeek
from tests.support.examples import examples
from tests.support.public_data import DATA
from tests.support.zeek_reader import event, rows

pytestmark = pytest.mark.heavy
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.mark.parametrize("preset", WRITERS)
def test_the_corpus_gives_what_the_reference_gives(preset: str) -> None:
    expected = by_reference(preset, corpus())
    assert len(expected) >= 8 and by_clickhouse(preset, corpus()) == expected


@pytest.mark.parametrize("preset", WRITERS)
@examples(6, phases=_PHASES)
@given(made=events())
def test_generated_events_give_what_the_reference_gives(preset: str, made: list[Event]) -> None:
    assert by_clickhouse(preset, made) == by_reference(preset, made)


@examples(6, phases=_PHASES)
@given(made=events())
def test_the_seed_profile_too(made: list[Event]) -> None:
    assert by_clickhouse("canonical", made, profile="seed") == by_reference("canonical", made, "seed")


def cut_sessions() -> list[Event]:
    """Sessions in several rows: one that begins in the log, one that does not, one without a source port, and UDP."""
    made = flow(25, 900, "203.0.113.70", port=6667)
    made += [e._replace(continues=True, start=e.start + 5, bytes_sent=9) for e in made]
    begun_before = flow(25, 900, "203.0.113.71")
    made += [e._replace(continues=True, start=e.start + n) for e in begun_before for n in (0, 7, 3)]
    same_moment = flow(25, 900, "203.0.113.72")
    made += [e._replace(continues=late, bytes_sent=1 + late) for e in same_moment for late in (True, False)]
    made += [e._replace(src_port=None, continues=n > 0) for n, e in enumerate(flow(25, 900, "203.0.113.73"))]
    return made + flow(19, 1200, "203.0.113.74") + [e._replace(continues=True) for e in flow(3, 1200, "203.0.113.74")]


@pytest.mark.parametrize("preset", ["canonical", "zeek", "zeek-flat", "rita"])
def test_a_session_in_several_rows_counts_once(preset: str) -> None:
    made = [e for e in cut_sessions() if preset == "canonical" or e.src_port is not None]
    expected = by_reference(preset, made)
    assert [d["dst_ip"] for d in expected][:2] == ["203.0.113.70", "203.0.113.71"]
    assert by_clickhouse(preset, made) == expected


def test_sums_do_not_wrap_and_a_count_that_no_device_has_is_unknown() -> None:
    huge = flow(101, 400, "203.0.113.5", bytes=(10**15, 10**15))
    assert by_clickhouse("canonical", huge) == by_reference("canonical", huge)
    wrong = [e._replace(bytes_sent=2**64 - 1) for e in flow(101, 400, "203.0.113.5")]
    assert by_clickhouse("canonical", wrong)[0]["total_bytes_sent"] is None


def test_ntp_is_told_by_the_size_of_its_packets() -> None:
    sized = [
        e._replace(orig_bytes=sent, sent_packets=1, bytes_rcvd=back, rcvd_packets=1, proto="udp")
        for dst, sent, back in (("203.0.113.1", 76, 116), ("203.0.113.2", 75, 76), ("203.0.113.3", 76, None))
        for e in flow(120, 600, dst, port=123)
    ]
    expected = by_reference("canonical", sized)
    assert [d["ntp_sized"] for d in expected] == [True, False, None] and by_clickhouse("canonical", sized) == expected


@examples(6, phases=_PHASES)
@given(made=users.connections())
def test_the_users_of_a_destination_are_those_that_the_log_connector_counts(made: list[Connection]) -> None:
    for home in HOMES[:2]:
        assert users_told(made, home) == by_log([zeek(c) for c in made], home)


@pytest.mark.parametrize("home", HOMES)
def test_the_fixed_users_too(home: Sequence[Network]) -> None:
    assert users_told(users.fixed(), home) == by_log([zeek(c) for c in users.fixed()], home)


@examples(6, phases=_PHASES)
@given(made=activity.days())
def test_busy_quarters_are_those_that_the_log_connector_counts(made: list[Connection]) -> None:
    assert activity_told(made) == activity.by_log(made)


def test_the_fixed_day_too() -> None:
    assert activity_told(activity.fixed()) == activity.by_log(activity.fixed())


def test_start_seconds_hours_and_a_limit_by_key() -> None:
    made = flow(25, 900, hostname="pc-1") + flow(25, 60, "198.51.100.9", 443)
    engine = filled("canonical", [WRITERS["canonical"](e) for e in made])
    keys = [clickhouse.tuple_key("10.0.0.31", "203.0.113.66", 6667), clickhouse.tuple_key("10.0.0.31", "8.8.8.8", 1)]
    starts = engine.rows(clickhouse.traffic(keys, *place("canonical")), WEEK)
    assert sorted(r["start_s"] for r in starts) == [int(e.start) for e in made[:25]]
    assert {(r["hostname"], r["start_conns"], r["sent_known"]) for r in starts} == {("pc-1", 1, 0)}
    since = int(made[10].start)
    newest = engine.rows(clickhouse.traffic(keys, *place("canonical"), since={keys[0]: since}), WEEK)
    assert sorted(r["start_s"] for r in newest) == [int(e.start) for e in made[10:25]]
    hourly = engine.rows(clickhouse.traffic(keys[:1], *place("canonical"), step_s=3600), WEEK)
    assert sum(r["start_conns"] for r in hourly) == 25 and all(r["start_s"] % 3600 == 0 for r in hourly)
    beats = engine.rows(clickhouse.heartbeat(*place("canonical")), WEEK)
    assert sum(r["row_count"] for r in beats) == 50 and {r["hour"] for r in beats} == {
        int(e.start // 3600) for e in made
    }
    assert len(engine.rows(clickhouse.probe(*place("canonical")), WEEK)) == 1


@pytest.mark.parametrize("preset", WRITERS)
@pytest.mark.parametrize("profile", ["default", "seed"])
def test_the_text_to_paste_gives_the_seeds_columns(preset: str, profile: Profile) -> None:
    """Over the corpus moved to now: the paste covers the day before; only what its own rules leave out is left out."""
    text = clickhouse.query(preset, profile=profile, scope=place(preset)[1], fields=place(preset)[2], lab=LAB)
    moved = text.replace("toFloat64(now())", str(MIDNIGHT + 3 * 86_400 + 900)).replace("87300", "864900")
    assert moved != text
    shown = filled(preset, [WRITERS[preset](e) for e in corpus()]).rows(moved, WEEK)
    scope = SCOPE if profile == "default" else type(SCOPE)(SCOPE.source, "seed", SCOPE.lab)
    expected = [row(d) for d in score_events(told(preset, corpus()), scope) if ":" not in d.dst_ip]
    assert [
        {k: r[k] for k in expected[0]} | {"irc_port": int(r["irc_port"])} for r in shown if ":" not in r["dst_ip"]
    ] == expected


@pytest.mark.parametrize("preset", [p for p in clickhouse.PRESETS if p != "own"])
@pytest.mark.parametrize("hunt", ["ddos-burst", "irc", "dga-burst"])
def test_every_hunt_says_what_it_can_read(preset: str, hunt: str) -> None:
    if hunt == "dga-burst" and not clickhouse.PRESETS[preset].names:
        with pytest.raises(KeyError, match="keeps no name look-ups"):
            clickhouse.query(preset, hunt)
        return
    assert "{start" not in clickhouse.query(preset, hunt)


def test_the_hunts_over_connections_find_bursts_and_irc() -> None:
    made = flow(120, 5, "203.0.113.5", 80, MIDNIGHT + 3) + flow(2, 5, "203.0.113.6", 6667) + flow(99, 5, "8.8.8.8", 80)
    engine = filled("zeek", [WRITERS["zeek"](e) for e in made])

    def asked(hunt: str) -> list[dict]:
        return engine.rows(
            clickhouse.query("zeek", hunt, scope="presets.zeek").replace("toFloat64(now())", str(MIDNIGHT + 9000))
        )

    (burst,) = asked("ddos-burst")
    assert (burst["dst_ip"], burst["connections"], burst["unique_ports"], burst["scan_indicator"]) == (
        "203.0.113.5",
        120,
        1,
        False,
    )
    assert [(r["dst_ip"], r["dst_port"], r["connections"]) for r in asked("irc")] == [("203.0.113.6", 6667, 2)]


def test_the_hunt_over_names_wants_failed_registered_domains() -> None:
    engine = filled("zeek", [])
    engine.run("DROP TABLE IF EXISTS presets.dns")
    engine.run(
        "CREATE TABLE presets.dns (ts Float64, `id.orig_h` String, query Nullable(String),"
        " rcode_name Nullable(String)) ENGINE = Memory"
    )
    asked = [(MIDNIGHT + n, "10.0.0.31", f"a{n}.x{n}.co.uk", "NXDOMAIN") for n in range(40)]
    asked += [(MIDNIGHT + n, "10.0.0.32", f"h{n}.example.com.", "NXDOMAIN") for n in range(40)]  # one registered domain
    asked += [(MIDNIGHT + n, "10.0.0.33", f"x{n}.net", "NXDOMAIN" if n < 29 else None) for n in range(40)]
    asked += [(MIDNIGHT + n, "10.0.0.34", f"{n}.2.0.192.in-addr.arpa", "NXDOMAIN") for n in range(40)]
    names = ("ts", "id.orig_h", "query", "rcode_name")
    engine.insert("presets.dns", [dict(zip(names, one, strict=True)) for one in asked])
    text = clickhouse.query("zeek", "dga-burst", scope="presets.dns").replace("toFloat64(now())", str(MIDNIGHT + 9000))
    shown = engine.rows(text)
    assert [(r["src_ip"], r["failed_domains"], r["failed_names"], r["names"]) for r in shown] == [
        ("10.0.0.31", 40, 40, 40)
    ]


def test_conversations_and_outside_addresses_are_those_of_the_log_connector() -> None:
    made = [c for c in users.fixed() if c.src_ip == users.BOT] + users.fixed()
    made += activity.scan(12, MIDNIGHT + 7200, 3, "8.8.{}.8") + activity.scan(4, MIDNIGHT + 7200, 3, "10.8.{}.8")
    traffic = users.over_log([zeek(c) for c in made], activity.NETWORKS, users.detections())
    engine = filled("zeek", [zeek(c) for c in made])
    keys = [clickhouse.tuple_key(d.src_ip, d.dst_ip, d.dst_port) for d in users.detections()]
    (own,) = engine.rows(clickhouse.conversations(keys, *place("zeek")), WEEK)
    (expected,) = [t for t in traffic.tuples if t.attempts]
    names = ("attempts", "unanswered", "unanswered_hours", "established", "both_sided", "irc_alone")
    assert {name: own[name] for name in names} == {name: getattr(expected, name) for name in names}
    (addresses,) = engine.rows(clickhouse.outside_addresses([users.BOT], LAB, *place("zeek")), WEEK)
    assert addresses["addresses"] == traffic.hosts[0].distinct_outside


@pytest.mark.parametrize(
    ("table", "fields"),
    [
        ("conn`; DROP TABLE conn", {}),
        ("`conn`", {}),
        ("", {}),
        ("a..b", {}),
        ("a.b.c.d.e.f", {}),
        ("conn", {"src_ip": "x' OR '1"}),
        ("conn", {"src_ip": "x`) --"}),
        ("conn", {"src_ip": "\\"}),
        ("conn", {"src_ip": "a\nb"}),
        ("conn", {"nonsense": "x"}),
        ("conn", {"dst_port": ""}),
    ],
)
def test_a_name_that_is_none_never_enters_a_query(table: str, fields: dict[str, str]) -> None:
    mapped = {"time": "t", "src_ip": "s", "dst_ip": "d", "dst_port": "p"}
    with pytest.raises(clickhouse.Unquotable):
        clickhouse.detection("own", table, mapped | fields)


def test_a_value_is_quoted_and_what_cannot_be_is_refused() -> None:
    hostile = ["1.2.3.4'); DROP TABLE x --", "\\", "a'\\'b"]
    engine = filled("zeek", [])
    text = clickhouse.popularity(hostile, [ip_network("10.0.0.0/8")], *place("zeek"))
    assert engine.rows(text, WEEK) == []
    with pytest.raises(clickhouse.Unquotable, match="not printable"):
        clickhouse.popularity(["a\x00b"], [], *place("zeek"))


CAPTURES = sorted((DATA / "zeek").glob("*/conn.log*.gz"))


@pytest.mark.real_data
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_a_public_capture_gives_what_the_reference_gives(path: Path) -> None:
    """The first rows are enough to meet every column as it really comes."""
    made = [event(row) for row in islice(rows(path), 30_000)]
    span = {"start": 0, "end": 4e9}
    found, read = mapping.detections(
        filled("zeek", [WRITERS["zeek"](e) for e in made]).rows(
            clickhouse.detection(*place("zeek"), lab=SCOPE.lab), span
        ),
        SCOPE,
    )
    assert read.rejected == 0 and found == score_events(made, SCOPE)
