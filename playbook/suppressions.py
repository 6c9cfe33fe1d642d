"""The exceptions file: one JSON document, read whole, written atomically."""

import json
import os
import secrets
from collections.abc import Sequence
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from playbook.errors import ConfigError
from playbook.model.site import ExceptionEntry

LONGEST_DAYS = 180
_MOST_BYTES = 16 * 1024 * 1024
# The widest network that one side of an exception may be (prefix length by IP version).
_WIDEST = {4: 8, 6: 16}
_ENTRIES = TypeAdapter(tuple[ExceptionEntry, ...])


def read(path: Path | None) -> tuple[ExceptionEntry, ...]:
    """The entries of ``{"exceptions": [...]}``; a file that does not exist yet is empty.

    Raises ConfigError naming the entry and the field; a file that exists and cannot be read never counts as empty.
    """
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ConfigError(f"{path}: larger than {_MOST_BYTES} bytes")
        entries = _ENTRIES.validate_python(json.loads(text)["exceptions"])
    except FileNotFoundError:
        return ()
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except (KeyError, TypeError):
        raise ConfigError(f'{path}: expected an object with the key "exceptions"') from None
    except ValidationError as fault:
        raise ConfigError(
            "\n".join(
                f"{path}: exceptions.{'.'.join(map(str, e['loc']))}: {e['msg']}"
                for e in fault.errors(include_input=False)
            )
        ) from None
    except (OSError, ValueError) as fault:
        raise ConfigError(f"{path}: {fault}") from fault
    faults = [f"{path}: {e.exception_id}: {why}" for e in entries for why in faults_of(e)]
    if faults:
        raise ConfigError("\n".join(faults))
    return entries


def faults_of(entry: ExceptionEntry) -> tuple[str, ...]:
    """What makes an entry unusable: no scope or one as wide as the world, or no end within 180 days of entering."""
    found = []
    if "/" in entry.indicator or "*" in entry.indicator:
        found.append(f"indicator: {entry.indicator!r} is not one address or domain")
    for side in ("source", "destination"):
        least = _least_bits(scope := getattr(entry, side))
        if "*" in scope:
            found.append(f"{side}: {scope!r} is a pattern; expected an address, a network or a name")
        if least:
            found.append(f"{side}: {scope!r} is too wide; expected a prefix of /{least} or longer")
    if not entry.indicator and not (entry.source and entry.destination):
        found.append("scope: needs a source and a destination, or one named indicator")
    if entry.ends < entry.entered:
        found.append(f"ends: {entry.ends} is before it was entered ({entry.entered})")
    if entry.ends - entry.entered > timedelta(days=LONGEST_DAYS):
        found.append(f"ends: {entry.ends} is more than {LONGEST_DAYS} days after {entry.entered}")
    return tuple(found)


def _least_bits(scope: str) -> int:
    """The shortest prefix allowed when the scope is a shorter one, else 0."""
    try:
        network = ip_network(scope.strip(), strict=False)
    except ValueError:
        return 0
    least = _WIDEST[network.version]
    return least if network.prefixlen < least else 0


def write(path: Path, entries: Sequence[ExceptionEntry]) -> None:
    """Replace the file in one step: a reader sees the old entries or the new ones, never a part."""
    text = json.dumps({"exceptions": [e.model_dump(mode="json") for e in entries]}, indent=2) + "\n"
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {fault}") from fault


def new_id(today: date) -> str:
    """A fresh identity: the day and six random hex digits."""
    return f"X-{today:%Y%m%d}-{secrets.token_hex(3)}"
