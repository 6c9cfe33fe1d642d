"""CrowdStrike Falcon: one host is contained or lifted by its device id; a grouping tag says whose containment it is.

From documentation and client code; no Falcon tenant was at hand, so every behaviour here is unproven against one.
Falcon knows no key and no TTL: the tag is our mark, and only a host that carries it is ever lifted by us.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError

from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import host_of, plain_key
from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, printable
from connectors.http.token_auth import RefreshingToken
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Site

DEVICE_ID = r"[0-9a-f]{32}"
_MARK = "FalconGroupingTags/botnet-playbook-"
_HELD = frozenset({"contained", "containment_pending"})
_ENDED = frozenset({401, 429})  # a token that ended is answered with either


class Settings(Value):
    """The API of the tenant's cloud (https://api.crowdstrike.com or its region's), and a client of it.

    The client's scopes: Hosts: read and Hosts: write.
    """

    base_url: str
    client_id: SecretStr = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)


class Device(Value):
    """What Falcon says of a host."""

    model_config = Value.model_config | {"extra": "ignore"}

    device_id: str
    hostname: str = ""
    status: Literal["normal", "containment_pending", "contained", "lift_containment_pending"]
    tags: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """The keys of ours that hold this host."""
        return tuple(tag.removeprefix(_MARK) for tag in self.tags if tag.startswith(_MARK))


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "CrowdStrike":  # noqa: B008
    """The tenant called ``name``. ``site`` and ``folder`` are unused: the gate says which hosts may be isolated."""

    def opened(credential: Credential | None) -> Transport:
        return Transport(
            settings.base_url,
            subject=name,
            credential=credential,
            clocks=clocks,
            bounds=ReplyBounds(deadline_s=60.0, max_bytes=4 * 1024 * 1024),
        )

    def log_in(plain: Transport) -> Reply:
        account = {
            "client_id": settings.client_id.get_secret_value(),
            "client_secret": settings.client_secret.get_secret_value(),
        }
        return plain.post("/oauth2/token", data=account, retry=True, passes={401, 403})

    setting = getattr(settings.client_secret, "variable", "client_secret")
    opened(None)  # a base_url that may not be used is told at once
    api = RefreshingToken(opened, log_in, setting, "access_token", ended_by=_ENDED)
    return CrowdStrike(api, ReceiptFactory(name, clocks))


class CrowdStrike:
    """A ``Containment`` of hosts. A host that another contained is as wanted, and stays theirs to lift."""

    kinds: tuple[StepKind, ...] = ("isolate_host",)

    def __init__(self, api: RefreshingToken, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._api = api
        self._desk = desk

    def contain(self, step: Step, key: str) -> Receipt:
        """Mark the host, then contain it; ``ok`` also while the sensor has not taken it yet (``verify`` is strict)."""
        host, key = self._host(step), plain_key(key)
        before = self._device(host)
        if _another(before.hostname, step.scope):
            raise ConfigError(
                f"{self.name}: {host} is {before.hostname[:100]!r} there, which is not the host that was "
                f"approved ({step.scope[:200]}); the inventory's host_id is wrong"
            )
        held = before.status in _HELD
        # The mark first: a containment whose answer is lost is then known as ours. One that is ours already, for
        # another case, takes this mark too, so that the last case lets go; one of somebody else's takes none.
        if key not in before.marks and (before.marks or not held):
            self._mark("add", host, key)
        if held:
            return self._receipt("contain", before, key, ok=True)
        self._act("contain", host)
        after = self._device(host)
        return self._receipt("contain", after, key, ok=after.status in _HELD, changed=True)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether the sensor reports the host contained."""
        device = self._device(self._host(step))
        return self._receipt("verify", device, plain_key(key), ok=device.status == "contained")

    def release(self, step: Step, key: str) -> Receipt:
        """Lift the containment unless another key of ours, or anybody else, holds the host."""
        host, key = self._host(step), plain_key(key)
        device = self._device(host)
        if key not in device.marks:
            return self._receipt("release", device, key, ok=True)
        lifts = device.status in _HELD and device.marks == (key,)
        if lifts:
            self._act("lift_containment", host)
            device = self._device(host)
            if device.status in _HELD:  # the mark stays, so that a repeat lifts again
                return self._receipt("release", device, key, ok=False, changed=True)
        self._mark("remove", host, key)
        return self._receipt("release", device, key, ok=True, changed=lifts)

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether the host is free, or held by others alone; a lift that the sensor has not taken yet is not enough."""
        device = self._device(self._host(step))
        ours = plain_key(key) in device.marks and device.status != "normal"
        ok = not ours and device.status != "lift_containment_pending"
        return self._receipt("verify_released", device, key, ok=ok)

    def check(self) -> tuple[CheckResult, ...]:
        """Log in and list one host; the write scope shows only when a host is contained."""
        try:
            reply = self._api.request("GET", "/devices/queries/devices/v1", params={"limit": 1}, retry=True)
            self._resources(reply, 200)
        except ConnectorError as fault:
            return (CheckResult.failed("hosts", fault),)
        return (CheckResult(subject="hosts", ok=True, message="hosts can be read; Hosts: write is not proven"),)

    def _host(self, step: Step) -> str:
        return host_of(step, self.kinds, self.name, DEVICE_ID)

    def _device(self, host: str) -> Device:
        reply = self._api.request("POST", "/devices/entities/devices/v2", json={"ids": [host]}, retry=True)
        try:
            found = [Device.model_validate(raw) for raw in self._resources(reply, 200)]
        except ValidationError:
            raise BadAnswer(f"{self.name}: the state of host {host} is of no known form") from None
        device = next((one for one in found if one.device_id == host), None)
        if device is None:
            raise BadAnswer(f"{self.name}: no host {host}")
        return device

    def _act(self, action: str, host: str) -> None:
        reply = self._api.request(
            "POST",
            "/devices/entities/devices-actions/v2",
            params={"action_name": action},
            json={"ids": [host]},
            passes={403},
        )
        self._resources(reply, 200, 202)

    def _mark(self, action: str, host: str, key: str) -> None:
        body = {"action": action, "device_ids": [host], "tags": [_MARK + key]}
        reply = self._api.request("PATCH", "/devices/entities/devices/tags/v1", json=body, retry=True, passes={403})
        rows = self._resources(reply, 200, 202)
        if any(isinstance(row, Mapping) and row.get("updated") is False and row.get("error") for row in rows):
            raise BadAnswer(f"{self.name}: the mark of host {host} could not be changed")

    def _resources(self, reply: Reply, *statuses: int) -> list[Any]:
        if reply.status == 403:
            raise Unauthorized(f"{self.name}: the API client lacks the scope Hosts: write (403)")
        answer = reply.expect(*statuses).json()
        errors = answer.get("errors") if isinstance(answer, dict) else None
        resources = answer.get("resources") if isinstance(answer, dict) else None
        if errors or not isinstance(resources, list):
            raise BadAnswer(f"{self.name}: Falcon answered with an error: {printable(str(errors))[:300]}")
        return resources

    def _receipt(self, action: Action, device: Device, key: str, *, ok: bool, changed: bool = False) -> Receipt:
        held = ", ".join(device.marks) or ("another" if device.status in _HELD else "nobody")
        said = f"{device.hostname or device.device_id}: {device.status}, held by {held}"
        return self._desk.receipt(action, ok=ok, changed=changed, said=said, reference=device.device_id)


def _another(reported: str, scope: str) -> bool:
    """Whether Falcon's host name contradicts the approved one: the first word of a plan's scope ("web-01, the ...").

    Domains are not compared, nor anything past 15 characters: some sensors report the NetBIOS name.
    """
    names = [name.strip().lower().partition(".")[0][:15] for name in (reported, scope.partition(",")[0])]
    return all(names) and names[0] != names[1]
