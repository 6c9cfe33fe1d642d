"""A row in any sender's spelling -> our columns: aliases, numbers that came as text, times in any usual form."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from playbook.model.address import parse

WHOLE = (
    "dst_port",
    "connections",
    "hourly_buckets",
    "total_bytes_sent",
    "total_bytes_rcvd",
    "avg_bytes_per_conn",
    "irc_port",
    "beaconing_score",
    "denied",
)
NUMBERS = ("avg_per_hour",)
FLAGS = ("blocked", "bytes_known", "ntp_sized")
TIMES = ("first_seen", "last_seen")
NAMES = ("processes", "services", "transports")
_TEXTS = ("hostname", "src_ip", "dst_ip")
COLUMNS = (*_TEXTS, *WHOLE, *NUMBERS, *FLAGS, *TIMES, *NAMES)
# Column -> how products spell it, without everything but letters and digits. Splunk's ``host`` is the log's own.
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "src_ip": (
        "srcip",
        "src",
        "sourceip",
        "sourceaddress",
        "srcaddr",
        "sourceaddr",
        "srcaddress",
        "idorigh",
        "srcendpointip",
        "localip",
        "internalip",
        "srcdeviceip",
    ),
    "dst_ip": (
        "dstip",
        "dst",
        "dest",
        "destip",
        "destinationip",
        "destinationaddress",
        "destaddress",
        "dstaddr",
        "destaddr",
        "dstaddress",
        "idresph",
        "dstendpointip",
        "remoteip",
        "externalip",
        "dstdeviceip",
    ),
    "dst_port": ("dstport", "destport", "destinationport", "dport", "idrespp", "dstendpointport", "remoteport"),
    "hostname": (
        "hostname",
        "srchost",
        "srchostname",
        "sourcehost",
        "sourcehostname",
        "srcnthost",
        "computername",
        "devicename",
        "sourcedomain",
        "srcdevicehostname",
        "srcendpointhostname",
    ),
    "connections": ("connections", "connectioncount", "conncount", "count", "eventcount", "baseeventcount"),
    "hourly_buckets": ("hourlybuckets", "hours", "distincthours", "activehours", "hourbuckets"),
    "first_seen": ("firstseen", "firsttime", "starttime", "mintime", "earliest", "firstseentime", "starttimeutc"),
    "last_seen": ("lastseen", "lasttime", "endtime", "maxtime", "latest", "lastseentime", "endtimeutc"),
    "total_bytes_sent": ("totalbytessent", "bytessent", "bytesout", "sourcebytes", "sentbytes"),
    "total_bytes_rcvd": (
        "totalbytesrcvd",
        "bytesrcvd",
        "bytesreceived",
        "bytesin",
        "destinationbytes",
        "receivedbytes",
    ),
    "avg_bytes_per_conn": ("avgbytesperconn", "avgbytes"),
    "avg_per_hour": ("avgperhour",),
    "irc_port": ("ircport",),
    "beaconing_score": ("beaconingscore",),
    "denied": ("denied",),
    "blocked": ("blocked",),
    "bytes_known": ("bytesknown",),
    "ntp_sized": ("ntpsized",),
    "processes": ("processes", "process", "processname", "deviceprocessname"),
    "services": ("services", "service", "app", "application", "networkprotocol", "applicationprotocol"),
    "transports": ("transports", "transport", "proto", "protocol", "networktransport", "transportprotocol"),
}
_COLUMN = {spelling: column for column, spellings in _SPELLINGS.items() for spelling in spellings}
# When a row has no time of its own: when its sender raised it.
_RAISED = ("triggertime", "time", "timestamp", "kibanaalertoriginaltime", "alerttime", "timegenerated", "createdtime")
_EMPTY = ("", "-", "null", "none", "nan", "n/a")
_MOST_TEXT = 2048
_MOST_KEYS = 500
_MILLISECONDS, _MICROSECONDS = 10**11, 10**14


class Unreadable(ValueError):
    """Why a value cannot be what its column takes; the message is a sentence for the sender."""


def columns_of(row: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """The columns that a row gives, as plain values; ``wanted`` names by column the field that holds it.

    Raises Unreadable with the column's name and what was expected of it.
    """
    flat = flattened(row)
    values: dict[str, Any] = {}
    for key, value in flat.items():
        column = _COLUMN.get(bare(key))
        if column is not None and column not in wanted and value is not None and column not in values:
            values[column] = value
    by_name = {key.lower(): value for key, value in flat.items()}
    values |= {
        column: by_name[path.lower()] for column, path in wanted.items() if by_name.get(path.lower()) is not None
    }
    read = {column: _read(column, value) for column, value in values.items()}
    return {column: read[column] for column in COLUMNS if read.get(column) is not None}


def raised_at(row: Mapping[str, Any]) -> str | None:
    """When the sender says that it raised the row, as our text; None when it does not say."""
    flat = {bare(key): value for key, value in flattened(row).items()}
    for name in _RAISED:
        if flat.get(name) is not None:
            try:
                return _time(name, flat[name])
            except Unreadable:
                continue
    return None


def flattened(row: Mapping[str, Any], before: str = "", left: int = 6) -> dict[str, Any]:
    """Nested objects as dotted keys; of a list of one value that value, of more the values joined by commas."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{name}.", left - 1) if left else {}
        elif isinstance(value, list):
            plain = [str(one) for one in value if isinstance(one, str | int | float) and not isinstance(one, bool)]
            flat[name] = (value[0] if len(value) == 1 else ",".join(plain)) if plain else None
        else:
            flat[name] = value
        if len(flat) > _MOST_KEYS:
            raise Unreadable(f"a row has more than {_MOST_KEYS} fields")
    return flat


def bare(key: str) -> str:
    """A key without everything but letters and digits, lower case."""
    return re.sub(r"[^a-z0-9]", "", str(key).lower())


def _read(column: str, value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip()
        if value.lower() in _EMPTY:
            return None
        if "\0" in value:
            raise Unreadable(f"{column}: holds a NUL character")
    if column in FLAGS:
        return _flag(column, value)
    if isinstance(value, bool):
        raise Unreadable(f"{column}: expected {_expected(column)}, not {str(value).lower()}")
    if column in WHOLE:
        return _whole(column, value)
    if column in NUMBERS:
        return _number(column, value)
    if column in TIMES:
        return _time(column, value)
    text = str(value)[:_MOST_TEXT]
    if column in ("src_ip", "dst_ip") and parse(text) is None:
        raise Unreadable(f"{column}: {text[:60]!r} is no IP address")
    if column in NAMES:
        return ",".join(part.strip() for part in re.split(r"[,\n]", text) if part.strip())
    return text[:255]


def _expected(column: str) -> str:
    return "a whole number" if column in WHOLE else "a time" if column in TIMES else "text"


def _number(column: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Unreadable(f"{column}: expected a number, not {str(value)[:40]!r}") from None
    if not 0 <= number < 10**15:
        raise Unreadable(f"{column}: expected a number from 0 on, not {str(value)[:40]!r}")
    return number


def _whole(column: str, value: Any) -> int:
    text = str(value)
    if re.fullmatch(r"\d{1,15}", text, re.ASCII):
        return int(text)
    number = _number(column, value)
    if number != int(number):
        raise Unreadable(f"{column}: expected a whole number, not {text[:40]!r}")
    return int(number)


def _flag(column: str, value: Any) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if known is None:
        raise Unreadable(f"{column}: expected true or false, not {str(value)[:40]!r}")
    return known


def _time(column: str, value: Any) -> str:
    """A time as ISO 8601 in UTC, from epoch seconds, milliseconds or microseconds, or from text."""
    text = str(value)
    try:
        if re.fullmatch(r"\d{1,19}(\.\d{1,9})?", text, re.ASCII):
            number = float(text)
            number /= 10**6 if number >= _MICROSECONDS else 10**3 if number >= _MILLISECONDS else 1
            moment = datetime.fromtimestamp(number, UTC)
        else:
            moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{column}: expected a time such as 2026-03-02T00:03:00Z, not {text[:40]!r}") from None
    if not 1970 <= moment.year < 2200:
        raise Unreadable(f"{column}: expected a time from 1970 to 2199, not {text[:40]!r}")
    return moment.isoformat(timespec="seconds")
