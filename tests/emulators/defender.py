"""Microsoft's log-in and hunting API on loopback, from documentation; the posted Kusto text is run, not recognised.

Rows of the tables are what a sensor reports; the interpreter is duckdb-kql, another maker's.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import duckdb
import duckdb_kql

from tests.emulators.site import Answer, Request, site

Body = dict[str, Any]
TENANT, CLIENT = "acme.example", "00000000-1111-2222-3333-444444444444"
_TABLES = {
    "DeviceNetworkEvents": "Timestamp TIMESTAMP, ActionType VARCHAR, DeviceName VARCHAR, RemoteIP VARCHAR,"
    " RemotePort INTEGER, InitiatingProcessFolderPath VARCHAR, InitiatingProcessFileName VARCHAR,"
    " InitiatingProcessSHA1 VARCHAR, InitiatingProcessSHA256 VARCHAR, InitiatingProcessCommandLine VARCHAR",
    "DeviceFileCertificateInfo": "SHA1 VARCHAR, IsSigned BOOLEAN, IsTrusted BOOLEAN, Signer VARCHAR",
}


def connection(when: str, host: str, remote: str, port: int, path: str, sha1: str = "", **change: Any) -> Body:
    """One row of DeviceNetworkEvents."""
    return {
        "Timestamp": when,
        "ActionType": "ConnectionSuccess",
        "DeviceName": host,
        "RemoteIP": remote,
        "RemotePort": port,
        "InitiatingProcessFolderPath": path,
        "InitiatingProcessFileName": path.rpartition("\\")[2],
        "InitiatingProcessSHA1": sha1,
        "InitiatingProcessSHA256": (sha1 * 64)[:64],
        "InitiatingProcessCommandLine": path,
    } | change


class Graph:
    """One tenant. ``quota`` and ``refused`` are what the next query gets instead of rows; ``ended`` tokens get 401."""

    def __init__(
        self, secret: str, token: str, connections: list[Body], certificates: list[Body] | None = None
    ) -> None:
        self.secret, self.token = secret, token
        self.rows = {"DeviceNetworkEvents": connections, "DeviceFileCertificateInfo": certificates or []}
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.queries: list[str] = []
        self.instead: Answer | None = None
        self.ended = 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            form = request.form
            assert form["grant_type"] == "client_credentials" and form["scope"].endswith("/.default")
            if (form["client_id"], form["client_secret"]) != (CLIENT, self.secret):
                return Answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret"})
            return Answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": self.token})
        if self.ended or request.headers.get("authorization") != f"Bearer {self.token}":
            self.ended = max(0, self.ended - 1)
            return Answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime invalid"}})
        if request.path != "/v1.0/security/runHuntingQuery":
            return Answer(404, {"error": {"code": "UnknownError", "message": ""}})
        if self.instead:
            return self.instead
        self.queries.append(request.json()["Query"])
        try:
            return Answer(200, {"schema": [], "results": self._run(self.queries[-1])})
        except (duckdb.Error, duckdb_kql.errors.KqlError) as fault:
            return Answer(400, {"error": {"code": "BadRequest", "message": str(fault)[:200]}})

    def _run(self, text: str) -> list[Body]:
        with duckdb_kql.connect() as tables:
            for name, columns in _TABLES.items():
                tables.execute(f"CREATE TABLE {name} ({columns})")
                for row in self.rows[name]:
                    marks = ", ".join("?" * len(row))
                    tables.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
            done = duckdb_kql.kql(tables, text)
            return [dict(zip(done.columns, map(_told, row), strict=True)) for row in done.fetchall()]


def _told(cell: Any) -> Any:
    return cell.isoformat() + "Z" if hasattr(cell, "isoformat") else cell


def serving(graph: Graph) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(graph)
