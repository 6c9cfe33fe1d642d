"""PAN-OS: an address is tagged with a timeout; a dynamic address group in the administrator's policy blocks the tag.

From documentation and client code; no PAN-OS was at hand, so every behaviour here is unproven on a device. Needs an
address group of type dynamic with the match '<tag>' in a deny rule, before this connector blocks anything.
"""

import re
from pathlib import Path

from pydantic import Field, SecretStr

from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import address_of, may_be_blocked, plain_key
from connectors.containments.panos import message
from connectors.http import Clocks, Credential, ReplyBounds, Transport
from playbook.errors import ConnectorError
from playbook.model import Value
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Networks, Site

_JUST_SET_S = 60  # tags this young are those whose answer was lost, not those to be extended
_OURS = re.compile(r"(?P<key>[A-Za-z0-9._-]+) until (?P<until>\d{1,12})", re.ASCII)


class Settings(Value):
    """The firewall (or the member of a pair that is active), its key, and the tag that its policy blocks.

    The key's role needs only the XML API's User-ID Agent and Operational Requests.
    """

    base_url: str
    api_key: SecretStr = Field(min_length=1)
    tag: str = Field(default="botnet-playbook", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")
    vsys: str = Field(default="vsys1", pattern=r"^vsys\d{1,3}$")
    ca_file: Path | None = None


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Panos":  # noqa: B008
    """The firewall called ``name``; the key travels in a header, never in a URL."""
    setting = getattr(settings.api_key, "variable", "api_key")
    transport = Transport(
        settings.base_url,
        subject=name,
        clocks=clocks,
        bounds=ReplyBounds(deadline_s=30.0, max_bytes=4 * 1024 * 1024),
        credential=Credential(setting, settings.api_key, header="X-PAN-KEY", scheme=""),
        ca_file=None if settings.ca_file is None else folder / settings.ca_file,
    )
    return Panos(settings, site.networks, transport, ReceiptFactory(name, clocks))


class Panos:
    """A ``Containment`` by two tags of one address: the one that the policy blocks, and one with our key and its end.

    Tags are added and removed one address at a time; a block tag without a key of ours is another's and left alone.
    """

    kinds: tuple[StepKind, ...] = ("block_address",)

    def __init__(self, settings: Settings, networks: Networks, transport: Transport, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._tag, self._vsys = settings.tag, settings.vsys
        self._networks = networks
        self._transport = transport
        self._desk = desk

    def contain(self, step: Step, key: str) -> Receipt:
        """Tag the address; tags of this key whose end lies elsewhere are taken off and set again."""
        address, key = may_be_blocked(self._address(step), self._networks), plain_key(key)
        until = int(self._desk.now().timestamp()) + step.ttl_s
        tags = self._tags(address)
        mine = self._of(tags, key)
        if self._tag in tags and not mine:
            return self._receipt(
                "contain",
                address,
                tags,
                key,
                ok=False,
                more="blocked by another, left alone: its end is not ours to promise",
            )
        if self._tag in tags and abs(max(map(_end, mine)) - until) <= min(_JUST_SET_S, step.ttl_s / 10):
            return self._receipt("contain", address, tags, key, ok=True, more="set already")
        # A tag that is there keeps its timeout when it is registered again, and one message that did both would
        # register first and unregister then: hence two messages, with a moment between them on extension.
        if mine:
            self._update(message.unregister(address, (*mine, *({self._tag} & set(tags)))))
        self._update(message.register(address, (self._tag, f"{self._tag} {key} until {until}"), step.ttl_s))
        now = self._tags(address)
        ok = self._tag in now and bool(self._of(now, key))
        return self._receipt("contain", address, now, key, ok=ok, changed=self._tag not in tags)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether the address carries the block tag and this key's; whether a rule blocks it is not seen from here."""
        address = self._address(step)
        tags = self._tags(address)
        ok = self._tag in tags and bool(self._of(tags, plain_key(key)))
        return self._receipt("verify", address, tags, key, ok=ok)

    def release(self, step: Step, key: str) -> Receipt:
        """Take off this key's tag and the block tag with it; without this key's tag nothing is touched."""
        address = self._address(step)
        tags = self._tags(address)
        mine = self._of(tags, plain_key(key))
        if not mine:
            more = "blocked by another, left alone" if self._tag in tags else ""
            return self._receipt("release", address, tags, key, ok=True, more=more)
        self._update(message.unregister(address, (*mine, self._tag)))
        return self._receipt("release", address, (), key, ok=True, changed=True, more=f"were: {', '.join(tags)}")

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether nothing of this key is on the address; a block of another is told."""
        address = self._address(step)
        tags = self._tags(address)
        more = "blocked by another" if self._tag in tags else ""
        return self._receipt("verify_released", address, tags, key, ok=not self._of(tags, plain_key(key)), more=more)

    def check(self) -> tuple[CheckResult, ...]:
        """Read the registered addresses of our tag; changes nothing, and cannot see whether a rule blocks them."""
        try:
            found = message.entries(self._ask("op", message.show_tag(self._tag)), self.name)
        except ConnectorError as fault:
            return (CheckResult.failed("XML API", fault),)
        advice = f"see that a deny rule uses a dynamic address group with the match '{self._tag}'"
        return (CheckResult(subject="XML API", ok=True, message=f"{len(found)} addresses are tagged; {advice}"),)

    def _address(self, step: Step) -> Address:
        return address_of(step, self.kinds, self.name)

    def _tags(self, address: Address) -> tuple[str, ...]:
        found = message.entries(self._ask("op", message.show_address(address)), self.name)
        return found.get(address, ())

    def _of(self, tags: tuple[str, ...], key: str) -> tuple[str, ...]:
        """Our tags of ``key``."""
        ours = ((tag, _OURS.fullmatch(tag.removeprefix(f"{self._tag} "))) for tag in tags)
        return tuple(tag for tag, match in ours if match and match["key"] == key)

    def _ask(self, kind: str, command: bytes) -> bytes:
        # Reads, and a tag set or taken off twice, may be repeated: the device says "already exists" and keeps it.
        form = {"type": kind, "vsys": self._vsys, "cmd": command.decode()}
        return self._transport.post("/api/", data=form, retry=True).expect(200, 400).body

    def _update(self, command: bytes) -> None:
        message.updated(self._ask("user-id", command), self.name)

    def _receipt(
        self,
        action: Action,
        address: Address,
        tags: tuple[str, ...],
        key: str,
        *,
        ok: bool,
        changed: bool = False,
        more: str = "",
    ) -> Receipt:
        ends = [_end(tag) for tag in self._of(tags, key)] if action in ("contain", "verify") else []
        left = max(max(ends) - int(self._desk.now().timestamp()), 0) if ends else None
        said = f"{address}: {', '.join(tags) or 'no tags'}" + (f"; {more}" if more else "")
        return self._desk.receipt(
            action, ok=ok, changed=changed, said=said, reference=f"{self._vsys} {address}", seconds_left=left
        )


def _end(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
