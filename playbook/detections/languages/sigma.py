"""What Sigma can say of the detection and the hunts: base rules, correlations over them, and a note on the rest."""

from collections.abc import Mapping
from textwrap import indent
from uuid import NAMESPACE_URL, uuid5

from playbook.detections.beaconing import IRC_PORTS, MIN_CONNECTIONS, SEED_INTERNAL
from playbook.detections.hunts import HUNTS, SCAN_PORTS, Hunt
from playbook.model import Value

DATE = "2026-11-24"
_TAGS = ("attack.command-and-control", "attack.t1071", "attack.t1571", "attack.t1584.005")
_NOTES = {
    "": "Sigma counts events; it cannot count distinct hours, average, or score. These rules are hints: 20 connections"
    " in 24 hours without the 3 hours, the rate, the bytes and the score. Use the other languages for the detection.",
    "ddos-burst": "Sigma counts events and, in a rule of its own, ports; it cannot put both numbers into one row, and"
    " its scan indicator knows no share. Its windows begin where the backend puts them.",
    "dga-burst": "Sigma counts distinct values of one field: names, not registered domains, and no share of failed"
    " names. One host under many names of a missing domain therefore fires too.",
    "irc": "This hunt is said in full.",
}


class Base(Value):
    """A rule over single events: the name correlations refer to, its log source and its selections, as YAML text."""

    name: str
    title: str
    description: str
    source: str
    detection: str
    level: str = "informational"


class Correlation(Value):
    """A rule over a base rule: so many events, or distinct values of ``field``, per group within ``timespan``."""

    name: str
    title: str
    description: str
    base: str
    group: tuple[str, ...]
    timespan: str
    condition: str
    field: str = ""
    level: str = "medium"


def _listed(items: tuple[str, ...]) -> str:
    return "\n".join(f"- {item}" for item in items)


_BENIGN = "falsepositives:\n  - Backups, load tests, time and name services\n"
_FIREWALL = "category: firewall"
_SYSMON = "category: network_connection\nproduct: windows"
_INTERNAL = "\n".join(f"- '{network}'" for network in SEED_INTERNAL)
_IRC = _listed(tuple(map(str, sorted(IRC_PORTS))))
_EXTERNAL = Base(
    name="external_connection",
    title="Connection to an External Address",
    description="A connection that a firewall let through to an address outside of RFC 1918, loopback and link-local.",
    source=_FIREWALL,
    detection=f"internal:\n  dst_ip|cidr:\n{indent(_INTERNAL, '    ')}\nblocked:\n  action:\n    - deny\n    - drop\n"
    "    - blocked\ncondition: not internal and not blocked",
)
_FLOW = Base(
    name="any_connection",
    title="Connection Between Two Addresses",
    description="Any connection that a firewall logged.",
    source=_FIREWALL,
    detection="connection:\n  dst_port|exists: true\ncondition: connection",
)
_PROCESS = Base(
    name="process_connection",
    title="Connection Begun by a Process",
    description="Any connection that a process began, loopback included.",
    source=_SYSMON,
    detection="connection:\n  Initiated: 'true'\ncondition: connection",
)
_IRC_FLOW = Base(
    name="irc_connection",
    title="Connection to a Port of IRC",
    description="A connection to a port that IRC uses, or that its bots use.",
    source=_FIREWALL,
    level="medium",
    detection=f"ports:\n  dst_port:\n{indent(_IRC, '    ')}\ncondition: ports",
)
_IRC_PROCESS = Base(
    name="irc_process_connection",
    title="Connection of a Process to a Port of IRC",
    description="A process began a connection to a port that IRC uses, or that its bots use.",
    source=_SYSMON,
    level="medium",
    detection=f"ports:\n  Initiated: 'true'\n  DestinationPort:\n{indent(_IRC, '    ')}\ncondition: ports",
)
_FAILED = Base(
    name="failed_name",
    title="Name That Does Not Exist",
    description="A name look-up of a process was answered with: there is no such name (9003).",
    source="category: dns_query\nproduct: windows",
    detection="missing:\n  QueryStatus: 9003\nreverse:\n  QueryName|endswith: '.arpa'\n"
    "condition: missing and not reverse",
)


def _quarter(wanted: Hunt) -> str:
    return f"{wanted.window_s // 60}m"


def _bursts() -> tuple[Base | Correlation, ...]:
    burst = HUNTS["ddos-burst"]
    many, scan = f"gt: {burst.more_than}", f"gt: {SCAN_PORTS}"
    flow, process = ("src_ip", "dst_ip"), ("Computer", "Image")
    said = {"timespan": _quarter(burst), "description": f"{burst.title}."}
    return (
        _FLOW,
        Correlation(name="burst", title="Burst of Connections", base=_FLOW.name, group=flow, condition=many, **said),
        Correlation(
            name="burst_to_many_ports",
            title="Burst of Connections to Many Ports",
            base=_FLOW.name,
            group=flow,
            condition=scan,
            field="dst_port",
            **said,
        ),
        _PROCESS,
        Correlation(
            name="burst_of_a_process",
            title="Burst of Connections of One Process",
            base=_PROCESS.name,
            group=process,
            condition=many,
            **said,
        ),
    )


def _rules(hunt: str) -> tuple[Base | Correlation, ...]:
    if hunt == "ddos-burst":
        return _bursts()
    if hunt == "irc":
        return (_IRC_FLOW, _IRC_PROCESS)
    key = ("src_ip", "dst_ip", "dst_port")
    if hunt == "dga-burst":
        wanted = HUNTS[hunt]
        return (
            _FAILED,
            Correlation(
                name="failed_names",
                title="Burst of Names That Do Not Exist",
                base=_FAILED.name,
                field="QueryName",
                description=f"At least {wanted.failed_domains} distinct names that do not exist, asked by one process.",
                group=("Computer", "Image"),
                timespan=_quarter(wanted),
                condition=f"gte: {wanted.failed_domains}",
            ),
        )
    said = {"group": key, "timespan": "24h", "condition": f"gte: {MIN_CONNECTIONS}"}
    return (
        _EXTERNAL,
        Correlation(
            name="repeated_connections",
            title="Repeated Connections to One External Service",
            level="low",
            base=_EXTERNAL.name,
            description="20 connections to one service within a day.",
            **said,
        ),
        _IRC_FLOW,
        Correlation(
            name="repeated_irc",
            title="Repeated Connections to a Port of IRC",
            base=_IRC_FLOW.name,
            description="20 connections to a port of IRC within a day.",
            **said,
        ),
    )


def query(hunt: str | None = None) -> str:
    """The YAML documents that ``query sigma`` prints, led by a comment on what Sigma cannot say.

    Raises KeyError for an unknown hunt.
    """
    name = HUNTS[hunt].name if hunt else ""
    return f"# {_NOTES[name]}\n" + "---\n".join(map(_document, _rules(name)))


def _document(rule: Base | Correlation) -> str:
    head = (
        f"title: {rule.title}\nid: {uuid5(NAMESPACE_URL, f'botnet-playbook/{rule.name}')}\nname: {rule.name}\n"
        f"status: experimental\ndescription: {rule.description!r}\n"
        f"references:\n  - https://attack.mitre.org/techniques/T1584/005/\nauthor: botnet-playbook\ndate: {DATE}\n"
        f"tags:\n{indent(_listed(_TAGS), '  ')}\n"
    )
    return head + (_base(rule) if isinstance(rule, Base) else _correlation(rule)) + f"level: {rule.level}\n"


def _base(rule: Base) -> str:
    return f"logsource:\n{indent(rule.source, '  ')}\ndetection:\n{indent(rule.detection, '  ')}\n{_BENIGN}"


def _correlation(rule: Correlation) -> str:
    counted = f"    field: {rule.field}\n" if rule.field else ""
    return (
        f"correlation:\n  type: {'value_count' if rule.field else 'event_count'}\n  rules:\n    - {rule.base}\n"
        f"  group-by:\n{indent(_listed(rule.group), '    ')}\n  timespan: {rule.timespan}\n"
        f"  condition:\n    {rule.condition}\n{counted}{_BENIGN}"
    )


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": (
        "in part",
        "vendor",
        "sqlite for its part (20 in a day); no hours, averages or score",
    ),
    "ddos-burst": ("in part", "vendor", "sqlite; windows slide there, so that a burst across two quarters is seen too"),
    "dga-burst": ("in part", "vendor", "sqlite for its part; cannot be more: names, not registered domains; no share"),
    "irc": ("yes", "vendor", "sqlite"),
}
