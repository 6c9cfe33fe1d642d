"""FortiGate: an address object of ours becomes a member of the address group that the administrator's policy denies.

From documentation and client code; no FortiGate was at hand, so every behaviour here is unproven on a device. The
object's comment holds our key. One object and one member are added or removed; the group is never written back whole.
FortiGate ends nothing by itself: the block ends when it is released. IPv4 only.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import address_of, may_be_blocked, plain_key
from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, printable, segment
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized
from playbook.model import Value
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Networks, Site

_CMDB = "/api/v2/cmdb/firewall"
_MARK = "botnet-playbook "


class Settings(Value):
    """``base_url`` is the firewall's, ``token`` a REST API administrator's, ``ca_file`` relative to the configuration.

    ``group`` is the address group of the deny policy, which must exist, ``vdom`` the virtual domain that holds it. The
    administrator's profile needs read and write on firewall addresses, and nothing else.
    """

    base_url: str
    token: SecretStr = Field(min_length=1)
    group: str = Field(default="botnet-playbook", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")
    vdom: str = Field(default="root", pattern=r"^[A-Za-z0-9_-]{1,31}$")
    ca_file: Path | None = None


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "FortiGate":  # noqa: B008
    """The firewall called ``name``; the token travels in a header, never in a URL."""
    transport = Transport(
        settings.base_url,
        subject=name,
        clocks=clocks,
        bounds=ReplyBounds(deadline_s=30.0, max_bytes=4 * 1024 * 1024),
        credential=Credential(getattr(settings.token, "variable", "token"), settings.token),
        ca_file=None if settings.ca_file is None else folder / settings.ca_file,
    )
    return FortiGate(settings, site.networks, transport, ReceiptFactory(name, clocks))


class FortiGate:
    """A ``Containment`` of addresses. An object of ours under another key, or of another's making, is left alone."""

    kinds: tuple[StepKind, ...] = ("block_address",)

    def __init__(self, settings: Settings, networks: Networks, transport: Transport, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._group, self._vdom = settings.group, settings.vdom
        self._networks, self._wire, self._desk = networks, transport, desk

    def contain(self, step: Step, key: str) -> Receipt:
        """Make the address object and put it into the group, whichever of the two is missing."""
        address, key = may_be_blocked(self._address(step), self._networks), plain_key(key)
        comment = self._comment(address)
        if comment is not None and comment != _MARK + key:
            return self._receipt("contain", address, comment, ok=False)
        before = self._is_member(address)
        if comment is None:
            body = {"name": _name(address), "subnet": f"{address} 255.255.255.255", "comment": _MARK + key}
            self._write("POST", f"{_CMDB}/address", body)
        if not before:
            self._write("POST", f"{_CMDB}/addrgrp/{self._group}/member", {"name": _name(address)})
        now = self._comment(address)
        ok = now == _MARK + key and self._is_member(address)
        return self._receipt("contain", address, now, ok=ok, changed=not before or comment is None)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether our object is in the group; whether a policy denies the group is not seen from here."""
        address = self._address(step)
        comment = self._comment(address)
        ok = comment == _MARK + plain_key(key) and self._is_member(address)
        return self._receipt("verify", address, comment, ok=ok)

    def release(self, step: Step, key: str) -> Receipt:
        """Take the member out and delete the object when it carries this key."""
        address = self._address(step)
        comment = self._comment(address)
        if comment != _MARK + plain_key(key):
            return self._receipt("release", address, comment, ok=True)
        if self._is_member(address):
            self._write("DELETE", f"{_CMDB}/addrgrp/{self._group}/member/{segment(_name(address))}")
        self._write("DELETE", f"{_CMDB}/address/{segment(_name(address))}")
        return self._receipt("release", address, self._comment(address), ok=True, changed=True)

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether nothing of this key is left."""
        address = self._address(step)
        comment = self._comment(address)
        return self._receipt("verify_released", address, comment, ok=comment != _MARK + plain_key(key))

    def check(self) -> tuple[CheckResult, ...]:
        """Read the group; that a policy denies it, and that the token may write, is not seen from here."""
        try:
            members = self._members()
        except ConnectorError as fault:
            return (CheckResult.failed(f"group {self._group}", fault),)
        message = f"{len(members)} members; see that a deny policy uses it; writing is not proven"
        message += "; a block ends when this service releases it, not by itself"
        return (CheckResult(subject=f"group {self._group}", ok=True, message=message),)

    def _address(self, step: Step) -> Address:
        address = address_of(step, self.kinds, self.name)
        if address.version != 4:
            raise ConfigError(f"{self.name}: {address}: this connector blocks IPv4 addresses only")
        return address

    def _comment(self, address: Address) -> str | None:
        """The comment of the object of this name; null when there is none."""
        reply = self._asked("GET", f"{_CMDB}/address/{segment(_name(address))}")
        if reply.status == 404:
            return None
        (one,) = self._results(reply)[:1] or ({},)
        if one.get("name") != _name(address) or one.get("subnet") != f"{address} 255.255.255.255":
            raise BadAnswer(f"{self.name}: the object {_name(address)} is of another form than ours")
        return str(one.get("comment") or "")

    def _is_member(self, address: Address) -> bool:
        return _name(address) in self._members()

    def _members(self) -> tuple[str, ...]:
        reply = self._asked("GET", f"{_CMDB}/addrgrp/{self._group}")
        if reply.status == 404:
            raise BadAnswer(f"{self.name}: no address group {self._group!r}: make it, and use it in a deny policy")
        (one,) = self._results(reply)[:1] or ({},)
        members = one.get("member")
        if one.get("name") != self._group or not isinstance(members, list):
            raise BadAnswer(f"{self.name}: the address group {self._group!r} is of no known form")
        return tuple(str(member.get("name")) for member in members if isinstance(member, dict))

    def _write(self, method: str, path: str, body: dict[str, str] | None = None) -> None:
        """Change one thing once. A 404 to a removal is as wanted; what a refusal did is read afterwards."""
        reply = self._asked(method, path, body)
        if reply.status == 200 or (method == "DELETE" and reply.status == 404):
            return
        raise BadAnswer(f"{self.name}: the change was refused ({reply.status}): {printable(_said(reply))[:200]}")

    def _asked(self, method: str, path: str, body: dict[str, str] | None = None) -> Reply:
        retry = method == "GET"
        reply = self._wire.request(method, path, params={"vdom": self._vdom}, json=body, retry=retry, passes={403, 500})
        if reply.status == 403:
            raise Unauthorized(f"{self.name}: the token's profile, or its trusted hosts, do not allow this (403)")
        return reply

    def _results(self, reply: Reply) -> list[dict[str, Any]]:
        answer = reply.expect(200).json()
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadAnswer(f"{self.name}: an answer without results")
        return rows

    def _receipt(
        self, action: Action, address: Address, comment: str | None, *, ok: bool, changed: bool = False
    ) -> Receipt:
        theirs = f"object {_name(address)} with the comment {comment!r}" if comment is not None else "no object"
        return self._desk.receipt(action, ok=ok, changed=changed, said=f"{address}: {theirs}", reference=_name(address))


def _name(address: Address) -> str:
    return f"botnet-playbook-{address}"


def _said(reply: Reply) -> str:
    try:
        answer = reply.json()
    except BadAnswer:
        return ""
    return str({name: answer.get(name) for name in ("error", "cli_error")}) if isinstance(answer, dict) else ""
