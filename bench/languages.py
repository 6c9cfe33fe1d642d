"""The rendered Splunk and Sumo Logic texts, interpreted over the Zeek logs of public captures, against plain Python.

``python -m bench.languages`` prints one line a capture and fails when any text finds something else.
"""

import gzip
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.captures import DATA
from playbook.detections.beaconing import Event
from tests.interpreters.telemetry import HALF_HOUR_EAST, QUERIES, SUMO_QUERY, by_reference, by_splunk, by_sumo

# The interpreters are plain Python: a capture's first rows are enough to meet every column as it really comes.
MOST_ROWS = 30_000
_ABSENT = frozenset({"", "-", "(empty)"})


def events(path: Path) -> Iterator[Event]:
    """The connections of a Zeek TSV log, in whole milliseconds, as the queries give times back."""
    names: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if cells[0] == "#fields":
                names = cells[1:]
            elif not line.startswith("#"):
                yield event(dict(zip(names, cells, strict=False)))


def event(row: dict[str, str]) -> Event:
    """One row of it."""
    sent, received = (
        None if row.get(name, "-") in _ABSENT else int(row[name]) for name in ("orig_ip_bytes", "resp_ip_bytes")
    )
    return Event(
        round(float(row["ts"]), 3),
        row["id.orig_h"],
        row["id.resp_h"],
        int(row["id.resp_p"]),
        src_port=int(row["id.orig_p"]),
        proto=row["proto"],
        bytes_sent=sent,
        bytes_rcvd=received,
        bytes_total=None if sent is None or received is None else sent + received,
        service="" if row.get("service", "-") in _ABSENT else row["service"],
    )


def main() -> None:
    """Every capture with a Zeek TSV connection log."""
    paths = sorted((DATA / "zeek").glob("*/conn.log*.gz"))
    wrong = 0
    for path in paths:
        found = list(events(path))[:MOST_ROWS]
        began = time.process_time()
        wanted = {preset: by_reference(preset, found) for preset in ("cim", "raw")}
        said = {
            "splunk cim": by_splunk(QUERIES["cim"], "cim", found, HALF_HOUR_EAST) == wanted["cim"],
            "splunk raw": by_splunk(QUERIES["raw"], "raw", found) == wanted["raw"],
            "sumo cse": by_sumo(SUMO_QUERY, found) == wanted["cim"],
        }
        wrong += not all(said.values())
        words = ", ".join(f"{name} {'equal' if same else 'DIFFERENT'}" for name, same in said.items())
        print(
            f"{path.parent.name}: {len(found)} rows, {len(wanted['cim'].detections)} detections: {words}, "
            f"{time.process_time() - began:.1f} s of CPU",
            flush=True,
        )
    if wrong or not paths:
        sys.exit(f"{wrong} of {len(paths)} captures differ" if paths else f"no capture below {DATA / 'zeek'}")


if __name__ == "__main__":
    main()
