"""What an enricher said of an observable: typed answers, or unavailable with a reason."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.observable import Observable

WrittenBy = Literal["us", "peer", "host"]
# How much a feed's word weighs at most: alone a conviction, strong evidence beside other, or a hint.
Trust = Literal["conclusive", "strong", "hint"]
# What an enrichment is about. Shipped enrichers use: asn, lists, operator, vendor, whois, feed, host, processes,
# software, backup_sessions, backup_jobs, windows, owned. A new enricher may bring a new topic.
Topic = str


class NetworkOwner(Value):
    """The network an address belongs to (ASN table, mmdb or RDAP)."""

    answer: Literal["network_owner"] = "network_owner"
    asn: int | None = None
    organisation: str = ""
    network: str = ""
    country: str = ""


class ListEntry(Value):
    """A shipped or configured address list that covers the address; ``ours`` marks a list the site maintains."""

    answer: Literal["list_entry"] = "list_entry"
    name: str
    ours: bool = False
    category: Literal["cloud", "cdn", "resolver", "shared", "sinkhole", "scanner", "block_page"]


class Operator(Value):
    """The address is announced by an operator whose addresses are never blocked one by one."""

    answer: Literal["operator"] = "operator"
    name: str
    asn: int


class VendorService(Value):
    """A vendor's own service; only ``single_tenant`` ones can explain traffic (nobody else can rent an address).

    ``needs`` says what must match for it: the vendor's network, a name that our resolver answered, or both.
    """

    answer: Literal["vendor_service"] = "vendor_service"
    vendor: str
    purpose: str
    single_tenant: bool
    needs: Literal["network", "name", "network_and_name"] = "network"
    matched: str
    ports: tuple[int, ...] = ()


class FeedEntry(Value):
    """A threat feed lists the indicator; ``last_seen`` dates the entry, ``port`` is null when the feed gives none.

    ``trust`` is how much an administrator lets this feed weigh.
    """

    answer: Literal["feed_entry"] = "feed_entry"
    feed: str
    indicator: str
    kind: Literal["domain", "url", "address"]
    last_seen: date
    port: int | None = None
    malware: str = ""
    trust: Trust = "conclusive"

    def why_not_fresh(self, today: date, days: int) -> str | None:
        """Why the entry's date says little today, or None: it is older than so many days, or has not come yet."""
        age = today - self.last_seen
        if age > timedelta(days=days):
            return f"the entry is of {self.last_seen}, older than {days} days"
        return f"the entry is dated {self.last_seen}, which has not come yet" if age < timedelta(days=-1) else None


class HostRecord(Value):
    """An inventory's record of one of our hosts: roles, owner, and when it held the address.

    ``address_periods`` are the periods in which the host held the address asked about; empty means not known.
    """

    answer: Literal["host_record"] = "host_record"
    host_id: str = ""
    hostname: str
    roles: tuple[str, ...] = ()
    owner: str = ""
    addresses: tuple[str, ...] = ()
    address_periods: tuple[TimeWindow, ...] = ()


class SocketOwner(Value):
    """The process that owns sockets to a destination, from an EDR, osquery or Sysmon export.

    ``dst_ip``/``dst_port`` null: the export names the process but not its sockets (a weaker statement).
    ``signed`` null: the export does not say. ``outside_addresses`` counts distinct outside peers of the process.
    ``written_by`` is ``host`` where an agent without tamper protection wrote the record: whoever owns the machine can.
    """

    answer: Literal["socket_owner"] = "socket_owner"
    process_name: str
    path: str = ""
    signer: str = ""
    signed: bool | None = None
    sha256: str = ""
    command_line: str = ""
    dst_ip: str | None = None
    dst_port: int | None = None
    outside_addresses: int | None = None
    seen: AwareDatetime | None = None
    written_by: WrittenBy = "us"


class ApprovedSoftware(Value):
    """A declared program: by hash, or by signer and path prefix; ``purpose`` p2p, backup, load_test or other."""

    answer: Literal["approved_software"] = "approved_software"
    name: str
    purpose: str
    sha256: str = ""
    signer: str = ""
    path: str = ""
    owner: str = ""


class BackupSession(Value):
    """A backup server's record of one session for one host, in bytes and UTC.

    ``destinations`` are the repository's dedicated addresses or exact bucket or gateway names.
    """

    answer: Literal["backup_session"] = "backup_session"
    host: str
    job: str
    repository: str
    destinations: tuple[str, ...] = ()
    started: AwareDatetime
    ended: AwareDatetime
    transferred_bytes: int = Field(ge=0)


class BackupJob(Value):
    """An administrator's declared client-driven backup job of one host.

    ``repositories`` are exact names or dedicated addresses; ``windows`` empty means always;
    ``vendor_networks`` are the backup vendor's own networks, when the vendor stores there.
    """

    answer: Literal["backup_job"] = "backup_job"
    job: str
    host: str
    product: str = ""
    signer: str = ""
    sha256: str = ""
    repositories: tuple[str, ...] = ()
    vendor_networks: tuple[str, ...] = ()
    windows: tuple[TimeWindow, ...] = ()
    always: bool = False
    daily_bytes: int = Field(ge=0)
    owner: str = ""
    review_by: date | None = None


class ScheduledWindow(Value):
    """A backup, test or maintenance window as one UTC half-open interval; ``targets`` may be empty.

    ``hosts`` are host names or shell patterns of them, ``roles`` roles of the inventory; both empty: every host.
    """

    answer: Literal["scheduled_window"] = "scheduled_window"
    kind: Literal["backup", "test", "maintenance"]
    name: str
    window: TimeWindow
    hosts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    written_by: WrittenBy = "us"


class OwnedDestination(Value):
    """A destination that we own or that an administrator declared as a test target or partner."""

    answer: Literal["owned_destination"] = "owned_destination"
    name: str
    matched: str


Answer = Annotated[
    NetworkOwner
    | ListEntry
    | Operator
    | VendorService
    | FeedEntry
    | HostRecord
    | SocketOwner
    | ApprovedSoftware
    | BackupSession
    | BackupJob
    | ScheduledWindow
    | OwnedDestination,
    Field(discriminator="answer"),
]


class Enrichment(Value):
    """One enricher's word on one observable.

    ``answers`` empty and ``unavailable`` null: the enricher was asked and knows nothing (absence is an answer).
    ``unavailable`` gives the reason when it could not be asked or did not finish. ``as_of`` dates what it rests on.
    """

    enricher: str
    topic: Topic
    observable: Observable
    answers: tuple[Answer, ...] = ()
    unavailable: str | None = None
    as_of: AwareDatetime | None = None
    written_by: WrittenBy = "us"
    warning: str = ""
