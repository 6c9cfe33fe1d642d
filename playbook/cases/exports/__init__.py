"""A case in the words of other products: one format a file, found by lying in this folder.

A format module offers ``render(export) -> str``, one JSON document, and ``MEDIA_TYPE``. Its text depends on the record
alone: the same case gives the same bytes, and the same identities, whoever asks and whenever.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import get_args

import sqlalchemy as sa

from playbook.cases import case_rows, containments
from playbook.cases.case_rows import CaseRow
from playbook.cases.containments import ContainmentRecord, State
from playbook.errors import ConfigError
from playbook.model import Value
from playbook.model.case import Case

_EVERY_STATE: tuple[State, ...] = get_args(State)
_MOST_CONTAINMENTS = 1000


class CaseExport(Value):
    """What an export is made of: the case as judged, its row in the record, and what was done; ``url`` is its page."""

    case: Case
    row: CaseRow
    containments: tuple[ContainmentRecord, ...] = ()
    url: str = ""


def formats() -> tuple[str, ...]:
    """The names of all formats, read from the folder without importing any of them."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def gather(conn: sa.Connection, case_id: str, url: str = "") -> CaseExport | None:
    """The case of this identity with what was done about it, oldest first; None when there is none."""
    case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
    if case is None or row is None:
        return None
    found = containments.list_containments(conn, _EVERY_STATE, case_id, _MOST_CONTAINMENTS)
    return CaseExport(case=case, row=row, containments=tuple(reversed(found)), url=url)


def render(name: str, export: CaseExport) -> str:
    """The case in a format; ConfigError when no format of that name lies here."""
    return str(_module(name).render(export))


def media_type(name: str) -> str:
    """The media type of a format; ConfigError when no format of that name lies here."""
    return str(_module(name).MEDIA_TYPE)


def _module(name: str) -> ModuleType:
    if name not in formats():
        raise ConfigError(f"{name!r} is no format of a case; there are: {', '.join(formats())}")
    return importlib.import_module(f"{__name__}.{name}")
