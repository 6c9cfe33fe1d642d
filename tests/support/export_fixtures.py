"""A recorded case as exports see it: a conviction, an open question and a benign pair, with three containments."""

from typing import Any

from playbook.cases.case_rows import CaseRow
from playbook.cases.containments import ContainmentRecord
from playbook.cases.exports import CaseExport
from playbook.model.case import Case, JudgedDetection
from playbook.model.response import Step
from tests.support.builders import a_case, a_detection, a_judged, a_verdict, at

PAIR = "10.20.0.31>203.0.113.66:6667"


def a_row(case: Case, **change: Any) -> CaseRow:
    """The row of a case that was opened at six and changed at seven."""
    values: dict[str, Any] = {
        "case_id": case.case_id,
        "host": case.host,
        "status": case.status,
        "disposition": case.verdict.disposition,
        "confidence": case.verdict.confidence,
        "first_seen": min(one.enriched.detection.first_seen for one in case.detections),
        "last_seen": max(one.enriched.detection.last_seen for one in case.detections),
        "opened_at": at(6),
        "updated_at": at(7),
    }
    return CaseRow(**(values | change))


def a_containment(**change: Any) -> ContainmentRecord:
    """A block of the bot's pair, in force for four hours from seven."""
    values: dict[str, Any] = {
        "key": "K-0123456789abcdef",
        "case_id": "C-0123456789ab",
        "request_id": "A-1",
        "digest": "ab" * 32,
        "step": Step(kind="block_pair", target=PAIR, scope="TCP 6667", ttl_s=4 * 3600, connector="edge"),
        "state": "active",
        "round": 1,
        "until": at(11),
        "created_at": at(7),
        "updated_at": at(7),
        "approved_by": "anna",
    }
    return ContainmentRecord(**(values | change))


def of_disposition(disposition: str, confidence: str = "medium", **detection: Any) -> JudgedDetection:
    """A detection with such a verdict."""
    verdict = a_verdict(disposition=disposition, confidence=confidence, reasons=(f"it is {disposition}",))
    return a_judged(a_detection(**detection), verdict)


def an_export(**change: Any) -> CaseExport:
    """A case of three detections, one over IPv6, with a block in force, one that is over and one that failed."""
    case = a_case(
        a_judged(),
        of_disposition("UNDETERMINED", detection_id="d2", dst_ip="2001:db8::66", dst_port=443, services=("ssl",)),
        of_disposition(
            "BENIGN_POSITIVE",
            detection_id="d3",
            dst_ip="198.51.100.7",
            dst_port=22,
            connections=0,
            denied=30,
            transports=(),
            hostname="",
            bytes_known=False,
            total_bytes_sent=None,
            total_bytes_rcvd=None,
        ),
    )
    isolate = Step(kind="isolate_host", target="edr-31", scope="the host", ttl_s=3600, connector="edr")
    address = Step(kind="block_address", target="203.0.113.66", scope="everywhere", ttl_s=3600, connector="edge")
    values: dict[str, Any] = {
        "case": case,
        "row": a_row(case, person_disposition="TRUE_POSITIVE", person_by="berta", person_reason="the owner said so"),
        "containments": (
            a_containment(),
            a_containment(key="K-2", step=isolate, state="failed", until=None, trouble="the sensor is offline"),
            a_containment(key="K-3", step=address, state="released", until=at(9), updated_at=at(9)),
        ),
        "url": "https://playbook.example/cases/C-0123456789ab",
    }
    return CaseExport(**(values | change))
