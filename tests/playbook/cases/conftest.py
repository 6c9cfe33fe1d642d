"""A fresh record on SQLite always, and on PostgreSQL where a server can be started."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from playbook.cases.store import Store, open_store
from tests import postgres


@pytest.fixture(scope="session")
def pg_server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for all tests of a session; skips with the reason where there is none."""
    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: cheaper than migrating for every test."""
    folder = tmp_path_factory.mktemp("migrated")
    open_store("sqlite:///state.db", folder).close()
    return folder / "state.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a row."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "state.db")
        return f"sqlite:///{tmp_path}/state.db"
    return request.getfixturevalue("pg_server").schema()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, migrated store."""
    one = open_store(url)
    yield one
    one.close()
