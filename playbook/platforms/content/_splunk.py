"""Splunk: saved searches that are scheduled alerts, and the same as correlation searches of Enterprise Security."""

import json
from collections.abc import Iterable

from playbook.platforms.content._searches import BENIGN, DELAY_MIN, TECHNIQUES, WINDOW_MIN, Search

# What Splunk Web calls low, medium and high.
_ALERT_SEVERITY = {"low": "2", "medium": "3", "high": "4"}
_RISK = {"low": 10, "medium": 30, "high": 60}
_COMMENT = (
    "# {what}. Every search is disabled: set scope and schedule, then enable it.\n"
    "# Generated: botnet-playbook manifests write content.\n"
)


def saved_searches(found: Iterable[Search]) -> str:
    """``savedsearches.conf`` of an app: each search an alert that is tracked, one a row, quiet for 24 hours."""
    return _COMMENT.format(what="Scheduled alerts") + "".join(
        _stanza(one.name, _schedule(one) | _alert(one) | {"search": one.query}) for one in found
    )


def correlation_searches(found: Iterable[Search]) -> str:
    """``savedsearches.conf`` for Enterprise Security: a notable and a risk a row, with ATT&CK and a drill-down."""
    return _COMMENT.format(what="Correlation searches of Enterprise Security") + "".join(
        _stanza(
            f"Network - {one.name} - Rule",
            _schedule(one)
            | _alert(one)
            | {"alert.digest_mode": "1", "alert.track": "0"}
            | _security(one)
            | {"search": one.query},
        )
        for one in found
    )


def _schedule(one: Search) -> dict[str, str]:
    return {
        "description": f"{one.description} {BENIGN}",
        "disabled": "1",
        "enableSched": "1",
        "cron_schedule": "7 * * * *" if one.hourly else "7 5 * * *",
        "dispatch.earliest_time": f"-{WINDOW_MIN + DELAY_MIN}m",
        "dispatch.latest_time": f"-{DELAY_MIN}m",
        "schedule_window": "auto",
        "realtime_schedule": "0",
    }


def _alert(one: Search) -> dict[str, str]:
    return {
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.track": "1",
        "alert.severity": _ALERT_SEVERITY[one.severity],
        "alert.digest_mode": "0",
        "alert.suppress": "1",
        "alert.suppress.fields": ",".join(one.columns),
        "alert.suppress.period": "24h",
    }


def _security(one: Search) -> dict[str, str]:
    subject = " to ".join(f"${name}$" for name in one.ends)
    about = " ".join(f'"${name}$"' for name in one.ends)
    return {
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": one.name,
        "action.correlationsearch.annotations": _json(
            {"mitre_attack": list(TECHNIQUES), "kill_chain_phases": ["Command and Control"], "confidence": ["50"]}
        ),
        "action.notable": "1",
        "action.notable.param.rule_title": f"{one.title}: {subject}",
        "action.notable.param.rule_description": f"{one.description} {BENIGN}",
        "action.notable.param.security_domain": "network",
        "action.notable.param.severity": one.severity,
        "action.notable.param.nes_fields": ",".join(one.columns),
        "action.notable.param.drilldown_searches": _json(
            [
                {
                    "name": f"Events of {subject}",
                    "search": f"search index=* {about}",
                    "earliest_offset": "$info_min_time$",
                    "latest_offset": "$info_max_time$",
                }
            ]
        ),
        "action.risk": "1",
        "action.risk.param._risk_message": f"{one.title}: {subject}",
        "action.risk.param._risk_score": "0",
        "action.risk.param.verbose": "0",
        "action.risk.param._risk": _json(_risks(one)),
    }


def _risks(one: Search) -> list[dict[str, str | int]]:
    """The machine is at risk; the destination is the threat."""
    risks: list[dict[str, str | int]] = [
        {"risk_object_field": one.host, "risk_object_type": "system", "risk_score": _RISK[one.severity]}
    ]
    if "dst_ip" in one.columns:
        risks.append({"threat_object_field": "dst_ip", "threat_object_type": "ip_address"})
    return risks


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _stanza(name: str, settings: dict[str, str]) -> str:
    """A stanza; a value of several lines goes on after a backslash at the end of a line."""
    lines = (f"{key} = {value}".replace("\n", "\\\n") for key, value in settings.items())
    return f"\n[{name}]\n" + "\n".join(lines) + "\n"
