"""Recorded HTTP for connector tests: one cassette per test, strict in replay, recorded from an emulator or a tenant.

Use (tests/connectors/test_PRODUCT.py; nothing to import, the fixture is ``cassette``):

    def test_fetch_pages(cassette):
        url = cassette.site("https://api.sumologic.com", serving)   # serving(public_url) -> context manager -> real URL
        key = cassette.secret("SUMO_ACCESS_KEY")                    # SecretStr with a canary; never a real value
        client = SumoLogic(Settings(base_url=url, ...), clocks=cassette.clocks)   # connectors.http.Clocks
        assert ...                                                        # cassette.slept lists the waits, in seconds

``make record`` (pytest --record [-k NAME]) starts the emulator, sends what goes to the vendor's host to it, and writes
tests/cassettes/PRODUCT/TEST.yaml under the vendor's name, with a label (origin, source, recorder, date). When
``site(..., tenant_env="SUMO_URL")`` names a set variable, the real tenant is recorded and ``secret`` reads the
variables of its names (read such a cassette before you commit it). A test fails if its cassette is missing,
unlabelled, partly unused, was asked something it does not hold (even if the code under test swallowed that), or was
asked from a second thread. Replay one thing at a time.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote_plus, urlsplit, urlunsplit

import pytest
import vcr
import yaml
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from vcr.errors import CannotOverwriteExistingCassetteException

import connectors
from connectors.http import Clocks
from tests.support.cassette_secrets import LOADER, allowed_headers, canary
from tests.support.network_guard import guarded

FOLDER = Path(__file__).resolve().parents[1] / "cassettes"
ORIGINS = ("emulator", "tenant", "vendor docs", "public capture")
MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "body")
Emulator = Callable[[str], AbstractContextManager[str]]


class CassetteFault(AssertionError):
    """A cassette was not used as the rules above demand; the message lists every fault."""


class Replay:
    """What the fixture gives to a test; see the top of this file."""

    def __init__(self, recording: bool, stack: ExitStack, recorder: str = "make record") -> None:
        self.recording = recording
        self.recorder = recorder
        self.slept: list[float] = []
        self.origins: set[tuple[str, str]] = set()
        self.misses: list[str] = []
        self._elapsed = 0.0
        self._stack = stack
        self._routes: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._thread = threading.get_ident()
        self.clocks = Clocks(self._sleep, lambda: self._elapsed)

    def site(self, vendor_url: str, emulator: Emulator, tenant_env: str = "") -> str:
        """``vendor_url``, which the client is to use; when recording, its host leads to the emulator or the tenant."""
        if self.recording:
            real = os.environ.get(tenant_env, "") if tenant_env else ""
            self.origins.add(("tenant", "a tenant") if real else ("emulator", emulator.__module__))
            real = real or self._stack.enter_context(emulator(vendor_url))
            self._routes[_origin(vendor_url)] = _origin(real)
        return vendor_url

    def secret(self, name: str) -> SecretStr:
        """The credential called ``name``: a canary, or the variable of that name when a tenant is recorded."""
        value = (os.environ.get(name) if self._tenant() else None) or canary(name)
        # As it is, and as a form carries it.
        self._secrets |= dict.fromkeys((value, quote_plus(value)), f"<{name}>")
        return SecretStr(value)

    def label(self) -> dict[str, str]:
        """Where a recording came from: a mixture is as good as its weakest part."""
        origin, source = min(self.origins, default=("", ""))
        return {"origin": origin, "source": source, "recorder": self.recorder, "date": date.today().isoformat()}

    def reachable(self) -> frozenset[str]:
        """Hosts beyond this machine that recording may reach: any, once a person chose a tenant."""
        return frozenset({"*"} if self._tenant() else ())

    def _tenant(self) -> bool:
        return self.recording and any(origin == "tenant" for origin, _ in self.origins)

    def request_as_stored(self, request: Any) -> Any:
        """A request as the cassette holds it, and as it is compared: vendor's host, allowed headers, no secret."""
        if threading.get_ident() != self._thread:
            self.misses.append(f"{request.method} {request.path} came from another thread")
            raise CassetteFault("a cassette serves one thread")
        for vendor, real in self._routes.items():
            if _origin(request.uri) == real:
                request.uri = vendor + request.uri[len(real) :]
        request.uri = self._neutral(request.uri.encode()).decode()
        if isinstance(request.body, bytes):
            request.body = self._neutral(request.body)
        request.headers = allowed_headers(request.headers)
        return request

    def response_as_stored(self, response: dict[str, Any]) -> dict[str, Any]:
        """A response as the cassette holds it."""
        headers = allowed_headers(response["headers"])
        return response | {"headers": headers, "body": {"string": self._neutral(response["body"]["string"] or b"")}}

    def send(self, original: Callable[..., Any], adapter: HTTPAdapter, request: Any, **options: Any) -> Any:
        """``HTTPAdapter.send`` while recording: the vendor's host leads to whatever stands for it."""
        real = self._routes.get(_origin(request.url))
        if real is None:
            return original(adapter, request, **options)
        routed = request.copy()
        routed.url = real + request.url[len(_origin(request.url)) :]
        answer = original(adapter, routed, **(options if self._tenant() else options | {"proxies": {}}))
        answer.url, answer.request = request.url, request
        return answer

    def _neutral(self, body: bytes) -> bytes:
        """``body`` with placeholders for secrets and the vendor's name for the place that was really asked."""
        real_names = {real: vendor for vendor, real in self._routes.items()}
        for real, neutral in {**self._secrets, **real_names}.items():
            body = body.replace(real.encode(), neutral.encode())
        return body

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._elapsed += seconds


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


@contextmanager
def _collected_misses(misses: list[str]) -> Iterator[None]:
    """Note every request that had no recording, even when the code under test swallows the error (ipwhois does)."""
    original = CannotOverwriteExistingCassetteException.__init__

    def noting(self: Any, *arguments: Any, **keywords: Any) -> None:
        request = keywords.get("failed_request")
        misses.append(f"{getattr(request, 'method', '?')} {getattr(request, 'uri', '?')} is not in the cassette")
        original(self, *arguments, **keywords)

    with mock.patch.object(CannotOverwriteExistingCassetteException, "__init__", noting):
        yield


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)


def label_faults(path: Path) -> tuple[str, ...]:
    """What is wrong with the label of the cassette at ``path``."""
    document = _read(path)
    label = document.get("metadata") or {}
    faults = [f"label lacks {key}" for key in ("source", "recorder", "date") if not label.get(key)]
    if label.get("origin") not in ORIGINS:
        faults.append(f"label: origin is {label.get('origin')!r}, expected one of {', '.join(ORIGINS)}")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(label.get("date", ""))):
        faults.append("label: date is not YYYY-MM-DD")
    return tuple(faults)


@contextmanager
def playing(path: Path, recording: bool = False) -> Iterator[Replay]:
    """Replay the cassette at ``path`` strictly, or record it. CassetteFault comes at the end, or at once if missing."""
    if not recording and not path.exists():
        raise CassetteFault(f"no cassette {path.name} in {path.parent.name}/: run `make record`")
    if recording:
        if path.exists() and _read(path).get("metadata", {}).get("origin") not in ORIGINS[:2]:
            raise CassetteFault(f"{path.name} was not recorded from an emulator or a tenant: it is kept")
        path.unlink(missing_ok=True)
    with ExitStack() as stack:
        replay = Replay(recording, stack)
        if recording:
            original = HTTPAdapter.send
            routed = lambda adapter, request, **options: replay.send(original, adapter, request, **options)  # noqa: E731
            stack.enter_context(mock.patch.object(HTTPAdapter, "send", routed))
        attempts = stack.enter_context(guarded(replay.reachable))
        stack.enter_context(_collected_misses(replay.misses))
        tape = stack.enter_context(
            vcr.use_cassette(
                str(path),
                record_mode="all" if recording else "none",
                match_on=MATCH_ON,
                decode_compressed_response=True,
                before_record_request=replay.request_as_stored,
                before_record_response=replay.response_as_stored,
            )
        )
        yield replay
        if recording:
            for key, value in replay.label().items():
                tape.get_metadata(key, value)
        faults = [*replay.misses, *(f"tried the network: {attempt}" for attempt in attempts)]
        if not len(tape):
            faults.append("nothing was sent: this needs no cassette")
        if not recording and not tape.all_played:
            faults.append(f"{len(tape) - len(tape.play_counts)} of {len(tape)} recorded answers were not asked for")
    faults += label_faults(path) if path.exists() else ()
    if faults:
        raise CassetteFault("; ".join(faults))


def cassette_path(item: pytest.Item) -> Path:
    """Where the cassette of a test lies: the connector its module is named after, then the test's name."""
    stem = item.path.stem.removeprefix("test_")
    names = [
        name
        for role in connectors.ROLES
        for name in connectors.catalogue(role)
        if stem == name or stem.startswith(f"{name}_")
    ]
    return FOLDER / max(names, key=len, default=stem) / (re.sub(r"[^\w.-]+", "-", item.name).strip("-") + ".yaml")


def claimed(items: list[pytest.Item]) -> tuple[Path, ...]:
    """The cassettes that the collected tests ask for, one entry per test."""
    return tuple(cassette_path(item) for item in items if "cassette" in getattr(item, "fixturenames", ()))


def orphans(folder: Path, wanted: tuple[Path, ...]) -> tuple[str, ...]:
    """Cassettes that no test asks for, and cassettes that two tests ask for."""
    lost = sorted(set(folder.rglob("*.yaml")) - set(wanted))
    shared = sorted({path for path in wanted if wanted.count(path) > 1})
    return tuple(
        [f"{path.parent.name}/{path.name}: no test uses it" for path in lost]
        + [f"{path.parent.name}/{path.name}: more than one test uses it" for path in shared]
    )
