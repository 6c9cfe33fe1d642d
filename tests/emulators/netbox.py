"""NetBox's REST API on loopback, from its source and manual (4.7): addresses, devices, virtual machines.

At its nastiest: an address that does not parse matches nothing and is no error, pages of 50, a ``next`` link to the
host that NetBox takes itself for, the same address in two VRFs, tokens of two generations.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs

from tests.emulators.site import Answer, Request, site

Body = dict[str, Any]
SINCE = "2026-01-05T08:00:00.123456Z"
_PATHS = {
    "/api/ipam/ip-addresses/": "addresses",
    "/api/dcim/devices/": "devices",
    "/api/virtualization/virtual-machines/": "machines",
}


def choice(value: str | None) -> Body | None:
    """A choice field as the API writes it."""
    return None if value is None else {"value": value, "label": value.title()}


def ip(number: int, address: str, device: int | None = None, machine: int | None = None, **change: Any) -> Body:
    """One IP address, on an interface of a device or a virtual machine."""
    kind = (
        None
        if device is None and machine is None
        else "dcim.interface"
        if machine is None
        else ("virtualization.vminterface")
    )
    owner = {"id": machine or device, "url": "https://netbox.internal/api/x/", "display": "x", "name": "x"}
    row = {
        "id": number,
        "url": f"https://netbox.internal/api/ipam/ip-addresses/{number}/",
        "display": address,
        "family": {"value": 4, "label": "IPv4"},
        "address": address,
        "vrf": None,
        "tenant": None,
        "status": choice("active"),
        "role": None,
        "assigned_object_type": kind,
        "assigned_object_id": number,
        "assigned_object": None
        if kind is None
        else {"id": number, "name": "eth0", "device" if machine is None else "virtual_machine": owner},
        "dns_name": "",
        "tags": [],
        "custom_fields": {},
        "created": SINCE,
        "last_updated": SINCE,
    }
    return row | change


def machine(number: int, name: str, role: str | None, **change: Any) -> Body:
    """One device or virtual machine."""
    row = {
        "id": number,
        "name": name,
        "role": None if role is None else {"id": 1, "name": role.title(), "slug": role},
        "tenant": {"id": 3, "name": "Storage team", "slug": "storage"},
        "site": {"id": 1, "name": "HQ", "slug": "hq"},
        "status": choice("active"),
        "tags": [],
        "custom_fields": {},
        "last_updated": SINCE,
    }
    return row | change


class NetBoxServer:
    """One instance; ``may_view`` false: the token has no rights, and every list is empty."""

    def __init__(
        self, token: str, addresses: list[Body], devices: list[Body], machines: list[Body] | None = None
    ) -> None:
        self.token = token
        self.rows = {"addresses": addresses, "devices": devices, "machines": machines or []}
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.may_view = True
        self.busy = 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        word = "Bearer" if self.token.startswith("nbt_") else "Token"
        if request.headers.get("authorization") != f"{word} {self.token}":
            return Answer(403, {"detail": "Invalid token"})
        if self.busy:
            self.busy -= 1
            return Answer(429, {"detail": "Request was throttled."}, {"Retry-After": "2"})
        if request.path == "/api/status/":
            return Answer(200, {"netbox-version": "4.7.3"})
        if request.path not in _PATHS:
            return Answer(404, {"detail": "Not found."})
        query = parse_qs(request.raw_query)
        rows = self.rows[_PATHS[request.path]] if self.may_view else []
        if "address" in query:
            wanted = {_parsed(text) for text in query["address"]} - {None}
            rows = [row for row in rows if _parsed(row["address"]) in wanted]
        if "id" in query:
            rows = [row for row in rows if str(row["id"]) in query["id"]]
        start, size = int(request.query.get("offset", "0")), min(int(request.query.get("limit", "50")), 1000)
        part = rows[start : start + size]
        more = None if start + size >= len(rows) else f"https://netbox.internal{request.path}?offset={start + size}"
        return Answer(200, {"count": len(rows), "next": more, "previous": None, "results": part})


def _parsed(text: str) -> Any:
    try:
        return ip_address(text.partition("/")[0])
    except ValueError:
        return None


def serving(server: NetBoxServer) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(server)
