"""The frame of the configuration: TOML read whole, every wrong key named with its path and the nearest valid one."""

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from playbook._config_errors import described
from playbook.errors import ConfigError
from playbook.model import Value
from playbook.model.address import Network
from playbook.model.moment import UtcMoment
from playbook.model.site import Networks

M = TypeVar("M", bound=BaseModel)
Table = dict[str, Any]
_LINK = r"^https://[^\s\"'<>]*\{(?:address|name)\}[^\s\"'<>]*$"


class Policy(Value):
    """``[policy]``: outcomes and thresholds as data; ``rules`` holds one table of parameters per rule.

    ``now`` replaces the clock, for samples and replays only; every run that uses it says so. ``block_ttls_s`` are the
    lengths of time offered to an approver; an unanswered request is denied after ``approval_ttl_s``.
    ``close_in_siem`` false: what is written back to a SIEM is a comment and its tag, never a status.
    """

    version: int = 1
    now: UtcMoment | None = None
    exceptions: Path | None = None
    known_services: Path | None = None
    backup_host_patterns: tuple[str, ...] = ()
    block_ttl_s: int = Field(default=4 * 3600, ge=60, le=30 * 86400)
    isolate_ttl_s: int = Field(default=8 * 3600, ge=300, le=30 * 86400)
    block_ttls_s: tuple[Annotated[int, Field(ge=60, le=30 * 86400)], ...] = Field(
        default=(3600, 4 * 3600, 24 * 3600), max_length=6
    )
    approval_ttl_s: int = Field(default=24 * 3600, ge=300, le=30 * 86400)
    close_in_siem: bool = False
    rules: dict[str, Table] = {}


class ContainPerHour(Value):
    """``[limits.max_containments_per_hour]``: attempts an hour by kind of step; above it, all stay proposals."""

    block_pair: int = Field(default=50, ge=0, le=10_000)
    block_address: int = Field(default=20, ge=0, le=10_000)
    isolate_host: int = Field(default=5, ge=0, le=1000)


class Limits(Value):
    """``[limits]``: bounds on what one run may ask for and produce, and on what may be contained.

    ``kill_switch`` is a file that stops all applying (never a release) while it exists or cannot be read.
    ``alerts_per_hour`` of one token are judged; what it sends beyond that goes into one digest ticket an hour.
    """

    tickets_per_run: int = Field(default=20, ge=0, le=1000)
    group_ticket_min_hosts: int = Field(default=5, ge=2, le=10000)
    enrichment_timeout_s: float = Field(default=20.0, gt=0, le=600)
    memory_mb: int = Field(default=400, ge=64, le=1_000_000)
    max_containments_per_hour: ContainPerHour = ContainPerHour()
    alerts_per_hour: int = Field(default=1000, ge=1, le=1_000_000)
    kill_switch: Path | None = None


class State(Value):
    """``[state]``: where cases and caches live.

    ``audit_anchor`` is the file in which the head of the audit trail is kept, best on another machine's disk (default:
    beside the SQLite file; none with PostgreSQL).
    """

    url: str = ""
    cache: Path | None = None
    audit_anchor: Path | None = None


class Serve(Value):
    """``[serve]``: how the web face listens, who may read the feeds, and how often the detections run.

    ``public_url`` is where people reach it (needed off loopback). ``blocklist_allowed_networks`` limits the feeds
    to these networks (empty: anybody who can connect). ``sources`` are run every ``interval_s`` seconds (empty: all).
    ``oidc`` holds the identity provider's settings. ``pivots`` are links that the pages offer beside a destination, by
    name: an https:// address with {address} or {name} in it.
    """

    interval_s: int = Field(default=900, ge=60, le=86400)
    sources: tuple[str, ...] = ()
    public_url: str = ""
    trust_forwarded_headers: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    blocklist_allowed_networks: tuple[Network, ...] = ()
    secret_env: str = ""
    session_lifetime_s: int = Field(default=8 * 3600, ge=300, le=7 * 86400)
    session_idle_timeout_s: int = Field(default=1800, ge=60, le=86400)
    body_bytes: int = Field(default=64 * 1024, ge=4096, le=16 * 2**20)
    alert_bytes: int = Field(default=4 * 2**20, ge=4096, le=64 * 2**20)
    requests_per_minute: int = Field(default=600, ge=10, le=100_000)
    logins_per_minute: int = Field(default=10, ge=1, le=1000)
    oidc: Table = {}
    pivots: dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(pattern=_LINK, max_length=500)]] = Field(
        default={}, max_length=20
    )


class AlertSender(Value):
    """``[alerts.NAME]``: how one sender's alerts are read and which source is asked for their traffic.

    ``rows`` is the dotted path to the rows, ``fields`` names by column the (dotted) field that holds it. A sender
    proves itself by a token, in ``Authorization`` or in ``token_header``; or by an HMAC-SHA256 of the exact body in
    ``signature_header`` under ``secret_env`` (over ``timestamp_header``, a dot and the body where that is set).
    """

    source: str = ""
    rows: str = Field(default="", max_length=200)
    fields: dict[str, str] = {}
    token_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,60}$")
    secret_env: str = ""
    signature_header: str = Field(default="X-Signature", pattern=r"^[A-Za-z0-9-]{1,60}$")
    timestamp_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,60}$")


class Config(Value):
    """The whole file. Connector tables stay raw here; assembly checks each against its connector's Settings."""

    networks: Networks = Networks()
    sources: dict[str, Table] = {}
    enrichers: dict[str, Table] = {}
    containments: dict[str, Table] = {}
    tickets: dict[str, Table] = {}
    notifiers: dict[str, Table] = {}
    alerts: dict[str, AlertSender] = {}
    policy: Policy = Policy()
    limits: Limits = Limits()
    state: State = State()
    serve: Serve = Serve()
    folder: Path = Path()

    @field_validator("alerts")
    @classmethod
    def _asks_a_source(cls, alerts: dict[str, AlertSender], info: ValidationInfo) -> dict[str, AlertSender]:
        sources = info.data.get("sources", {})
        for name, sender in alerts.items():
            if sender.source and sender.source not in sources:
                raise ValueError(f"{name}.source: {sender.source!r} is not configured under [sources]")
        return alerts

    @property
    def off(self) -> str:
        """Why containment is off, "" when it is on."""
        if not self.networks.protected:
            return "networks.protected is not set: nobody has said what must never be blocked"
        return "" if self.containments else "no [containments.NAME] is configured"

    @property
    def kill_switch(self) -> Path | None:
        """The file that stops all applying while it is there; None when none is configured."""
        return None if self.limits.kill_switch is None else self.folder / self.limits.kill_switch


def read(path: Path | None) -> Config:
    """The configuration in ``path`` (relative paths in it are relative to its folder), or the defaults for None.

    Raises ConfigError with one line per fault: ``file: table.key: what was expected``.
    """
    if path is None:
        return Config()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigError(f"{path}: {fault}") from fault
    if "folder" in raw:
        raise ConfigError(f"{path}: folder: unknown key")
    return validated(Config, raw | {"folder": path.parent}, str(path), "")


def validated(model: type[M], raw: Table, file: str, where: str) -> M:
    """``raw`` as ``model``; ConfigError names each wrong key by its path under ``where``."""
    try:
        return model.model_validate(raw)
    except ValidationError as fault:
        raise ConfigError("\n".join(faults(model, fault, file, where))) from None


# What pydantic calls the branches of a union inside its paths: no key of the file.
_BRANCH = re.compile(r"[a-z-]+\[.+\]")


def faults(model: type[BaseModel], fault: ValidationError, file: str, where: str) -> list[str]:
    """One readable line per error of a pydantic validation."""
    lines = []
    for error in fault.errors(include_url=False):
        keys = [str(part) for part in error["loc"] if not _BRANCH.fullmatch(str(part))]
        path = ".".join([where, *keys] if where else keys)
        message = described(error, keys)
        if error["type"] == "missing" and (wanted := _description_at(model, keys)):
            message = f"required: {wanted}"
        if error["type"] == "extra_forbidden":
            near = get_close_matches(keys[-1], _keys_at(model, keys[:-1]), n=1, cutoff=0.5)
            message = "unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
        lines.append(f"{file}: {path or '(top level)'}: {message}")
    return list(dict.fromkeys(lines))


def _description_at(model: type[BaseModel], keys: list[str]) -> str:
    """What a field is for, where its model says so."""
    current: Any = model
    for key in keys[:-1]:
        field = getattr(current, "model_fields", {}).get(key)
        current = field.annotation if field else None
    field = getattr(current, "model_fields", {}).get(keys[-1]) if keys else None
    return (field.description or "") if field else ""


def _keys_at(model: type[BaseModel], keys: list[str]) -> list[str]:
    current: Any = model
    for key in keys:
        field = getattr(current, "model_fields", {}).get(key)
        current = field.annotation if field else None
    return list(getattr(current, "model_fields", {}))


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class NamedSecret(SecretStr):
    """A secret that knows the ``variable`` it came from, so that an error can name that and never the value."""

    def __init__(self, secret: str, variable: str) -> None:
        super().__init__(secret)
        self.variable = variable


def resolve_secrets(table: Table, file: str, where: str) -> Table:
    """``table`` with each ``<setting>_env = "VARIABLE"`` replaced by ``<setting>`` holding the secret.

    Raises ConfigError naming the key and the variable, never a value, when the variable is unset or misnamed.
    """
    resolved: Table = {}
    for key, value in table.items():
        if not key.endswith("_env"):
            resolved[key] = value
            continue
        if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
            raise ConfigError(f"{file}: {where}.{key}: expected the name of an environment variable")
        secret = os.environ.get(value)
        if not secret:
            raise ConfigError(f"{file}: {where}.{key}: the environment variable {value} is not set")
        resolved[key.removesuffix("_env")] = NamedSecret(secret, value)
    return resolved


# A webhook's address is a secret in some products only.
_MAY_BE_LITERAL = frozenset({"url"})


def refuse_literal_secrets(model: type[BaseModel], table: Table, file: str, where: str) -> None:
    """Raise ConfigError for a secret that stands in the file itself; its value is never repeated."""
    for name in sorted(table.keys() - _MAY_BE_LITERAL):
        field = model.model_fields.get(name)
        if field is not None and isinstance(table[name], str) and _is_secret(field.annotation):
            raise ConfigError(
                f"{file}: {where}.{name}: a secret does not stand in the file: put it into an environment variable "
                f'and name that, {name}_env = "{name.upper()}"'
            )


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def token_given() -> str:
    """The token of ``BOTNET_PLAYBOOK_TOKEN`` by which a person proves an account to the command line; "" when unset."""
    return os.environ.get("BOTNET_PLAYBOOK_TOKEN", "")


def first_password() -> str:
    """The first administrator's password of ``BOTNET_PLAYBOOK_ADMIN_PASSWORD``; "" when unset."""
    return os.environ.get("BOTNET_PLAYBOOK_ADMIN_PASSWORD", "")
