"""The block list in the database of the cases: beside its tables on SQLite, and on PostgreSQL with several workers."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from connectors.containments import blocklist
from playbook.cases.store import open_store
from playbook.errors import ConnectorError
from tests.support import postgres
from tests.support.containment_stories import KEY, SITE, Time, step

_WHY_NOT = postgres.why_not()


def opened(url, folder, time, **settings):
    return blocklist.connect("edge", blocklist.Settings(state_url=url, **settings), SITE, folder, time.clocks)


def test_a_relative_file_is_the_file_of_the_cases_and_both_go_on_working(tmp_path):
    time, url = Time(), "sqlite:///state.db"
    with closing(open_store(url, tmp_path)) as store, closing(opened(url, tmp_path, time)) as listed:
        listed.prepare()
        assert listed.contain(step(), KEY).ok
        store.migrate()
        with store.change():  # a writer of the record holds up no reader of the feed
            assert listed.feed(time.now).count == 1
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "state.db"


@pytest.mark.postgres
@pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT or "")
def test_many_workers_on_postgresql(tmp_path):
    time = Time()
    with postgres.server() as server, ExitStack() as opened_ones:
        url = server.fresh()
        workers = [opened_ones.enter_context(closing(opened(url, tmp_path, time, max_entries=4))) for _ in range(4)]
        with pytest.raises(ConnectorError, match="does not exist"):
            workers[0].feed(time.now)

        def contain(n: int) -> bool | None:
            try:
                return workers[n % 4].contain(step(f"198.51.100.{n % 6 + 1}"), f"K-{n % 6}").changed
            except ConnectorError:
                return None

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda worker: worker.prepare(), workers * 3))
            changed = list(pool.map(contain, range(48)))
        # Six addresses for four places: whoever came first has one, nobody is listed twice, and the feed stays whole.
        assert changed.count(True) == 4 and workers[0].feed(time.now).count == 4
        assert len({serial_line(worker.zone(time.now).text) for worker in workers}) == 1
        key = workers[0].entries(time.now)[0]
        assert workers[1].release(step(str(key.address)), key.key).changed
        assert workers[2].verify_released(step(str(key.address)), key.key).ok and workers[3].feed(time.now).count == 3
        server.run("pg_ctl", "-D", str(server.folder / "data"), "-m", "immediate", "stop")
        with pytest.raises(ConnectorError):
            workers[0].feed(time.now)


def serial_line(zone: str) -> str:
    return zone.splitlines()[1]
