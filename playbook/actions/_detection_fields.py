"""The flat columns of a detection, as fetch_detections gives them and judge_detection takes them back."""

from typing import Annotated

from pydantic import AfterValidator

from playbook.actions import Flat, slot
from playbook.alerts.rescoring import detection_of as detection_of
from playbook.alerts.rescoring import moment as moment
from playbook.detections.beaconing import row
from playbook.model.address import parse
from playbook.model.detection import Detection
from playbook.report.wording import RULE_CONFIDENCE, RULE_SEVERITY, technique_lines

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
    rule_severity: str = slot(
        "Severity of the detection rule; not read when judging", "", example="high", max_length=32
    )
    rule_confidence: str = slot(
        "Confidence of the detection rule; not read when judging", "", example="medium", max_length=32
    )
    techniques: str = slot(
        "ATT&CK techniques, one a line: identifier, name, tactic, observed or inferred, link; not read when judging",
        "",
        max_length=2 * _TEXT_MOST,
    )


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
        rule_severity=RULE_SEVERITY,
        rule_confidence=RULE_CONFIDENCE,
        techniques="\n".join(technique_lines(detection)),
    )
