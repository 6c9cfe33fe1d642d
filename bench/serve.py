"""The service as people meet it: memory of ``serve`` idle and with many pending, and how long its pages take.

``python -m bench.serve [CASES]`` (default 10000, each of them waiting for an answer). A real ``serve`` over the packed
sample on loopback, its record a SQLite file on disk; the cases are copies of the sample's own.
"""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import requests

import playbook.sample
from bench.measuring import WORK, load, say
from playbook.cases import accounts, approval_requests
from playbook.cases.store import open_store
from playbook.cli._options import now

SMALL = ("200",)
PASSWORD = "correct horse battery"
TABLES = {
    "cases": ("case_id", "host"),
    "detections": ("case_id", "detection_id"),
    "requests": ("request_id", "case_id"),
    "plans": ("request_id", "digest", "plan_id", "case_id"),
}
ROUNDS = 60
LAST_S = 120.0


def prepared(folder: Path) -> tuple[Path, str]:
    """The sample's configuration in this folder, and the URL of its record with one account."""
    sample = Path(next(iter(playbook.sample.__path__)))
    shutil.copytree(sample, folder / "sample", ignore=shutil.ignore_patterns("__pycache__"))
    url = f"sqlite:///{folder}/state.db"
    text = re.sub(r"^url = .*$", f'url = "{url}"', (folder / "sample" / "serve.toml").read_text(), flags=re.MULTILINE)
    text = re.sub(r"^\[serve\]$", "[serve]\nrequests_per_minute = 100000", text, flags=re.MULTILINE)
    if "[serve]" not in text:
        text += "\n[serve]\nrequests_per_minute = 100000\n"
    (folder / "sample" / "serve.toml").write_text(text)
    store = open_store(url)
    with store.change() as conn:
        accounts.add(conn, "anna", "approver", PASSWORD, "bench", now())
    store.close()
    return folder / "sample" / "serve.toml", url


def rss(pid: int) -> float:
    """Resident memory in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def wait(so: Callable[[], bool], what: str) -> None:
    """Until it is so."""
    begun = time.monotonic()
    while not so():
        if time.monotonic() - begun > LAST_S:
            raise TimeoutError(what)
        time.sleep(0.2)


def waiting(url: str) -> int:
    """How many requests wait."""
    store = open_store(url, migrate=False)
    try:
        with store.reading() as conn:
            return approval_requests.pending_count(conn)
    finally:
        store.close()


def multiplied(file: Path, wanted: int) -> None:
    """Copies of every case that waits, with keys of their own, until ``wanted`` wait."""
    with sqlite3.connect(file, timeout=60) as conn:
        waits = "(SELECT case_id FROM requests WHERE state = 'waiting' AND case_id NOT LIKE '%~%')"
        (number,) = conn.execute(f"SELECT count(*) FROM {waits}").fetchone()
        (there,) = conn.execute("SELECT count(*) FROM requests WHERE state = 'waiting'").fetchone()
        for copy in range((wanted - there) // number):
            for table, keys in TABLES.items():
                columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
                values = ", ".join(f"{c} || '~{wanted}.{copy}'" if c in keys else c for c in columns)
                conn.execute(f"INSERT INTO {table} SELECT {values} FROM {table} WHERE case_id IN {waits}")


def latencies(base: str, paths: list[str]) -> None:
    """p50 and p95 of each page for somebody who is logged in."""
    session = requests.Session()
    form = session.get(f"{base}/login", timeout=30).text
    token = re.findall(r'name="csrf"[^>]*value="([^"]*)"', form)[-1]
    session.post(f"{base}/login", data={"name": "anna", "password": PASSWORD, "csrf": token, "next": "/"}, timeout=30)
    for path in paths:
        took = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            answer = session.get(base + path, timeout=60, allow_redirects=False)
            took.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code}")
        parts = quantiles(took, n=20)
        say(
            f"  {path.split('/C-')[0] + ('/ID' if '/C-' in path else ''):24} p50 {parts[9]:6.0f} ms   "
            f"p95 {parts[18]:6.0f} ms   {len(answer.content) / 1024:.0f} KiB"
        )


def main(arguments: list[str]) -> int:
    """Measure a service that is started here."""
    cases = int(arguments[0]) if arguments else 10_000
    say(load())
    WORK.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(dir=WORK) as made:
        config, url = prepared(Path(made))
        served = subprocess.Popen(
            [sys.executable, "-m", "playbook", "serve", "--config", str(config), "--port", str(port)],
            stderr=(Path(made) / "log").open("w"),
        )
        try:
            measured(served.pid, Path(made), url, f"http://127.0.0.1:{port}", cases)
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(60)
    return 0


def measured(pid: int, folder: Path, url: str, base: str, cases: int) -> None:
    """Memory and pages, while ever more waits."""
    wait(lambda: waiting(url) > 0, "the first run was not filed")
    time.sleep(35)
    say(f"serve after its first run over the sample, idle: {rss(pid):.0f} MiB")
    for number in sorted({min(1000, cases), cases}):
        multiplied(folder / "state.db", number)
        time.sleep(35)
        say(f"serve with {waiting(url)} pending, a sweep later: {rss(pid):.0f} MiB")
    with sqlite3.connect(folder / "state.db") as conn:
        case = conn.execute("SELECT case_id FROM cases WHERE status = 'proposed' ORDER BY host LIMIT 1").fetchone()[0]
    say(f"pages with {cases} cases, one reader:")
    latencies(
        base,
        [
            "/",
            "/cases",
            "/cases?offset=5000" if cases > 5000 else "/cases?offset=50",
            f"/cases/{case}",
            "/blocked",
            "/audit",
        ],
    )
    say(f"serve after that: {rss(pid):.0f} MiB")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1:]))
