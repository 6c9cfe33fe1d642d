"""Folders in memory, a stage for real processes, both databases; without FAULTS set only the quick faults are tried."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stage import Stage, staged
from tests.support import memory, postgres
from tests.support.response_fixtures import Bench


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the quick ones unless all are wanted (make faults), and then those that have not passed yet."""
    if os.environ.get("FAULTS"):
        file = os.environ.get("FAULTS_DONE")
        passed = set(Path(file).read_text().splitlines()) if file else set()
        left = [item for item in items if item.nodeid in passed]
    else:
        left = [item for item in items if (mark := item.get_closest_marker("faults")) and "quick" not in mark.args]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def one_stage() -> Iterator[Stage]:
    """A parent of processes that may be killed."""
    with staged() as one:
        yield one


@pytest.fixture
def stage(one_stage: Stage) -> Iterator[Stage]:
    """The stage; what a test leaves on it is killed."""
    yield one_stage
    one_stage.clear()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses nothing that the kernel has."""
    made = memory.new_folder()
    yield made
    memory.remove(made)


@pytest.fixture(scope="session")
def pg_server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for all faults; skips with the reason where there is none."""
    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def made_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty record with the engine's tables, made once: migrating is most of a short story's work."""
    made = tmp_path_factory.mktemp("record")
    Bench(made, f"sqlite:///{made}/state.db").close()
    return made / "state.db"


@pytest.fixture
def sqlite(folder: Path, made_record: Path) -> str:
    """The URL of an empty SQLite database."""
    shutil.copy(made_record, folder / "state.db")
    return f"sqlite:///{folder}/state.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, one of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite"))
    return request.getfixturevalue("pg_server").fresh()


@pytest.fixture
def stalling(pg_server: postgres.Server) -> str:
    """The URL of an empty PostgreSQL database that soon takes its locks away from a process that stands still."""
    return pg_server.fresh(idle_in_transaction_session_timeout="8s")
