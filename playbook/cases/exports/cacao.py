"""A case as a CACAO 2.0 playbook: read the case, ask a person about exactly its plan, approve or deny, release.

Addresses, plan and digest are those of the record. Approving starts the steps, as at every other door; what was set
ends by its TTL, or when a person says so.
"""

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

from playbook.cases.exports import CaseExport
from playbook.cases.exports._cacao import PLACEHOLDER, Ask, Branch, Call, Frame, Object, Step, document, variable
from playbook.cases.exports._steps import pair, title
from playbook.model.response import Plan
from playbook.model.response import Step as PlanStep
from playbook.report import wording

MEDIA_TYPE = "application/json"
_SEVERITY = {"none": 0, "informational": 10, "low": 25, "medium": 50, "high": 75, "critical": 100}
_STORY_SINCE = "2026-01-01T00:00:00.000Z"
_READ = Call("Read the case", "get_case", {"case_id": "__case_id__:value"}, "analyze-collected-data")
_READ_AGAIN = _READ._replace(name="Read the case again")
_DECISION = Branch(
    "Was it approved?",
    "__approved__",
    (Call("Approve the plan", "approve_plan", {"plan_id": "__plan_id__:value", "digest": "__digest__:value"},
          "restrict-access"),),
    (Call("Deny the plan", "deny_plan", {"plan_id": "__plan_id__:value", "digest": "__digest__:value"},
          "step-sequence"),),
)  # fmt: skip


def render(export: CaseExport) -> str:
    """The playbook of this case. Without a plan it reads the case and tells a person what is to be done by hand."""
    return json.dumps(document(_frame(export), _steps(export)), indent=2) + "\n"


def story() -> Object:
    """The same without a case: file a detection of ours or of another product, then the road of every case."""
    row = {"alert": "__alert__:value", "sender": "__sender__:value"}
    frame = Frame(
        about="story",
        name="Botnet beaconing: from a detection to its release",
        description="Files a detection, has it measured and judged, and asks a person about exactly one plan.",
        created=_STORY_SINCE,
        modified=_STORY_SINCE,
        severity=75,
        variables={
            "__alert__": variable("string", None, external=True),
            "__sender__": variable("string", None, external=True),
            **{name: variable("string", None) for name in ("__case_id__", "__plan_id__", "__digest__")},
            "__approved__": variable("bool", None),
            "__release__": variable("bool", None),
        },
    )
    steps: tuple[Step, ...] = (
        Call("File the detection", "file_detection", row, "analyze-collected-data"),
        Ask(
            "Ask a person",
            "Read the answer of the step before: disposition, reasons, what is missing, the plan and its digest. Enter"
            " the case, the plan and the digest that you decide on, and true to approve it or false to deny it. Without"
            " a plan nothing is approved: enter false.",
            ("__case_id__", "__plan_id__", "__digest__", "__approved__"),
        ),
        _DECISION,
        _READ,
        Ask(
            "Release now?",
            "What is in force ends by its TTL, an isolation when a person says so. To end it now, release it on the"
            " page of the case.",
            ("__release__",),
        ),
        _READ_AGAIN,
    )
    return document(frame, steps)


def _frame(export: CaseExport) -> Frame:
    plan = export.case.plan
    place = urlsplit(export.url)
    variables = {
        "__case_id__": variable("string", export.row.case_id),
        "__host__": variable("string", export.case.host),
        **{f"__source_{n}__": _address(one) for n, one in enumerate(export.case.addresses, 1)},
        "__approved__": variable("bool", None),
        "__release__": variable("bool", None),
        "__approved_by__": variable("string", None),
    }
    if plan is not None:
        variables |= {"__plan_id__": variable("string", plan.plan_id), "__digest__": _digest(plan)}
    return Frame(
        about=export.row.case_id,
        name=f"Botnet beaconing: case {export.row.case_id}",
        description=f"{export.row.disposition} ({export.case.verdict.confidence} confidence). "
        + " ".join(export.case.verdict.reasons),
        created=_time(export.row.opened_at),
        modified=_time(export.row.updated_at),
        variables=variables,
        severity=_SEVERITY[wording.severity(export.case)],
        base=f"{place.scheme}://{place.netloc}" if place.netloc else PLACEHOLDER,
        case_url=export.url,
    )


def _steps(export: CaseExport) -> tuple[Step, ...]:
    plan, by_hand = export.case.plan, export.case.by_hand
    if plan is None:
        said = "\n".join(by_hand) or "No plan is proposed. Read the reasons and close the case, or leave it open."
        return (_READ, Ask("Tell a person", f"{_verdict(export)}\n{said}", ("__release__",)))
    steps = "\n".join(f"- {title(step)}, for {step.ttl_s} s" for step in plan.steps)
    named = f"Plan {plan.plan_id}, digest {plan.digest}:"
    asked = f"{_verdict(export)}\n{named}\n{steps}\nApprove it (true) or deny it (false)?"
    over = "What is in force ends by its TTL. Release it now (true, and who says so) or leave it (false)?"
    return (
        _READ,
        Ask("Ask a person", asked, ("__approved__",)),
        _DECISION,
        _READ_AGAIN,
        Ask("Release now?", over, ("__release__", "__approved_by__")),
        Branch("Is it to be released?", "__release__", tuple(map(_release, plan.steps))),
        _READ_AGAIN._replace(name="Read what became of it"),
    )


def _verdict(export: CaseExport) -> str:
    verdict = export.case.verdict
    lines = [f"{export.case.host}: {verdict.disposition}, {verdict.confidence} confidence.", *verdict.reasons]
    return "\n".join([*lines, *(f"Missing: {one}" for one in verdict.missing)])


def _release(step: PlanStep) -> Call:
    source, destination, port = pair(step)
    kind = step.kind.partition("_")[2]
    targets: dict[str, Object] = {
        "pair": {"src_ip": source, "dst_ip": destination, "dst_port": port},
        "host": {"host_id": source},
    }
    target = targets.get(kind, {kind: destination})
    allowed = {"plan_id": "__plan_id__:value", "digest": "__digest__:value", "approved_by": "__approved_by__:value"}
    return Call(f"Release: {title(step)}", f"release_{kind}", allowed | target, "revert-system")


def _digest(plan: Plan) -> Object:
    return variable("sha256-hash", plan.digest)


def _address(text: str) -> Object:
    return variable("ipv6-addr" if ":" in text else "ipv4-addr", text)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
