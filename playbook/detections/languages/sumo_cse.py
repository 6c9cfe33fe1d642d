"""Cloud SIEM's aggregation rules as the JSON that its rules API takes: hints, which the playbook scores again.

The names are those of the API, not of Terraform (``groupByAsset``, ``scoreMapping``, ``stream``); a rule is created
with POST /api/sec/v1/rules/aggregation.
"""

import json
from collections.abc import Mapping
from typing import Any

from playbook.detections.beaconing import ICMP_NAMES, IRC_PORTS, MIN_CONNECTIONS
from playbook.detections.hunts import HUNTS, SCAN_PORTS, SCAN_SHARE, Hunt
from playbook.model import Value

_TAGS = (
    "_mitreAttackTactic:TA0011",
    "_mitreAttackTechnique:T1071",
    "_mitreAttackTechnique:T1571",
    "_mitreAttackTechnique:T1584.005",
)
_FLOW = 'objectType in ("Network", "NetworkFlow")'
_NO_NAME = '"NXDOMAIN", "nxdomain", "3", "9003"'


class MatchRule(Value):
    """One aggregation rule: what is matched, by whom it is grouped, what is counted and when it fires.

    ``counts`` are (name, function, field); ``window`` one of the API's names, or milliseconds as CUSTOM.
    """

    name: str
    description: str
    match: str
    group: tuple[str, ...]
    counts: tuple[tuple[str, str, str], ...]
    trigger: str
    window: str
    severity: int


def _beaconing() -> MatchRule:
    icmp = ", ".join(f'"{spelled}"' for name in sorted(ICMP_NAMES) for spelled in (name, name.upper()))
    return MatchRule(
        name="Botnet beaconing: repeated connections",
        description="Cloud SIEM cannot count hours or score: this fires on 20 connections of one source to one external"
        " service in 24 hours. The playbook reads the records of the signal and scores them.",
        match=f"{_FLOW} AND NOT dstDevice_ip_isInternal AND NOT ipProtocol in ({icmp})",
        group=("srcDevice_ip", "dstDevice_ip", "dstPort"),
        counts=(("connections", "count", "true"), ("sent", "sum", "bytesOut"), ("received", "sum", "bytesIn")),
        trigger=f"connections >= {MIN_CONNECTIONS}",
        window="T24H",
        severity=5,
    )


def _ddos(wanted: Hunt) -> MatchRule:
    return MatchRule(
        name="Botnet hunt: burst of connections",
        description=f"{wanted.title}. More than {SCAN_PORTS} ports, or more than {SCAN_SHARE:.0%} as many as"
        " connections, look like a scan.",
        match=_FLOW,
        group=("srcDevice_ip", "dstDevice_ip"),
        counts=(("connections", "count", "true"), ("unique_ports", "count_distinct", "dstPort")),
        trigger=f"connections > {wanted.more_than}",
        window=str(wanted.window_s * 1000),
        severity=3,
    )


def _dga(wanted: Hunt) -> MatchRule:
    return MatchRule(
        name="Botnet hunt: burst of failed names",
        description=f"At least {wanted.failed_domains} distinct registered domains that do not exist, in 15 minutes."
        f" The share of {wanted.failed_share:.0%} of the distinct names is not asked here: the log search has it.",
        match=f'objectType = "NetworkDNS" AND dns_returnCode in ({_NO_NAME}) AND NOT dns_query matches "*.arpa"',
        group=("srcDevice_ip",),
        counts=(("failed_domains", "count_distinct", "dns_queryDomain_rootDomain"),),
        trigger=f"failed_domains >= {wanted.failed_domains}",
        window=str(wanted.window_s * 1000),
        severity=4,
    )


def _irc(wanted: Hunt) -> MatchRule:
    ports = ", ".join(map(str, sorted(IRC_PORTS)))
    return MatchRule(
        name="Botnet hunt: ports of IRC",
        description=f"{wanted.title}, which bots use too.",
        match=f"{_FLOW} AND dstPort in ({ports})",
        group=("srcDevice_ip", "dstDevice_ip", "dstPort"),
        counts=(("connections", "count", "true"),),
        trigger="connections > 0",
        window="T60M",
        severity=3,
    )


_RULES = {"ddos-burst": _ddos, "dga-burst": _dga, "irc": _irc}


def query(hunt: str | None = None) -> str:
    """The rule that ``query sumo-cse`` prints, as JSON; KeyError for an unknown hunt."""
    rule = _beaconing() if hunt is None else _RULES[hunt](HUNTS[hunt])
    return json.dumps({"fields": _fields(rule)}, indent=2)


def _fields(rule: MatchRule) -> dict[str, Any]:
    custom = rule.window.isdigit()
    window = {"windowSize": "CUSTOM", "windowSizeMilliseconds": rule.window} if custom else {"windowSize": rule.window}
    summary = f"{rule.name}: {{{{srcDevice_ip}}}}"
    return {
        "name": rule.name,
        "nameExpression": rule.name,
        "descriptionExpression": rule.description,
        "summaryExpression": summary,
        "enabled": False,
        "isPrototype": True,
        "stream": "record",
        "matchExpression": rule.match,
        "groupByAsset": False,
        "groupByFields": list(rule.group),
        "aggregationFunctions": [
            {"name": name, "function": function, "arguments": [field]} for name, function, field in rule.counts
        ],
        "triggerExpression": rule.trigger,
        **window,
        "entitySelectors": [{"entityType": "_ip", "expression": "srcDevice_ip"}],
        "scoreMapping": {"type": "constant", "default": rule.severity},
        "tags": list(_TAGS),
        "tuningExpressionIds": [],
    }


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": ("in part", "JSON only", "cannot be: no hours, no score"),
    "ddos-burst": ("yes", "JSON only", "never run"),
    "dga-burst": ("in part", "JSON only", "cannot be: no share of failed names"),
    "irc": ("yes", "JSON only", "never run"),
}
