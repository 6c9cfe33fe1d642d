"""The text to be pasted gives the seed's columns as the reference scorer has them: counts, score and times."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from playbook.detections.beaconing import COLUMNS, PROFILES, Event, Profile, Scope, row, score_events
from playbook.detections.languages import duckdb as sql
from playbook.detections.languages import splunk, sumo
from playbook.model.address import parse
from tests.interpreters import spl
from tests.interpreters import sumo as sumo_runner
from tests.interpreters.corpus import EIGHT, LARGE, corpus
from tests.interpreters.telemetry import HALF_HOUR_EAST, LAB, WRITERS, cse, events, flow, told
from tests.support.examples import examples

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
Rows = list[dict[str, Any]]
_NUMBERS = frozenset(
    {
        "dst_port",
        "connections",
        "hourly_buckets",
        "avg_per_hour",
        "avg_bytes_per_conn",
        "irc_port",
        "beaconing_score",
        "total_bytes_sent",
        "total_bytes_rcvd",
    }
)


def by_reference(preset: str, found: Sequence[Event], profile: Profile) -> Rows:
    """The rows of plain Python over what the preset's source can know, in the order of the detection."""
    return [row(one) for one in score_events(told(preset, found), Scope(source="siem", profile=profile, lab=LAB))]


def plain(found: Sequence[Event]) -> list[Event]:
    """Without addresses that carry an IPv4 address inside, which no query takes apart; documentation IPv6 is real."""
    own = [e for e in found if not e.dst_ip.lower().startswith(("::ffff:", "2002:", "64:ff9b:"))]
    return [e._replace(dst_ip=e.dst_ip.replace("2001:db8:", "2a00:1450:")) for e in own]


def shown(rows: Sequence[dict[str, Any]]) -> Rows:
    """What an engine shows as values of the detection: blank or absent is unknown, a number is a number."""
    made = []
    for one in rows:
        values = {name: one.get(name) for name in COLUMNS}
        for name in _NUMBERS:
            values[name] = None if values[name] in (None, "") else float(values[name])
        names = values["processes"] or []
        names = names.split("\n") if isinstance(names, str) else names
        made.append(values | {"processes": sorted({name for name in names if name})})
    return made


def numbered(rows: Rows) -> Rows:
    """The reference with every number as an engine has it."""
    return [one | {name: None if one[name] is None else float(one[name]) for name in _NUMBERS} for one in rows]


def by_splunk(query: str, preset: str, found: Sequence[Event], zone_s: int) -> Rows:
    """What the pasted search shows a user of that zone."""
    return shown(spl.results(spl.run(query, [line for e in found for line in WRITERS[preset](e)], zone_s)))


def by_sumo(query: str, found: Sequence[Event]) -> Rows:
    """What the pasted Cloud SIEM search shows; its ports are texts, so that equal rows come in the order of text."""
    return shown(sumo_runner.run(query, (), [cse(e) for e in found]))


def by_duckdb(query: str, found: Sequence[Event]) -> Rows:
    """What DuckDB itself gives."""
    with duckdb.connect() as connection:
        connection.execute("""CREATE TABLE conn (start DOUBLE, src_ip VARCHAR, dst_ip VARCHAR, dst_port INTEGER,
            hostname VARCHAR, src_port INTEGER, proto VARCHAR, conns BIGINT, bytes_sent BIGINT, bytes_rcvd BIGINT,
            bytes_total BIGINT, orig_bytes BIGINT, sent_packets BIGINT, rcvd_packets BIGINT, process_name VARCHAR,
            service VARCHAR, denied BOOLEAN, continues BOOLEAN)""")
        for event in found:
            connection.execute(f"INSERT INTO conn VALUES ({', '.join('?' * len(Event._fields))})", list(event))
        done = connection.execute(query)
        names = [column[0] for column in done.description]
        return shown([dict(zip(names, values, strict=True)) for values in done.fetchall()])


def known_in_seed(found: Sequence[Event]) -> list[Event]:
    """Every address that the seed's profile scores must be one: text that is none passes no query either."""
    return [e for e in found if parse(e.dst_ip) is not None]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("preset", WRITERS)
@examples(6, phases=_PHASES)
@given(found=events(), zone_s=st.sampled_from((0, HALF_HOUR_EAST, -12_600, 46_800)))
def test_splunk_shows_the_detection(preset: str, profile: Profile, found: list[Event], zone_s: int) -> None:
    own = plain(found) if profile == "default" else found
    query = splunk.query(preset, profile=profile, lab=LAB)
    assert by_splunk(query, preset, own, zone_s) == numbered(by_reference(preset, own, profile))


@pytest.mark.parametrize("profile", PROFILES)
@examples(12, phases=_PHASES)
@given(found=events())
def test_sumo_shows_the_detection(profile: Profile, found: list[Event]) -> None:
    own = [e for e in (plain(found) if profile == "default" else found) if not e.denied]
    rows = by_sumo(sumo.query("cse", profile=profile, lab=LAB), own)
    expected = numbered(by_reference("cse", own, profile))
    assert sorted(rows, key=str) == sorted(expected, key=str)
    assert [one["beaconing_score"] for one in rows] == [one["beaconing_score"] for one in expected]


@pytest.mark.parametrize("profile", PROFILES)
@examples(12, phases=_PHASES)
@given(found=events())
def test_duckdb_shows_the_detection(profile: Profile, found: list[Event]) -> None:
    own = plain(found) if profile == "default" else known_in_seed(found)
    assert by_duckdb(sql.query(profile, lab=LAB), own) == numbered(by_reference("duckdb", own, profile))


def test_the_fixed_events_are_shown_alike_everywhere() -> None:
    own = plain(corpus())
    expected = numbered(by_reference("cim", own, "default"))
    assert len(expected) >= 10 and by_duckdb(sql.query(lab=LAB), own) == expected
    assert by_splunk(splunk.query("cim", lab=LAB), "cim", own, HALF_HOUR_EAST) == expected
    passed = [e for e in own if not e.denied]
    expected = numbered(by_reference("cse", passed, "default"))
    assert sorted(by_sumo(sumo.query("cse", profile="default", lab=LAB), passed), key=str) == sorted(expected, key=str)


_WRONG = (
    ("splunk", "20*connections>=201*", "20*connections>=200*"),
    ("splunk", "2*total_bytes<999*", "2*total_bytes<=999*"),
    ("splunk", "connections>200", "connections>=200"),
    ("splunk", "hourly_buckets>=6", "hourly_buckets>=7"),
    ("splunk", "connections>100", "connections>=100"),
    ("splunk", "4444, ", ""),
    ("splunk", "irc_port=1, 3", "irc_port=1, 2"),
    ("splunk", "bytes_known=1 AND 2*", "2*"),
    ("splunk", "if(fires=1, connections, denied)", "connections"),
    ("splunk", "if(fires=1, hourly_buckets, denied_hours)", "hourly_buckets"),
    ("splunk", "z=days+719468", "z=days+719467"),
    ("splunk", "(20*attempts+hourly_buckets)", "(20*attempts)"),
    ("splunk", "beaconing_score>=1, 1, 0)", "beaconing_score>=0, 1, 0)"),
    ("splunk", "(2*total_bytes+connections)", "(2*total_bytes)"),
    ("splunk", '"100.64.0.0/10"', '"100.64.0.0/16"'),
    ("splunk", '"224.0.0.0/4"', '"225.0.0.0/8"'),
    ("splunk", "-beaconing_score, -connections", "-connections, -beaconing_score"),
    ("sumo", "20 * connections >= 201 *", "20 * connections >= 200 *"),
    ("sumo", "2 * total_bytes < 999 *", "2 * total_bytes <= 999 *"),
    ("sumo", "connections > 100", "connections >= 100"),
    ("sumo", "bytes_known = 1 and 2 *", "2 *"),
    ("sumo", '"4444", ', ""),
    ("sumo", "if(irc_port = 1, 3", "if(irc_port = 1, 2"),
    ("sumo", "(20 * connections + hourly_buckets)", "(20 * connections)"),
    ("sumo", "(2 * total_bytes + connections)", "(2 * total_bytes)"),
    ("sumo", "formatDate(first_ms", "formatDate(last_ms"),
    ("duckdb", "20 * connections >= 201", "20 * connections >= 200"),
    ("duckdb", "< 999 *", "<= 999 *"),
    ("duckdb", "connections > 100", "connections >= 100"),
    ("duckdb", "* attempts + hours)", "* attempts)"),
    ("duckdb", "2 * bytes_total + connections", "2 * bytes_total"),
    ("duckdb", "ELSE denied_hours END AS hours", "ELSE 1 END AS hours"),
    ("duckdb", "ELSE denied END", "ELSE connections END"),
    ("duckdb", "AND points >= 1", ""),
)


def edges() -> list[Event]:
    """The corpus, and tuples on the edges of the score that only a shown score can tell."""
    more = [
        flow(31, 240, "198.51.100.20", 4444, EIGHT),
        flow(40, 200, "198.51.100.21", 443, EIGHT, bytes=(100, 100)),
        flow(201, 89, "198.51.100.22", 443, EIGHT + 1800, bytes=LARGE),
        flow(200, 89, "198.51.100.23", 443, EIGHT + 1800, bytes=LARGE),
        flow(30, 239, "198.51.100.24", 443, EIGHT, bytes=(100, 100)),
        flow(300, 60, "198.51.100.25", 443, EIGHT + 1800, bytes=LARGE),
        flow(201, 3, "198.51.100.26", 443, EIGHT + 3000, denied=True),
        flow(33, 225, "198.51.100.27", 443, EIGHT, bytes=(None, 3), total=400),
        flow(60, 420, "198.51.100.28", 443, EIGHT, bytes=(100, 100)),
        flow(24, 600, "100.100.0.1", start=EIGHT),
    ]
    more.append(flow(40, 355, "198.51.100.30", 443, EIGHT, bytes=(100, 100)))  # exactly 10 an hour
    for port in (443, 4444):  # 499.5 bytes each
        half = flow(34, 220, "198.51.100.29", port, EIGHT, bytes=(215, 284))
        more.append([e._replace(bytes_sent=215 + n % 2, bytes_total=499 + n % 2) for n, e in enumerate(half)])
    return plain([*corpus(), *(e for one in more for e in one)])


@pytest.mark.parametrize(("language", "old", "new"), _WRONG)
def test_a_wrong_text_is_noticed(language: str, old: str, new: str) -> None:
    own = edges() if language != "sumo" else [e for e in edges() if not e.denied]
    query = {
        "splunk": splunk.query("cim", lab=LAB),
        "sumo": sumo.query("cse", profile="default", lab=LAB),
        "duckdb": sql.query(lab=LAB),
    }[language]
    assert old in query, "the text that this mutant changes is gone"
    run = {
        "splunk": lambda text: by_splunk(text, "cim", own, 0),
        "sumo": lambda text: by_sumo(text, own),
        "duckdb": lambda text: by_duckdb(text, own),
    }[language]
    assert run(query.replace(old, new)) != run(query)
