"""Runs to file: a few judged detections as one run, and the terms they are filed on."""

import itertools
from datetime import timedelta

from playbook.cases import approval_requests, audit, case_rows, repository
from playbook.cases.approval_requests import RequestPolicy
from playbook.cases.case_builder import file_cases
from playbook.cases.repository import Filing
from playbook.config import Limits
from playbook.model.detection import TimeWindow
from playbook.model.site import Networks
from playbook.response.guardrails import NeverBlockPolicy
from playbook.response.plan import ResponseCapabilities
from tests.support.builders import (
    DESTINATION,
    NOW,
    a_beacon,
    a_judged,
    a_record,
    a_run,
    a_verdict,
    an_enriched,
    at,
    said,
)

OTHER = "203.0.113.70"
MEANS = ResponseCapabilities(
    block_ttl_s=14400, isolate_ttl_s=28800, policy_version=1, barriers=NeverBlockPolicy(), offers={}
)
FILING = Filing(MEANS, RequestPolicy((3600, 14400, 86400), 24 * 3600, 1), Limits())
# Rung of the ladder -> what follows from it.
RUNG = {
    1: ("TRUE_POSITIVE", "proposed"),
    3: ("BENIGN_POSITIVE", "closed"),
    4: ("TRUE_POSITIVE", "proposed"),
    5: ("UNDETERMINED", "ticket"),
    6: ("UNDETERMINED", "watch"),
}
_NUMBERS = itertools.count(1)


def holder(host):
    """An inventory knows the host as a workstation that held the address all along, so one approver is enough."""
    return a_record(
        hostname=host,
        host_id=host,
        roles=("workstation",),
        address_periods=(TimeWindow(start=at(-24 * 30), end=at(24 * 365)),),
    )


def judged(rung, host="ws-31", *, day=0, hour=23, number=0, dst_ip=DESTINATION, protected=(), **change):
    """A detection judged by this rung, last seen on that day and hour; ``number`` tells detections of a host apart."""
    disposition, status = RUNG[rung]
    verdict = a_verdict(disposition=disposition, status=status, rung=rung, reasons=(f"rung {rung}",))
    detection = a_beacon(
        detection_id=f"{host}-{number}",
        dst_ip=dst_ip,
        first_seen=at(24 * day + 1),
        last_seen=at(24 * day + hour),
        **change,
    )
    words = tuple(said(topic, about=dst_ip, role="destination") for topic in ("lists", "operator"))
    words += (said("host", holder(host), about=detection.src_ip),)
    enriched = an_enriched(*words, detection=detection, host=host)
    if protected:
        site = enriched.site.model_copy(
            update={"networks": Networks(lab=enriched.site.networks.lab, protected=protected)}
        )
        enriched = enriched.replaced(site=site)
    return a_judged().model_copy(update={"enriched": enriched, "verdict": verdict})


def run_of(*ones, **change):
    """A run that found these; every run has an identity of its own."""
    values = {"run_id": f"R-{next(_NUMBERS)}", "tickets": (), "cases": file_cases(ones, MEANS)} | change
    return a_run(**values)


def file(store, *ones, hours=0, requester="playbook", filing=FILING, **change):
    """File one run of these, so many hours after NOW."""
    with store.change() as conn:
        return repository.file_run(conn, run_of(*ones, **change), filing, NOW + timedelta(hours=hours), requester)


def rows(store):
    with store.reading() as conn:
        return case_rows.list_cases(conn)


def one_case(store):
    (row,) = rows(store)
    return row


def whole(store, case_id):
    with store.reading() as conn:
        return case_rows.case_of(conn, case_id)


def requests(store, state="waiting"):
    with store.reading() as conn:
        return approval_requests.list_requests(conn, state)


def kinds(store):
    with store.reading() as conn:
        return [line.kind for line in audit.lines(conn)]


def resolve(store, case_id, disposition="BENIGN_POSITIVE", hours=1):
    with store.change() as conn:
        return case_rows.resolve(conn, case_id, disposition, "anna", "looked", NOW + timedelta(hours=hours))
