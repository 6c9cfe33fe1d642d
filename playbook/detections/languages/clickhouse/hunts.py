"""The hunts over canonical connections or name look-ups of a ClickHouse table."""

from collections.abc import Mapping

from playbook.detections.hunts import SCAN_PORTS, SCAN_SHARE, Hunt
from playbook.detections.languages.clickhouse.escaping import name
from playbook.detections.languages.clickhouse.presets import ClickHousePreset
from playbook.detections.languages.clickhouse.relation import (
    PASTE_BOUNDS,
    address,
    columns_of,
    connections,
    start_of,
    table_of,
    text,
)

# Names under a country's second level (co.uk) have three labels; all others two: an approximation of the list.
_SECOND_LEVEL = "[.](ac|co|com|edu|gov|net|org)[.][a-z]{2}$"


def hunted(hunt: Hunt, preset: ClickHousePreset, scope: str, fields: Mapping[str, str] | None) -> str:
    """The text of a hunt. Raises KeyError for one over names where the preset has no such table."""
    if hunt.kind == "dns":
        return _names(hunt, preset, scope)
    return f"{connections(preset, scope, fields, PASTE_BOUNDS)}\n{_connections(hunt)}"


def _columns(hunt: Hunt) -> str:
    quarter = f"toDateTime(toInt64(floor(start / {hunt.window_s})) * {hunt.window_s}, 'UTC') AS window_start"
    return ", ".join((*((quarter,) if hunt.window_s else ()), *hunt.group))


def _group(hunt: Hunt) -> str:
    return ", ".join((*(("window_start",) if hunt.window_s else ()), *hunt.group))


def _connections(hunt: Hunt) -> str:
    ports = f"\nWHERE dst_port IN ({', '.join(map(str, hunt.ports))})" if hunt.ports else ""
    scan = (
        f"\n  unique_ports > {SCAN_PORTS} OR unique_ports > {SCAN_SHARE} * connections AS scan_indicator,"
        if hunt.window_s
        else ""
    )
    return f"""\
SELECT {_columns(hunt)},
  sum(conns) AS connections, uniqExact(dst_port) AS unique_ports,{scan}
  toDateTime64(min(start), 3, 'UTC') AS first_seen, toDateTime64(max(start), 3, 'UTC') AS last_seen
FROM connections{ports}
GROUP BY {_group(hunt)}
HAVING connections > {hunt.more_than}
ORDER BY connections DESC, {_group(hunt)}"""


def _names(hunt: Hunt, preset: ClickHousePreset, scope: str) -> str:
    if not preset.names:
        raise KeyError(f"the preset {preset.name} keeps no name look-ups")
    at = columns_of(preset, None, names=True)
    begun = start_of(at["time"], preset.unit)
    source = f"""\
SELECT {begun} AS start, {address(at["src_ip"])} AS src_ip,
    trimRight(lower({text(at["query"])}), '.') AS asked, ifNull({at["failed"]}, false) AS failed
  FROM {name(scope) if scope else table_of(preset.model_copy(update={"table": preset.names_table}), "")} AS raw
  WHERE {begun} >= {PASTE_BOUNDS[0]} AND {begun} < {PASTE_BOUNDS[1]}"""
    return f"""\
SELECT {_group(hunt)}, count() AS names, countIf(all_failed) AS failed_names,
  uniqExact(domain) AS domains, uniqExactIf(domain, all_failed) AS failed_domains
FROM (
  -- A name failed when every answer to it failed; a name asked for a thousand times is one name.
  SELECT {_columns(hunt)}, asked, min(failed) AS all_failed,
    arrayStringConcat(arraySlice(splitByChar('.', asked), if(match(asked, '{_SECOND_LEVEL}'), -3, -2)), '.') AS domain
  FROM ({source})
  WHERE asked != '' AND NOT endsWith(asked, '.arpa')
  GROUP BY {_group(hunt)}, asked
)
GROUP BY {_group(hunt)}
HAVING failed_domains >= {hunt.failed_domains} AND 100 * failed_names >= {round(hunt.failed_share * 100)} * names
ORDER BY failed_domains DESC, {_group(hunt)}"""
