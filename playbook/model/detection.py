"""A detection: one row of the beaconing detection, and what its source says about how complete the rows are."""

from datetime import datetime

from pydantic import AwareDatetime, Field, model_validator

from playbook.model import Value

RULE = "botnet_beaconing"
TECHNIQUE = "T1584.005"


class TimeWindow(Value):
    """A half-open UTC interval [start, end)."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "TimeWindow":
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in [start, end)."""
        return self.start <= moment < self.end

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()


def host_text(hostname: str, src_ip: str) -> str:
    """The lower-case host name without its final dot, else the source address when the log names no host."""
    name = hostname.strip().lower().rstrip(".")
    return src_ip if name in {"", "-", "unknown", "null"} else name


class Threshold(Value):
    """A number that a detection compares with, and where it comes from."""

    name: str
    value: float
    unit: str = ""
    origin: str


class Detection(Value):
    """One (hostname, src_ip, dst_ip, dst_port) that the detection kept, in the columns of docs/detection.md.

    ``avg_bytes_per_conn`` and both totals are null when a counted connection had no byte counter
    (``bytes_known`` false). ``denied`` counts attempts that a device refused; ``blocked`` marks a detection made
    of denied attempts alone. ``services`` are the application protocols the log recorded; ``transports`` its IP
    protocols (lower case); ``ntp_sized`` is whether every packet had 76 to 116 bytes of IP (null: unknown).

    ``dst_name`` is set where the destination is a name: ``destinations`` are then the addresses behind it (sorted, at
    most 100 of ``destination_count``), and ``dst_ip`` is the one used most. ``longest_s`` is the length of the longest
    connection in seconds, where a detection is about that.
    """

    detection_id: str
    rule: str = RULE
    source: str
    hostname: str = ""
    src_ip: str
    dst_ip: str
    dst_port: int = Field(ge=0, le=65535)
    connections: int = Field(ge=0)
    hourly_buckets: int = Field(ge=0)
    avg_per_hour: float = Field(ge=0)
    avg_bytes_per_conn: int | None = None
    irc_port: int = Field(ge=0, le=1)
    beaconing_score: int = Field(ge=0, le=3)
    total_bytes_sent: int | None = None
    total_bytes_rcvd: int | None = None
    processes: tuple[str, ...] = ()
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    bytes_known: bool = False
    denied: int = Field(default=0, ge=0)
    blocked: bool = False
    services: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    ntp_sized: bool | None = None
    dst_name: str = ""
    destinations: tuple[str, ...] = ()
    destination_count: int = Field(default=0, ge=0)
    longest_s: float | None = None

    @property
    def span(self) -> TimeWindow | None:
        """First to last connection, or None when both are the same instant."""
        if self.last_seen <= self.first_seen:
            return None
        return TimeWindow(start=self.first_seen, end=self.last_seen)

    @property
    def host_text(self) -> str:
        """The lower-case host name without its final dot, else the source address."""
        return host_text(self.hostname, self.src_ip)


class AddressHolder(Value):
    """Who held an address when: a name from a DHCP, NTLM, Kerberos or asset record.

    ``until`` null means still held at the end of the log.
    """

    address: str
    hostname: str
    since: AwareDatetime
    until: AwareDatetime | None = None
    source: str
    written_by: str = "host"


class SourceHealth(Value):
    """How much a source read: silence is not safety.

    ``rejected`` counts rows that did not parse; ``rejected_examples`` names the first few as ``file:line: reason``.
    ``rows_passed`` counts, by reason, sound rows that say nothing of a connection.
    ``silent_hours`` are hours (UTC, whole) without any row between the first and the last event.
    """

    rows_read: int = 0
    rows_rejected: int = 0
    rejected_examples: tuple[str, ...] = ()
    rows_passed: dict[str, int] = {}
    newest_event: AwareDatetime | None = None
    oldest_event: AwareDatetime | None = None
    silent_hours: tuple[AwareDatetime, ...] = ()
    complete: bool = True
    warnings: tuple[str, ...] = ()


class Finding(Value):
    """A notable or insight that a detection came with.

    ``reference`` is the connector's own text by which it finds the finding again, also after a restart. ``whole``
    false: it speaks of more than the detections that were found, so that their outcome never closes it.
    """

    detection_id: str
    finding_id: str = Field(min_length=1, max_length=300)
    reference: str = Field(max_length=8_000)
    whole: bool = True


class Fetched(Value):
    """What one fetch gave: detections in their total order, the window they come from, and the source's health.

    ``findings`` are the notables or insights that detections came with, newest first; most sources have none.
    """

    source: str
    window: TimeWindow
    detections: tuple[Detection, ...]
    holders: tuple[AddressHolder, ...] = ()
    health: SourceHealth = SourceHealth()
    findings: tuple[Finding, ...] = ()
