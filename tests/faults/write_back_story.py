"""What became of two findings is told to the SIEM they came from, and anew after a person's word, in any process."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from playbook.cases import audit, case_rows, write_back_outbox
from playbook.cases.repository import file_run
from playbook.cases.store import Store
from playbook.cases.write_back import write_back
from playbook.model.detection import Finding
from tests.emulators.device import FolderSiem
from tests.faults.points import Points
from tests.support.builders import a_run
from tests.support.response_fixtures import FILING, Bench, a_bot

SIEM, CASE, DETECTION = "siem", "C-00000000001f", f"{31:064x}"
FINDINGS = ("F-1", "F-2")
TOLD = [f"{finding} {word}" for finding in FINDINGS for word in ("TRUE_POSITIVE", "FALSE_POSITIVE")]
# Longer than a writer that died holds its finding.
_LATER = timedelta(minutes=11)
_MOST_RUNS = 4


def told(command: dict[str, Any]) -> None:
    """The run is filed and told; a person says that the data was wrong, and that is told; it goes on where it was."""
    folder = Path(command["folder"])
    points = Points(folder, command.get("kill"))
    bench = Bench(folder, command["url"], hook=points)
    points.around_commits(bench.store.engine, "record")
    siem = FolderSiem(SIEM, folder, points)
    found = tuple(Finding(detection_id=DETECTION, finding_id=name, reference=name) for name in FINDINGS)
    run = a_run(a_bot(31), run_id="R-1", source=SIEM, findings=found)
    with bench.store.change() as conn:
        file_run(conn, run, FILING, bench.now)
    _tell(bench, siem)
    with bench.store.change() as conn:
        case_rows.resolve(conn, CASE, "FALSE_POSITIVE", "anna", "the log was of another network", bench.now, "data")
    _tell(bench, siem)
    points("end")


def _tell(bench: Bench, siem: FolderSiem) -> None:
    for _ in range(_MOST_RUNS):
        write_back(bench.store, siem, False, lambda: bench.now)
        bench.now += _LATER
        with bench.store.reading() as conn:
            if not write_back_outbox.pending_count(conn):
                return
    raise AssertionError("an outcome is still not written")


def written(store: Store) -> list[str]:
    """Each finding and disposition that the audit trail says is written, in order."""
    with store.reading() as conn:
        lines = [line for line in audit.lines(conn, limit=1000) if line.kind == "outcome written"]
    said = [json.loads(line.content) for line in lines]
    return [f"{one['finding']} {one['disposition']}" for one in said]
