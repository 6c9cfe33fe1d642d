"""The hunts over log files: bursts and IRC by SQL alone, failed names with their registered domains."""

from typing import Any

from connectors.sources.logs.domains import registered
from connectors.sources.logs.engine import Engine
from playbook.detections.hunts import HUNTS, Hunt
from playbook.detections.languages.duckdb.hunts import hunt_query


def hunt_rows(engine: Engine, name: str, relation: str, endpoint: bool = False) -> tuple[dict[str, Any], ...]:
    """The rows of the hunt called ``name`` over ``relation``; times are naive UTC. KeyError for an unknown hunt.

    ``endpoint``: by host and process instead of by address.
    """
    hunt = HUNTS[name]
    asker = hunt.endpoint_group if endpoint else hunt.group
    source = _with_domains(engine, hunt, relation, ", ".join(asker)) if hunt.kind == "dns" else relation
    query = hunt_query(hunt, source, endpoint)
    columns = [column for column, *_ in engine.believed(f"DESCRIBE {query}")]
    return tuple(dict(zip(columns, values, strict=True)) for values in engine.believed(query))


def _with_domains(engine: Engine, hunt: Hunt, relation: str, asker: str) -> str:
    """The questions with the column ``domain``, of the askers with enough failed names at all."""
    asking = f"""(SELECT {asker} FROM {relation} WHERE failed AND start IS NOT NULL GROUP BY {asker}
        HAVING count(DISTINCT query) >= {hunt.failed_domains})"""
    of_these = f"{relation} SEMI JOIN {asking} USING ({asker})"
    asked = engine.believed(f"SELECT DISTINCT query FROM {of_these} WHERE query != ''")
    engine.table("domains", {"query": "VARCHAR", "domain": "VARCHAR"}, [(text, registered(text)) for (text,) in asked])
    return f"(SELECT * FROM {of_these} JOIN domains USING (query))"
