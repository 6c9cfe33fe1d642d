"""by_name gives the same rows in every language that renders it as in plain Python; a wrong text is noticed."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import Phase, given
from hypothesis import strategies as st

from playbook.__main__ import cli
from playbook.detections import languages
from playbook.detections.beaconing import Event, Scope, row
from playbook.detections.by_name import NAME, NamedEvent, score_events
from playbook.detections.languages import splunk, sumo
from playbook.model.address import parse
from tests.interpreters import spl
from tests.interpreters import sumo as sumo_runner
from tests.interpreters.telemetry import HALF_HOUR_EAST, LAB, MIDNIGHT, WRITERS, cse, events, flow, told
from tests.interpreters.test_paste import numbered, plain, shown
from tests.support.examples import examples

Rows = list[dict[str, Any]]
_FIELDS = {"dst_name": "server_name"}
_POOL = ("203.0.113.66", "203.0.113.67", "198.51.100.9", "2a00:1450::66", "10.1.2.3")
_NAMES = ("", "c2.example", "C2.Example.", "b.example", "203.0.113.66", "2a00:1450::66")


@st.composite
def named(draw: st.DrawFn) -> list[NamedEvent]:
    """Flows near the thresholds, each to one address or in turn to several, under one name or none."""
    made: list[NamedEvent] = []
    for _ in range(draw(st.integers(1, 2))):
        pool = draw(st.lists(st.sampled_from(_POOL), min_size=1, max_size=3))
        name = draw(st.sampled_from(_NAMES))
        one = plain(draw(events()))
        if draw(st.booleans()):
            one = [e._replace(dst_ip=pool[n % len(pool)]) for n, e in enumerate(one)]
        made += [NamedEvent(e, name) for e in one]
    distinct = {e.event: e for e in made}  # the same event under two names would be two connections
    return list(distinct.values())


def by_reference(preset: str, found: Sequence[NamedEvent]) -> Rows:
    """The rows of plain Python over what the preset's source can know, with the name for the address."""
    known = told(preset, [e.event for e in found])
    ours = [NamedEvent(e, _plain(one.dst_name)) for e, one in zip(known, found, strict=True)]
    rows = [(row(d), d) for d in score_events(ours, Scope(source="siem", lab=LAB))]
    return [one | {"dst_ip": d.dst_name} for one, d in rows]


def _plain(name: str) -> str:
    name = name.lower().rstrip(".")
    return "" if parse(name) else name


def _shown(rows: Sequence[dict[str, Any]]) -> Rows:
    return shown([one | {"dst_ip": one["dst_name"]} for one in rows])


def by_splunk(query: str, preset: str, found: Sequence[NamedEvent], zone_s: int = 0) -> Rows:
    lines = [line | {"server_name": e.dst_name or None} for e in found for line in WRITERS[preset](e.event)]
    return _shown(spl.results(spl.run(query, lines, zone_s)))


def by_sumo(query: str, found: Sequence[NamedEvent]) -> Rows:
    """Sumo Logic's text strips no final dot, which neither a server name nor a Host header has."""
    rows = [cse(e.event) | {"server_name": e.dst_name.rstrip(".") or None} for e in found]
    return _shown(sumo_runner.run(query, (), rows))


def by_duckdb(query: str, found: Sequence[NamedEvent]) -> Rows:
    types = {
        "start": "DOUBLE",
        "dst_port": "INTEGER",
        "src_port": "INTEGER",
        "denied": "BOOLEAN",
        "continues": "BOOLEAN",
    }
    texts = {"src_ip", "dst_ip", "hostname", "proto", "process_name", "service"}
    columns = [f"{n} {types.get(n, 'VARCHAR' if n in texts else 'BIGINT')}" for n in Event._fields]
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE conn ({', '.join(columns)}, dst_name VARCHAR)")
        for e in found:
            marks = ", ".join("?" * (len(Event._fields) + 1))
            connection.execute(f"INSERT INTO conn VALUES ({marks})", [*e.event, e.dst_name or None])
        done = connection.execute(query)
        names = [column[0] for column in done.description]
        return _shown([dict(zip(names, values, strict=True)) for values in done.fetchall()])


@pytest.mark.parametrize("preset", ["cim", "raw"])
@examples(6, phases=(Phase.explicit, Phase.generate))
@given(found=named(), zone_s=st.sampled_from((0, HALF_HOUR_EAST)))
def test_splunk(preset: str, found: list[NamedEvent], zone_s: int) -> None:
    query = languages.render("splunk", NAME, preset=preset, fields=_FIELDS, lab=LAB)
    assert by_splunk(query, preset, found, zone_s) == numbered(by_reference(preset, found))


@examples(12, phases=(Phase.explicit, Phase.generate))
@given(found=named())
def test_sumo(found: list[NamedEvent]) -> None:
    passed = [e for e in found if not e.event.denied]
    query = languages.render("sumo", NAME, preset="cse", fields=_FIELDS, lab=LAB)
    expected = numbered(by_reference("cse", passed))
    assert sorted(by_sumo(query, passed), key=str) == sorted(expected, key=str)


@examples(12, phases=(Phase.explicit, Phase.generate))
@given(found=named())
def test_duckdb(found: list[NamedEvent]) -> None:
    query = languages.render("duckdb", NAME, lab=LAB)
    assert by_duckdb(query, found) == numbered(by_reference("duckdb", found))


def fixed() -> list[NamedEvent]:
    """Pools on both sides of two addresses, of twenty connections, of three hours and of the outside."""

    def pool(name: str, addresses: Sequence[str], count: int = 120, gap: float = 300, **more: Any) -> list[NamedEvent]:
        own = flow(count, gap, port=443, start=MIDNIGHT, **more)
        return [NamedEvent(e._replace(dst_ip=addresses[n % len(addresses)]), name) for n, e in enumerate(own)]

    v4 = tuple(f"203.0.113.{n}" for n in range(1, 30))
    return [
        *pool("two.example", v4[:2]),
        *pool("one.example", v4[2:3]),
        *pool("many.example.", v4[3:], src_ip="10.0.0.32"),
        *pool("hourly.example", v4[:12], src_ip="10.0.0.33"),
        *pool("Few.example", v4[:2], 19, 1800, src_ip="10.0.0.34"),
        *pool("short.example", v4[:2], 700, 10, src_ip="10.0.0.35"),
        *pool("half.example", (v4[0], "10.1.2.3"), 240, src_ip="10.0.0.36"),
        *pool("", v4[:2], src_ip="10.0.0.37"),
        *pool("203.0.113.66", v4[:2], src_ip="10.0.0.38"),
        *pool("denied.example", v4[:2], 30, 600, src_ip="10.0.0.39", denied=True),
        # One address an hour: no hour has two of them.
        *(e for hour in range(5) for e in pool_of_hour(hour, v4)),
    ]


def pool_of_hour(hour: int, addresses: Sequence[str]) -> list[NamedEvent]:
    own = flow(30, 60, addresses[hour % 2], 443, MIDNIGHT + hour * 3600, src_ip="10.0.0.40")
    return [NamedEvent(e, "turns.example") for e in own]


_EXPECTED = ["denied.example", "hourly.example", "many.example", "turns.example", "two.example"]


def test_the_fixed_pools_are_shown_alike_everywhere() -> None:
    own = fixed()
    expected = by_reference("cim", own)
    assert sorted(one["dst_ip"] for one in expected) == _EXPECTED
    assert by_duckdb(languages.render("duckdb", NAME, lab=LAB), own) == numbered(expected)
    query = languages.render("splunk", NAME, fields=_FIELDS, lab=LAB)
    assert by_splunk(query, "cim", own) == numbered(expected) and splunk.lint(query) == ()
    query = languages.render("sumo", NAME, preset="cse", fields=_FIELDS, lab=LAB)
    passed = [e for e in own if not e.event.denied]
    assert sorted(one["dst_ip"] for one in by_sumo(query, passed)) == _EXPECTED[1:] and sumo.lint(query) == ()


_WRONG = (
    ("splunk", "destination_count>=2", "destination_count>=1"),
    ("splunk", "destination_count>=2", "destination_count>=3"),
    ("splunk", 'replace(lower(coalesce(dst_name, "")), "[.]$", "")', 'coalesce(dst_name, "")'),
    ("splunk", 'match(dst_name, "[a-z]") AND ', ""),
    ("splunk", "dst_ip=dst_name", 'dst_ip=dst_name.":".address'),
    ("sumo", "most_addresses >= 2 or ", ""),
    ("sumo", " or lists >= 2", ""),
    ("sumo", "lists >= 2", "lists >= 1"),
    ("sumo", "dst_name matches /[a-z]/ and ", ""),
    ("sumo", "hourly_buckets >= 3", "hourly_buckets >= 2"),
    ("duckdb", "HAVING destination_count >= 2", "HAVING destination_count >= 3"),
    ("duckdb", "rtrim(lower(dst_name), '.')", "lower(dst_name)"),
    ("duckdb", "regexp_matches(lower(dst_name), '[a-z]')", "true"),
)


@pytest.mark.parametrize(("language", "old", "new"), _WRONG)
def test_a_wrong_text_is_noticed(language: str, old: str, new: str) -> None:
    own = [e for e in fixed() if language != "sumo" or not e.event.denied]
    more = {} if language == "duckdb" else {"fields": _FIELDS, "preset": {"sumo": "cse", "splunk": "cim"}[language]}
    query = languages.render(language, NAME, lab=LAB, **more)
    run = {"splunk": lambda text: by_splunk(text, "cim", own), "sumo": lambda text: by_sumo(text, own)}.get(
        language, lambda text: by_duckdb(text, own)
    )
    assert old in query, "the text that this mutant changes is gone"
    assert run(query.replace(old, new)) != run(query)


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("duckdb",), 0, "dst_name"),
        (("sumo",), 2, "needs the field dst_name"),
        (("splunk",), 2, "needs the field dst_name"),
        (("splunk", "--preset", "tstats"), 2, "data model"),
        (("kql",), 2, "kql does not render by_name; it renders: botnet_beaconing"),
        (("sigma",), 2, "sigma does not render by_name"),
        (("duckdb", "--hunt", "irc"), 2, "--hunt or --rule"),
        (("sumo", "--profile", "seed"), 2, "no --profile for by_name"),
        (("sumo", "--for", "fetch"), 2, "no connector sends"),
    ],
)
def test_query_prints_it_or_names_the_field(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["query", *arguments, "--rule", NAME])
    told_ = done.output + str(getattr(done.exception, "args", ""))
    assert (done.exit_code == code or getattr(done.exception, "exit_code", None) == code) and part in told_, told_


def test_a_source_that_maps_the_name_gets_its_query(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "playbook.toml").write_text(
        '[sources.siem]\nkind = "splunk"\nbase_url = "https://splunk.example:8089"\ntoken_env = "T"\n'
        'fields = { dst_name = "ssl.server_name" }\n'
    )
    done = CliRunner().invoke(cli, ["query", "splunk", "--rule", NAME])
    assert done.exit_code == 0 and "'ssl.server_name'" in done.stdout, done.output
    assert CliRunner().invoke(cli, ["query", "splunk"]).exit_code == 0
