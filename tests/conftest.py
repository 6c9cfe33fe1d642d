"""What every test runs under: no way off the machine, heavy files first, and the ``cassette`` fixture."""

import atexit
import gc
import os
import random
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.cassettes import Replay, cassette_path, playing
from tests.support.examples import TIMES
from tests.support.network_guard import guarded
from tests.support.shifted_clock import start

# Before any module of the product is imported by a test.
start()

# Property tests that name no number of their own.
# No deadline: how long an example takes says how busy the machine is.
settings.register_profile(
    "suite",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    max_examples=settings.default.max_examples * TIMES,
)
settings.load_profile("suite")

# What needs Debian packages, root, a browser or time: `make integration`.
APART = ("integration", "browser", "postgres", "faults")

# Everything that was collected, before -m and -k choose.
COLLECTED = pytest.StashKey[list[pytest.Item]]()
PARTIAL = "only a run over all files knows all tests"
# The skips that are allowed where nothing may be left out, and why; besides these the tests marked real_data, as no
# package registry has what they read.
MAY_SKIP = {
    PARTIAL: "asked of a part of the suite alone",
    "root may read everything": "CI runs as root; a developer's run tries it",
    "this file system takes UTF-8 names only": "a matter of the disk",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--record``: record cassettes instead of replaying them. ``--shuffle SEED``: another order, always the same."""
    parser.addoption("--record", action="store_true", help="record cassettes from the emulators, or a real tenant")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run files, and the tests of a file, in random order")


def pytest_configure(config: pytest.Config) -> None:
    """Recording is a person's act: never in CI. A worker whose work is told to the end does not tidy up its memory."""
    if config.getoption("--record") and os.environ.get("CI"):
        raise pytest.UsageError("--record is refused where CI is set")
    if hasattr(config, "workerinput"):
        # Handlers run in the reverse order: this one comes after those of everything that is imported later.
        atexit.register(os._exit, 0)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """No search for garbage while everything is imported, which is to stay; nor in what was imported afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """What was frozen is let go, or the interpreter takes its libraries' types for leaks at its end."""
    gc.unfreeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let ``loopback`` tests make sockets, heavy files start first; when recording keep tests with a cassette."""
    config.stash[COLLECTED] = list(items)
    recording = config.getoption("--record")
    uses = [item for item in items if "cassette" in getattr(item, "fixturenames", ())]
    if recording:
        dropped = [item for item in items if item not in uses]
        config.hook.pytest_deselected(items=dropped)
        items[:] = uses
    for item in items:
        if item.get_closest_marker("loopback") or (recording and item in uses):
            item.add_marker(pytest.mark.enable_socket)
    seed = config.getoption("--shuffle")
    if seed is not None:
        items[:] = shuffled(items, seed)
    heavy = {item.path for item in items if item.get_closest_marker("heavy")}
    items.sort(key=lambda item: item.path not in heavy)


def shuffled(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """The tests in an order that ``seed`` gives: file by file, as fixtures of a file are made once."""
    order = random.Random(seed)
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    groups = list(files.values())
    order.shuffle(groups)
    for group in groups:
        order.shuffle(group)
    return [item for group in groups for item in group]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With BOTNET_PLAYBOOK_REQUIRE set (.ci/run) a skip is a failure, but for those that are listed."""
    report = yield
    if report.skipped and os.environ.get("BOTNET_PLAYBOOK_REQUIRE"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        if not item.get_closest_marker("real_data") and reason.removeprefix("Skipped: ") not in MAY_SKIP:
            report.outcome, report.longrepr = "failed", f"nothing may be left out here. {reason}"
    return report


@pytest.fixture(autouse=True)
def _no_way_out() -> Iterator[None]:
    """A test that tried to leave the machine fails, even when what it tested swallowed the error."""
    with guarded() as attempts:
        yield
    assert not attempts, f"tried the network: {attempts}"


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Replay]:
    """The recorded HTTP of this test; see tests/support/cassettes.py."""
    with playing(cassette_path(request.node), recording=request.config.getoption("--record")) as replay:
        yield replay
