"""A bench for tests of the response: a record that was made once and is copied, products in a folder, a clock."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from playbook.cases import accounts
from playbook.workflows import workflows
from tests.support.response_fixtures import Bench


@pytest.fixture(scope="session", autouse=True)
def shipped_hasher() -> Iterator[PasswordHasher]:
    """Passwords are hashed cheaply here: how dear the shipped hash is has a test of its own, over what this gives."""
    shipped, accounts._HASHER = accounts._HASHER, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    yield shipped
    accounts._HASHER = shipped


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    """SQLite engines share what is compiled: each store has an engine of its own, and would compile all again."""
    first: dict[type[sa.Dialect], sa.Engine] = {}
    make = sa.create_engine

    def sharing(*arguments: Any, **named: Any) -> sa.Engine:
        made = make(*arguments, **named)
        if made.dialect.name == "sqlite":
            shared = first.setdefault(type(made.dialect), made)
            made.dialect, made._compiled_cache = shared.dialect, shared._compiled_cache
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sa, "create_engine", sharing)
        yield


@pytest.fixture(scope="session")
def made_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty record with the engine's tables."""
    folder = tmp_path_factory.mktemp("record")
    Bench(folder, f"sqlite:///{folder}/state.db").close()
    return folder / "state.db"


@pytest.fixture
def bench(made_record: Path, tmp_path: Path) -> Iterator[Bench]:
    """A fresh bench whose steps run in this process, without workers."""
    shutil.copy(made_record, tmp_path / "state.db")
    one = Bench(tmp_path, f"sqlite:///{tmp_path}/state.db")
    sa.event.listen(one.store.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    one.store.engine.dispose()
    workflows.register_workflows(one.works)
    yield one
    one.close()
