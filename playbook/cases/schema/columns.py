"""The kinds of column that every table of the record is made of, the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware time as text of fixed width in UTC: the same bytes on every database, and text order is time order."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """Aware time -> ``2026-03-02T00:00:00.000000+00:00``."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """The text back as an aware time."""
        return None if value is None else datetime.fromisoformat(value)


class SanitizedText(sa.types.TypeDecorator[str]):
    """Text from anywhere, cut to the column's length and without what PostgreSQL refuses (NUL, lone surrogates).

    It holds for comparisons too, so that a value is found by the same text it was stored under.
    """

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """The text as it can be stored."""
        stored = self.impl_instance
        longest = stored.length if isinstance(stored, sa.String) else None
        return None if value is None else plain(value)[:longest]


class LongSanitizedText(SanitizedText):
    """The same without a length."""

    impl = sa.Text
    cache_ok = True


def plain(text: str) -> str:
    """``text`` with U+FFFD in place of NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def text(name: str, length: int = 255, **more: Any) -> sa.Column[str]:
    """Text of at most ``length`` characters, never null."""
    return sa.Column(name, SanitizedText(length), nullable=False, **more)


def number(name: str, **more: Any) -> sa.Column[int]:
    """A whole number, never null."""
    return sa.Column(name, sa.Integer, nullable=False, **more)


def time(name: str, nullable: bool = False) -> sa.Column[datetime]:
    """An aware time."""
    return sa.Column(name, UtcTime, nullable=nullable)


def document(name: str = "document") -> sa.Column[str]:
    """Text of any length, never null."""
    return sa.Column(name, LongSanitizedText(), nullable=False)


def flag(name: str) -> sa.Column[bool]:
    """True or false, never null."""
    return sa.Column(name, sa.Boolean, nullable=False)


def reference(name: str, target: str, **more: Any) -> sa.Column[str]:
    """The key of a row in another table."""
    return sa.Column(name, sa.String(255), sa.ForeignKey(target), nullable=False, **more)


def unique_where(name: str, column: str, condition: str) -> sa.Index:
    """An index that is unique among the rows that fulfil ``condition``."""
    return sa.Index(name, column, unique=True, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
