"""One day, three SIEMs and its log, through the command line: the same outcome, whoever is asked."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.detections.beaconing import Event
from tests.interpreters.users import Connection, zeek
from tests.support.story_fixtures import CONNECTIONS, sample_events
from tests.support.three_siems import START, WINDOW, World, around

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("STORY_SECRET", "none that a real account has")
    with around(tmp_path, sample_events()) as made:
        yield made


def told(run: dict[str, Any]) -> tuple[Any, ...]:
    """What does not depend on where the rows were read: filters, cases, verdicts and whole plans."""
    cases = [
        (
            case["case_id"],
            case["host"],
            case["addresses"],
            case["status"],
            case["verdict"]["disposition"],
            case["verdict"]["confidence"],
            (case["plan"] or {}).get("digest"),
            [
                {name: step[name] for name in ("kind", "target", "scope", "ttl_s")}
                for step in (case["plan"] or {"steps": []})["steps"]
            ],
        )
        for case in run["cases"]
    ]
    filtered = sorted((one["host"], one["dst_ip"], one["dst_port"], one["filter"]) for one in run["filtered"])
    return run["complete"], sorted(cases, key=lambda case: case[0]), filtered


def test_every_source_tells_the_same_story_and_without_a_record_nothing_is_written_anywhere(world: World) -> None:
    over_log = told(world.run("--logs", str(world.folder / CONNECTIONS)))
    over = {name: told(world.run("--source", name, *WINDOW)) for name in ("splunk", "cse", "sumo")}
    assert over == dict.fromkeys(over, over_log)
    assert over_log[0] and len(over_log[1]) > 10 and any(case[6] for case in over_log[1])
    assert world.writes() == 0


def test_tune_over_a_siem_asks_it_what_a_run_asks_and_writes_nothing(world: World) -> None:
    run = world.run("--source", "splunk", *WINDOW)
    asked = len(world.splunk.log)
    config = ("--config", str(world.configured("splunk")))
    done = CliRunner().invoke(cli, ["tune", *config, "--source", "splunk", *WINDOW, "--json"])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    ends = {one["host"]: "filtered" for one in run["filtered"]} | {
        case["host"]: case["status"] for case in run["cases"]
    }
    assert {name: n for name, n in told["as_configured"].items() if n} == Counter(ends.values())
    assert len(world.splunk.log) == 2 * asked and world.writes() == 0


# Three hosts that nobody knows beacon alike; what else they and others do decides.
FLOODER, SCANNER, COMMON = "10.1.99.11", "10.1.99.12", "10.1.99.13"
SERVERS = {FLOODER: "203.0.113.201", SCANNER: "203.0.113.202", COMMON: "203.0.113.203"}


def attackers() -> list[Connection]:
    """The beacons, a flood of two of the hosts, a scan of the third, and a third of all hosts at one of the servers.

    Floods and scans come again in three separate hours, each flood at another victim, which is no detection of its own.
    """
    quiet = {"state": "S0", "sent": 60, "rcvd": 0, "packets_sent": 1, "packets_rcvd": 0}
    made = [Connection(START + n * 600 + n % 3, src, dst) for src, dst in SERVERS.items() for n in range(140)]
    made += [
        Connection(START + hour * 3600 + n * 0.5, src, f"198.51.100.{230 + hour}", dst_port=80, **quiet)
        for src in (FLOODER, COMMON)
        for hour in (10, 12, 14)
        for n in range(1500)
    ]
    made += [
        Connection(START + hour * 3600 + n, SCANNER, f"192.0.2.{n}", dst_port=445, **quiet)
        for hour in (10, 12, 14)
        for n in range(250)
    ]
    # Machines that live otherwise too, and come back to it hour after hour.
    made += [Connection(START + 39_000 + n, f"10.1.98.{n}", "198.51.100.9") for n in range(120)]
    return made + [
        Connection(START + 40_000 + n + hour * 3600, f"10.1.98.{n}", SERVERS[COMMON])
        for n in range(120)
        for hour in range(3)
    ]


def test_floods_scans_and_popularity_decide_alike_and_cloud_siem_says_what_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORY_SECRET", "none that a real account has")
    more = [
        Event(
            c.start,
            c.src_ip,
            c.dst_ip,
            c.dst_port,
            "",
            40_000,
            c.proto,
            1,
            c.sent,
            c.rcvd,
            (c.sent or 0) + (c.rcvd or 0),
        )
        for c in attackers()
    ]
    with around(tmp_path, [*sample_events(), *more]) as world:
        extra = world.folder / "attackers.log"
        extra.write_text("".join(json.dumps(zeek(c)) + "\n" for c in attackers()))
        over_log = world.run("--logs", str(world.folder / CONNECTIONS), str(extra))
        over = {name: world.run("--source", name, *WINDOW) for name in ("splunk", "sumo", "cse")}
    assert told(over["splunk"]) == told(over["sumo"]) == told(over_log)
    decided = {name: {src: verdict_on(run, src) for src in SERVERS} for name, run in over.items()}
    assert {src: one["disposition"] for src, one in decided["sumo"].items()} == {
        FLOODER: "TRUE_POSITIVE",
        SCANNER: "TRUE_POSITIVE",
        COMMON: "UNDETERMINED",
    }
    for verdict in decided["cse"].values():
        assert verdict["disposition"] == "UNDETERMINED"
        assert {"flood", "prevalence"} <= {text.partition(" is unknown")[0] for text in verdict["missing"]}
    assert any("in no records of signals" in warning for warning in over["cse"]["warnings"])


def verdict_on(run: dict[str, Any], src_ip: str) -> dict[str, Any]:
    """The verdict of the case of a host."""
    return next(case["verdict"] for case in run["cases"] if src_ip in case["addresses"])
