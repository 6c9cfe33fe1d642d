"""Notables of one correlation search: those with our columns become detections, all that match are tied to one."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from connectors.clients.splunk import decoding
from connectors.clients.splunk.decoding import Row
from connectors.clients.splunk.search_job import SearchAnswer
from connectors.sources._siem.coverage import Read, read
from connectors.sources.splunk import mapping
from playbook.detections.beaconing import Scope, moment, score
from playbook.detections.languages.splunk import escaping
from playbook.model import Value
from playbook.model.detection import Detection, TimeWindow
from playbook.model.detection import Finding as Found

# Our column, and what notables call it (Common Information Model), best first.
_ALIASES = {
    "hostname": ("hostname", "src_host", "src_dns"),
    "src_ip": ("src_ip", "src"),
    "dst_ip": ("dst_ip", "dest_ip", "dest"),
    "dst_port": ("dst_port", "dest_port"),
    "first_ms": ("first_ms",),
    "last_ms": ("last_ms",),
}
_COUNTS = (
    "connections",
    "hourly_buckets",
    "row_count",
    "sent_known",
    "rcvd_known",
    "total_known",
    "total_bytes_sent",
    "total_bytes_rcvd",
    "total_bytes",
    "denied",
    "denied_hours",
    "processes",
    "protos",
    "services",
)
_TIMES = {"first_ms": "first_seen", "last_ms": "last_seen"}
_STATE = ("event_id", "finding_s", "status", "disposition", "comment")


class NotableFinding(Value):
    """One notable: its id, when it was written, and the tuple that it speaks of."""

    event_id: str = Field(min_length=1, max_length=300)
    written: AwareDatetime
    hostname: str = ""
    src_ip: str
    dst_ip: str
    dst_port: int


class Noted(NamedTuple):
    """What the notables gave beyond the search: detections, which of them came with which, and what is to be said."""

    detections: tuple[Detection, ...] = ()
    findings: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: str = ""


def search(rule_name: str) -> str:
    """The search for the notables of a rule, newest first. Raises Unquotable for a name that cannot be quoted."""
    rule = escaping.literal(rule_name)
    names = " OR ".join(f'coalesce({name}, "")={rule}' for name in ("rule_name", "search_name", "source"))
    return _text(names)


def search_one(event_id: str) -> str:
    """The search for one notable as it stands now. Raises Unquotable for an id that cannot be quoted."""
    return _text(f'coalesce(event_id, "")={escaping.literal(event_id)}')


def search_reviews(event_id: str) -> str:
    """The search for every comment that a notable ever got, from the log of reviews."""
    wanted = escaping.literal(event_id)
    return f"| inputlookup incident_review_lookup\n| where rule_id={wanted}\n| stats values(comment) AS comment"


def _text(condition: str) -> str:
    names = dict.fromkeys(name for several in _ALIASES.values() for name in several)
    columns = " ".join((*_STATE, *names, *_TIMES.values(), *_COUNTS))
    return f"search `notable`\n| where {condition}\n| eval finding_s=_time\n| sort 0 -finding_s\n| table {columns}"


def noted(answer: SearchAnswer, found: Sequence[Detection], scope: Scope, window: TimeWindow) -> Noted:
    """Tie each notable to a detection of the search; one that matches none is scored by its own counts if it has them.

    The newest notable of a tuple speaks for it. What names no tuple, or only a tuple without counts that the search
    did not find, is counted in a warning.
    """
    known: dict[tuple[str, str, int], list[Detection]] = defaultdict(list)
    for detection in found:
        known[detection.src_ip, detection.dst_ip, detection.dst_port].append(detection)
    made: list[Detection] = []
    findings: list[Found] = []
    readable = read(answer.rows, _finding_and_row)
    unmatched = 0
    for finding, row in readable.values:
        alike = known[finding.src_ip, finding.dst_ip, finding.dst_port]
        tied = [d for d in alike if finding.hostname in ("", d.hostname)]
        if not tied and (scored := _scored(row, scope, window)) is not None:
            made.append(scored)
            alike.append(scored)
            tied = [scored]
        unmatched += not tied
        findings += [_found(detection, finding) for detection in tied]
    return Noted(
        tuple(made),
        tuple(findings),
        (*answer.warnings, *_said(readable, unmatched)),
        answer.truncated,
    )


def _found(detection: Detection, finding: NotableFinding) -> Found:
    return Found(detection_id=detection.detection_id, finding_id=finding.event_id, reference=finding.model_dump_json())


def _said(found: Read[object], unmatched: int) -> tuple[str, ...]:
    said = []
    if found.rejected:
        said.append(f"{found.rejected} notables name no tuple of addresses and port: {'; '.join(found.examples)}")
    if unmatched:
        said.append(f"{unmatched} notables name a tuple that the search did not find and whose counts do not fire")
    return tuple(said)


def _finding_and_row(row: Row) -> tuple[NotableFinding, Row]:
    return _finding(row), row


def _finding(row: Row) -> NotableFinding:
    hostname, src_ip, dst_ip, dst_port = mapping.key(_ours(row))
    return NotableFinding(
        event_id=decoding.text(row, "event_id"),
        written=moment(float(decoding.number(row, "finding_s"))),
        hostname=hostname,
        src_ip=src_ip,
        dst_ip=dst_ip,
        dst_port=dst_port,
    )


def _scored(row: Row, scope: Scope, window: TimeWindow) -> Detection | None:
    """The detection that the notable's own counts make, unless its traffic ended before the window."""
    try:
        detection = score(mapping.aggregate(_ours(row)), scope)
    except ValueError:
        return None
    return detection if detection is not None and detection.last_seen >= window.start else None


def _ours(row: Row) -> Row:
    """The row under our column names; counts that a notable never carries are 0, which means bytes unknown."""
    made = {ours: next((row[name] for name in names if row.get(name)), ()) for ours, names in _ALIASES.items()}
    made |= {name: row.get(name, ()) for name in _COUNTS}
    for ours, theirs in _TIMES.items():
        made[ours] = made[ours] or _as_milliseconds(row, theirs)
    made["row_count"] = made["row_count"] or ("0",)
    return made


def _as_milliseconds(row: Row, name: str) -> tuple[str, ...]:
    """``first_seen`` or ``last_seen`` of a notable, epoch seconds or text (UTC unless it says so), in milliseconds."""
    value = decoding.text(row, name)
    try:
        return (str(int(decoding.number(row, name) * 1000)),)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return ()
    return (str(int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)),)
