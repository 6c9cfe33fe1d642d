"""CrowdSec: a decision with a duration at the Local API, which its bouncers carry out and end by themselves.

Seen with LAPI 1.4.6: a User-Agent without "/version" makes every password wrong (401); a decision ends at ``stop_at``
plus its duration; two equal alerts make two decisions; deleting a decision sets its end to now. Seen with Debian's
firewall bouncer 0.0.25: it hooks ``input`` only (use set-only and rules of your own in ``forward``), drops packets
*from* the address, and keeps the first end of an element when a decision is extended.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError

from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import address_of, may_be_blocked, plain_key
from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, segment
from connectors.http.token_auth import RefreshingToken
from playbook.errors import BadAnswer, ConnectorError
from playbook.model import Value
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Networks, Site

ORIGIN = "botnet-playbook"
_AGENT = {"User-Agent": f"{ORIGIN}/1"}
_JUST_SET_S = 60  # a decision this young is the one whose answer was lost, not one to be extended
_EXTENDED = "; extended here, but a bouncer may keep the first end until it is restarted"
_DURATION = re.compile(r"(-?)(?:(\d{1,6})h)?(?:(\d{1,2})m)?(?:(\d{1,2}(?:\.\d+)?)s)?", re.ASCII)
_SMALL = re.compile(r"-?[\d.]+(?:ms|µs|us|ns)", re.ASCII)


class Settings(Value):
    """Where the Local API is, and the machine account of it (``cscli machines add NAME``)."""

    base_url: str
    machine_id: str = Field(min_length=1, max_length=100)
    password: SecretStr = Field(min_length=1)
    ca_file: Path | None = None


class CrowdSecDecision(Value):
    """One decision as the Local API tells it; ``duration`` is what is left, negative when it is over."""

    id: int
    scenario: str = ""
    origin: str = ""
    type: str = ""
    scope: str = ""
    value: str = ""
    duration: str

    model_config = Value.model_config | {"extra": "ignore"}


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "CrowdSec":  # noqa: B008
    """The Local API called ``name``."""
    ca_file = None if settings.ca_file is None else folder / settings.ca_file

    def opened(credential: Credential | None) -> Transport:
        return Transport(
            settings.base_url,
            subject=name,
            credential=credential,
            clocks=clocks,
            ca_file=ca_file,
            bounds=ReplyBounds(deadline_s=30.0),
        )

    def log_in(plain: Transport) -> Reply:
        account = {"machine_id": settings.machine_id, "password": settings.password.get_secret_value()}
        return plain.post("/v1/watchers/login", json=account, headers=_AGENT, retry=True, passes={401, 403})

    setting = getattr(settings.password, "variable", "password")
    opened(None)  # a base_url that may not be used is told at once
    return CrowdSec(
        site.networks, RefreshingToken(opened, log_in, setting, "token", _AGENT), ReceiptFactory(name, clocks)
    )


class CrowdSec:
    """A ``Containment`` by decisions whose scenario is our key; decisions of others are left alone."""

    kinds: tuple[StepKind, ...] = ("block_address",)

    def __init__(self, networks: Networks, api: RefreshingToken, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._networks = networks
        self._api = api
        self._desk = desk

    def contain(self, step: Step, key: str) -> Receipt:
        """Add a decision unless one of this key was just set; an older one is replaced, the new one first.

        What an interrupted attempt left beside the newest is taken away first, so that they do not add up. That must
        not hinder the block: a decision that cannot be deleted ends by itself, and stands in the receipt until then.
        """
        address, key = may_be_blocked(self._address(step), self._networks), plain_key(key)
        before, _ = self._active(address, key)
        newest_last = sorted(before, key=_left_s)
        left_over, newest = newest_last[:-1], newest_last[-1] if newest_last else None
        if newest and _left_s(newest) >= step.ttl_s - min(_JUST_SET_S, step.ttl_s / 10):
            return self._receipt("contain", before, ok=True, said="set already")
        for old in left_over:
            with suppress(BadAnswer):
                self._delete(old)
        reply = self._api.request("POST", "/v1/alerts", json=[_alert(address, key, step.ttl_s, self._desk.now())])
        reply.expect(200, 201)
        if newest:
            self._delete(newest)
        mine, _ = self._active(address, key)
        said = f"alert {_short(reply)}" + (_EXTENDED if before else "")
        return self._receipt("contain", mine, ok=bool(mine), changed=not before, said=said)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether a decision of this key is active; that bouncers read it is theirs to show."""
        mine, others = self._active(self._address(step), plain_key(key))
        return self._receipt("verify", mine, ok=bool(mine), said=_others(others))

    def release(self, step: Step, key: str) -> Receipt:
        """Delete every active decision of this key."""
        mine, others = self._active(self._address(step), plain_key(key))
        deleted = [decision for decision in mine if self._delete(decision)]
        return self._receipt("release", mine, ok=True, changed=bool(deleted), said=_others(others))

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether no decision of this key is active; those of others are told."""
        mine, others = self._active(self._address(step), plain_key(key))
        return self._receipt("verify_released", mine, ok=not mine, said=_others(others))

    def check(self) -> tuple[CheckResult, ...]:
        """Log in and read; changes nothing."""
        try:
            self._api.request("GET", "/v1/alerts", params={"limit": 1}, retry=True).expect(200)
        except ConnectorError as fault:
            return (CheckResult.failed("local API", fault),)
        message = "the machine account works; whether bouncers read decisions: cscli bouncers list"
        return (CheckResult(subject="local API", ok=True, message=message),)

    def _address(self, step: Step) -> Address:
        return address_of(step, self.kinds, self.name)

    def _active(self, address: Address, key: str) -> tuple[tuple[CrowdSecDecision, ...], tuple[CrowdSecDecision, ...]]:
        """The active decisions on this address: of this key, and of others."""
        params = {"scope": "Ip", "value": str(address), "has_active_decision": "true", "limit": 0}
        alerts = self._api.request("GET", "/v1/alerts", params=params, retry=True).expect(200).json() or ()
        try:
            found = [CrowdSecDecision.model_validate(raw) for alert in alerts for raw in alert.get("decisions") or ()]
        except (ValidationError, AttributeError, TypeError):
            raise BadAnswer(f"{self.name}: alerts of another form than the Local API documents") from None
        active = [d for d in found if d.value == str(address) and _left_s(d) > 0]
        mine = tuple(d for d in active if (d.origin, d.scenario) == (ORIGIN, _scenario(key)))
        return mine, tuple(d for d in active if d not in mine)

    def _delete(self, decision: CrowdSecDecision) -> bool:
        """Whether it was deleted by us; one that does not exist any more is as good."""
        path = f"/v1/decisions/{segment(str(decision.id))}"
        reply = self._api.request("DELETE", path, retry=True, passes={404, 500})
        if reply.status in (404, 500):
            if b"doesn't exist" in reply.body or b"not found" in reply.body:
                return False
            raise BadAnswer(f"{self.name}: a decision could not be deleted ({reply.status})")
        reply.expect(200)
        return True

    def _receipt(
        self, action: Action, mine: tuple[CrowdSecDecision, ...], *, ok: bool, changed: bool = False, said: str = ""
    ) -> Receipt:
        left = max((_left_s(d) for d in mine), default=None) if action in ("contain", "verify") else None
        words = "; ".join(d.model_dump_json() for d in mine) or "no active decision of this key"
        return self._desk.receipt(
            action,
            ok=ok,
            changed=changed,
            said=f"{words}; {said}".rstrip("; "),
            reference=",".join(str(d.id) for d in mine)[:200],
            seconds_left=left,
        )


def _alert(address: Address, key: str, ttl_s: int, now: datetime) -> Mapping[str, Any]:
    """An alert with one decision; every field that the Local API's schema requires."""
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    decision = {
        "duration": f"{ttl_s}s",
        "origin": ORIGIN,
        "scenario": _scenario(key),
        "scope": "Ip",
        "type": "ban",
        "value": str(address),
    }
    return {
        "scenario": _scenario(key),
        "scenario_hash": "",
        "scenario_version": "",
        "message": "approved containment",
        "events_count": 1,
        "events": [],
        "start_at": moment,
        "stop_at": moment,
        "capacity": 0,
        "leakspeed": "0",
        "simulated": False,
        "source": {"scope": "Ip", "value": str(address)},
        "decisions": [decision],
    }


def _scenario(key: str) -> str:
    return f"{ORIGIN}/{key}"


def _left_s(decision: CrowdSecDecision) -> int:
    """The whole seconds a decision has left, from Go's form (3h59m58.1s, -313.8ms); BadAnswer for another form."""
    if _SMALL.fullmatch(decision.duration):
        return 0
    parts = _DURATION.fullmatch(decision.duration)
    if parts is None or decision.duration in ("", "-"):
        raise BadAnswer(f"a duration that cannot be read: {decision.duration[:40]!r}")
    sign, hours, minutes, seconds = parts.groups()
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(float(seconds or 0))
    return -total if sign else total


def _others(others: tuple[CrowdSecDecision, ...]) -> str:
    return "others: " + ", ".join(f"{d.origin} {d.scenario}" for d in others[:5]) if others else ""


def _short(reply: Reply) -> str:
    return reply.body[:100].decode("utf-8", "replace")
