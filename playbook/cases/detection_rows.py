"""Writes the detections of a case and what was judged of each."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from playbook.cases.schema import detections
from playbook.model.case import JudgedDetection


def write_detections(
    conn: sa.Connection, case_id: str, judged: Sequence[JudgedDetection], run_id: str, now: datetime
) -> None:
    """Replace the recorded detections of a case by ``judged``."""
    conn.execute(detections.delete().where(detections.c.case_id == case_id))
    conn.execute(
        detections.insert(),
        [
            {
                "case_id": case_id,
                "detection_id": d.detection_id,
                "place": place,
                "src_ip": d.src_ip,
                "dst_ip": d.dst_ip,
                "dst_port": d.dst_port,
                "dst_name": destination_name(one),
                "disposition": one.verdict.disposition,
                "status": one.verdict.status,
                "first_seen": d.first_seen,
                "last_seen": d.last_seen,
                "updated_at": now,
                "run_id": run_id,
                "document": one.model_dump_json(),
            }
            for place, one in enumerate(judged)
            for d in (one.enriched.detection,)
        ],
    )


def destination_name(judged: JudgedDetection) -> str:
    """The name behind a detection's destination: one that our resolver answered first, else one the host claims."""
    traffic = judged.enriched.traffic
    names = traffic.names if traffic is not None and traffic.names is not None else ()
    return next((one.name for one in sorted(names, key=lambda one: not one.backed)), "")[:255]
