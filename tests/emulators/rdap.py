"""A loopback RDAP server: bodies in the shapes of the five registries, and the ways in which a registry misbehaves."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import Any

Body = dict[str, Any]


def _card(name: str, kind: str, *more: list[Any]) -> list[Any]:
    return ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name], ["kind", {}, "text", kind], *more]]


def _frame(cidr: str, **fields: Any) -> Body:
    network = ip_network(cidr)
    return {
        "objectClassName": "ip network",
        "rdapConformance": ["rdap_level_0"],
        "ipVersion": f"v{network.version}",
        "startAddress": str(network[0]),
        "endAddress": str(network[-1]),
        "handle": f"{network[0]} - {network[-1]}",
        **fields,
    }


def arin(cidr: str, name: str = "EXAMPLE-NET") -> Body:
    """ARIN: no country, cidr0, the registrant nests its contacts, one of them a person."""
    network = ip_network(cidr)
    person = {
        "handle": "PERSO1-ARIN",
        "roles": ["noc", "abuse"],
        "objectClassName": "entity",
        "vcardArray": _card("Some Person", "individual", ["tel", {"type": ["work", "voice"]}, "text", "+1-555-0100"]),
    }
    owner = {
        "handle": "EXO-1",
        "roles": ["registrant"],
        "objectClassName": "entity",
        "entities": [person],
        "vcardArray": _card(f"{name} Holdings", "org", ["adr", {"label": "1 Main St\nSpringfield"}, "text", [""] * 7]),
    }
    return _frame(
        cidr,
        name=name,
        type="DIRECT ALLOCATION",
        status=["active"],
        parentHandle="NET-0-0-0-0-0",
        entities=[person, owner],
        port43="whois.arin.net",
        arin_originas0_originautnums=[64500],
        cidr0_cidrs=[{f"v{network.version}prefix": str(network[0]), "length": network.prefixlen}],
        events=[{"eventAction": "registration", "eventDate": "2014-01-02T03:04:05-05:00"}],
        notices=[
            {"title": "Terms of Service", "description": ["text"], "links": [{"href": "https://arin.example/tos"}]}
        ],
    )


def ripe(cidr: str, name: str = "EXAMPLE-RIPE") -> Body:
    """RIPE: a country, root entities without any vCard, adr with a label only."""
    bare = {"handle": "ORG-EX1-RIPE", "roles": ["registrant"], "objectClassName": "entity"}
    abuse = {
        "handle": "AR1-RIPE",
        "roles": ["abuse"],
        "objectClassName": "entity",
        "vcardArray": _card("Abuse Role", "group", ["adr", {"label": "Street 2\nTown"}, "text", None]),
    }
    return _frame(
        cidr,
        name=name,
        type="ASSIGNED PA",
        country="CH",
        entities=[bare, abuse],
        port43="whois.ripe.net",
        parentHandle="0.0.0.0 - 255.255.255.255",
        remarks=[{"description": ["a remark"]}],
        events=[{"eventAction": "last changed", "eventDate": "2020-01-01T00:00:00Z"}],
    )


def apnic(cidr: str, name: str = "EXAMPLE-AP") -> Body:
    """APNIC: country, remarks with titles, an organisation as registrant."""
    owner = {
        "handle": "ORG-EX1-AP",
        "roles": ["registrant"],
        "objectClassName": "entity",
        "vcardArray": _card(f"{name} Pty Ltd", "org", ["tel", {"type": "voice"}, "text", "+61-0-0000"]),
        "events": [{"eventAction": "last changed", "eventDate": "2023-01-01T00:00:00Z"}],
        "remarks": [{"title": "remarks", "description": ["text"]}],
    }
    irt = {"handle": "IRT-EX-AU", "roles": ["abuse"], "objectClassName": "entity", "vcardArray": _card("IRT", "group")}
    return _frame(
        cidr,
        name=name,
        type="ASSIGNED PORTABLE",
        country="AU",
        entities=[irt, owner],
        port43="whois.apnic.net",
        remarks=[{"title": "description", "description": ["text"]}],
        links=[{"rel": "self", "href": "https://ap.example"}],
    )


def lacnic(cidr: str, name: str = "Ejemplo, S.A. de C.V.") -> Body:
    """LACNIC: the name is the organisation's, a legal representative, IPv6 written out."""
    owner = {
        "handle": "MX-EJ-LACNIC",
        "roles": ["registrant"],
        "objectClassName": "entity",
        "entities": [],
        "vcardArray": _card(name, "org", ["adr", {}, "text", ["", "Calle 1", "", "Ciudad", "", "0", "MX"]]),
        "lacnic_legalRepresentative": "Alguien",
    }
    return _frame(cidr, name=name, type="allocated", country="MX", entities=[owner], port43="whois.lacnic.net")


def afrinic(cidr: str, name: str = "ORG-EX1-AFRINIC") -> Body:
    """AFRINIC: entities without roles, events without a date."""
    owner = {"handle": name, "objectClassName": "entity", "vcardArray": _card(name, "org"), "status": ["active"]}
    return _frame(
        cidr,
        name=name,
        type="ASSIGNED PI",
        country="KE",
        entities=[owner],
        lang="en",
        port43="whois.afrinic.net",
        events=[{"eventAction": "last changed"}],
    )


SHAPES: dict[str, Callable[..., Body]] = {
    "arin": arin,
    "ripe": ripe,
    "apnic": apnic,
    "lacnic": lacnic,
    "afrinic": afrinic,
}
ERROR_404 = {"errorCode": 404, "title": "Not found", "description": ["no such object"], "rdapConformance": []}


class Registry:
    """What the server answers: a body per network, and a misbehaviour per address; ``asked`` lists the paths."""

    def __init__(self, networks: dict[str, Body], delay_s: float = 0.0) -> None:
        self.networks = {ip_network(cidr): body for cidr, body in networks.items()}
        self.delay_s = delay_s
        self.asked: list[str] = []
        self.misbehaviour: dict[str, Callable[["_Handler"], None]] = {}

    def body(self, address: str) -> Body | None:
        """The body of the narrowest network that holds the address."""
        ip = ip_address(address)
        held = [n for n in self.networks if n.version == ip.version and ip in n]
        return self.networks[max(held, key=lambda n: n.prefixlen)] if held else None


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one segment: two would wait 40 ms for a delayed acknowledgement
    registry: Registry

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.registry.asked.append(self.path)
        time.sleep(self.registry.delay_s)
        last = self.path.rpartition("/")[2]
        try:
            if last in self.registry.misbehaviour:
                self.registry.misbehaviour[last](self)
            elif last == "help":
                self.answer(200, {"rdapConformance": ["rdap_level_0"], "notices": []})
            else:
                body = self.registry.body(last)
                self.answer(200 if body else 404, body or ERROR_404)
        except OSError:
            self.close_connection = True

    def answer(self, status: int, body: Any, kind: str = "application/rdap+json", **headers: str) -> None:
        """Send one complete answer; ``body`` is JSON unless it is bytes."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(sent)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(sent)


Misbehaviour = Callable[[_Handler], None]


def limited(retry_after: str | None = None, times: int = 10**6, then: Body | None = None) -> Misbehaviour:
    """429 for ``times`` requests, with the Retry-After header or without, then ``then``."""
    left = [times]

    def act(handler: _Handler) -> None:
        left[0] -= 1
        if left[0] >= 0:
            handler.answer(429, ERROR_404, **({"Retry_After": retry_after} if retry_after is not None else {}))
        else:
            handler.answer(200, then)

    return act


def says(body: Any, status: int = 200, kind: str = "application/rdap+json") -> Misbehaviour:
    """Always this body: a catch-all network, a wrong one, HTML, half a JSON text ..."""
    return lambda handler: handler.answer(status, body, kind)


def redirects(target: str, status: int = 302) -> Misbehaviour:
    """A redirect to ``target``."""
    return lambda handler: handler.answer(status, b"", Location=target)


def drips(handler: _Handler) -> None:
    """Half a body, then a byte every 0.05 s."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(400):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def silent(handler: _Handler) -> None:
    """No answer for 20 seconds."""
    for _ in range(400):
        time.sleep(0.05)


@contextmanager
def running(registry: Registry) -> Iterator[str]:
    """The base URL of a server for ``registry`` on a free loopback port."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# Networks of the documentation ranges, one registry's shape each; the cassettes are recorded from these.
DOCUMENTED: dict[str, str] = {
    "192.0.2.0/24": "arin",
    "198.51.100.0/24": "ripe",
    "203.0.113.0/25": "apnic",
    "203.0.113.128/25": "apnic",
    "2001:db8:1::/48": "lacnic",
    "2001:db8:2::/48": "afrinic",
}


@contextmanager
def serving(_public_url: str) -> Iterator[str]:
    """An emulator for the cassettes: any registry, all of ``DOCUMENTED``."""
    with running(Registry({cidr: SHAPES[shape](cidr) for cidr, shape in DOCUMENTED.items()})) as url:
        yield url


@contextmanager
def serving_moved(_public_url: str) -> Iterator[str]:
    """A registry that held 192.0.2.0/24 once and sends everybody to RIPE."""
    registry = Registry({})
    registry.misbehaviour["192.0.2.7"] = redirects("https://RDAP.db.ripe.net:443/ip/192.0.2.7", 301)
    with running(registry) as url:
        yield url


@contextmanager
def serving_ripe_with_legacy(_public_url: str) -> Iterator[str]:
    """RIPE, holding 192.0.2.0/24 as well."""
    with running(Registry({"192.0.2.0/24": ripe("192.0.2.0/24", "LEGACY-NET")})) as url:
        yield url


@contextmanager
def serving_busy(_public_url: str) -> Iterator[str]:
    """A registry that wants the first question for 192.0.2.7 again in two seconds."""
    registry = Registry({})
    registry.misbehaviour["192.0.2.7"] = limited("2", 1, arin("192.0.2.0/24"))
    with running(registry) as url:
        yield url


NATIONAL = "https://jpnic.rdap.apnic.net"


@contextmanager
def serving_regional(_public_url: str) -> Iterator[str]:
    """A regional registry that sends 203.0.113.0/25 on to a national one, and answers for 203.0.113.128/25 itself."""
    registry = Registry({"203.0.113.128/25": apnic("203.0.113.128/25")})
    for number in range(1, 9):
        registry.misbehaviour[f"203.0.113.{number}"] = redirects(f"{NATIONAL}/ip/203.0.113.{number}")
    with running(registry) as url:
        yield url


@contextmanager
def serving_national(_public_url: str) -> Iterator[str]:
    """The national registry; what it knows has no handle."""
    body = apnic("203.0.113.0/25", "Example K.K.") | {"country": "JP"}
    body.pop("handle")
    with running(Registry({"203.0.113.0/25": body})) as url:
        yield url


@contextmanager
def serving_national_down(_public_url: str) -> Iterator[str]:
    """A national registry that refuses everybody."""
    registry = Registry({})
    for number in range(1, 9):
        registry.misbehaviour[f"203.0.113.{number}"] = says(ERROR_404, 403)
    with running(registry) as url:
        yield url


@contextmanager
def serving_national_elsewhere(_public_url: str) -> Iterator[str]:
    """A national registry that sends everybody to a server of its own choice."""
    registry = Registry({})
    registry.misbehaviour["203.0.113.1"] = redirects("https://rdap.elsewhere.example/ip/203.0.113.1")
    with running(registry) as url:
        yield url
