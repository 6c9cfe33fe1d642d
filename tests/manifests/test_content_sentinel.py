"""Sentinel content, read by a strict model: analytics rules whose entities are columns that the query really gives."""

import re
from typing import Literal

import duckdb_kql
import pytest
import yaml
from pydantic import Field

from tests.interpreters import kusto
from tests.manifests.content import FOLDER, QUERIES, Strict, printed

ATTACK = r"T\d{4}(\.\d{3})?"
_TACTICS = Literal[
    "Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence", "PrivilegeEscalation",
    "DefenseEvasion", "CredentialAccess", "Discovery", "LateralMovement", "Collection", "Exfiltration",
    "CommandAndControl", "Impact", "PreAttack", "ImpairProcessControl", "InhibitResponseFunction",
]  # fmt: skip
_SPAN = Field(pattern=r"^\d+[mhd]$")


class DataConnector(Strict):
    connectorId: Literal["CefAma", "MicrosoftThreatProtection", "DNS"]
    dataTypes: list[str] = Field(min_length=1)


class FieldMapping(Strict):
    identifier: str
    columnName: str


class EntityMapping(Strict):
    entityType: Literal["Host", "IP"]
    fieldMappings: list[FieldMapping] = Field(min_length=1, max_length=3)


class Override(Strict):
    alertDisplayNameFormat: str = Field(max_length=256)


class GroupingOfEvents(Strict):
    aggregationKind: Literal["SingleAlert", "AlertPerResult"]


class Grouping(Strict):
    enabled: bool
    reopenClosedIncident: bool
    lookbackDuration: str = _SPAN
    matchingMethod: Literal["AllEntities", "AnyAlert", "Selected"]


class Incidents(Strict):
    createIncident: bool
    groupingConfiguration: Grouping


class AnalyticsRule(Strict):
    id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    name: str = Field(max_length=50)
    description: str = Field(max_length=255, pattern=r"^Identifies ")
    severity: Literal["Informational", "Low", "Medium", "High"]
    status: Literal["Available"]
    requiredDataConnectors: list[DataConnector] = Field(min_length=1)
    queryFrequency: str = _SPAN
    queryPeriod: str = _SPAN
    triggerOperator: Literal["gt", "lt", "eq", "ne"]
    triggerThreshold: int = Field(ge=0, le=10_000)
    tactics: list[_TACTICS] = Field(min_length=1)
    relevantTechniques: list[str] = Field(min_length=1)
    query: str = Field(max_length=10_000)
    entityMappings: list[EntityMapping] = Field(min_length=1, max_length=10)
    customDetails: dict[str, str] = Field(max_length=20)
    alertDetailsOverride: Override
    eventGroupingSettings: GroupingOfEvents
    incidentConfiguration: Incidents
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    kind: Literal["Scheduled"]


_IDENTIFIERS = {"Host": {"HostName", "FullName", "NTDomain", "DnsDomain", "NetBiosName"}, "IP": {"Address"}}
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def analytics_rules() -> dict[str, AnalyticsRule]:
    return {
        path.stem: AnalyticsRule.model_validate(yaml.safe_load(path.read_text()))
        for path in sorted((FOLDER / "sentinel").glob("*.yaml"))
    }


def minutes(span: str) -> int:
    return int(span[:-1]) * _MINUTES[span[-1]]


@pytest.mark.parametrize("name", [path.stem for path in sorted((FOLDER / "sentinel").glob("*.yaml"))])
def test_an_analytics_rule_maps_columns_that_its_query_gives(name: str) -> None:
    rule = analytics_rules()[name]
    assert rule.query.rstrip("\n") == printed("kql", QUERIES / "kql" / f"{name}.kql")
    assert 5 <= minutes(rule.queryFrequency) <= minutes(rule.queryPeriod) <= 14 * 1440
    table = rule.query.split("\n", 1)[0]
    assert rule.requiredDataConnectors[0].dataTypes == [table]
    columns = columns_of(rule.query, table)
    mapped = [field.columnName for entity in rule.entityMappings for field in entity.fieldMappings]
    assert set(mapped) <= columns and set(rule.customDetails.values()) <= columns
    assert all(f.identifier in _IDENTIFIERS[entity.entityType] for entity in rule.entityMappings
               for f in entity.fieldMappings)  # fmt: skip
    placed = re.findall(r"\{\{(\w+)\}\}", rule.alertDetailsOverride.alertDisplayNameFormat)
    assert 1 <= len(placed) <= 3 and set(placed) <= columns
    assert all(re.fullmatch(ATTACK, technique) for technique in rule.relevantTechniques)


def columns_of(query: str, table: str) -> set[str]:
    """The columns that the query gives, asked of the engine over an empty table."""
    with duckdb_kql.connect() as connection:
        connection.execute(f"CREATE TABLE {table} ({kusto.TABLES[table]})")
        return {column[0] for column in connection.execute(kusto.translated(query)).description}


def test_there_is_a_rule_for_every_kusto_text_and_no_identity_twice() -> None:
    rules = analytics_rules()
    assert set(rules) == {path.stem for path in (QUERIES / "kql").glob("*.kql")}
    assert len({rule.id for rule in rules.values()}) == len({rule.name for rule in rules.values()}) == len(rules)


def test_the_model_refuses_a_key_that_sentinel_does_not_know() -> None:
    known = yaml.safe_load((FOLDER / "sentinel" / "beaconing_sentinel.yaml").read_text())
    for wrong in ({"frequency": "1h"}, {"tactics": ["Botnet"]}, {"severity": "Critical"}, {"queryPeriod": "P1D"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            AnalyticsRule.model_validate(known | wrong)
