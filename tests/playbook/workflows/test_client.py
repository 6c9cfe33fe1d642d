"""The workflow engine's database: what this interpreter's SQLite must be able to do."""

import pytest

from playbook.workflows.client import sqlite_fault


@pytest.mark.parametrize(
    ("python", "sqlite", "refused"),
    [
        ((3, 11), (3, 40, 1), False),
        ((3, 12), (3, 40, 1), True),
        ((3, 12), (3, 41, 9), True),
        ((3, 12), (3, 42, 0), False),
        ((3, 13), (3, 46, 1), False),
    ],
)
def test_an_sqlite_that_cannot_stamp_the_workflows_is_refused_with_the_cure(python, sqlite, refused):
    assert ("PostgreSQL" in sqlite_fault(python, sqlite)) is refused
