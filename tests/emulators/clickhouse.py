"""ClickHouse's HTTP interface in front of its own engine: what a server says of settings, errors and accounts."""

import base64
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.emulators.clickhouse_engine import Engine, EngineFault
from tests.emulators.site import Answer, Request, site

# Parameters of the interface itself; every other one is a setting, which the engine takes or refuses.
_OWN = ("database", "default_format", "query_id", "wait_end_of_query", "user", "password", "query", "compress")
_BAD_REQUEST = frozenset({6, 27, 36, 38, 41, 43, 44, 46, 53, 62, 386})
_NOT_FOUND = frozenset({47, 60, 81})
ACCOUNT = ("reader", "testword")


@dataclass
class Behaviour:
    """How a server differs from a sound one.

    ``late``: this error comes after the first rows, which only ``wait_end_of_query`` turns into a status of its own;
    ``error``: every query gets it; ``cut``: that many bytes of the body are missing; ``profile``: settings that the
    account's profile forces; ``kill_at``: the client dies with this insert (from 1).
    """

    late: str = ""
    error: str = ""
    cut: int = 0
    profile: dict[str, str] = field(default_factory=dict)
    kill_at: int = 0


class Server:
    """One server; ``seen`` are the requests, ``texts`` the queries."""

    def __init__(self, engine: Engine, behaviour: Behaviour | None = None, account: tuple[str, str] = ACCOUNT) -> None:
        self.engine, self.behaviour, self.account = engine, replace(behaviour or Behaviour()), account
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.inserts = 0

    @property
    def texts(self) -> list[str]:
        """The queries so far."""
        return [request.body.decode() for request in self.seen]

    def answer(self, request: Request) -> Answer:
        """What the server says to a query."""
        if request.method == "GET" and request.path == "/ping":
            return Answer(200, b"Ok.\n")
        if not self._proven(request):
            return self._fault("Code: 516. DB::Exception: reader: Authentication failed. (AUTHENTICATION_FAILED)")
        if self.behaviour.error:
            return self._fault(self.behaviour.error)
        settings = {name: v for name, v in request.query.items() if name not in _OWN and not name.startswith("param_")}
        params = {name[6:]: value for name, value in request.query.items() if name.startswith("param_")}
        form = request.query.get("default_format", "TabSeparated")
        try:
            text = self._statement(request)
            body = self.engine.run(text, {**settings, **self.behaviour.profile}, params, form)
        except EngineFault as fault:
            return self._fault(fault.text)
        if self.behaviour.late:
            if request.query.get("wait_end_of_query") == "1":
                return self._fault(self.behaviour.late)
            return Answer(200, body[: len(body) // 2] + b"\n" + self.behaviour.late.encode())
        return Answer(200, body[: len(body) - self.behaviour.cut], _headers(form))

    def _statement(self, request: Request) -> str:
        """The query of the URL, with the body as what it inserts; else the body itself."""
        text = request.query.get("query", "")
        if not text.endswith(" FORMAT Parquet"):
            return text or request.body.decode()
        self.inserts += 1
        if self.inserts == self.behaviour.kill_at:
            raise ConnectionAbortedError
        with tempfile.NamedTemporaryFile(suffix=".parquet", delete=False) as part:
            part.write(request.body)
        return text.removesuffix("FORMAT Parquet") + f"SELECT * FROM file('{part.name}', Parquet)"

    def _proven(self, request: Request) -> bool:
        pair = ":".join(self.account)
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        named = (request.headers.get("x-clickhouse-user"), request.headers.get("x-clickhouse-key"))
        return request.headers.get("authorization") == basic or named == self.account

    def _fault(self, text: str) -> Answer:
        code = EngineFault(text).code
        status = 400 if code in _BAD_REQUEST else 404 if code in _NOT_FOUND else {516: 403, 159: 408}.get(code, 500)
        return Answer(status, f"{text} (version 26.9.2.1)\n".encode(), {"X-ClickHouse-Exception-Code": str(code)})


def _headers(form: str) -> dict[str, str]:
    kind = "application/json; charset=UTF-8" if form.startswith("JSON") else "text/tab-separated-values; charset=UTF-8"
    return {"Content-Type": kind, "X-ClickHouse-Format": form, "X-ClickHouse-Timezone": "Etc/UTC"}


@contextmanager
def running(server: Server) -> Iterator[str]:
    """The server on a free loopback port; gives its URL."""
    with site(server) as url:
        yield url


def table(engine: Engine, name: str, columns: str, rows: Sequence[dict[str, Any]] = (), kind: str = "Memory") -> None:
    """A table of the engine, made anew with these rows."""
    database = name.rpartition(".")[0]
    if database:
        engine.run(f"CREATE DATABASE IF NOT EXISTS {database}")
    engine.run(f"DROP TABLE IF EXISTS {name}")
    engine.run(f"CREATE TABLE {name} ({columns}) ENGINE = {kind}")
    if rows:
        engine.insert(name, rows)
