"""The committed Sigma rules, run: turned into SQLite by a public backend, over events near every threshold."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.rule import SigmaRuleBase

from playbook.detections.beaconing import IRC_PORTS
from tests.support.examples import examples

FOLDER = Path(__file__).resolve().parents[2] / "manifests" / "queries" / "sigma"
START = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())
QUARTER_S = 900
COLUMNS = (
    "src_ip",
    "dst_ip",
    "dst_port",
    "Computer",
    "Image",
    "Initiated",
    "DestinationPort",
    "DestinationIp",
    "QueryName",
    "QueryStatus",
    "action",
)


class Row(NamedTuple):
    """One log row: seconds after ``START`` and the fields that it has."""

    second: int
    fields: dict[str, str | int]


def alerts(file: str, rule: str, rows: Iterable[Row]) -> set[tuple[str, ...]]:
    """What a rule of a file says of these rows: the groups of a correlation, the source of a plain rule."""
    every = SigmaCollection.from_yaml((FOLDER / file).read_text())
    queries = dict(zip([one.name for one in _spoken(every)], sqliteBackend().convert(every), strict=True))
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row
        connection.execute(f"CREATE TABLE logs (timestamp, {', '.join(COLUMNS)})")
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        connection.executemany(
            f"INSERT INTO logs VALUES ({marks})",
            [
                (
                    datetime.fromtimestamp(START + row.second, UTC).strftime("%Y-%m-%d %H:%M:%S"),
                    *(row.fields.get(name) for name in COLUMNS),
                )
                for row in rows
            ],
        )
        found = connection.execute(queries[rule]).fetchall()
    return {
        tuple(map(str, json.loads(row["group_keys"]).values()))
        if "group_keys" in row.keys()  # noqa: SIM118
        else (row["src_ip"] or row["Computer"], str(row["dst_port"] or row["DestinationPort"]))
        for row in found
    }


def _spoken(every: SigmaCollection) -> list[SigmaRuleBase]:
    """The rules of a file that are queries of their own: those that a correlation counts are parts of it."""
    return [one for one in every.rules if one._output]


def flows(src: str, seconds: Iterable[int], ports: Iterable[int]) -> list[Row]:
    """Connections of one pair."""
    return [
        Row(second, {"src_ip": src, "dst_ip": "203.0.113.9", "dst_port": port})
        for second, port in zip(seconds, ports, strict=False)
    ]


def densest(seconds: Iterable[int]) -> int:
    """The most of these seconds in any window of a quarter of an hour that ends with one of them."""
    given_ = sorted(seconds)
    return max((sum(end - QUARTER_S <= second <= end for second in given_) for end in given_), default=0)


@pytest.mark.parametrize("port", [*sorted(IRC_PORTS), 6659, 6670, 443])
def test_irc_speaks_of_its_ports_and_of_no_other(port: int) -> None:
    wanted = {("10.0.0.1", str(port))} if port in IRC_PORTS else set()
    assert alerts("hunt_irc.yml", "irc_connection", flows("10.0.0.1", [0], [port])) == wanted


def test_irc_of_a_process_is_about_what_it_began() -> None:
    rows = [
        Row(0, {"Computer": name, "Initiated": began, "DestinationPort": 6667, "Image": "x"})
        for name, began in (("pc-1", "true"), ("pc-2", "false"))
    ]
    assert alerts("hunt_irc.yml", "irc_process_connection", rows) == {("pc-1", "6667")}


@examples(20)
@example([(101, 9), (100, 1)])
@example([(101, 10), (101, 8)])
@given(st.lists(st.tuples(st.integers(95, 105), st.sampled_from([1, 8, 9, 10])), min_size=1, max_size=3))
def test_a_burst_is_more_than_a_hundred_connections_in_a_quarter(pairs: list[tuple[int, int]]) -> None:
    rows, wanted = [], set()
    for number, (connections, apart) in enumerate(pairs):
        seconds = [n * apart for n in range(connections)]
        rows += flows(f"10.0.0.{number}", seconds, [443] * connections)
        wanted |= {(f"10.0.0.{number}", "203.0.113.9")} if densest(seconds) > 100 else set()
    assert alerts("hunt_ddos_burst.yml", "burst", rows) == wanted


@pytest.mark.parametrize("ports", [20, 21])
def test_many_ports_are_more_than_twenty(ports: int) -> None:
    rows = flows("10.0.0.1", range(120), (1000 + n % ports for n in range(120)))
    assert len(alerts("hunt_ddos_burst.yml", "burst_to_many_ports", rows)) == (ports > 20)


@pytest.mark.parametrize(("process", "began"), [("burst", "true"), ("quiet", "false")])
def test_a_burst_of_a_process_counts_what_it_began(process: str, began: str) -> None:
    rows = [Row(n, {"Computer": "pc-1", "Image": process, "Initiated": began}) for n in range(101)]
    assert alerts("hunt_ddos_burst.yml", "burst_of_a_process", rows) == (
        {("pc-1", process)} if began == "true" else set()
    )


@pytest.mark.parametrize(
    ("names", "status", "end", "fires"),
    [
        (30, 9003, ".example.com", True),
        (29, 9003, ".example.com", False),
        (60, 0, ".example.com", False),
        (60, 9003, ".in-addr.arpa", False),
    ],
)
def test_failed_names_are_thirty_distinct_ones_without_addresses(
    names: int, status: int, end: str, fires: bool
) -> None:
    rows = [
        Row(n, {"Computer": "pc-1", "Image": "x", "QueryStatus": status, "QueryName": f"n{n % names}{end}"})
        for n in range(120)
    ]
    assert alerts("hunt_dga_burst.yml", "failed_names", rows) == ({("pc-1", "x")} if fires else set())


@pytest.mark.parametrize(
    ("connections", "dst_ip", "fires"),
    [
        (20, "203.0.113.9", True),
        (19, "203.0.113.9", False),
        (90, "172.31.9.9", False),
        (90, "172.32.9.9", True),
    ],
)
def test_repeated_connections_are_twenty_in_a_day_to_the_outside(connections: int, dst_ip: str, fires: bool) -> None:
    rows = [Row(n * 600, {"src_ip": "10.0.0.1", "dst_ip": dst_ip, "dst_port": 443}) for n in range(connections)]
    found = alerts("beaconing.yml", "repeated_connections", rows)
    assert found == ({("10.0.0.1", dst_ip, "443")} if fires else set())
