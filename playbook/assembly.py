"""Configuration -> what a run needs: the only file that imports connectors, and where every fault is told at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import connectors
import playbook
from playbook import suppressions
from playbook.config import Config, Table, faults, refuse_literal_secrets, resolve_secrets
from playbook.errors import ConfigError
from playbook.model import Value
from playbook.model.address import Network
from playbook.model.response import StepKind
from playbook.model.site import Site
from playbook.ports import ConnectorModule, Containment, DetectionSource, Enricher, Toolkit
from playbook.report.sanitize import utc
from playbook.respond import RunTerms
from playbook.response.guardrails import NeverBlockPolicy
from playbook.response.infrastructure import (
    RESERVED_KEYS,
    ResolvedEndpoints,
    addresses_of,
    places_of,
    resolve_endpoints,
)
from playbook.response.plan import NARROWEST_FIRST, ResponseCapabilities
from playbook.rules import all_rules

from pydantic import ValidationError  # isort: skip
from playbook.triage.rule_set import read_rules

# The embedded tables speak in every run; a configured table of the same kind takes the place of the default.
_ALWAYS = ("asn", "lists", "vendors")


class Assembled(NamedTuple):
    """Everything ``respond`` takes, with what has to be warned about."""

    toolkit: Toolkit
    site: Site
    terms: RunTerms
    warnings: tuple[str, ...]


def assert_not_shadowed() -> None:
    """Raise ConfigError when another distribution has overwritten one of our import packages."""
    for package in (playbook, connectors):
        if getattr(package, "OURS", None) != "botnet-playbook":
            raise ConfigError(
                f"the import package {package.__name__!r} is not ours: another distribution of that name overwrote it; "
                "install botnet-playbook into an environment of its own"
            )


def site_of(config: Config, now: datetime) -> Site:
    """Networks, exceptions and the instant to judge by (``policy.now`` when set, for samples and replays)."""
    path = None if config.policy.exceptions is None else config.folder / config.policy.exceptions
    return Site(
        networks=config.networks,
        exceptions=suppressions.read(path),
        now=config.policy.now or now,
    )


def assemble(
    config: Config,
    file: str,
    source: tuple[str, Table],
    now: datetime,
    wishes: Mapping[str, Any] = MappingProxyType({}),
) -> Assembled:
    """Wire one run over the source table ``(name, table)``. Raises ConfigError with every fault of every table.

    ``wishes`` are settings that a connector takes when it has them and its table does not say otherwise.
    """
    assert_not_shadowed()
    site = site_of(config, now)
    wiring = _Bootstrapper(config, site, file, wishes)
    origin = wiring.connect("sources", *source)
    toolkit, terms = _around(config, file, wiring, origin)
    warnings = (f"policy.now is set: this run judges as of {utc(site.now)} UTC",) if config.policy.now else ()
    return Assembled(toolkit, site, terms, warnings)


def _around(config: Config, file: str, wiring: "_Bootstrapper", origin: DetectionSource) -> tuple[Toolkit, RunTerms]:
    enrichers = wiring.connect_all("enrichers", _with_defaults(config))
    containments = wiring.connect_all("containments", config.containments)
    rules = read_rules(config, file, wiring.faults)
    hosts_in = wiring.scopes(config.enrichers)
    wiring.sound()
    means = ResponseCapabilities(
        block_ttl_s=config.policy.block_ttl_s,
        isolate_ttl_s=config.policy.isolate_ttl_s,
        policy_version=config.policy.version,
        barriers=barriers_of(config),
        offers=_offers(containments),
    )
    toolkit = Toolkit(source=origin, enrichers=enrichers, containments=containments, hosts_in=hosts_in)
    return toolkit, RunTerms(rules=rules, means=means, limits=config.limits)


@dataclass(frozen=True)
class ActionContext:
    """What an action may reach (``playbook.actions.Outside``): only what it asks for is wired."""

    config: Config
    file: str
    now: datetime
    site: Site

    def source(self, table: tuple[str, Table]) -> DetectionSource:
        """One source, wired. Raises ConfigError with every fault of its table."""
        wiring = _Bootstrapper(self.config, self.site, self.file)
        origin: DetectionSource = wiring.connect("sources", *table)
        wiring.sound()
        return origin

    def enrichers(self) -> tuple[tuple[Enricher, ...], dict[str, tuple[Network, ...]]]:
        """Every enricher, wired, and by name the networks of those that serve only some of our hosts."""
        wiring = _Bootstrapper(self.config, self.site, self.file)
        found = wiring.connect_all("enrichers", _with_defaults(self.config))
        hosts_in = wiring.scopes(self.config.enrichers)
        wiring.sound()
        return found, hosts_in

    def around(self, source: DetectionSource) -> tuple[Toolkit, RunTerms]:
        """Everything a run takes, over a source that is there already."""
        return _around(self.config, self.file, _Bootstrapper(self.config, self.site, self.file), source)

    def everything(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Every configured connector by ``section.name``, and warnings about the configuration."""
        return assemble_all(self.config, self.file, self.now)


def action_context(config: Config, file: str, now: datetime) -> ActionContext:
    """What actions may reach under this configuration."""
    assert_not_shadowed()
    return ActionContext(config, file, now, site_of(config, now))


def log_source(config: Config, file: str, paths: Iterable[str], settings: Table, now: datetime) -> Any:
    """A log source over paths from the command line, which are relative to the working directory.

    Raises ConfigError with every fault of the settings.
    """
    assert_not_shadowed()
    wiring = _Bootstrapper(config, site_of(config, now), file)
    table = {"kind": "logs", "paths": [str(Path(path).absolute()) for path in paths], **settings}
    source = wiring.connect("sources", "logs", table)
    wiring.sound()
    return source


def assemble_all(config: Config, file: str, now: datetime) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Every configured connector by ``section.name``, for ``check``, and warnings about the configuration itself.

    Raises ConfigError with every fault of every table, the rules' parameters included.
    """
    assert_not_shadowed()
    wiring = _Bootstrapper(config, site_of(config, now), file)
    sections = {
        "sources": config.sources,
        "enrichers": _with_defaults(config),
        "containments": config.containments,
        "tickets": config.tickets,
        "notifiers": config.notifiers,
    }
    parts = {
        f"{section}.{name}": wiring.connect(section, name, table)
        for section, tables in sections.items()
        for name, table in tables.items()
    }
    read_rules(config, file, wiring.faults)
    wiring.scopes(config.enrichers)
    wiring.sound()
    warnings = [f"policy.now is set: runs judge as of {utc(config.policy.now)} UTC"] if config.policy.now else []
    if config.networks.lab:
        warnings.append("networks.lab is set: documentation ranges count as Internet addresses")
    if not config.networks.protected:
        warnings.append("networks.protected is empty: nothing is marked as never to be blocked or as two people's word")
    return parts, tuple(warnings)


class _Bootstrapper:
    """Connects tables one by one and gathers every fault, so that a person mends them in one go."""

    def __init__(self, config: Config, site: Site, file: str, wishes: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.site, self.folder, self.file = site, config.folder, file
        self.offered = {
            "cache": config.state.cache,
            "state_url": config.state.url or None,
            "memory_mb": config.limits.memory_mb,
            **wishes,
        }
        self.faults: list[str] = []

    def sound(self) -> None:
        if self.faults:
            raise ConfigError("\n".join(self.faults))

    def connect_all(self, section: str, tables: Mapping[str, Table]) -> tuple[Any, ...]:
        made = [self.connect(section, name, table) for name, table in tables.items()]
        return tuple(one for one in made if one is not None)

    def connect(self, section: str, name: str, table: Table) -> Any:
        where, kind = f"{section}.{name}", table.get("kind")
        if kind not in connectors.catalogue(section):
            self.faults.append(f"{self.file}: {where}.kind: {_no_such_kind(section, kind)}")
            return None
        module = cast(ConnectorModule[Any], connectors.load(section, kind))
        try:
            own = self.defaults(module.Settings) | {k: v for k, v in table.items() if k not in RESERVED_KEYS}
            refuse_literal_secrets(module.Settings, table, self.file, where)
            settings = module.Settings.model_validate(resolve_secrets(own, self.file, where))
            return module.connect(name, settings, self.site, self.folder)
        except ValidationError as fault:
            self.faults += faults(module.Settings, fault, self.file, where)
        except ConfigError as fault:
            self.faults.append(str(fault))
        return None

    def defaults(self, settings: type[Value]) -> Table:
        """What the frame offers to every connector that has such a setting, unless its own table says otherwise."""
        known = settings.model_fields
        return {name: value for name, value in self.offered.items() if value is not None and name in known}

    def scopes(self, tables: Mapping[str, Table]) -> dict[str, tuple[Network, ...]]:
        found = {}
        for name, table in tables.items():
            try:
                found[name] = tuple(ip_network(text, strict=False) for text in table.get("hosts_in", ()))
            except (ValueError, TypeError) as fault:
                self.faults.append(f"{self.file}: enrichers.{name}.hosts_in: {fault}")
        return {name: scope for name, scope in found.items() if scope}


def _no_such_kind(section: str, kind: object) -> str:
    """Why ``kind`` cannot stand in this section, and what can."""
    elsewhere = [role for role in connectors.ROLES if kind in connectors.catalogue(role)]
    known = ", ".join(connectors.catalogue(section))
    if elsewhere:
        return f"{kind!r} belongs to {' and '.join(elsewhere)}, not to {section}; there are: {known}"
    return f"{kind!r} is no connector; there are: {known}"


def _with_defaults(config: Config) -> dict[str, Table]:
    """The configured enrichers after the embedded ones; ``policy.known_services`` goes to the vendor table."""
    tables = config.enrichers
    kinds = [table.get("kind") for table in tables.values()]
    found = {kind: {"kind": kind} for kind in _ALWAYS if kind not in kinds} | dict(tables)
    if config.policy.known_services is None:
        return found
    known = {"path": config.policy.known_services}
    return {name: known | table if table.get("kind") == "vendors" else table for name, table in found.items()}


def _offers(containments: Iterable[Containment]) -> dict[StepKind, str]:
    """The first configured containment that offers a kind carries it out."""
    return {
        kind: next(c.name for c in containments if kind in c.kinds)
        for kind in NARROWEST_FIRST
        if any(kind in c.kinds for c in containments)
    }


def barriers_of(config: Config) -> NeverBlockPolicy:
    """What this configuration adds to never-block; a feed is as old as its rule lets it be."""
    aged: Any = all_rules()["threat_feed"].params.model_validate(config.policy.rules.get("threat_feed", {}))
    # Where nothing can be set, no name has to be looked up for it.
    found = (
        resolve_endpoints(own_places(config), addresses_of)
        if config.containments
        else ResolvedEndpoints(own_places(config))
    )
    return NeverBlockPolicy(own_places=found.places, unlocated=found.unlocated, feed_days=aged.fresh_days)


def own_places(config: Config) -> frozenset[str]:
    """The addresses and names of every host that the configuration names: never to be blocked."""
    tables = {role: tuple(getattr(config, role).values()) for role in connectors.ROLES}
    return places_of(config, tables, _settings_model)


def _settings_model(role: str, kind: object) -> type | None:
    """The Settings of a connector; None when no such connector exists."""
    return connectors.load(role, str(kind)).Settings if kind in connectors.catalogue(role) else None
