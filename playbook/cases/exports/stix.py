"""A case as a STIX 2.1 bundle: what was observed, what indicates a bot and until when, what was done, and why.

Identities are UUIDs of version 5 over what an object is about, so that a case exported twice is the same objects; those
of cyber observables are made as STIX 2.1 (2.9) says. Everything carries TLP:AMBER, as the addresses are a site's own.
"""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any
from uuid import UUID, uuid5

import rfc8785

from playbook.cases.containments import ContainmentRecord
from playbook.cases.exports import CaseExport
from playbook.cases.exports._steps import pair, title
from playbook.model.case import JudgedDetection
from playbook.model.detection import Detection
from playbook.model.response import Step
from playbook.report.wording import Technique, case_techniques, technique_link, techniques

MEDIA_TYPE = "application/stix+json;version=2.1"
_OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # given by STIX 2.1
_OURS = UUID("c2d6f2a8-93a5-5d1c-8c0b-4b0f4d1f8a77")
_TLP_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"  # given by STIX 2.1
_TOOL_SINCE = "2026-01-01T00:00:00.000Z"
_CONFIDENCE = {"low": 15, "medium": 50, "high": 85}
_MOST = 999_999_999
Object = dict[str, Any]


def render(export: CaseExport) -> str:
    """The bundle, an object an identity, in a fixed order."""
    objects = {one["id"]: one for one in _objects(export)}
    bundle = {"type": "bundle", "id": _id("bundle", export.row.case_id), "objects": list(objects.values())}
    return json.dumps(bundle, indent=2) + "\n"


def _objects(export: CaseExport) -> list[Object]:
    tool = _identity("botnet-playbook", "system", _TOOL_SINCE, _TOOL_SINCE)
    host = _identity(f"{export.case.host}", "system", _time(export.row.opened_at), _time(export.row.updated_at))
    patterns = [_technique(one) for one in case_techniques(export.case)]
    made = [tool, host, *patterns]
    for judged in export.case.detections:
        made += _detected(export, judged, host["id"])
    made += [action for one in export.containments for action in _done(export, one)]
    about = [one["id"] for one in made if one["type"] not in ("relationship", "identity")]
    return [*made, _note(export, about)]


def _detected(export: CaseExport, judged: JudgedDetection, host: str) -> list[Object]:
    detection = judged.enriched.detection
    traffic, ends = _traffic(detection)
    observed = _ours(
        export,
        "observed-data",
        detection.detection_id,
        first_observed=_time(detection.first_seen),
        last_observed=_time(detection.last_seen),
        number_observed=min(max(detection.connections, detection.denied, 1), _MOST),
        object_refs=[*(end["id"] for end in ends), traffic["id"]],
    )
    made = [*ends, traffic, observed]
    if judged.verdict.disposition != "TRUE_POSITIVE":
        return made
    indicator = _indicator(export, judged)
    sighting = _ours(
        export,
        "sighting",
        detection.detection_id,
        first_seen=_time(detection.first_seen),
        last_seen=_time(detection.last_seen),
        count=observed["number_observed"],
        sighting_of_ref=indicator["id"],
        observed_data_refs=[observed["id"]],
        where_sighted_refs=[host],
    )
    shown = [_related(export, indicator["id"], "indicates", _technique_id(one)) for one in techniques(detection)]
    return [*made, indicator, sighting, *shown]


def _traffic(detection: Detection) -> tuple[Object, list[Object]]:
    """The network traffic and its two addresses."""
    ends = [_address(detection.src_ip), _address(detection.dst_ip)]
    transport = [one for one in detection.transports if one in ("tcp", "udp")][:1] or ["tcp"]
    fields = {
        "start": _plain_time(detection.first_seen),
        "end": _plain_time(detection.last_seen),
        "src_ref": ends[0]["id"],
        "dst_ref": ends[1]["id"],
        "dst_port": detection.dst_port,
        "protocols": [f"ipv{ip_address(detection.dst_ip).version}", *transport, *detection.services],
    }
    # The standard demands it where an end is told.
    known = {
        "is_active": False,
        "src_byte_count": detection.total_bytes_sent,
        "dst_byte_count": detection.total_bytes_rcvd,
    }
    counted = {name: value for name, value in known.items() if value is not None}
    return _observable("network-traffic", fields, counted), ends


def _address(text: str) -> Object:
    return _observable("ipv6-addr" if isinstance(ip_address(text), IPv6Address) else "ipv4-addr", {"value": text}, {})


def _observable(kind: str, contributing: Object, more: Object) -> Object:
    identity = uuid5(_OBSERVABLES, rfc8785.dumps(contributing).decode())
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{identity}"} | contributing | more


def _indicator(export: CaseExport, judged: JudgedDetection) -> Object:
    """What to look for. It is valid from the first connection until a containment about it ends, if there is one."""
    detection = judged.enriched.detection
    since, until = detection.first_seen, _until(export, detection)
    kind = _address(detection.dst_ip)["type"]
    about = f"network-traffic:dst_ref.type = '{kind}' AND network-traffic:dst_ref.value = '{detection.dst_ip}'"
    return _ours(
        export,
        "indicator",
        detection.detection_id,
        name=f"Botnet command and control: {detection.dst_ip} port {detection.dst_port}",
        description=" ".join(judged.verdict.reasons),
        indicator_types=["malicious-activity"],
        pattern=f"[{about} AND network-traffic:dst_port = {detection.dst_port}]",
        pattern_type="stix",
        valid_from=_time(since),
        confidence=_CONFIDENCE[judged.verdict.confidence],
        kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": "command-and-control"}],
        **({} if until is None or until <= since else {"valid_until": _time(until)}),
    )


def _until(export: CaseExport, detection: Detection) -> datetime | None:
    """The last end of what was done about this destination; of a plan not carried out, its TTL from the last row on."""
    ends = [
        one.until or one.created_at + timedelta(seconds=one.step.ttl_s)
        for one in export.containments
        if _concerns(one.step, detection)
    ]
    if not ends and export.case.plan:
        steps = [step for step in export.case.plan.steps if _concerns(step, detection)]
        ends = [export.row.last_seen + timedelta(seconds=step.ttl_s) for step in steps]
    return max(ends, default=None)


def _concerns(step: Step, detection: Detection) -> bool:
    _, destination, port = pair(step)
    return destination in ("", detection.dst_ip) and port in (None, detection.dst_port)


def _done(export: CaseExport, one: ContainmentRecord) -> list[Object]:
    """A course of action for each containment, and what it mitigates."""
    until = f" until {_time(one.until)}" if one.until else ""
    action = _ours(
        export,
        "course-of-action",
        one.key,
        name=title(one.step),
        description=f"{one.state}{until}; approved by {one.approved_by}; plan {one.digest}.",
    )
    mitigated = [
        _id("indicator", export.row.case_id, judged.enriched.detection.detection_id)
        for judged in export.case.detections
        if judged.verdict.disposition == "TRUE_POSITIVE" and _concerns(one.step, judged.enriched.detection)
    ]
    return [action, *(_related(export, action["id"], "mitigates", indicator) for indicator in mitigated)]


def _note(export: CaseExport, about: list[str]) -> Object:
    verdict = export.case.verdict
    said = [f"{verdict.disposition} ({verdict.confidence} confidence), case {export.row.status}.", *verdict.reasons]
    said += [f"Missing: {one}" for one in verdict.missing]
    if export.row.person_disposition:
        said.append(f"{export.row.person_by}: {export.row.person_disposition}. {export.row.person_reason}")
    references = [{"source_name": "botnet-playbook", "external_id": export.row.case_id}]
    if export.url:
        references[0]["url"] = export.url
    return _ours(
        export,
        "note",
        "verdict",
        abstract=f"Verdict of case {export.row.case_id} about {export.case.host}",
        content="\n".join(said),
        object_refs=about,
        external_references=references,
    )


def _technique(one: Technique) -> Object:
    """The technique as ATT&CK names it; whether it is seen or inferred is said in the description."""
    reference = {
        "source_name": "mitre-attack",
        "external_id": one.technique,
        "url": technique_link(one.technique),
    }
    return {
        "type": "attack-pattern",
        "spec_version": "2.1",
        "id": _technique_id(one),
        "created_by_ref": _id("identity", "botnet-playbook"),
        "created": _TOOL_SINCE,
        "modified": _TOOL_SINCE,
        "name": one.name,
        "external_references": [reference],
    }


def _technique_id(one: Technique) -> str:
    return _id("attack-pattern", one.technique)


def _identity(name: str, kind: str, created: str, modified: str) -> Object:
    made = {"type": "identity", "spec_version": "2.1", "id": _id("identity", name), "created": created}
    return made | {"modified": modified, "name": name, "identity_class": kind}


def _related(export: CaseExport, source: str, how: str, target: str) -> Object:
    fields = {"relationship_type": how, "source_ref": source, "target_ref": target}
    return _ours(export, "relationship", f"{source} {how} {target}", **fields)


def _ours(export: CaseExport, kind: str, about: str, **fields: Any) -> Object:
    """An object that this case made, dated by the record."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": _id(kind, export.row.case_id, about),
        "created_by_ref": _id("identity", "botnet-playbook"),
        "created": _time(export.row.opened_at),
        "modified": _time(export.row.updated_at),
        "object_marking_refs": [_TLP_AMBER],
    } | fields


def _id(kind: str, *about: str) -> str:
    return f"{kind}--{uuid5(_OURS, rfc8785.dumps([kind, *about]).decode())}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain_time(moment: datetime) -> str:
    """A time as other tools write it, so that the identity made of it is theirs: no fraction that is zero."""
    whole, dot, fraction = moment.astimezone(UTC).isoformat().removesuffix("+00:00").partition(".")
    return f"{whole}{dot}{fraction.rstrip('0')}Z"
