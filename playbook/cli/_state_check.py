"""Whether the record can be kept: its folder, its permissions, the space left, the database and its clock."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from playbook.cases.store import address_of, open_store
from playbook.cli._check_results import fails, works
from playbook.config import Config
from playbook.errors import PlaybookError, Unreachable
from playbook.model.check import CheckResult

_LEAST_FREE = 200 * 2**20
_MOST_CLOCK_DIFFERENCE = timedelta(seconds=60)


def state_checks(config: Config, now: datetime) -> Iterator[CheckResult]:
    """What ``[state]`` comes to; a SQLite file that is not there yet is not made."""
    try:
        address = address_of(config.state.url, config.folder)
        database = Path(str(address.database)) if address.get_backend_name() == "sqlite" else None
        if database is not None:
            yield from _sqlite_file(database)
            if not database.exists():
                return
        store = open_store(config.state.url, config.folder, migrate=False)
    except PlaybookError as fault:
        yield CheckResult.failed("url", fault)
        return
    try:
        with store.reading() as conn:
            conn.execute(sa.text("SELECT 1"))
            if database is None:
                yield _clock(conn.execute(sa.text("SELECT now()")).scalar_one(), now)
        yield works("url", "the record answers")
    except PlaybookError as fault:
        yield CheckResult.failed("url", fault)
    finally:
        store.close()


def _sqlite_file(database: Path) -> Iterator[CheckResult]:
    folder = next(one for one in (database.parent, *database.parents) if one.exists())
    if not os.access(folder, os.W_OK):
        yield fails("folder", f"{folder} cannot be written")
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        yield CheckResult.failed("disk", Unreachable(f"{free // 2**20} MiB are free under {folder}; 200 are the least"))
    if not database.exists():
        yield works("file", f"{database} is made at the first start")
        return
    mode = database.stat().st_mode
    if mode & 0o077:
        yield fails("permissions", f"{database} is open to others (mode {mode & 0o777:o}): chmod 600 {database}")


def _clock(theirs: datetime, now: datetime) -> CheckResult:
    difference = abs(theirs - now)
    if difference > _MOST_CLOCK_DIFFERENCE:
        return fails("clock", f"the database's clock differs by {int(difference.total_seconds())} s from ours")
    return works("clock", "the database's clock agrees with ours")
