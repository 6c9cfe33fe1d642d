"""load: rows of log files into ClickHouse, each file exactly once, whatever is cut off."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.errors import PlaybookError
from tests.emulators.clickhouse import ACCOUNT, Behaviour, Server, running
from tests.emulators.clickhouse_engine import engine
from tests.support.story_fixtures import CONNECTIONS, SAMPLE, SAMPLE_DAY

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]
TABLE = "loads.connections"
ASA = (
    "Nov 23 2026 10:{0:02}:00 fw : %ASA-6-302013: Built outbound TCP connection {0} for outside:203.0.113.9/443"
    " (203.0.113.9/443) to inside:10.0.0.5/4{0:02} (10.0.0.5/4{0:02})\n"
    "Nov 23 2026 10:{0:02}:30 fw : %ASA-6-302014: Teardown TCP connection {0} for outside:203.0.113.9/443"
    " to inside:10.0.0.5/4{0:02} duration 0:00:30 bytes 500 TCP FINs\n"
)


class World:
    """A server with an empty table, a configuration of it, and the command."""

    def __init__(self, url: str, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.config = folder / "playbook.toml"
        self.config.write_text(f"""
            [networks]
            lab = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
            [sources.raw]
            kind = "clickhouse"
            base_url = "{url}"
            username_env = "CLICKHOUSE_USER"
            password_env = "CLICKHOUSE_PASSWORD"
            preset = "canonical"
            scope = "{TABLE}"
            rate = 100
            [sources.zeek]
            kind = "clickhouse"
            base_url = "{url}"
            [sources.files]
            kind = "logs"
            paths = ["x"]
        """)

    def load(self, *paths: Path, to: str = "raw") -> tuple[int, Any]:
        """Exit code and what is said; a fault of ours gives its code and text."""
        arguments = ["load", "--to", to, *map(str, paths), "--config", str(self.config), "--json"]
        done = CliRunner().invoke(cli, arguments)
        if isinstance(done.exception, PlaybookError):
            return done.exception.exit_code, str(done.exception)
        return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else done.output

    def count(self, where: str = "1") -> int:
        """Rows in the table."""
        return int(self.server.engine.rows(f"SELECT count() AS n FROM {TABLE} WHERE {where}")[0]["n"])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("CLICKHOUSE_USER", ACCOUNT[0])
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", ACCOUNT[1])
    engine().run("CREATE DATABASE IF NOT EXISTS loads")
    for name in (TABLE, f"{TABLE}_files"):
        engine().run(f"DROP TABLE IF EXISTS {name}")
    server = Server(engine(), Behaviour())
    with running(server) as url:
        yield World(url, server, tmp_path)


def states(said: Any) -> list[tuple[str, int]]:
    return [(one["state"], one["rows"]) for one in said["files"]]


def test_two_formats_land_in_one_table_and_a_second_run_changes_nothing(world: World) -> None:
    asa = world.folder / "asa.log"
    asa.write_text("".join(ASA.format(n) for n in range(40)))
    code, said = world.load(SAMPLE / CONNECTIONS, asa)
    with gzip.open(SAMPLE / CONNECTIONS, "rt") as lines:
        rows = sum(not line.startswith("#") for line in lines)
    assert (code, states(said)) == (0, [("loaded", rows), ("loaded", 40)]) and world.count() == rows + 40
    assert world.load(SAMPLE / CONNECTIONS, asa, asa)[1]["files"][1]["state"] == "already"
    assert world.count() == rows + 40 and len(world.load(asa, asa)[1]["files"]) == 1


def test_what_was_loaded_gives_the_detections_of_the_files(world: World) -> None:
    world.load(SAMPLE / CONNECTIONS)
    window = ("--from", SAMPLE_DAY.start.isoformat(), "--to", SAMPLE_DAY.end.isoformat())
    where = ("--config", str(world.config), "--dry-run", "--json")
    here = CliRunner().invoke(cli, ["run", "--source", "raw", *window, *where])
    there = CliRunner().invoke(cli, ["run", "--logs", str(SAMPLE / CONNECTIONS), *window, *where])
    cases = [{c["host"]: (c["verdict"]["disposition"], c["status"], len(c["detections"])) for c in
              json.loads(done.stdout)["cases"]} for done in (here, there)]  # fmt: skip
    assert cases[0] == cases[1] and len(cases[0]) > 10


@pytest.mark.parametrize("at", [1, 2])
def test_cut_off_at_any_part_and_started_again_no_row_is_lost_or_doubled(
    world: World, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sources.logs.parquet_parts._PART_BYTES", 1 << 20)
    log = world.folder / "conn.log"
    with gzip.open(SAMPLE / CONNECTIONS, "rt") as packed:
        lines = packed.readlines()
    head, body = [x for x in lines if x.startswith("#")][:8], [x for x in lines if not x.startswith("#")]
    log.write_text("".join((*head, *(body * (300_000 // len(body) + 1)))))
    world.server.behaviour.kill_at = at
    code, _ = world.load(log)
    assert code == 4 and world.server.inserts >= at, "the file is in more parts than are cut off"
    world.server.behaviour.kill_at = 0
    code, said = world.load(log)
    assert (code, said["files"][0]["state"]) == (0, "loaded")
    assert world.count() == said["files"][0]["rows"] == len(body) * (300_000 // len(body) + 1)


def test_rows_that_arrived_without_an_answer_are_not_doubled(world: World) -> None:
    world.server.lost = {5}  # two tables, the list, the rows of an earlier attempt, then the first part
    assert world.load(SAMPLE / CONNECTIONS)[0] == 4 and world.count() > 0
    assert world.load(SAMPLE / CONNECTIONS)[1]["files"][0]["rows"] == world.count()


def test_killed_after_the_rows_and_before_the_list_it_begins_anew(world: World) -> None:
    world.load(SAMPLE / CONNECTIONS)
    rows = world.count()
    world.server.engine.run(f"TRUNCATE TABLE {TABLE}_files")
    assert world.load(SAMPLE / CONNECTIONS)[0] == 0 and world.count() == rows


def test_rows_that_are_not_there_are_noticed_and_nothing_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.load(SAMPLE / "logs" / "dns.log.gz")
    real = world.server.engine.run

    def forgetful(sql: str, *others: Any, **more: Any) -> bytes:
        """Only the rows of one port arrive."""
        return real(f"{sql} WHERE dst_port = 443" if "INSERT INTO" in sql and "file(" in sql else sql, *others, **more)

    monkeypatch.setattr(world.server.engine, "run", forgetful)
    code, said = world.load(SAMPLE / CONNECTIONS)
    monkeypatch.undo()
    assert code == 4 and "rows were sent" in said and world.count() == 0


def test_a_torn_file_is_not_loaded_and_what_is_no_connection_log_is_left_out(world: World) -> None:
    torn = world.folder / "conn.log.gz"
    torn.write_bytes((SAMPLE / CONNECTIONS).read_bytes()[:-5_000])
    code, said = world.load(torn, SAMPLE / "logs" / "dns.log.gz")
    assert code == 4 and states(said) == [("incomplete", 0), ("skipped", 0)] and world.count() == 0


@pytest.mark.parametrize(
    ("to", "named"), [("zeek", "preset canonical"), ("files", "takes no rows"), ("nowhere", "no such source")]
)
def test_a_source_that_takes_no_rows_is_named(world: World, to: str, named: str) -> None:
    code, said = world.load(SAMPLE / CONNECTIONS, to=to)
    assert code == 2 and named in str(said)
