"""The columns of one row -> a detection, scored again by the reference scorer; and by what our own traffic shows."""

from datetime import UTC, datetime

from pydantic import Field

from playbook.detections.beaconing import IRC_PORTS, MIN_CONNECTIONS, MIN_HOURS, beaconing_score, detection_id, rounded
from playbook.errors import ConfigError
from playbook.model import Value
from playbook.model.detection import Detection
from playbook.model.moment import in_utc


class AlertColumns(Value):
    """The columns of one row as it was sent; what a judgement cannot do without is filled in (``Entry.absent``)."""

    src_ip: str = Field(max_length=64)
    dst_ip: str = Field(max_length=64)
    dst_port: int = Field(ge=0, le=65535)
    connections: int = Field(default=1, ge=0, le=10**12)
    hourly_buckets: int = Field(default=1, ge=1, le=10**6)
    first_seen: str
    last_seen: str
    hostname: str = Field(default="", max_length=255)
    total_bytes_sent: int | None = Field(default=None, ge=0)
    total_bytes_rcvd: int | None = Field(default=None, ge=0)
    avg_bytes_per_conn: int | None = Field(default=None, ge=0)
    processes: str = ""
    services: str = ""
    transports: str = ""
    ntp_sized: bool | None = None
    denied: int = Field(default=0, ge=0, le=10**12)
    blocked: bool = False
    avg_per_hour: float | None = Field(default=None, ge=0)
    irc_port: int | None = Field(default=None, ge=0, le=1)
    beaconing_score: int | None = Field(default=None, ge=0, le=3)
    bytes_known: bool | None = None


def moment(text: str) -> datetime:
    """A checked time in UTC; without a zone it is UTC. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return in_utc(read) if read.tzinfo else read.replace(tzinfo=UTC)


def detection_of(given: AlertColumns, source: str, action: str) -> tuple[Detection, tuple[str, ...]]:
    """The detection these columns describe, scored again, and what does not fit. ConfigError names a wrong field."""
    first, last = moment(given.first_seen), moment(given.last_seen)
    attempts = given.denied if given.blocked else given.connections
    if attempts < 1:
        field = "denied" if given.blocked else "connections"
        raise ConfigError(f"{action}: {field}: expected at least 1 for a detection")
    if last < first:
        raise ConfigError(f"{action}: last_seen: {given.last_seen} is before first_seen {given.first_seen}")
    total = None if given.blocked else _total(given, attempts)
    irc = given.dst_port in IRC_PORTS
    scored = Detection(
        detection_id="",
        source=source,
        hostname=given.hostname,
        src_ip=given.src_ip,
        dst_ip=given.dst_ip,
        dst_port=given.dst_port,
        connections=given.connections,
        hourly_buckets=given.hourly_buckets,
        avg_per_hour=float(rounded(attempts, given.hourly_buckets, 1)),
        avg_bytes_per_conn=None if total is None else int(rounded(total, attempts, 0)),
        irc_port=int(irc),
        beaconing_score=beaconing_score(attempts, given.hourly_buckets, total, irc),
        total_bytes_sent=None if total is None else given.total_bytes_sent,
        total_bytes_rcvd=None if total is None else given.total_bytes_rcvd,
        processes=_names(given.processes),
        services=_names(given.services.lower()),
        transports=_names(given.transports.lower()),
        first_seen=first,
        last_seen=last,
        bytes_known=total is not None,
        denied=given.denied,
        blocked=given.blocked,
        ntp_sized=given.ntp_sized,
    )
    identity = detection_id(source, scored.host_text, scored.src_ip, scored.dst_ip, scored.dst_port)
    return scored.model_copy(update={"detection_id": identity}), _misfits(given, scored, attempts)


def _misfits(given: AlertColumns, scored: Detection, attempts: int) -> tuple[str, ...]:
    misfits = []
    silent = scored.beaconing_score < 1 and not scored.blocked
    if attempts < MIN_CONNECTIONS or given.hourly_buckets < MIN_HOURS or silent:
        misfits.append(
            f"below the detection's thresholds ({MIN_CONNECTIONS} connections in {MIN_HOURS} hours and a score of 1): "
            "judged all the same"
        )
    if given.beaconing_score not in (None, scored.beaconing_score):
        misfits.append(
            f"beaconing_score: {given.beaconing_score} was given, these columns make {scored.beaconing_score}"
        )
    return tuple(misfits)


def _total(given: AlertColumns, attempts: int) -> int | None:
    """Bytes in both directions, from the sums or else from the average; None when neither is known."""
    if given.bytes_known is False:
        return None
    if given.total_bytes_sent is not None and given.total_bytes_rcvd is not None:
        return given.total_bytes_sent + given.total_bytes_rcvd
    return None if given.avg_bytes_per_conn is None else given.avg_bytes_per_conn * attempts


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in text.split(",") if part.strip()}))
