"""The rows of hosts.csv, processes.csv and software.csv."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.enrichers._files.field_types import Cells, HostName, Moment, Name, Sha256, Text
from connectors.enrichers._files.indexes import address_of
from connectors.enrichers._files.schedule import ALWAYS
from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import SocketOwner


class HostRow(Value):
    """One holding period of one host's addresses; empty ``since`` or ``until`` is open on that side."""

    hostname: HostName
    host_id: Text = ""
    addresses: Cells = ()
    roles: Cells = ()
    owner: Text = ""
    since: Moment = ALWAYS.start
    until: Moment = ALWAYS.end

    @field_validator("addresses")
    @classmethod
    def _addresses(cls, cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(address_text(cell) for cell in cells)

    @field_validator("roles")
    @classmethod
    def _roles(cls, cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cell.lower() for cell in cells)

    @property
    def period(self) -> TimeWindow:
        """When the addresses were held."""
        return TimeWindow(start=self.since, end=self.until)

    @model_validator(mode="after")
    def _ordered(self) -> "HostRow":
        if self.until <= self.since:
            raise ValueError("until must be after since")
        return self


class ProcessRow(Value):
    """One process, or one socket of it, in an EDR, osquery or Sysmon export.

    ``written_by``: ``host`` where an agent without tamper protection (osquery, Sysmon) recorded it; else ``us``.
    """

    hostname: HostName
    process_name: Name
    path: Text = ""
    signer: Text = ""
    signed: bool | None = None
    sha256: Sha256 = ""
    command_line: Text = ""
    dst_ip: Text | None = None
    dst_port: int | None = Field(default=None, ge=0, le=65535)
    outside_addresses: int | None = Field(default=None, ge=0, le=2**40)
    seen: Moment | None = None
    written_by: Literal["us", "host"] = "us"

    @field_validator("written_by", mode="before")
    @classmethod
    def _written_by(cls, cell: object) -> object:
        text = cell.strip().lower() if isinstance(cell, str) else cell
        return text or "us"

    @field_validator("dst_ip")
    @classmethod
    def _address(cls, text: str | None) -> str | None:
        return None if text is None else address_text(text)

    @property
    def answer(self) -> SocketOwner:
        """The row as an answer."""
        return SocketOwner(**{name: getattr(self, name) for name in type(self).model_fields if name != "hostname"})


class SoftwareRow(Value):
    """One approved program, by hash, or by signer and path prefix."""

    name: Name
    purpose: Name
    sha256: Sha256 = ""
    signer: Text = ""
    path: Text = ""
    owner: Text = ""

    @field_validator("purpose")
    @classmethod
    def _known(cls, text: str) -> str:
        if text.lower() not in {"p2p", "backup", "load_test", "other"}:
            raise ValueError("expected p2p, backup, load_test or other")
        return text.lower()

    @model_validator(mode="after")
    def _identified(self) -> "SoftwareRow":
        if not self.sha256 and not (self.signer and self.path):
            raise ValueError("expected a sha256, or a signer and a path; a name alone approves nothing")
        return self


def address_text(text: str) -> str:
    """The address in ``text``, unwrapped and in its usual form. Raises ValueError."""
    address = address_of(text)
    if address is None:
        raise ValueError("expected an IP address")
    return str(address)
