"""Three SIEMs over the same connections, and the command line that runs over one of them."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.detections.beaconing import Event
from tests.connectors.sources.test_sumologic_story import tenant_events
from tests.emulators import cse, splunk, sumo
from tests.emulators.cse_objects import insight_of, record_of, signal_of
from tests.emulators.splunk_es import notable
from tests.support.case_store import fresh_record
from tests.support.splunk_fixtures import RULE
from tests.support.story_fixtures import SAMPLE, SAMPLE_DAY, over_log, sample_events, without_waiting

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
STRANGER = ("172.32.5.5", "198.51.100.200", 6667)


@cache
def with_a_stranger() -> tuple[Event, ...]:
    """What the sample day has of the hosts of ``one_of_each``, and a beacon of an address that we do not have."""
    hosts = {src_ip for src_ip, _, _ in one_of_each().values()}
    own = (event for event in sample_events() if event.src_ip in hosts)
    return (*own, *(Event(START + n * 900, *STRANGER, src_port=n) for n in range(90)))


def one_of_each() -> dict[str, Tuple]:
    """A tuple for each disposition: of a case of one detection, or, for FALSE_POSITIVE, what a filter takes out."""
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


@contextmanager
def around(tmp_path: Path, events: Sequence[Event], public: str = "") -> Iterator[World]:
    """All three SIEMs over these connections, and the sample's configuration with them as sources.

    ``public``: a public network that is ours as well; then a public source outside it is a stranger's.
    """
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "sample.toml").read_text(encoding="utf-8")
    text = text.replace("home = [", f'home = ["{public}", ') if public else text
    es, tenant = splunk_with_notables(events), cloud_siem(events)
    with ExitStack() as stack:
        stack.enter_context(without_waiting())
        log_search = sumo.Tenant(tenant_events(events), sumo.Behaviour(states=()))
        places = {
            "splunk": stack.enter_context(splunk.running(es)),
            "cse": stack.enter_context(cse.running(tenant)),
            "sumo": stack.enter_context(sumo.running(log_search)),
        }

        def configured(name: str, state: str = "", policy: str = "") -> Path:
            file, record = folder / f"{'stored' if state else 'bare'}.toml", folder / f"{name}.db"
            if state and not record.exists():
                fresh_record(record)
            sources = SOURCES.format(**places, rule=RULE)
            file.write_text(f"{text}\n{policy}\n{sources}\n{state.replace('state.db', f'{name}.db')}")
            return file

        def run(*arguments: str, state: str = "", policy: str = "") -> dict[str, Any]:
            file = configured(Path(arguments[1]).name, state, policy)
            done = CliRunner().invoke(cli, ["run", "--config", str(file), *arguments, "--json"])
            assert done.exit_code in (0, 1), done.stderr
            return json.loads(done.stdout)

        yield World(es, tenant, folder, run, configured)
