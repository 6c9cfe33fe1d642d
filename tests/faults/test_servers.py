"""The database's server goes down in the middle, and its disk (or SQLite's) is really full: nothing is lost or doubled.

The disk is a small file system in memory, which takes root to mount.
"""

import os
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from playbook.cases import containments as kept
from playbook.errors import ConnectorError
from tests.faults.outcome import passed, verified
from tests.faults.test_workers import set_up, wait_for
from tests.support import postgres
from tests.support.response_fixtures import Bench

pytestmark = pytest.mark.faults


@pytest.fixture
def own_server():
    """A PostgreSQL server of this test's own."""
    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    with postgres.server() as one:
        yield one


@pytest.fixture
def mounted():
    """Mounts a small disk; skips with the reason where that is not allowed."""
    places = []

    def mount(megabytes):
        place = Path(tempfile.mkdtemp(prefix="disk"))
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "tmpfs", place],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", place], check=True)
        place.rmdir()


def fill(disk: Path) -> Path:
    """Take the last byte of a disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    stream.write(b"x" * size)
    return filler


def patiently(so):
    """Whether it is so, and False while the record does not answer."""

    def asked():
        try:
            return so()
        except ConnectorError:
            return False

    return asked


def in_state(bench, keys, state):
    return patiently(lambda: all(bench.containment(key).state == state for key in keys))


def let_go(bench, keys):
    with bench.store.change() as conn:
        for key in keys:
            kept.ask_release(conn, key, "bert", bench.now, "clean")
    return True


def goes_through(stage, bench, folder, keys, worker):
    """The rest of the work, and what must hold then."""
    wait_for(in_state(bench, keys, "active"))
    wait_for(patiently(lambda: let_go(bench, keys)))
    wait_for(in_state(bench, keys, "released"))
    wait_for(lambda: len(bench.desk.logged("ticket")) == len(keys))
    (folder / "enough").touch()
    assert stage.end(worker)["code"] == 0
    assert Counter(bench.device.logged("set")) == Counter(bench.device.logged("unset")) == Counter(keys)
    assert max(Counter(bench.desk.logged("ticket")).values()) == 1 and bench.device.state == {}
    bench.close()
    assert verified(bench.url)[0] == ()


@pytest.mark.postgres
@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize(
    "point",
    ["step keys_of:before", "step intend:after", "step apply:before", "step confirm:after", "step open_tickets:after"],
)
def test_the_server_goes_down_and_comes_back(stage, folder, own_server, mode, point, record_property):
    url = own_server.fresh()
    bench, asked = set_up(folder, url)
    keys = [key for request in asked for key in bench.approve(request).keys]
    worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
    wait_for(lambda: passed(folder)[point] >= 1)
    own_server.stop(mode)
    time.sleep(2)
    own_server.start()
    goes_through(stage, bench, folder, keys, worker)
    record_property("fault", f"PostgreSQL is stopped ({mode}) at {point} and comes back")
    record_property("database", "postgresql")
    record_property("found", f"{len(keys)} blocks, releases and tickets, each once; the worker goes on by itself")


@pytest.mark.postgres
def test_the_server_goes_down_while_a_killed_workers_work_is_recovered(stage, folder, own_server, record_property):
    url = own_server.fresh()
    bench, asked = set_up(folder, url)
    keys = [key for request in asked for key in bench.approve(request).keys]
    killed = stage.begin(folder=str(folder), url=url, act="work", executor="w1", kill=("step apply:after", 1))
    assert stage.end(killed)["signal"] == 9
    before = len(list(folder.glob("passed.*")))
    worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
    wait_for(lambda: len(list(folder.glob("passed.*"))) > before)
    own_server.stop("immediate")
    time.sleep(2)
    own_server.start()
    word = stage.end(worker) if worker in ended(stage) else None
    if word is not None and word["code"]:
        worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
    goes_through(stage, bench, folder, keys, worker)
    record_property("fault", "PostgreSQL crashes while a killed worker's work is recovered")
    record_property("database", "postgresql")
    record_property("found", f"{len(keys)} blocks, releases and tickets, each once")


def ended(stage, seconds=5.0):
    """The processes that have ended by themselves by then: one that could not start is started again by its keeper."""
    time.sleep(seconds)
    return stage.gone()


@pytest.mark.parametrize("point", ["step intend:after", "step apply:before", "step confirm:after"])
def test_the_disk_of_sqlite_is_full_for_a_while(stage, folder, mounted, made_record, point, record_property):
    disk = mounted(12)
    (disk / "state.db").write_bytes(made_record.read_bytes())
    url = f"sqlite:///{disk}/state.db"
    bench, asked = set_up(folder, url)
    keys = [key for request in asked for key in bench.approve(request).keys]
    worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
    wait_for(lambda: passed(folder)[point] >= 1)
    full(stage, bench, disk)
    goes_through(stage, bench, folder, keys, worker)
    record_property("fault", f"the disk is really full at {point}, then there is room again")
    record_property("database", "sqlite")
    record_property("found", f"{len(keys)} blocks, releases and tickets, each once; the worker goes on by itself")


def full(stage, bench, disk, seconds=6.0):
    """No room for a while: whoever answers then is told that it could not be kept."""
    filler = fill(disk)
    with pytest.raises(ConnectorError):
        for _ in range(500):
            bench.account(os.urandom(100).hex())
    time.sleep(seconds)
    filler.unlink()


@pytest.mark.postgres
def test_the_disk_of_postgresql_is_full_for_a_while(stage, folder, mounted, record_property):
    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    disk = mounted(160)
    with postgres.server(under=disk) as server:
        url = server.fresh()
        bench, asked = set_up(folder, url)
        keys = [key for request in asked for key in bench.approve(request).keys]
        worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
        wait_for(lambda: passed(folder)["step apply:before"] >= 1)
        fill_up(server, bench, disk)
        goes_through(stage, bench, folder, keys, worker)
    record_property("fault", "the disk of PostgreSQL is really full, then there is room again")
    record_property("database", "postgresql")
    record_property("found", f"{len(keys)} blocks, releases and tickets, each once")


def fill_up(server, bench: Bench, disk: Path):
    """Fill the disk until the record takes nothing (the server may give up), then make room and start it again."""
    filler = fill(disk)
    with pytest.raises(ConnectorError):
        for _ in range(100_000):
            bench.account(os.urandom(100).hex())
    time.sleep(4)
    filler.unlink()
    server.start()
