"""Runs the vendor's own client (sumologic-sdk) against our emulated tenants, to show that they speak the protocol.

Needs an environment of its own, as the product does not depend on the client:

    python -m venv /tmp/sdk && /tmp/sdk/bin/pip install sumologic-sdk -e .
    /tmp/sdk/bin/python -m scripts.sumo_sdk_check
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import requests

from connectors.sources.sumologic import decoding, mapping
from connectors.sources.sumologic_cse.normalize import connections
from connectors.sources.sumologic_cse.schemas import Insight, Signal
from playbook.detections.beaconing import Event, Scope, score_events
from playbook.detections.languages import sumo
from tests.emulators import cse, cse_objects, sumo_records
from tests.emulators import sumo as emulated

try:
    from sumologic import SumoLogic
except ImportError:
    sys.exit("sumologic-sdk is not installed here: see the top of this file")

START = 1_795_392_000
EVENTS = [sumo_records.Event(START + n * 300, "10.0.0.31", "203.0.113.66", 6667, "cam-1", 215, 197) for n in range(288)]
TOLD = [Event(e.start, e.src_ip, e.dst_ip, e.dst_port, e.hostname, None, "tcp", 1, 215, 197, 412) for e in EVENTS]
SCOPE = Scope(source="sdk", profile="seed")
DAY_MS = (START * 1000, (START + 86_400) * 1000)


def connected(url: str) -> Any:
    """The client with an access id and key over plain loopback HTTP."""
    return SumoLogic("suTESTid", "testkey", endpoint=url + "/api")


def done(client: Any, query: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job and its last status, polled until it is over."""
    job = client.search_job(query, *DAY_MS)
    status = client.search_job_status(job)
    while not status["state"].startswith(("DONE GATHERING RESULTS", "CANCELLED", "FORCE")):
        time.sleep(0.01)
        status = client.search_job_status(job)
    return job, status


def same_detections(url: str) -> bool:
    """Our own query, run by the client, gives records that the connector scores as plain Python scores the events."""
    client = connected(url)
    job, _ = done(client, sumo.detection("seed"))
    page = client.search_job_records(job, limit=10_000, offset=0)
    found, read = mapping.detections([decoding.folded(row["map"], "sdk") for row in page["records"]], SCOPE)
    return found == score_events(TOLD, SCOPE) and len(found) == 1 and not read.rejected


def deleted(url: str) -> bool:
    """A job that was deleted is gone."""
    client = connected(url)
    job, _ = done(client, sumo.detection("seed"))
    return client.delete_search_job(job).status_code == 200 and failed(lambda: client.search_job_status(job), 404)


def failed(attempt: Callable[[], Any], status: int) -> bool:
    """Whether the client raises this status."""
    try:
        attempt()
    except requests.HTTPError as fault:
        return fault.response.status_code == status
    return False


def no_limit(url: str) -> bool:
    """Records without a limit are refused: the client sends none by itself."""
    client = connected(url)
    job, _ = done(client, sumo.detection("seed"))
    return failed(lambda: client.search_job_records(job), 400)


def one_jar(url: str) -> bool:
    """Two jobs of one client share a cookie jar, so that the first one is lost: why ours have a jar each."""
    client = connected(url)
    first, _ = done(client, sumo.detection("seed"))
    done(client, sumo.detection("seed"))
    return failed(lambda: client.search_job_status(first), 404)


def failed_job_looks_done(url: str) -> bool:
    """A search with errors is done with no record, and the client says nothing: the trap our connector avoids."""
    client = connected(url)
    job, status = done(client, sumo.detection("seed"))
    return status["pendingErrors"] == ["no such field"] and not client.search_job_records(job, 100)["records"]


def limited(url: str) -> bool:
    """A rate limit on create reaches the caller at once."""
    return failed(lambda: connected(url).search_job(sumo.detection("seed"), *DAY_MS), 429)


def signals_paged(url: str) -> bool:
    """Signals by the client's plain calls, page by page, score as the events do."""
    client, found, offset = connected(url), [], 0
    while True:
        data = client.get("/sec/v1/signals", {"q": QUERY, "offset": offset, "limit": 20}).json()["data"]
        found += [Signal.model_validate(one) for one in data["objects"]]
        offset += len(data["objects"])
        if not data["hasNextPage"]:
            break
    read = connections(found, ("NetworkFlow",))
    return len(found) == 29 and score_events(read.events, SCOPE) == score_events(TOLD, SCOPE)


def insight_answered(url: str) -> bool:
    """Comment, tag and status by the client's plain calls."""
    client, path = connected(url), "/sec/v1/insights/i-1"
    (listed,) = client.get("/sec/v1/insights/all", {"q": QUERY}).json()["data"]["objects"]
    client.post(f"{path}/comments", {"body": "hello"})
    client.post(f"{path}/tags", {"tagName": "seen"})
    client.put(f"{path}/status", {"status": "closed", "resolution": "False Positive"})
    now = Insight.model_validate(client.get(path).json()["data"])
    comments = client.get(f"{path}/comments").json()["data"]["comments"]
    return listed["id"] == "i-1" and (now.status, now.resolution, now.tags, len(comments)) == (
        "closed",
        "False Positive",
        ["seen"],
        1,
    )


QUERY = "created:2026-11-23T00:00:00+00:00..2026-11-24T12:00:00+00:00"


def siem() -> cse.Tenant:
    """A tenant whose signals hold the events, ten each, with one insight over them."""
    signals = cse_objects.signals_of(TOLD, START + 80_000, each=10)
    return cse.Tenant(signals, [cse_objects.insight_of("i-1", ["s-0000"], START + 80_000)])


def main() -> int:
    """Print one line per check; 1 when one fails."""
    failing = emulated.Behaviour(states=(), errors={1: ["no such field"]})
    busy = emulated.Behaviour(statuses={1: (429, {})})
    with (
        emulated.running(emulated.Tenant(EVENTS)) as url,
        cse.running(siem()) as siem_url,
        emulated.running(emulated.Tenant((), failing)) as bad,
        emulated.running(emulated.Tenant(EVENTS, busy)) as full,
    ):
        checks: dict[str, Callable[[], bool]] = {
            "create, poll, records": lambda: same_detections(url),
            "delete": lambda: deleted(url),
            "no limit is refused": lambda: no_limit(url),
            "one jar loses a job": lambda: one_jar(url),
            "failed job looks done": lambda: failed_job_looks_done(bad),
            "limit on create": lambda: limited(full),
            "Cloud SIEM: signals by page": lambda: signals_paged(siem_url),
            "Cloud SIEM: comment, tag, status": lambda: insight_answered(siem_url),
        }
        outcomes = {name: check() for name, check in checks.items()}
    for name, good in outcomes.items():
        print(f"{'ok' if good else 'FAILED':7}{name}")
    return 0 if all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
