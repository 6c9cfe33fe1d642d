"""What an administrator told us about the site: networks, exceptions, and the instant at which we judge."""

from datetime import date
from ipaddress import IPv4Network, IPv6Network

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from playbook.model import Value
from playbook.model.address import Address, Network, within
from playbook.model.moment import UtcMoment

_DEFAULT_HOME: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("100.64.0.0/10"),
    IPv6Network("fc00::/7"),
)


class Networks(Value):
    """The ``[networks]`` table: lists of addresses or CIDRs; ``home`` replaces its default when given."""

    home: tuple[Network, ...] = _DEFAULT_HOME
    protected: tuple[Network, ...] = ()
    resolvers: tuple[Network, ...] = ()
    time_servers: tuple[Network, ...] = ()
    shared_sources: tuple[Network, ...] = ()
    partners: tuple[Network, ...] = ()
    nat64: tuple[IPv6Network, ...] = ()
    lab: tuple[Network, ...] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _written_as_text(cls, given: object) -> object:
        """A bare number is no address, though ipaddress takes it for one (5 would be 0.0.0.5)."""
        if isinstance(given, list | tuple) and any(isinstance(one, int | bytes) for one in given):
            raise PydanticCustomError("address_text", "addresses and CIDRs are written as text")
        return given

    def naming(self, address: Address) -> str | None:
        """The list that names the address; not ``lab``, which only says what counts as global in an exercise."""
        lists = (name for name in type(self).model_fields if name != "lab")
        return next((name for name in lists if within(address, getattr(self, name))), None)


class ExceptionEntry(Value):
    """A suppression that a person entered: scope is source and destination, or one named indicator.

    ``source`` and ``destination`` are addresses, CIDRs or host names; ``indicator`` is one address or domain.
    ``ends`` is a date at most 180 days after ``entered``; the entry is live through that day (UTC).
    """

    exception_id: str
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    source: str = ""
    destination: str = ""
    port: int | None = Field(default=None, ge=0, le=65535)
    indicator: str = ""
    entered: date
    ends: date


class Site(Value):
    """Everything the rules may know that is not in the traffic: networks, exceptions and ``now``."""

    networks: Networks = Networks()
    exceptions: tuple[ExceptionEntry, ...] = ()
    now: UtcMoment
