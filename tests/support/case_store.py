"""A record without a row, migrated once: migrating is most of what a short story takes."""

import tempfile
from functools import cache
from pathlib import Path

from playbook.cases.store import open_store


def fresh_record(file: Path) -> Path:
    """An SQLite record for one test, written to this file."""
    file.write_bytes(_migrated())
    file.chmod(0o600)
    return file


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="record") as folder:
        open_store("sqlite:///state.db", Path(folder)).close()
        return (Path(folder) / "state.db").read_bytes()
