"""One prepared record a session, copied for each test: hashing passwords is slow on purpose."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.playbook.web.web import Clock, Web, over, prepared


@pytest.fixture(scope="session")
def prepared_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record that every test starts from."""
    return prepared(tmp_path_factory.mktemp("record"))


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def make(prepared_record: Path, tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Web]]:
    """Applications over a copy of the prepared record."""
    path = shutil.copy(prepared_record, tmp_path / "state.db")
    with ExitStack() as open_now:
        yield lambda **change: open_now.enter_context(over(path, clock, **change))


@pytest.fixture
def web(make: Callable[..., Web]) -> Web:
    """The application with its defaults."""
    return make()
