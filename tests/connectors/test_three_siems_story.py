"""One day, three SIEMs and its log, through the command line: the same outcome, written back to where it came from."""

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from playbook import config
from playbook.__main__ import cli
from playbook.cases import record
from playbook.cases.store import open_store
from playbook.detections.beaconing import Event
from playbook.service.wiring import wire
from tests.connectors.splunk_bench import RULE
from tests.connectors.story_bench import CONNECTIONS, SAMPLE, SAMPLE_DAY, over_log, sample_events, without_waiting
from tests.connectors.test_sumologic_story import tenant_events
from tests.emulators import cse, splunk, sumo
from tests.emulators.cse_objects import insight_of, record_of, signal_of
from tests.emulators.splunk_es import notable
from tests.interpreters.users import Connection, zeek

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]
START, END = SAMPLE_DAY.start.timestamp(), SAMPLE_DAY.end.timestamp()
WINDOW = ("--from", SAMPLE_DAY.start.isoformat(), "--to", SAMPLE_DAY.end.isoformat())
SOURCES = """
[sources.splunk]
kind = "splunk"
base_url = "{splunk}"
token_env = "STORY_SECRET"
preset = "raw"
rate = 50
rule_name = "{rule}"

[sources.cse]
kind = "sumologic_cse"
base_url = "{cse}"
access_id_env = "STORY_SECRET"
access_key_env = "STORY_SECRET"
page_size = 100
rate = 4

[sources.sumo]
kind = "sumologic"
base_url = "{sumo}"
access_id_env = "STORY_SECRET"
access_key_env = "STORY_SECRET"
rate = 4
fields = {{ proto = "protocol" }}
"""
STATE = '\n[state]\nurl = "sqlite:///state.db"\n'
Tuple = tuple[str, str, int]
# A source that is none of ours: the data is wrong, not the query.
STRANGER = ("172.16.5.5", "198.51.100.200", 6667)
# Disposition -> status and disposition of the notable; status, resolution and tags of the insight.
VOCABULARY = {
    "TRUE_POSITIVE": (("2", "disposition:1"), ("inprogress", None, [])),
    "UNDETERMINED": (("1", "disposition:6"), ("new", None, [])),
    "BENIGN_POSITIVE": (("5", "disposition:2"), ("closed", "False Positive", [])),
    "FALSE_POSITIVE": (("5", "disposition:4"), ("closed", "False Positive", ["query-or-data"])),
}


@cache
def with_a_stranger() -> tuple[Event, ...]:
    """What the sample day has of the hosts of ``one_of_each``, and a beacon of an address that we do not have."""
    hosts = {src_ip for src_ip, _, _ in one_of_each().values()}
    own = (event for event in sample_events() if event.src_ip in hosts)
    return (*own, *(Event(START + n * 900, *STRANGER, src_port=n) for n in range(90)))


def one_of_each() -> dict[str, Tuple]:
    """A tuple for each disposition: of a case of one detection, or, for FALSE_POSITIVE, what a gate takes out."""
    found: dict[str, Tuple] = {}
    for case in over_log().cases:
        one = case.detections[0].enriched.detection
        found.setdefault(case.verdict.disposition, (one.src_ip, one.dst_ip, one.dst_port))
    return found | {"FALSE_POSITIVE": STRANGER}


def cloud_siem(events: Sequence[Event]) -> cse.Tenant:
    """Signals over all connections; an insight over each tuple of ``one_of_each`` alone."""
    chosen = {key: name for name, key in one_of_each().items()}
    records = defaultdict(list)
    for number, event in enumerate(events):
        key = (event.src_ip, event.dst_ip, event.dst_port)
        records[chosen.get(key, f"rest-{number // 500}")].append(record_of(event, f"r{number}"))
    signals = [signal_of(name, held, END - 7200) for name, held in records.items()]
    insights = [insight_of(name, [name], END - 3600) for name in chosen.values() if name in records]
    return cse.Tenant(signals, insights)


def splunk_with_notables(events: Sequence[Event]) -> splunk.Server:
    """The connections, and a notable for each tuple of ``one_of_each``."""
    stored = [
        notable(f"{name}@@notable@@1", END - 3600, RULE, src_ip=src_ip, dest_ip=dst_ip, dest_port=str(port))
        for name, (src_ip, dst_ip, port) in one_of_each().items()
    ]
    return splunk.Server(events, splunk.Behaviour(states=()), stored=stored)


class World(NamedTuple):
    """The three SIEMs, a folder to run in, a run of the command line over one source, and its configuration."""

    splunk: splunk.Server
    cse: cse.Tenant
    folder: Path
    run: Callable[..., dict[str, Any]]
    configured: Callable[..., Path]

    def writes(self) -> int:
        """How many calls so far could have changed anything in either SIEM."""
        changed = [path for method, path in self.splunk.log if method == "POST" and "/search/" not in path]
        return len(changed) + len(self.cse.writes)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """All three SIEMs over the same day, and the sample's configuration with them as sources."""
    monkeypatch.setenv("STORY_SECRET", "none that a real account has")
    with around(tmp_path, sample_events()) as made:
        yield made


@pytest.fixture
def visited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same with a stranger's traffic among it, so that there is a detection of every disposition."""
    monkeypatch.setenv("STORY_SECRET", "none that a real account has")
    with around(tmp_path, with_a_stranger()) as made:
        yield made


@contextmanager
def around(tmp_path: Path, events: Sequence[Event]) -> Iterator[World]:
    """Start the SIEMs over these connections."""
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "sample.toml").read_text(encoding="utf-8")
    es, tenant = splunk_with_notables(events), cloud_siem(events)
    with ExitStack() as stack:
        stack.enter_context(without_waiting())
        log_search = sumo.Tenant(tenant_events(events), sumo.Behaviour(states=()))
        places = {"splunk": stack.enter_context(splunk.running(es)), "cse": stack.enter_context(cse.running(tenant)),
                  "sumo": stack.enter_context(sumo.running(log_search))}

        def configured(name: str, state: str = "", policy: str = "") -> Path:
            file = folder / f"{'stored' if state else 'bare'}.toml"
            sources = SOURCES.format(**places, rule=RULE)
            file.write_text(f"{text}\n{policy}\n{sources}\n{state.replace('state.db', f'{name}.db')}")
            return file

        def run(*arguments: str, state: str = "", policy: str = "") -> dict[str, Any]:
            file = configured(Path(arguments[1]).name, state, policy)
            done = CliRunner().invoke(cli, ["run", "--config", str(file), *arguments, "--json"])
            assert done.exit_code in (0, 1), done.stderr
            return json.loads(done.stdout)

        yield World(es, tenant, folder, run, configured)


def told(run: dict[str, Any]) -> tuple[Any, ...]:
    """What does not depend on where the rows were read: gates, cases, verdicts and whole plans."""
    cases = [
        (case["case_id"], case["host"], case["addresses"], case["status"], case["verdict"]["disposition"],
         case["verdict"]["confidence"], (case["plan"] or {}).get("digest"),
         [{name: step[name] for name in ("kind", "target", "scope", "ttl_s")} for step in (case["plan"] or
          {"steps": []})["steps"]])
        for case in run["cases"]
    ]
    gated = sorted((one["host"], one["dst_ip"], one["dst_port"], one["gate"]) for one in run["gated"])
    return run["complete"], sorted(cases, key=lambda case: case[0]), gated


def test_every_source_tells_the_same_story_and_without_a_record_nothing_is_written_anywhere(world: World) -> None:
    over_log = told(world.run("--logs", str(world.folder / CONNECTIONS)))
    over = {name: told(world.run("--source", name, *WINDOW)) for name in ("splunk", "cse", "sumo")}
    assert over == dict.fromkeys(over, over_log)
    assert over_log[0] and len(over_log[1]) > 10 and any(case[6] for case in over_log[1])
    assert world.writes() == 0


@pytest.mark.parametrize("close", [False, True])
def test_the_outcome_goes_back_once_the_cases_are_stored_and_only_once(visited: World, close: bool) -> None:
    policy = f"close_in_siem = {str(close).lower()}"
    for name in ("splunk", "cse"):
        visited.run("--source", name, *WINDOW, "--dry-run", state=STATE, policy=policy)
        assert visited.writes() == 0, "a dry run writes nothing"
    for name in ("splunk", "cse"):
        for _ in range(2):
            run = visited.run("--source", name, *WINDOW, state=STATE, policy=policy)
            assert not [warning for warning in run["warnings"] if " outcome" in warning]
    assert len(VOCABULARY) == len(one_of_each()) == len(visited.splunk.stored) == len(visited.cse.insights)
    for stored in visited.splunk.stored:
        wanted = VOCABULARY[stored["event_id"].partition("@@")[0]][0]
        assert (stored["status"], stored["disposition"]) == (wanted if close else ("1", "disposition:6")), stored
        assert len(stored["comment"]) == 1 and stored["event_id"].partition("@@")[0] in stored["comment"][0]
    for insight in visited.cse.insights:
        status, resolution, tags = VOCABULARY[insight["id"]][1]
        assert insight["tags"] == tags and len(visited.cse.comments[insight["id"]]) == 1
        assert (insight["status"]["name"], insight["resolution"]) == ((status, resolution) if close else ("new", None))


def test_tune_over_a_siem_asks_it_what_a_run_asks_and_writes_nothing(visited: World) -> None:
    run = visited.run("--source", "splunk", *WINDOW)
    asked = len(visited.splunk.log)
    config = ("--config", str(visited.configured("splunk")))
    done = CliRunner().invoke(cli, ["tune", *config, "--source", "splunk", *WINDOW, "--json"])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    statuses = Counter(case["status"] for case in run["cases"])
    assert {name: n for name, n in told["as_configured"].items() if n} == statuses | Counter(gated=len(run["gated"]))
    assert len(visited.splunk.log) == 2 * asked and visited.writes() == 0


def test_a_run_of_the_schedule_writes_back_too_and_a_failure_is_logged(
    visited: World, caplog: pytest.LogCaptureFixture
) -> None:
    file = visited.configured("cse", STATE)
    moment = SAMPLE_DAY.end + timedelta(minutes=15)
    store = open_store("sqlite:///cse.db", visited.folder)
    wired = wire(config.read(file), str(file), store, lambda: moment)
    wired.carry("cse 86400", moment)
    assert all(len(comments) == 1 for comments in visited.cse.comments.values()) and len(visited.cse.comments) == 4
    assert not caplog.messages
    wrong = visited.cse.insights[0]
    visited.cse.insights.append(wrong | {"id": "later"})
    visited.cse.behaviour.statuses = {n: (404, {}) for n in range(len(visited.cse.log) + 5, 10_000)}
    wired.carry("cse 86400", moment + timedelta(minutes=15))
    assert any("is not written to later (the next run tries again)" in message for message in caplog.messages)
    store.close()


def test_a_siem_that_is_away_costs_a_warning_and_the_next_run_says_what_a_person_said_meanwhile(visited: World) -> None:
    plain = [path for _, path in visited.cse.log]
    visited.run("--source", "cse", *WINDOW)
    reads = len(visited.cse.log) - len(plain)
    visited.cse.behaviour.statuses = {number: (502, {}) for number in range(2 * reads + 1, 2 * reads + 40)}
    run = visited.run("--source", "cse", *WINDOW, state=STATE)
    assert any("is not written to" in w and "the next run tries again" in w for w in run["warnings"]), run["warnings"]
    assert visited.writes() == 0 and run["cases"]
    visited.cse.behaviour.statuses = {}
    convicted = next(case for case in run["cases"] if case["detections"][0]["src_ip"] == one_of_each()[
        "TRUE_POSITIVE"][0])
    store = open_store("sqlite:///cse.db", visited.folder)
    with store.change() as conn:
        assert record.resolve(conn, convicted["case_id"], "BENIGN_POSITIVE", "anna", "our own test", SAMPLE_DAY.end
                              ) is None
    store.close()
    visited.run("--source", "cse", *WINDOW, state=STATE)
    assert all(len(comments) == 1 for comments in visited.cse.comments.values()) and len(visited.cse.comments) == 4
    assert "BENIGN_POSITIVE: anna: our own test" in visited.cse.comments["TRUE_POSITIVE"][0]


# Three hosts that nobody knows beacon alike; what else they and others do decides.
FLOODER, SCANNER, COMMON = "10.1.99.11", "10.1.99.12", "10.1.99.13"
SERVERS = {FLOODER: "203.0.113.201", SCANNER: "203.0.113.202", COMMON: "203.0.113.203"}


def attackers() -> list[Connection]:
    """The beacons, a flood of two of the hosts, a scan of the third, and a third of all hosts at one of the servers."""
    quiet = {"state": "S0", "sent": 60, "rcvd": 0, "packets_sent": 1, "packets_rcvd": 0}
    made = [Connection(START + n * 600 + n % 3, src, dst) for src, dst in SERVERS.items() for n in range(140)]
    made += [Connection(START + 36_000 + n * 0.5, src, "198.51.100.240", dst_port=80, **quiet)
             for src in (FLOODER, COMMON) for n in range(1500)]
    made += [Connection(START + 36_000 + n, SCANNER, f"192.0.2.{n}", dst_port=445, **quiet) for n in range(250)]
    return made + [Connection(START + 40_000 + n, f"10.1.98.{n}", SERVERS[COMMON]) for n in range(120)]


def test_floods_scans_and_popularity_decide_alike_and_cloud_siem_says_what_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORY_SECRET", "none that a real account has")
    more = [Event(c.start, c.src_ip, c.dst_ip, c.dst_port, "", 40_000, c.proto, 1, c.sent, c.rcvd,
                  (c.sent or 0) + (c.rcvd or 0)) for c in attackers()]
    with around(tmp_path, [*sample_events(), *more]) as world:
        extra = world.folder / "attackers.log"
        extra.write_text("".join(json.dumps(zeek(c)) + "\n" for c in attackers()))
        over_log = world.run("--logs", str(world.folder / CONNECTIONS), str(extra))
        over = {name: world.run("--source", name, *WINDOW) for name in ("splunk", "sumo", "cse")}
    assert told(over["splunk"]) == told(over["sumo"]) == told(over_log)
    decided = {name: {src: verdict_on(run, src) for src in SERVERS} for name, run in over.items()}
    assert {src: one["disposition"] for src, one in decided["sumo"].items()} == {
        FLOODER: "TRUE_POSITIVE", SCANNER: "TRUE_POSITIVE", COMMON: "UNDETERMINED"}
    for verdict in decided["cse"].values():
        assert verdict["disposition"] == "UNDETERMINED"
        assert {"flood", "prevalence"} <= {text.partition(" is unknown")[0] for text in verdict["missing"]}
    assert any("in no records of signals" in warning for warning in over["cse"]["warnings"])


def verdict_on(run: dict[str, Any], src_ip: str) -> dict[str, Any]:
    """The verdict of the case of a host."""
    return next(case["verdict"] for case in run["cases"] if src_ip in case["addresses"])
