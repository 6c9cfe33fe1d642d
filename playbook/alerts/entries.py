"""A batch of rows -> entries that can be made durable, and the bad rows, each named; the same row is the same entry."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import rfc8785

from playbook.alerts.fields import Unreadable, columns_of, raised_at
from playbook.alerts.rescoring import AlertColumns, moment
from playbook.alerts.senders import Batch, about_of, batch_of
from playbook.config import AlertSender, Config
from playbook.errors import ConfigError
from playbook.model import Value

PLATFORM = "platform"
_NEEDED = ("src_ip", "dst_ip", "dst_port")
_COUNTS = ("connections", "hourly_buckets", "first_seen", "last_seen")
_LONGEST = timedelta(days=31)
_DAY = timedelta(hours=24)


class Entry(Value):
    """One alert, ready to be kept: who sent it by what name, the source that is asked for its traffic, its columns.

    ``absent`` are the counts and times that the row does not give; ``sent`` is what its body says of itself.
    """

    alert_id: str
    name: str
    source: str
    columns: AlertColumns
    absent: tuple[str, ...] = ()
    sent: dict[str, str] = {}


class BadRow(Value):
    """A row that was not taken: its number from 1, and why in a sentence."""

    row: int
    error: str


class Read(NamedTuple):
    """What a body held: entries, bad rows, and what has to be told to whoever sent it."""

    entries: tuple[Entry, ...]
    rejected: tuple[BadRow, ...]
    notes: tuple[str, ...] = ()


def sender_of(config: Config, name: str) -> AlertSender:
    """The table ``[alerts.NAME]``; the defaults for no name. ConfigError when there is none of that name."""
    if name and name not in config.alerts:
        known = ", ".join(config.alerts) or "none"
        raise ConfigError(f"{name!r}: no [alerts.{name}] is configured; there are: {known}")
    return config.alerts.get(name, AlertSender())


def read(document: Any, config: Config, name: str, now: datetime) -> Read:
    """The entries of a parsed body. Raises ConfigError when it holds no rows at all, or is of no known shape."""
    settings = sender_of(config, name)
    batch = batch_of(document, settings.rows)
    entries: dict[str, Entry] = {}
    rejected = []
    for number, row in enumerate(batch.rows, start=1):
        try:
            entry = entry_of(row, batch, config, name, now)
        except (Unreadable, ConfigError) as fault:
            rejected.append(BadRow(row=number, error=str(fault)))
        else:
            entries.setdefault(entry.alert_id, entry)
    return Read(tuple(entries.values()), tuple(rejected), batch.notes)


def entry_of(row: Any, batch: Batch, config: Config, name: str, now: datetime) -> Entry:
    """One row as an entry. Raises Unreadable or ConfigError with a sentence that names the field."""
    if not isinstance(row, Mapping):
        raise Unreadable("expected an object with the columns of a detection")
    settings = sender_of(config, name)
    given = columns_of(row, settings.fields)
    lacking = [column for column in _NEEDED if column not in given]
    if lacking:
        raise Unreadable(f"{', '.join(lacking)}: not in the row, and without it nothing can be judged")
    absent = tuple(column for column in _COUNTS if column not in given)
    columns = _checked(_with_times(given, raised_at(row), now))
    source = _source(row, settings, config)
    # Without a time of its own a row is the same as another one of that day.
    day = {} if "first_seen" in given else {"last_seen": f"{now:%Y-%m-%d}", "first_seen": ""}
    identity: Any = [name, source, columns.model_dump() | day]
    return Entry(
        alert_id=hashlib.sha256(rfc8785.dumps(identity)).hexdigest(),
        name=name or PLATFORM,
        source=source,
        columns=columns,
        absent=absent,
        sent=dict(batch.about) | ({} if batch.sender == "row" else about_of(row)),
    )


def _with_times(given: dict[str, Any], raised: str | None, now: datetime) -> dict[str, Any]:
    """The times that lack: the day up to the last connection, up to when it was raised, or up to now."""
    last = given.get("last_seen") or raised or now.isoformat(timespec="seconds")
    first = given.get("first_seen") or (moment(last) - _DAY).isoformat(timespec="seconds")
    return given | {"first_seen": first, "last_seen": last}


def _checked(values: dict[str, Any]) -> AlertColumns:
    first, last = moment(values["first_seen"]), moment(values["last_seen"])
    if last < first:
        raise Unreadable(f"last_seen: {values['last_seen']} is before first_seen {values['first_seen']}")
    if last - first > _LONGEST:
        raise Unreadable(f"first_seen: more than {_LONGEST.days} days before last_seen")
    for column, (least, most) in _BOUNDS.items():
        if column in values and not least <= values[column] <= most:
            raise Unreadable(f"{column}: expected {least} to {most}, not {values[column]}")
    if values.get("blocked") and not values.get("denied"):
        raise Unreadable("denied: expected at least 1 where blocked is true")
    if not values.get("blocked") and values.get("connections") == 0:
        raise Unreadable("connections: expected at least 1 for a detection")
    return AlertColumns(**values)


_BOUNDS: Mapping[str, tuple[int, int]] = {
    "dst_port": (0, 65535),
    "connections": (0, 10**12),
    "hourly_buckets": (1, 10**6),
    "denied": (0, 10**12),
    "irc_port": (0, 1),
    "beaconing_score": (0, 3),
}


def _source(row: Mapping[str, Any], settings: AlertSender, config: Config) -> str:
    """Which source is asked for the traffic: the sender's, else the row's own when it is one of ours, else the only."""
    own = row.get("source")
    if settings.source:
        return settings.source
    if isinstance(own, str) and own in config.sources:
        return own
    return next(iter(config.sources)) if len(config.sources) == 1 else ""
