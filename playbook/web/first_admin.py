"""The first administrator: by an environment variable, or by a password in a file that is read once; never in a log."""

import os
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from playbook.cases import accounts
from playbook.cases.store import Store
from playbook.config import Config, first_password
from playbook.errors import Unreachable

NAME = "admin"


def first_password_file(store: Store, config: Config) -> Path:
    """Where the first password is written: beside the SQLite file, else in the folder of the configuration."""
    if store.file is not None:
        return Path(f"{store.file}.first-password")
    return config.folder / "first-password"


def first_admin(store: Store, file: Path, now: datetime, tell: Callable[[str], None]) -> None:
    """Add the account ``admin`` when there is none; the file of an earlier start is removed. Raises ConfigError.

    Its password is that of BOTNET_PLAYBOOK_ADMIN_PASSWORD, else a new one in ``file``, which only we can read.
    """
    with store.change() as conn:
        if accounts.list_accounts(conn):
            if file.is_file():
                _remove(file)
                tell(f"removed {file}: the first start is over")
            return
        given = first_password()
        password = given or secrets.token_urlsafe(15)
        accounts.add(conn, NAME, "admin", password, "first start", now)
        if not given:
            _write(file, password)
    where = "of BOTNET_PLAYBOOK_ADMIN_PASSWORD" if given else f"in {file} (removed at the next start)"
    tell(f"First start: log in as {NAME} with the password {where}, and change it on the page /account.")
    tell("Add people: botnet-playbook accounts add NAME --role approver --by admin")


def _write(file: Path, password: str) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(f"{password}\n")
    except OSError as fault:
        raise Unreachable(f"{file}: the first password cannot be written: {fault.strerror}") from fault


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except OSError as fault:
        raise Unreachable(f"{file}: the first password cannot be removed: {fault.strerror}") from fault
