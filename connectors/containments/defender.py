"""Microsoft Defender for Endpoint: hosts are isolated and let go; what set a host apart is the newest machine action.

From Microsoft's documentation; no tenant was at hand, so every behaviour here is unproven on one. Defender keeps no
mark on a host: our key stands in the comment of the action, and only a host whose newest isolation that was not taken
back carries a comment of ours is ever let go by us.
"""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, SecretStr, ValidationError

from connectors.clients.microsoft import CLIENT, LOGIN, TENANT, Application, api_of, places_of, reason_of
from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import host_of, plain_key
from connectors.http import Clocks, Reply, ReplyBounds
from connectors.http.token_auth import RefreshingToken
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Site

MACHINE_ID = r"[0-9a-f]{40}"
_MARK = re.compile(r"botnet-playbook ([A-Za-z0-9][A-Za-z0-9._-]{0,63})", re.ASCII)
_WAITS = frozenset({"Pending", "InProgress"})
_MOST_ACTIONS = 100
_READ, _ISOLATE = "Machine.Read.All", "Machine.Isolate"


class Settings(Value):
    """An app registration with Machine.Read.All and Machine.Isolate.

    ``base_url`` is the API of the tenant's region or cloud, ``login_url`` where tokens come from, ``tenant`` the
    directory's id, ``client_id`` and ``client_secret`` those of the registration.
    """

    base_url: str = "https://api.security.microsoft.com"
    login_url: str = LOGIN
    tenant: str = Field(pattern=TENANT)
    client_id: str = Field(pattern=CLIENT)
    client_secret: SecretStr = Field(min_length=1)

    def places(self, folder: Path) -> tuple[str, ...]:
        """The hosts of both services, whatever the defaults say; ``folder`` is unused."""
        return places_of(self.base_url, self.login_url)


class _Answer(Value):
    model_config = Value.model_config | {"extra": "ignore"}


class Machine(_Answer):
    """What Defender says of a host."""

    id: str
    computerDnsName: str | None = None


class MachineAction(_Answer):
    """One order that somebody gave for a host, and how far it came."""

    type: str
    status: str
    machineId: str
    creationDateTimeUtc: AwareDatetime
    requestorComment: str | None = None


class Isolation(Value):
    """Whether a host is set apart: ``state`` by the orders that did not fail, ``key`` of ours behind it or ""."""

    state: Literal["free", "isolating", "isolated", "releasing"]
    key: str = ""

    @property
    def holds(self) -> bool:
        """Whether the host is set apart, or about to be."""
        return self.state in ("isolating", "isolated")


def isolation_of(actions: list[MachineAction]) -> Isolation:
    """What the newest order that did not fail makes of a host."""
    orders = [one for one in actions if _counts(one)]
    if not orders:
        return Isolation(state="free")
    newest = max(orders, key=lambda one: one.creationDateTimeUtc)
    mark = _MARK.fullmatch((newest.requestorComment or "").strip())
    key = mark[1] if mark else ""
    if newest.type == "Isolate":
        return Isolation(state="isolating" if newest.status in _WAITS else "isolated", key=key)
    return Isolation(state="releasing" if newest.status in _WAITS else "free", key=key)


class Defender:
    """A ``Containment`` of hosts. A host that another isolated is as wanted, and stays theirs to let go."""

    kinds: tuple[StepKind, ...] = ("isolate_host",)

    def __init__(self, api: RefreshingToken, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._api, self._desk = api, desk

    def contain(self, step: Step, key: str) -> Receipt:
        """Order the isolation unless the host is set apart already; ``ok`` also while the sensor has not taken it."""
        host, key = self._host(step), plain_key(key)
        machine = self._machine(host)
        if _another(machine.computerDnsName or "", step.scope):
            raise ConfigError(
                f"{self.name}: {host} is {(machine.computerDnsName or '')[:100]!r} there, which is not the host that "
                f"was approved ({step.scope[:200]}); the inventory's host_id is wrong"
            )
        before = self._isolation(host)
        if before.holds:
            return self._receipt("contain", machine, before, ok=True)
        self._order("isolate", host, {"Comment": _comment(key), "IsolationType": "Full"})
        after = self._isolation(host)
        return self._receipt("contain", machine, after, ok=after.holds, changed=True)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether the sensor reported the isolation done."""
        plain_key(key)
        machine = self._machine(self._host(step))
        now = self._isolation(machine.id)
        return self._receipt("verify", machine, now, ok=now.state == "isolated")

    def release(self, step: Step, key: str) -> Receipt:
        """Let the host go when this key isolated it; another's isolation is left alone."""
        host, key = self._host(step), plain_key(key)
        machine, before = self._machine(host), self._isolation(host)
        if not before.holds or before.key != key:
            return self._receipt("release", machine, before, ok=True)
        self._order("unisolate", host, {"Comment": _comment(key)})
        after = self._isolation(host)
        return self._receipt("release", machine, after, ok=not after.holds, changed=not after.holds)

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether the host is free, or set apart by others alone; an order that waits is not enough."""
        machine = self._machine(self._host(step))
        now = self._isolation(machine.id)
        ours = now.key == plain_key(key) and now.state != "free"
        return self._receipt("verify_released", machine, now, ok=not ours)

    def check(self) -> tuple[CheckResult, ...]:
        """Log in and read one host; the right to isolate shows only when a host is isolated."""
        try:
            reply = self._read("/api/machines", {"$top": 1})
            if not isinstance(_rows(reply), list):
                raise BadAnswer(f"{self.name}: an answer without machines")
        except ConnectorError as fault:
            return (CheckResult.failed("machines", fault),)
        return (CheckResult(subject="machines", ok=True, message=f"can be read; {_ISOLATE} is not proven"),)

    def _host(self, step: Step) -> str:
        return host_of(step, self.kinds, self.name, MACHINE_ID)

    def _machine(self, host: str) -> Machine:
        reply = self._read(f"/api/machines/{host}", {})
        if reply.status == 404:
            raise BadAnswer(f"{self.name}: no host {host}")
        try:
            machine = Machine.model_validate(reply.expect(200).json())
        except ValidationError:
            raise BadAnswer(f"{self.name}: host {host} is of no known form") from None
        if machine.id != host:
            raise BadAnswer(f"{self.name}: asked about host {host}, answered about another")
        return machine

    def _isolation(self, host: str) -> Isolation:
        params = {
            "$filter": f"machineId eq '{host}'",
            "$orderby": "creationDateTimeUtc desc",
            "$top": _MOST_ACTIONS,
        }
        rows = _rows(self._read("/api/machineactions", params))
        try:
            actions = [MachineAction.model_validate(row) for row in rows or ()]
        except ValidationError:
            rows = None
        if rows is None or any(one.machineId != host for one in actions):
            raise BadAnswer(f"{self.name}: the machine actions of host {host} are of no known form")
        if len(actions) >= _MOST_ACTIONS and not _newest_tell(actions):
            raise BadAnswer(
                f"{self.name}: the newest {_MOST_ACTIONS} machine actions of host {host} do not tell whether it is "
                "isolated: see its page in Defender"
            )
        return isolation_of(actions)

    def _read(self, path: str, params: dict[str, Any]) -> Reply:
        reply = self._api.request("GET", path, params=params, retry=True, passes={403})
        if reply.status == 403:
            raise Unauthorized(f"{self.name}: {reason_of(reply) or 'refused'} (403): the application needs {_READ}")
        return reply

    def _order(self, action: str, host: str, body: dict[str, str]) -> None:
        """Give an order once. 400 may say that one is being carried out already: the device is read afterwards."""
        reply = self._api.request("POST", f"/api/machines/{host}/{action}", json=body, passes={403})
        if reply.status == 403:
            raise Unauthorized(f"{self.name}: {reason_of(reply) or 'refused'} (403): the application needs {_ISOLATE}")
        if reply.status == 400 and "ActiveRequestAlreadyExists" in reason_of(reply):
            return
        if reply.status not in (200, 201):
            raise BadAnswer(f"{self.name}: the order was refused ({reply.status}): {reason_of(reply)}")

    def _receipt(self, action: Action, machine: Machine, now: Isolation, *, ok: bool, changed: bool = False) -> Receipt:
        by = f", ordered by {now.key or 'another'}" if now.state != "free" else ""
        said = f"{machine.computerDnsName or machine.id}: {now.state}{by}"
        return self._desk.receipt(action, ok=ok, changed=changed, said=said, reference=machine.id)


def _newest_tell(actions: list[MachineAction]) -> bool:
    """Whether a page that may be cut is the newest one, as asked for, and holds the order that counts."""
    times = [one.creationDateTimeUtc for one in actions]
    return times == sorted(times, reverse=True) and any(_counts(one) for one in actions)


def _counts(order: MachineAction) -> bool:
    return order.type in ("Isolate", "Unisolate") and order.status in {*_WAITS, "Succeeded"}


def _comment(key: str) -> str:
    return f"botnet-playbook {key}"


def _rows(reply: Reply) -> list[Any] | None:
    answer = reply.expect(200).json()
    rows = answer.get("value") if isinstance(answer, dict) else None
    return rows if isinstance(rows, list) else None


def _another(reported: str, scope: str) -> bool:
    """Whether Defender's host name contradicts the approved one: the first word of a plan's scope."""
    names = [name.strip().lower().partition(".")[0][:15] for name in (reported, scope.partition(",")[0])]
    return all(names) and names[0] != names[1]


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> Defender:  # noqa: B008
    """The tenant called ``name``. ``site`` and ``folder`` are unused: the gate says which hosts may be isolated."""
    application = Application(settings.tenant, settings.client_id, settings.client_secret, settings.login_url)
    bounds = ReplyBounds(deadline_s=60.0, max_bytes=4 * 1024 * 1024)
    return Defender(api_of(name, settings.base_url, application, bounds, clocks), ReceiptFactory(name, clocks))
