"""The cassette rules bite: each guard is shown a violation, and the recorded files are held to them."""

import base64
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from connectors.http import Credential, Transport
from tests.conftest import COLLECTED, PARTIAL
from tests.support.cassette_secrets import CANARY, canary, leaks, leaks_in
from tests.support.cassettes import FOLDER, CassetteFault, claimed, label_faults, orphans, playing
from tests.support.network_guard import NetworkBlocked, guarded

ROOT = Path(__file__).resolve().parents[1]

VENDOR = "https://api.vendor.example"
LABEL = "metadata: {origin: emulator, source: tests.test_cassettes, recorder: make record, date: '2026-11-24'}\n"


class _Echo(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"you": %s, "signed": "%s"}' % (asked, self.headers["Authorization"].encode())
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "session=abc")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def echoing(_public_url: str) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _ask(replay, *numbers: int) -> list[object]:
    url = replay.site(VENDOR, echoing)
    credential = Credential("VENDOR_TOKEN", replay.secret("VENDOR_TOKEN"))
    api = Transport(url, subject="vendor", credential=credential, clocks=replay.clocks)
    return [api.post("/ask", json={"n": n, "key": canary("VENDOR_TOKEN")}).json()["you"]["n"] for n in numbers]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "vendor" / "test_x.yaml"
    with playing(path, recording=True) as replay:
        assert _ask(replay, 1, 2) == [1, 2]
    return path


@pytest.mark.loopback
def test_a_recording_replays_in_any_order_without_a_socket(recorded: Path) -> None:
    with playing(recorded) as replay:
        assert _ask(replay, 2, 1) == [2, 1]


@pytest.mark.loopback
def test_a_recording_names_the_vendor_and_holds_no_secret(recorded: Path) -> None:
    text = recorded.read_text()
    assert VENDOR in text and "127.0.0.1" not in text and "Set-Cookie" not in text and CANARY not in text
    assert "<VENDOR_TOKEN>" in text and label_faults(recorded) == ()
    assert leaks(text) == ()
    # The emulator echoes the signing header: without the placeholder it would have been in the body.
    assert "Bearer <VENDOR_TOKEN>" in text


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ((1,), "1 of 2 recorded answers were not asked for"),
        ((), "2 of 2"),
        ((1, 2, 3), "is not in the cassette"),
        ((1, 2, 1), "is not in the cassette"),
    ],
)
def test_partly_unused_or_swallowed_misses_fail(recorded: Path, asked: tuple[int, ...], fault: str) -> None:
    with pytest.raises(CassetteFault, match=fault), playing(recorded) as replay:
        for n in asked:
            with suppress(Exception):  # what ipwhois does
                _ask(replay, n)


@pytest.mark.loopback
def test_a_second_thread_fails(recorded: Path) -> None:
    def ask() -> None:
        with suppress(Exception):
            _ask(replay, 1)

    with pytest.raises(CassetteFault, match="another thread"), playing(recorded) as replay:
        worker = threading.Thread(target=ask)
        worker.start()
        worker.join()
        _ask(replay, 1, 2)


def test_a_missing_cassette_fails(tmp_path: Path) -> None:
    with pytest.raises(CassetteFault, match="make record"), playing(tmp_path / "vendor" / "none.yaml"):
        pytest.fail("must not get here")


def test_a_test_that_sends_nothing_needs_no_cassette(tmp_path: Path) -> None:
    path = tmp_path / "test_y.yaml"
    path.write_text("version: 1\ninteractions: []\n" + LABEL)
    with pytest.raises(CassetteFault, match="nothing was sent"), playing(path):
        pass


def test_a_cassette_from_the_vendors_documentation_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "test_z.yaml"
    path.write_text("version: 1\ninteractions: []\n" + LABEL.replace("emulator", "vendor docs"))
    with pytest.raises(CassetteFault, match="kept"), playing(path, recording=True):
        pytest.fail("must not get here")
    assert path.exists()


@pytest.mark.loopback
def test_a_tenants_secret_and_name_stay_out_of_its_cassette(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "test_t.yaml"
    with echoing("") as tenant, playing(path, recording=True) as replay:
        monkeypatch.setenv("VENDOR_URL", tenant)
        monkeypatch.setenv("VENDOR_TOKEN", "the-real-thing-1234")
        url = replay.site(VENDOR, echoing, tenant_env="VENDOR_URL")
        api = Transport(url, subject="v", credential=Credential("VENDOR_TOKEN", replay.secret("VENDOR_TOKEN")))
        assert "the-real-thing-1234" in api.post("/ask", json={"at": tenant}).json()["signed"]
    text = path.read_text()
    assert "the-real-thing-1234" not in text and tenant not in text and "origin: tenant" in text
    assert leaks(text) == () and label_faults(path) == ()


@pytest.mark.parametrize("broken", ["origin: fake", "date: yesterday"])
def test_a_label_is_demanded(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "test_l.yaml"
    key = broken.partition(":")[0]
    path.write_text(f"version: 1\ninteractions: []\nmetadata: {{source: x, recorder: y, {broken}}}\n")
    assert any(key in fault for fault in label_faults(path))


@pytest.mark.parametrize(
    "planted",
    [
        CANARY,
        quote(CANARY, safe=""),
        *(base64.b64encode(b"usr:"[:n] + canary("K").encode()).decode() for n in range(4)),
        "Authorization: Bearer abcdefgh12345",
        "Basic dXNlcjpwYXNz",
        "AKIAABCDEFGHIJKLMNOP",
        "xoxb-123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xyz",
        "password=hunter2",
        '{"client_secret": "s3cr3t"}',
    ],
)
def test_a_planted_secret_is_found(planted: str) -> None:
    text = "version: 1\ninteractions:\n- request: {headers: {}, body: 'xx %s'}\n  response: {headers: {}}\n"
    assert leaks(text % planted.replace("'", "''"))
    assert not leaks(text % "nothing of the kind")


def test_a_secret_that_yaml_folds_over_two_lines_is_found() -> None:
    middle = len(CANARY) // 2
    folded = f'version: 1\ninteractions: []\nbody: "{CANARY[:middle]}\\\n  {CANARY[middle:]}"\n'
    assert CANARY not in folded and leaks(folded)


def test_a_header_outside_the_allow_list_is_found() -> None:
    text = "version: 1\ninteractions:\n- request: {headers: {Cookie: [x]}}\n  response: {headers: {Location: [%s]}}\n"
    assert leaks(text % ("/a" + "0" * 40)) == (
        "interactions.response.headers.Location: a long hexadecimal string in a header",
        "request: header cookie is not on the allow-list",
    )


def test_orphans_and_doubles_are_found(tmp_path: Path) -> None:
    used, lost = tmp_path / "p" / "a.yaml", tmp_path / "p" / "b.yaml"
    used.parent.mkdir()
    used.touch()
    lost.touch()
    assert orphans(tmp_path, (used, used)) == ("p/b.yaml: no test uses it", "p/a.yaml: more than one test uses it")


def test_recorded_cassettes_are_labelled_and_clean() -> None:
    assert leaks_in(FOLDER) == ()
    assert [(p.name, fault) for p in FOLDER.rglob("*.yaml") for fault in label_faults(p)] == []


def test_every_cassette_has_its_test(request: pytest.FixtureRequest) -> None:
    """Over what was collected before -m or -k chose from it; a run over a part of the files cannot know."""
    collected = request.config.stash[COLLECTED]
    if not set((ROOT / "tests" / "connectors").rglob("test_*.py")) <= {item.path for item in collected}:
        pytest.skip(PARTIAL)
    assert orphans(FOLDER, claimed(collected)) == ()


def test_the_search_for_orphans_runs_where_make_runs_the_suite() -> None:
    """With a choice by marker, and with a worker, whose own arguments name paths."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "1",
        "-p",
        "no:cacheprovider",
        "-c",
        "setup.cfg",
        "-rs",
        "-m",
        "not heavy",
        "-k",
        "test_every_cassette_has_its_test",
        "tests/connectors",
        "tests/test_cassettes.py",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "skipped" not in done.stdout, done.stdout


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "leave",
    [
        lambda: socket.getaddrinfo("vendor.example", 443),
        lambda: socket.gethostbyname("vendor.example"),
        lambda: socket.create_connection(("192.0.2.1", 443), timeout=0.1),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.53", 53)),
        lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(("2001:db8::1", 53)),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nothing_leaves_the_machine_even_when_swallowed(leave) -> None:
    with guarded() as attempts, pytest.raises(NetworkBlocked):
        leave()
    assert len(attempts) == 1
