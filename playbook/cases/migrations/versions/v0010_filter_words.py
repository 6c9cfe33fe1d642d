"""The words of stored documents: what was a gate is a filter."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEYS = {"runs": ("run_id",), "cases": ("case_id",), "detections": ("case_id", "detection_id")}
_NAMES = {"gate": "filter", "gated": "filtered"}


def upgrade() -> None:
    """Write every document anew that has one of the old words as a name, or as the role of its evidence."""
    for name, keys in _KEYS.items():
        table = sa.table(name, *map(sa.column, keys), sa.column("document"))
        wanted = sa.select(*(table.c[key] for key in keys)).where(table.c.document.like('%"gate%'))
        for found in op.get_bind().execute(wanted).all():
            row = sa.and_(*(table.c[key] == value for key, value in zip(keys, found, strict=True)))
            text = op.get_bind().execute(sa.select(table.c.document).where(row)).scalar_one()
            op.execute(table.update().where(row).values(document=json.dumps(_in_new_words(json.loads(text)))))


def _in_new_words(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_new_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {_NAMES.get(name, name): _in_new_words(item) for name, item in value.items()}
    return renamed | ({"role": "filter"} if renamed.get("role") == "gate" else {})
