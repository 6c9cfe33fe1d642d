"""The part of PAN-OS's XML API that tags addresses, on loopback, from documentation and client code (unproven)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from xml.etree import ElementTree as ET

from tests.emulators.site import Answer, Request, site


class Firewall:
    """One virtual system; ``wall`` is its clock. A tag that is there keeps its timeout when it is set again."""

    def __init__(self, key: str, wall: Callable[[], float]) -> None:
        self.key, self.wall = key, wall
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.tags: dict[tuple[str, str], float] = {}  # (address, tag) -> end

    def held(self, address: str) -> list[str]:
        """The tags of an address that have not ended."""
        return [tag for (ip, tag), end in self.tags.items() if ip == address and end > self.wall()]

    def answer(self, request: Request) -> Answer:
        if request.headers.get("x-pan-key") != self.key:
            return Answer(
                403,
                b"<response status = 'error' code = '403'><result><msg>Invalid Credential</msg></result></response>",
            )
        form = request.form
        command = ET.fromstring(form["cmd"])
        if form["type"] == "user-id" and command.tag == "uid-message":
            return self._update(command)
        if form["type"] == "op" and command.find("./object/registered-ip") is not None:
            return self._show(command)
        return Answer(200, b'<response status="error" code="17"><msg><line>invalid command</line></msg></response>')

    def _update(self, message: ET.Element) -> Answer:
        complaints = []
        for verb in ("register", "unregister"):  # in this order, whatever the order in the message
            for entry in message.findall(f"./payload/{verb}/entry"):
                for member in entry.findall("./tag/member"):
                    complaint = self._one(verb, entry.get("ip", ""), member)
                    if complaint:
                        complaints.append((verb, entry.get("ip", ""), complaint))
        if not complaints:
            return Answer(
                200,
                b'<response status="success"><result><uid-response><version>2.0</version><payload/>'
                b"</uid-response></result></response>",
            )
        rows = "".join(f'<{v}><entry ip="{ip}" message="{said}"/></{v}>' for v, ip, said in complaints)
        return Answer(
            200,
            f'<response status="error"><msg><line><uid-response><version>2.0</version><payload>{rows}'
            "</payload></uid-response></line></msg></response>".encode(),
        )

    def _one(self, verb: str, address: str, member: ET.Element) -> str:
        tag = member.text or ""
        there = tag in self.held(address)
        if verb == "unregister":
            self.tags.pop((address, tag), None)
            return "" if there else f"tag {tag} does not exist, ignore unreg"
        if there:
            return f"tag {tag} already exists, ignore"
        timeout = int(member.get("timeout", "0"))
        self.tags[address, tag] = self.wall() + timeout if timeout else float("inf")
        return ""

    def _show(self, command: ET.Element) -> Answer:
        wanted = command.findtext("./object/registered-ip/ip")
        tag = command.find("./object/registered-ip/tag/entry")
        addresses = dict.fromkeys(ip for ip, _ in self.tags if wanted in (None, ip) and self.held(ip))
        if tag is not None:
            addresses = {ip: None for ip in addresses if tag.get("name") in self.held(ip)}
        rows = "".join(
            f'<entry ip="{ip}" from_agent="0" persistent="1"><tag>'
            + "".join(f"<member>{text}</member>" for text in self.held(ip))
            + "</tag></entry>"
            for ip in addresses
        )
        count = f"<count>{len(addresses)}</count>"
        return Answer(200, f'<response status="success"><result>{rows}{count}</result></response>'.encode())


def serving(firewall: Firewall) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(firewall)
