"""A fresh record on SQLite always, and on PostgreSQL where a server can be started."""

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


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    return request.getfixturevalue("pg_server").schema()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, migrated store."""
    one = open_store(url)
    yield one
    one.close()
