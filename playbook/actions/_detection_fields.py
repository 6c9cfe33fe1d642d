"""The flat columns of a detection, as fetch_detections gives them and judge_detection takes them back."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

from playbook.actions import Flat, slot
from playbook.detections.beaconing import (
    IRC_PORTS,
    MIN_CONNECTIONS,
    MIN_HOURS,
    beaconing_score,
    detection_id,
    rounded,
    row,
)
from playbook.errors import ConfigError
from playbook.model.address import parse
from playbook.model.detection import Detection

_IP = ("ip",)
_HOST = ("host name",)
_TEXT_MOST = 2048


def _address(text: str) -> str:
    if parse(text) is None:
        raise ValueError(f"{text!r}: expected an IP address")
    return text.strip()


def _time(text: str) -> str:
    try:
        moment(text).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r}: expected yyyy-MM-dd HH:mm:ss in UTC, or ISO 8601") from None
    if not 1970 <= moment(text).year < 2200:
        raise ValueError(f"{text!r}: expected a time from 1970 to 2199")
    return text


AddressText = Annotated[str, AfterValidator(_address)]
TimeText = Annotated[str, AfterValidator(_time)]


def moment(text: str) -> datetime:
    """A checked TimeText as an aware time; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class ConnectionKey(Flat):
    """Who talked to whom, how often and when: what a judgement cannot do without."""

    src_ip: AddressText = slot("Address of our host", contains=_IP, example="10.20.0.31", max_length=64)
    dst_ip: AddressText = slot("Address outside", contains=_IP, primary=True, example="203.0.113.66", max_length=64)
    dst_port: int = slot("Destination port", contains=("port",), example=6667, ge=0, le=65535)
    connections: int = slot("Connections counted in the window", example=288, ge=0, le=10**12)
    hourly_buckets: int = slot("Distinct UTC hours with a connection", example=24, ge=1, le=10**6)
    first_seen: TimeText = slot(
        "First connection in UTC as yyyy-MM-dd HH:mm:ss (ISO 8601 is accepted too)",
        example="2026-03-02 00:03:00",
        max_length=40,
    )
    last_seen: TimeText = slot("Last connection, in the same form", example="2026-03-02 23:58:12", max_length=40)


class Columns(ConnectionKey):
    """A whole detection; sums are null when a connection had no byte counter."""

    hostname: str = slot(
        "Host name in the row, empty when the log has none", "", contains=_HOST, example="cam-lobby-01", max_length=255
    )
    total_bytes_sent: int | None = slot("Bytes sent by our host", None, example=61920, ge=0)
    total_bytes_rcvd: int | None = slot("Bytes received by our host", None, example=56736, ge=0)
    avg_bytes_per_conn: int | None = slot(
        "Bytes of one connection on average, both directions", None, example=412, ge=0
    )
    processes: str = slot("Process names joined by commas", "", contains=("process name",), max_length=_TEXT_MOST)
    services: str = slot(
        "Application protocols the log recorded, joined by commas", "", example="irc", max_length=_TEXT_MOST
    )
    transports: str = slot("IP protocols, joined by commas", "", example="tcp", max_length=_TEXT_MOST)
    ntp_sized: bool | None = slot("Whether every packet had the size of a time request (port 123 only)", None)
    denied: int = slot("Attempts that a device refused", 0, example=0, ge=0, le=10**12)
    blocked: bool = slot("Whether nothing but denied attempts was seen", False)
    avg_per_hour: float | None = slot(
        "Connections per hour, one decimal; computed again when judging", None, example=12.0, ge=0
    )
    irc_port: int | None = slot(
        "1 when the port is one that IRC uses; computed again when judging", None, example=1, ge=0, le=1
    )
    beaconing_score: int | None = slot(
        "Score 1 to 3, not a probability; computed again when judging", None, example=3, ge=0, le=3
    )
    bytes_known: bool | None = slot("Whether every connection had a byte counter", None)
    detection_id: str = slot("Identity of the detection; computed again when judging", "", max_length=64)


class DetectionRow(Columns):
    """A row of fetch_detections."""

    source: str = slot("Source it came from", example="sumo")


def flat(detection: Detection) -> DetectionRow:
    """The detection in flat columns."""
    plain = {name: value for name, value in row(detection).items() if name != "processes"}
    return DetectionRow(
        **plain,
        detection_id=detection.detection_id,
        source=detection.source,
        bytes_known=detection.bytes_known,
        denied=detection.denied,
        blocked=detection.blocked,
        ntp_sized=detection.ntp_sized,
        processes=",".join(sorted(detection.processes)),
        services=",".join(detection.services),
        transports=",".join(detection.transports),
    )


def detection_of(given: Columns, source: str, action: str) -> tuple[Detection, tuple[str, ...]]:
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
    found = Detection(
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
    identity = detection_id(source, found.host_text, found.src_ip, found.dst_ip, found.dst_port)
    return found.model_copy(update={"detection_id": identity}), _misfits(given, found, attempts)


def _misfits(given: Columns, found: Detection, attempts: int) -> tuple[str, ...]:
    said = []
    silent = found.beaconing_score < 1 and not found.blocked
    if attempts < MIN_CONNECTIONS or given.hourly_buckets < MIN_HOURS or silent:
        said.append(
            f"below the detection's thresholds ({MIN_CONNECTIONS} connections in {MIN_HOURS} hours and a score of 1): "
            "judged all the same"
        )
    if given.beaconing_score not in (None, found.beaconing_score):
        said.append(f"beaconing_score: {given.beaconing_score} was given, these columns make {found.beaconing_score}")
    return tuple(said)


def _total(given: Columns, attempts: int) -> int | None:
    """Bytes in both directions, from the sums or else from the average; None when neither is known."""
    if given.bytes_known is False:
        return None
    if given.total_bytes_sent is not None and given.total_bytes_rcvd is not None:
        return given.total_bytes_sent + given.total_bytes_rcvd
    return None if given.avg_bytes_per_conn is None else given.avg_bytes_per_conn * attempts


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in text.split(",") if part.strip()}))
