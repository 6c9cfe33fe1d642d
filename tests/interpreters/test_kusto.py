"""The Kusto texts, run: they show the detection and the hunts as plain Python has them."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import Phase, given

from playbook.detections.beaconing import IRC_PORTS, PROFILES, Event, Profile, Scope, row, score_events
from playbook.detections.languages import kql
from tests.interpreters import kusto
from tests.interpreters.corpus import corpus
from tests.interpreters.telemetry import LAB, MIDNIGHT, events, flow
from tests.interpreters.test_hunts import (
    COUNTED,
    ENDPOINT,
    FLOW,
    NAMES,
    Question,
    bursts,
    expected_bursts,
    expected_names,
    questions,
)
from tests.interpreters.test_paste import Rows, edges, known_in_seed, numbered, plain, shown
from tests.support.examples import examples

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def by_kusto(query: str, preset: str, found: Sequence[Event]) -> Rows:
    """What the pasted text shows."""
    table, write = kusto.WRITERS[preset]
    rows = kusto.run(query, table, [line for e in found for line in write(e)])
    return shown([one | {"processes": json.loads(one["processes"] or "[]")} for one in rows])


def by_reference(preset: str, found: Sequence[Event], profile: Profile) -> Rows:
    """The rows of plain Python over what the table can tell."""
    own = kusto.known(preset, found)
    return numbered([row(one) for one in score_events(own, Scope(source="siem", profile=profile, lab=LAB))])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("preset", kql.PRESETS)
@examples(6, phases=_PHASES)
@given(found=events())
def test_kusto_shows_the_detection(preset: str, profile: Profile, found: list[Event]) -> None:
    own = plain(found) if profile == "default" else known_in_seed(found)
    query = kql.query(preset, profile=profile, lab=LAB)
    assert by_kusto(query, preset, own) == by_reference(preset, own, profile)


@pytest.mark.parametrize("preset", kql.PRESETS)
def test_the_fixed_events_are_shown(preset: str) -> None:
    own = plain(corpus())
    expected = by_reference(preset, own, "default")
    assert len(expected) >= 10 and by_kusto(kql.query(preset, lab=LAB), preset, own) == expected


@pytest.mark.parametrize(("preset", "by"), [("sentinel", FLOW), ("defender", ENDPOINT)])
def test_bursts_and_irc(preset: str, by: tuple[str, ...]) -> None:
    found = bursts()
    table, write = kusto.WRITERS[preset]
    rows = [line for e in found for line in write(e)]
    burst = kusto.run(kql.query(preset, "ddos-burst"), table, rows)
    assert _values(burst, "window_start", *by, *COUNTED) == expected_bursts(found, by) and burst
    irc = kusto.run(kql.query(preset, "irc"), table, rows)
    key = ("src_ip", "dst_ip", "dst_port") if preset == "sentinel" else (*ENDPOINT, "dst_ip", "dst_port")
    counted = Counter(tuple(getattr(e, name) for name in key) for e in found if e.dst_port in IRC_PORTS)
    assert _values(irc, *key, "connections") == {(*group, number) for group, number in counted.items()}


def _values(rows: Sequence[kusto.Fields], *names: str) -> set[tuple[object, ...]]:
    return {
        tuple(
            int(one[name].replace(tzinfo=UTC).timestamp()) if name == "window_start" else _whole(one[name])
            for name in names
        )
        for one in rows
    }


def _whole(value: object) -> object:
    return int(value) if isinstance(value, bool | float) else value


def dns(preset: str, asked: Sequence[Question]) -> list[kusto.Fields]:
    """The questions as the table of a preset holds them, and a row of another kind that is none."""
    if preset == "sentinel":
        made = [
            {
                "TimeGenerated": kusto.moment(q.start),
                "SubType": "LookupQuery",
                "Computer": q.hostname,
                "ClientIP": q.src_ip,
                "Name": q.query.upper(),
                "ResultCode": 3 if q.failed else 0,
            }
            for q in asked
        ]
        return [*made, *(one | {"SubType": "DynamicRegistration", "ResultCode": 3} for one in made)]
    return [
        {
            "Timestamp": kusto.moment(q.start),
            "ActionType": "DnsConnectionInspected",
            "DeviceName": q.hostname,
            "LocalIP": q.src_ip,
            "InitiatingProcessFileName": q.process_name,
            "AdditionalFields": json.dumps({"query": q.query, "rcode_name": "NXDOMAIN" if q.failed else "NOERROR"}),
        }
        for q in asked
    ]


@pytest.mark.parametrize(
    ("preset", "table", "by"),
    [("sentinel", "DnsEvents", ("src_ip",)), ("defender", "DeviceNetworkEvents", ENDPOINT)],
)
def test_names(preset: str, table: str, by: tuple[str, ...]) -> None:
    reverse = [Question(MIDNIGHT, "10.0.0.2", f"{n}.0.0.10.in-addr.arpa", True, "pc-2") for n in range(90)]
    found = kusto.run(kql.query(preset, "dga-burst"), table, dns(preset, [*questions(), *reverse]))
    assert _values(found, "window_start", *by, *NAMES) == expected_names(questions(), by) and found


def test_rows_before_the_window_are_left_out() -> None:
    own = plain(corpus())
    table, write = kusto.WRITERS["sentinel"]
    rows = [line for e in own for line in write(e)]
    late = datetime.fromtimestamp(max(e.start for e in own), UTC)
    assert kusto.run(kql.query("sentinel", lab=LAB), table, rows, late) == []


_WRONG = (
    ("20 * connections >= 201 *", "20 * connections >= 200 *"),
    ("2 * total_bytes < 999 *", "2 * total_bytes <= 999 *"),
    ("connections > 200", "connections >= 200"),
    ("connections > 100", "connections >= 100"),
    ("hourly_buckets >= 6", "hourly_buckets >= 7"),
    ("(1080, 4444, ", "(1080, "),
    ("irc_port == 1, 3", "irc_port == 1, 2"),
    ("bytes_known and 2 *", "2 *"),
    ("both_known == counted", "sent_known == counted"),
    ("(20 * attempts + hourly_buckets)", "(20 * attempts)"),
    ("(2 * total_bytes + connections)", "(2 * total_bytes)"),
    ("iff(fires, connections, denied)", "connections"),
    ("iff(fires, hourly_buckets, denied_hours)", "hourly_buckets"),
    ('"100.64.0.0/10"', '"100.64.0.0/16"'),
    ('"224.0.0.0/4"', '"225.0.0.0/8"'),
    ("bin(start, 1h)", "bin(start, 30m)"),
    ("min(iff(denied, datetime(null), start))", "min(start)"),
    ("beaconing_score desc, connections desc", "connections desc, beaconing_score desc"),
    ('"302013", "302015"', '"302015"'),
    ('"icmp", ', ""),
)


@cache
def _shown() -> Rows:
    rows = by_kusto(_QUERY, "sentinel", _mutated())
    assert rows == by_reference("sentinel", _mutated(), "default")
    return rows


@cache
def _mutated() -> list[Event]:
    """Events on every edge; one destination was denied first and let through later, one counts half of its bytes."""
    denied = flow(5, 600, "203.0.113.31", start=MIDNIGHT, denied=True)
    passed = flow(24, 600, "203.0.113.31", start=MIDNIGHT + 7200)
    half = flow(33, 225, "203.0.113.32", 443, start=MIDNIGHT, bytes=(300, None))
    return [*edges(), *flow(24, 600, "203.0.113.30", proto="icmp"), *denied, *passed, *half]


_QUERY = kql.query("sentinel", lab=LAB).replace("\n    ", " ")


@pytest.mark.parametrize(("old", "new"), _WRONG)
def test_a_wrong_text_is_noticed(old: str, new: str) -> None:
    assert old in _QUERY, "the text that this mutant changes is gone"
    assert by_kusto(_QUERY.replace(old, new), "sentinel", _mutated()) != _shown()
