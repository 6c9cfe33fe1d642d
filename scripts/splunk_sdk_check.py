"""Runs the vendor's own client (splunk-sdk) against our emulated splunkd, to show that it speaks the protocol.

Needs an environment of its own, as the product does not depend on the client:

    python -m venv /tmp/sdk && /tmp/sdk/bin/pip install splunk-sdk -e '.[remote]'
    /tmp/sdk/bin/python -m scripts.splunk_sdk_check
"""

import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from connectors.clients.splunk import decoding
from connectors.sources.splunk import mapping
from playbook.detections.beaconing import Event, Scope, score_events
from playbook.detections.languages import splunk
from tests.emulators.splunk import Behaviour, Server, running

try:
    from splunklib import binding, client, results
except ImportError:
    sys.exit("splunk-sdk is not installed here: see the top of this file")

START = 1_795_392_000.0
EVENTS = [
    Event(
        START + n * 300,
        "10.0.0.31",
        "203.0.113.66",
        6667,
        "cam-1",
        None,
        "tcp",
        1,
        215,
        197,
        412,
        process_name=("a", "b")[n % 2],
    )
    for n in range(288)
]
SCOPE = Scope(source="sdk", profile="seed")


def connected(url: str) -> Any:
    """The client, logged in with a user name and a password over plain loopback HTTP."""
    parts = urlsplit(url)
    return client.connect(
        host=parts.hostname,
        port=parts.port,
        scheme="http",
        username="svc",
        password="pw",
        retries=0,
    )


def same_detections(service: Any) -> bool:
    """Our own search, run by the client, gives rows that the connector scores as plain Python scores the events."""
    job = service.jobs.create(splunk.detection("raw"), earliest_time=START, latest_time=START + 86_400)
    while not job.is_done():
        time.sleep(0.01)
    reader = results.JSONResultsReader(job.results(output_mode="json", count=0))
    found, read = mapping.detections([decoding.cast(row) for row in reader if isinstance(row, dict)], SCOPE)
    job.cancel()
    return found == score_events(EVENTS, SCOPE) and len(found) == 1 and not read.rejected


def token_works(url: str) -> bool:
    """A bearer token is taken as well as a session."""
    parts = urlsplit(url)
    service = client.connect(host=parts.hostname, port=parts.port, scheme="http", splunkToken="token")
    return bool(service.info["version"])


def refused(service: Any) -> bool:
    """An unknown command is refused at creation, with the server's text."""
    try:
        service.jobs.create("search index=main | nosuchcmd")
    except binding.HTTPError as fault:
        return fault.status == 400 and "nosuchcmd" in str(fault)
    return False


def failed_job_looks_done(url: str) -> bool:
    """A failed search reads as done to the client, with 200 and no row: the trap our connector avoids."""
    service = connected(url)
    job = service.jobs.create("search index=main | head 1")
    while not job.is_done():
        time.sleep(0.01)
    reader = results.JSONResultsReader(job.results(output_mode="json"))
    return job["isFailed"] == "1" and not [row for row in reader if isinstance(row, dict)]


def last_message_wins(url: str) -> bool:
    """The client's reader gives only the last of several messages."""
    job = connected(url).jobs.create("search index=main | head 1")
    while not job.is_done():
        time.sleep(0.01)
    said = [
        row for row in results.JSONResultsReader(job.results(output_mode="json")) if isinstance(row, results.Message)
    ]
    return [message.type for message in said] == ["INFO"]


def empty_export(service: Any) -> bool:
    """A search that fails in export is an empty body with 200."""
    return not list(
        results.JSONResultsReader(service.jobs.export("search index=main | eval a=nosuchfunc(b)", output_mode="json"))
    )


def hundred_rows(url: str) -> bool:
    """Without a count the server gives a hundred rows."""
    job = connected(url).jobs.create(splunk.detection("raw"))
    while not job.is_done():
        time.sleep(0.01)
    return len([r for r in results.JSONResultsReader(job.results(output_mode="json")) if isinstance(r, dict)]) == 100


def main() -> int:
    """Print one line per check; 1 when one fails."""
    many = [{"hostname": "h", "dst_port": n} for n in range(250)]
    failing = Behaviour(states=(), final="FAILED", failed=True)
    talkative = Behaviour(states=(), page_messages=[("FATAL", "the search failed"), ("INFO", "all is well")])
    with (
        running(Server(EVENTS)) as url,
        running(Server(EVENTS, failing)) as bad,
        running(Server(EVENTS, talkative)) as loud,
        running(Server(rows=many)) as full,
    ):
        service = connected(url)
        checks: dict[str, Callable[[], bool]] = {
            "login, create, poll, results, cancel": lambda: same_detections(service),
            "bearer token": lambda: token_works(url),
            "unknown command": lambda: refused(service),
            "failed job looks done": lambda: failed_job_looks_done(bad),
            "last message wins": lambda: last_message_wins(loud),
            "empty export": lambda: empty_export(service),
            "hundred rows by default": lambda: hundred_rows(full),
        }
        outcomes = {name: check() for name, check in checks.items()}
    for name, good in outcomes.items():
        print(f"{'ok' if good else 'FAILED':7}{name}")
    return 0 if all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
