"""long_connection gives the same rows in every language that renders it as in plain Python; a wrong text is noticed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import Phase, given
from hypothesis import strategies as st

from playbook.__main__ import cli
from playbook.detections import languages
from playbook.detections.beaconing import Event, Scope, row
from playbook.detections.languages import splunk, sumo
from playbook.detections.long_connection import LONG_S, NAME, UNUSUAL_S, USUAL_PORTS, Session, score_sessions
from tests.interpreters import spl
from tests.interpreters import sumo as sumo_runner
from tests.interpreters.telemetry import HALF_HOUR_EAST, LAB, MIDNIGHT, cim, cse
from tests.interpreters.test_paste import numbered, shown
from tests.support.examples import examples

Rows = list[dict[str, Any]]
_FIELDS = {"duration": "seconds"}


class Open(NamedTuple):
    """A connection and how long it was open; null: the log does not say."""

    event: Event
    length: float | None


def one(length: float | None, port: int = 443, dst: str = "203.0.113.66", **more: Any) -> Open:
    sent, received = more.pop("bytes", (215, 284))
    total = None if sent is None or received is None else sent + received
    values = {"src_ip": "10.0.0.31", "src_port": 40_000, "start": MIDNIGHT, "proto": "tcp"} | more
    return Open(
        Event(dst_ip=dst, dst_port=port, bytes_sent=sent, bytes_rcvd=received, bytes_total=total, **values), length
    )


@st.composite
def connections(draw: st.DrawFn) -> list[Open]:
    """Up to eight connections within a second of the thresholds, or far from them, at any place in an hour."""
    return [
        one(
            draw(st.sampled_from((None, 0, UNUSUAL_S - 1, UNUSUAL_S, LONG_S - 1, LONG_S, LONG_S + 0.5, 400_000))),
            draw(st.sampled_from((443, 6667, 4444, 9001, 22, 8883))),
            draw(st.sampled_from(("203.0.113.66", "198.51.100.9", "10.1.2.3", "2a00:1450::66", "224.0.0.1"))),
            src_port=40_000 + number,
            start=MIDNIGHT + draw(st.sampled_from((0, -1, 1800, 3599, 90_000))),
            proto=draw(st.sampled_from(("tcp", "tcp", "tcp", "udp"))),
            denied=draw(st.sampled_from((False, False, False, True))),
            bytes=draw(st.sampled_from(((215, 284), (215, 284), (None, None), (0, 284), (215, 0), (300, None)))),
        )
        for number in range(draw(st.integers(1, 8)))
    ]


def by_reference(found: Sequence[Open]) -> Rows:
    sessions = [
        Session(e.hostname, e.src_ip, e.dst_ip, e.dst_port, e.start, e.start + length, e.bytes_sent, e.bytes_rcvd)
        for e, length in found
        if length is not None and e.proto == "tcp" and not e.denied
    ]
    rows = [row(d) | {"longest": d.longest_s} for d in score_sessions(sessions, Scope(source="siem", lab=LAB))]
    return sorted(numbered(rows), key=str)


def _shown(rows: Sequence[dict[str, Any]]) -> Rows:
    made = [shown([one])[0] | {"longest": float(one["longest_s"])} for one in rows]
    return sorted(made, key=str)


def _length(found: Open) -> str | None:
    return None if found.length is None else f"{found.length:g}" if found.length % 1 else str(int(found.length))


def by_splunk(query: str, found: Sequence[Open], zone_s: int = 0) -> Rows:
    lines = [line | {"seconds": _length(e)} for e in found for line in cim(e.event)]
    return _shown(spl.results(spl.run(query, lines, zone_s)))


def by_sumo(query: str, found: Sequence[Open]) -> Rows:
    rows = [cse(e.event) | {"seconds": _length(e)} for e in found]
    return _shown(sumo_runner.run(query, (), rows))


def by_duckdb(query: str, found: Sequence[Open]) -> Rows:
    values = [
        (*e[0][:4], e[0].src_port, e[0].proto, e[0].bytes_sent, e[0].bytes_rcvd, e[0].denied, e[1]) for e in found
    ]
    with duckdb.connect() as connection:
        connection.execute("""CREATE TABLE conn (start DOUBLE, src_ip VARCHAR, dst_ip VARCHAR, dst_port INTEGER,
            src_port INTEGER, proto VARCHAR, bytes_sent BIGINT, bytes_rcvd BIGINT, denied BOOLEAN, duration DOUBLE,
            hostname VARCHAR DEFAULT '', answered BOOLEAN DEFAULT true, continues BOOLEAN DEFAULT false)""")
        for each in values:
            connection.execute(f"INSERT INTO conn BY POSITION VALUES ({', '.join('?' * 10)}, '', NULL, false)", [*each])
        done = connection.execute(query)
        names = [column[0] for column in done.description]
        return _shown([dict(zip(names, each, strict=True)) for each in done.fetchall()])


SPLUNK = languages.render("splunk", NAME, fields=_FIELDS, lab=LAB)
SUMO = languages.render("sumo", NAME, preset="cse", fields=_FIELDS, lab=LAB)
DUCKDB = languages.render("duckdb", NAME, lab=LAB)


def passed(found: Sequence[Open]) -> list[Open]:
    """Cloud SIEM does not tell what was denied, nor the total where one side is unknown."""
    return [e for e in found if not e.event.denied]


@examples(20, phases=(Phase.explicit, Phase.generate))
@given(found=connections(), zone_s=st.sampled_from((0, HALF_HOUR_EAST)))
def test_every_language_gives_the_same_rows(found: list[Open], zone_s: int) -> None:
    expected = by_reference(found)
    assert by_duckdb(DUCKDB, found) == expected
    assert by_splunk(SPLUNK, found, zone_s) == expected
    assert by_sumo(SUMO, passed(found)) == by_reference(passed(found))


def fixed() -> list[Open]:
    """Each threshold on both sides, each in a tuple of its own; two in one tuple."""
    hosts = iter(f"10.0.1.{number}" for number in range(1, 100))
    ports = [one(UNUSUAL_S, port, src_ip=next(hosts)) for port in sorted(USUAL_PORTS)]
    ports += [one(LONG_S, port, src_ip=next(hosts)) for port in sorted(USUAL_PORTS)]
    two = next(hosts)
    return [
        *ports,
        one(UNUSUAL_S, 9001, src_ip=next(hosts)),
        one(UNUSUAL_S - 1, 9001, src_ip=next(hosts)),
        one(LONG_S - 1, src_ip=next(hosts)),
        one(LONG_S, proto="udp", src_ip=next(hosts)),
        one(LONG_S, denied=True, src_ip=next(hosts)),
        one(LONG_S, dst="10.1.2.3", src_ip=next(hosts)),
        one(LONG_S, bytes=(0, 20), src_ip=next(hosts)),
        one(LONG_S, bytes=(20, 0), src_ip=next(hosts)),
        one(LONG_S, bytes=(None, None), src_ip=next(hosts)),
        one(LONG_S + 60, 4444, src_ip=next(hosts), start=MIDNIGHT + 3590),
        one(LONG_S, src_ip=two, start=MIDNIGHT),
        one(LONG_S + 60, src_ip=two, start=MIDNIGHT + 90_000, src_port=40_001, bytes=(100, 101)),
    ]


def test_the_fixed_connections_are_shown_alike_everywhere() -> None:
    expected = by_reference(fixed())
    assert len(expected) == len(USUAL_PORTS) + 4
    assert by_duckdb(DUCKDB, fixed()) == by_splunk(SPLUNK, fixed()) == expected
    assert by_sumo(SUMO, passed(fixed())) == expected
    assert splunk.lint(SPLUNK) == () and sumo.lint(SUMO) == ()


_WRONG = (
    ("splunk", "length_s>=if(", "length_s>if("),
    ("splunk", ", 28800, 14400)", ", 28800, 28800)"),
    ("splunk", "8443, 8883", "8443"),
    ("splunk", "AND denied=0", ""),
    ("splunk", "is_tcp=1 AND ", ""),
    ("splunk", "(slot_sent_known=0 OR slot_sent>0) AND ", ""),
    ("splunk", "max(slot_end)", "max(slot_first)"),
    ("splunk", "floor(any_last/3600)-floor(any_first/3600)+1", "floor((any_last-any_first)/3600)+1"),
    ("sumo", "length_s >= least_s", "length_s > least_s"),
    ("sumo", '"8443", "8883"', '"8443"'),
    ("sumo", " and (rcvd_known = 0 or bytes_rcvd > 0)", ""),
    ("sumo", 'where proto in ("tcp", "6")', 'where proto in ("tcp", "udp")'),
    ("sumo", "max(end_ms)", "max(start_ms)"),
    ("duckdb", "AND proto = 'tcp' ", ""),
    ("duckdb", "AND NOT denied ", ""),
    ("duckdb", "coalesce(bytes_sent > 0, true) AND ", ""),
    ("duckdb", "8443, 8883", "8443"),
    ("duckdb", 'max("end") AS last_seen', "max(start) AS last_seen"),
)


@pytest.mark.parametrize(("language", "old", "new"), _WRONG)
def test_a_wrong_text_is_noticed(language: str, old: str, new: str) -> None:
    query, run, own = {
        "splunk": (SPLUNK, by_splunk, fixed()),
        "sumo": (SUMO, by_sumo, passed(fixed())),
        "duckdb": (DUCKDB, by_duckdb, fixed()),
    }[language]
    assert old in query, "the text that this mutant changes is gone"
    assert run(query.replace(old, new), own) != run(query, own)


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("duckdb",), 0, "longest_s"),
        (("splunk",), 0, "longest_s"),
        (("splunk", "--preset", "tstats"), 2, "needs the field duration"),
        (("splunk", "--preset", "sysmon"), 2, "needs the field duration"),
        (("sumo", "--preset", "panos"), 2, "needs the field duration"),
        (("clickhouse",), 2, ""),
    ],
)
def test_query_prints_it_or_names_the_field(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["query", *arguments, "--rule", NAME])
    text = done.output + str(getattr(done.exception, "args", ""))
    assert code in (done.exit_code, getattr(done.exception, "exit_code", None)) and part in text, text
