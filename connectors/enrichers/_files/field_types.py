"""The types of columns and settings that file connectors share: text, host names, times, hashes, zones."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, StringConstraints, ValidationInfo

MAX_CELLS = 1_000
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    cells = tuple(cell.strip() for cell in value.split(";") if cell.strip())
    if len(cells) > MAX_CELLS:
        raise ValueError(f"expected at most {MAX_CELLS} values")
    return cells


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _moment(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError("expected an ISO 8601 time")
    if not 1900 <= value.year <= 2999:
        raise ValueError("expected a year from 1900 to 2999")
    if value.tzinfo is None:
        zone = (info.context or {}).get("zone")
        if zone is None:
            raise ValueError("a time without zone: end it with Z or an offset, or set timezone")
        value = value.replace(tzinfo=zone)
    return value.astimezone(UTC)


def _zone(name: object) -> object:
    if not isinstance(name, str):
        return name
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name[:64]!r}; expected a name such as Europe/Prague") from None


def _no_control(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control character in the text")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4096), AfterValidator(_no_control)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=512)]
HostName = Annotated[
    str,
    BeforeValidator(_lower),
    StringConstraints(min_length=1, max_length=253),
    AfterValidator(_no_control),
    AfterValidator(lambda name: name.rstrip(".")),
]
Cells = Annotated[tuple[Name, ...], BeforeValidator(_split)]
Sha256 = Annotated[str, BeforeValidator(_lower), StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
