"""A fresh record on SQLite always, and on PostgreSQL where a server can be started."""

from collections.abc import Iterator

import psycopg
import pytest

from playbook.cases.schema import metadata
from playbook.cases.store import Store, open_store
from tests.support import memory, postgres
from tests.support.case_store import fresh_record


@pytest.fixture(scope="session")
def pg_server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for all tests of a session; skips with the reason where there is none."""
    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def pg_migrated(pg_server: postgres.Server) -> str:
    """A migrated schema to empty before each test."""
    url = pg_server.schema()
    open_store(url).close()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without a row."""
    if request.param == "postgres":
        shared = request.getfixturevalue("pg_migrated")
        with psycopg.connect(shared, autocommit=True) as conn:
            conn.execute("TRUNCATE " + ", ".join(table.name for table in metadata.sorted_tables) + " RESTART IDENTITY")
        yield shared
        return
    folder = memory.new_folder()
    yield f"sqlite:///{fresh_record(folder / 'state.db')}"
    memory.remove(folder)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, migrated store."""
    one = open_store(url)
    yield one
    one.close()
