"""Splunk content, read strictly: alerts and correlation searches whose text is the one that ``query`` prints."""

import json
import re
from configparser import ConfigParser
from datetime import UTC, datetime

import pytest
from cronsim import CronSim

from playbook.detections.languages import splunk
from tests.manifests.content import FOLDER, all_printed

FLAG, WHOLE = r"[01]", r"\d+"
# savedsearches.conf.spec, the keys that we use and what each may hold; of Enterprise Security in SPLUNK_ES.
SPLUNK = {
    "description": r"[^\n]{20,}",
    "disabled": "1",
    "enableSched": FLAG,
    "cron_schedule": r"[\d*/, -]+",
    "dispatch.earliest_time": r"-\d+m",
    "dispatch.latest_time": r"-\d+m",
    "schedule_window": r"auto|\d+",
    "realtime_schedule": FLAG,
    "counttype": "number of events|number of hosts|number of sources|custom",
    "relation": "greater than|less than|equal to|not equal to|drops by|rises by",
    "quantity": WHOLE,
    "alert.track": f"{FLAG}|auto",
    "alert.severity": "[1-6]",
    "alert.digest_mode": FLAG,
    "alert.suppress": FLAG,
    "alert.suppress.fields": r"\w+(,\w+)*",
    "alert.suppress.period": r"\d+[smhd]",
    "search": r"[\s\S]+",
}
SPLUNK_ES = SPLUNK | {
    "action.correlationsearch.enabled": "1",
    "action.correlationsearch.label": r".+",
    "action.correlationsearch.annotations": r"\{.*\}",
    "action.notable": "1",
    "action.notable.param.rule_title": r".+",
    "action.notable.param.rule_description": r".+",
    "action.notable.param.security_domain": "access|endpoint|network|threat|identity|audit",
    "action.notable.param.severity": "informational|low|medium|high|critical|unknown",
    "action.notable.param.nes_fields": r"\w+(,\w+)*",
    "action.notable.param.drilldown_searches": r"\[.*\]",
    "action.risk": "1",
    "action.risk.param._risk_message": r".+",
    "action.risk.param._risk_score": WHOLE,
    "action.risk.param.verbose": FLAG,
    "action.risk.param._risk": r"\[.*\]",
}


def read_conf(text: str) -> dict[str, dict[str, str]]:
    """Splunk's .conf as its manual says: a backslash at the end of a line goes on, a comment only at a line's start."""
    stanzas: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for line in re.sub(r"\\\n", "\0", text).split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if found := re.fullmatch(r"\[([^\[\]\n]+)\]", line):
            assert found[1] not in stanzas, f"{found[1]} twice"
            current = stanzas.setdefault(found[1], {})
            continue
        key, sign, value = line.partition(" = ")
        assert sign and current is not None and re.fullmatch(r"[\w.]+", key) and key not in current, line[:80]
        assert value == value.rstrip(), f"{key}: blanks at the end"
        current[key] = value.replace("\0", "\n")
    return stanzas


def conf(name: str, keys: dict[str, str]) -> dict[str, dict[str, str]]:
    stanzas = read_conf((FOLDER / name).read_text())
    assert stanzas
    for stanza, settings in stanzas.items():
        assert set(settings) == set(keys), stanza
        for key, value in settings.items():
            assert re.fullmatch(keys[key], value), f"[{stanza}] {key} = {value}"
    return stanzas


def shown(search: str) -> set[str]:
    """The columns of a search: its last table."""
    return set(search.rpartition("| table ")[2].split())


def test_every_splunk_search_is_a_scheduled_alert_with_the_text_that_query_prints() -> None:
    found = conf("splunk/savedsearches.conf", SPLUNK)
    assert sorted(one["search"] for one in found.values()) == sorted(all_printed("splunk", ".spl"))
    for one in found.values():
        assert splunk.lint(one["search"]) == ()
        assert set(one["alert.suppress.fields"].split(",")) <= shown(one["search"])
        assert one["dispatch.earliest_time"] == "-1455m" and one["dispatch.latest_time"] == "-15m"
        next(CronSim(one["cron_schedule"], datetime(2026, 1, 1, tzinfo=UTC)))


def test_every_correlation_search_raises_a_notable_and_a_risk_about_columns_that_it_has() -> None:
    found = conf("splunk_es/savedsearches.conf", SPLUNK_ES)
    assert {one["search"] for one in found.values()} < set(all_printed("splunk", ".spl")) and len(found) == 4
    for name, one in found.items():
        assert re.fullmatch(r"Network - .+ - Rule", name) and len(name) < 100
        columns = shown(one["search"])
        assert set(one["action.notable.param.nes_fields"].split(",")) <= columns
        tokens = set(re.findall(r"\$(\w+)\$", one["action.notable.param.rule_title"]))
        assert tokens and tokens <= columns
        (drill,) = json.loads(one["action.notable.param.drilldown_searches"])
        assert set(drill) == {"name", "search", "earliest_offset", "latest_offset"}
        assert set(re.findall(r"\$(\w+)\$", drill["search"])) <= columns
        risks = json.loads(one["action.risk.param._risk"])
        assert {risk.get("risk_object_field") or risk["threat_object_field"] for risk in risks} <= columns
        assert 0 < risks[0]["risk_score"] <= 100 and risks[0]["risk_object_type"] in ("system", "user", "other")
        marks = json.loads(one["action.correlationsearch.annotations"])
        assert set(marks) == {"mitre_attack", "kill_chain_phases", "confidence"}
        assert marks["mitre_attack"] == ["T1071", "T1571", "T1584.005"]


def test_python_reads_the_stanzas_of_the_conf_too() -> None:
    """A second reader, for the names and the keys of one line."""
    text = re.sub(r"\\\n", " ", (FOLDER / "splunk" / "savedsearches.conf").read_text())
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(text)
    assert parser.sections() == list(read_conf(text))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("[a]\nx = 1\n[a]\nx = 1\n", "twice"),
        ("x = 1\n", "x = 1"),
        ("[a]\nsearch = a\n| b\n", "| b"),
        ("[a]\nx = 1 \n", "blanks"),
    ],
)
def test_the_reader_refuses_what_splunk_would_read_otherwise(wrong: str, says: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(says)):
        read_conf(wrong)
