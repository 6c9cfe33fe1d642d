"""The hunts as DuckDB SQL over canonical connections or DNS questions."""

from playbook.detections.hunts import SCAN_PORTS, SCAN_SHARE, Hunt


def hunt_query(hunt: Hunt, relation: str | None = None, endpoint: bool = False) -> str:
    """SELECT of the hunt's rows over ``relation`` (default: the name of its kind of log).

    ``endpoint`` groups by host and process, for logs that know them, and leaves out the rows without a host. A DNS
    burst needs the registered domain of each name, which SQL does not know: the relation then carries it in the column
    ``domain``.
    """
    if endpoint:
        hunt = hunt.model_copy(update={"group": hunt.endpoint_group})
    body = _names(hunt) if hunt.kind == "dns" else _connections(hunt)
    known = "(SELECT * FROM {0} WHERE hostname != '')" if endpoint else "{0}"
    return body.format(relation=known.format(relation or hunt.kind))


def _columns(hunt: Hunt) -> str:
    quarter = f"floor(start / {hunt.window_s}) * {hunt.window_s}"
    columns = [f"make_timestamp(({quarter} * 1000000)::BIGINT) AS window_start"] if hunt.window_s else []
    return ", ".join([*columns, *hunt.group])


def _order(hunt: Hunt) -> str:
    return ", ".join((*(("window_start",) if hunt.window_s else ()), *hunt.group))


def _connections(hunt: Hunt) -> str:
    ports = f" AND dst_port IN ({', '.join(map(str, hunt.ports))})" if hunt.ports else ""
    return f"""\
SELECT {_columns(hunt)},
  sum(conns)::BIGINT AS connections, count(DISTINCT dst_port) AS unique_ports,{_scan(hunt)}
  make_timestamp((min(start) * 1000000)::BIGINT) AS first_seen,
  make_timestamp((max(start) * 1000000)::BIGINT) AS last_seen
FROM {{relation}}
WHERE start IS NOT NULL{ports}
GROUP BY ALL
HAVING sum(conns) > {hunt.more_than}
ORDER BY connections DESC, {_order(hunt)}
"""


def _scan(hunt: Hunt) -> str:
    """Many ports within a burst look like a scan."""
    if not hunt.window_s:
        return ""
    return f"\n  (unique_ports > {SCAN_PORTS} OR unique_ports > {SCAN_SHARE} * connections)::INTEGER AS scan_indicator,"


def _names(hunt: Hunt) -> str:
    return f"""\
WITH names AS (
  SELECT {_columns(hunt)}, query, domain, bool_and(failed) AS failed
  FROM {{relation}}
  WHERE start IS NOT NULL AND query != '' AND query NOT LIKE '%.arpa'
  GROUP BY ALL
)
SELECT window_start, {", ".join(hunt.group)}, count(*) AS names, count(*) FILTER (failed) AS failed_names,
  count(DISTINCT domain) AS domains, count(DISTINCT domain) FILTER (failed) AS failed_domains
FROM names
GROUP BY ALL
HAVING failed_domains >= {hunt.failed_domains} AND failed_names >= {hunt.failed_share} * names
ORDER BY failed_domains DESC, {_order(hunt)}
"""
