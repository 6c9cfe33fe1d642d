"""by_name as DuckDB SQL, over a relation of connections that has the name of the destination beside its address."""

from textwrap import indent

from playbook.detections.beaconing import COLUMNS, Profile
from playbook.detections.by_name import LEAST_ADDRESSES, MOST_SHOWN
from playbook.detections.languages.duckdb import Windows, external, measures, once, scored, v4, windows_column
from playbook.detections.languages.duckdb.paste import scoring_stages, shown_columns, v6_outside
from playbook.model.address import Network

_KEY = "hostname, src_ip, dst_name, dst_port"
_COLUMNS = tuple("dst_name" if name == "dst_ip" else name for name in COLUMNS)


def query(profile: Profile = "default", lab: tuple[Network, ...] = ()) -> str:
    """The text that ``query duckdb --rule by_name`` prints, with the columns and score of the beaconing detection."""
    shown = ",\n".join(f"  {text}" for text in shown_columns(_COLUMNS))
    return f"""\
-- by_name: a beacon to one name behind at least {LEAST_ADDRESSES} addresses, profile {profile}, over a relation named
-- conn: start in epoch seconds, one row a connection (columns: docs/logs.md), and dst_name, the name of its destination
-- (TLS server name, HTTP host, or a resolver's answer to this source), null where nothing tells one.
WITH aggregates AS (
{indent(aggregation(profile, lab=lab).rstrip(), "  ")}
){scoring_stages(f"destination_count >= {LEAST_ADDRESSES}")}
SELECT
{shown},
  destinations[:{MOST_SHOWN}] AS destinations, destination_count
FROM counted
ORDER BY beaconing_score DESC, connections DESC, hostname, src_ip, dst_name, dst_port;
"""


def aggregation(
    profile: Profile, relation: str = "conn", windows: Windows | None = None, lab: tuple[Network, ...] = ()
) -> str:
    """SELECT of the raw aggregates of every name: ``Aggregate`` by name, led by ``window_no``, then the addresses.

    Addresses with a colon count when they are globally routable; their relation leaves out what is not.
    """
    return f"""\
WITH named AS (
  SELECT * REPLACE (rtrim(lower(dst_name), '.') AS dst_name), {v4("dst_ip")} AS dst_v4,
    floor(start / 3600)::BIGINT AS hour_no, {windows_column(windows)} AS window_no
  FROM {relation}
  WHERE start IS NOT NULL AND regexp_matches(lower(dst_name), '[a-z]') AND NOT contains(dst_name, ':'){scored(profile)}
), counted AS (
  SELECT * FROM named
  WHERE window_no IS NOT NULL{once(profile)}
), outside AS (
  SELECT * FROM counted
  WHERE CASE WHEN dst_v4 IS NULL THEN {v6_outside(profile)} ELSE {external(profile, lab)} END
), pools AS (
  SELECT window_no, {_KEY}, list(dst_ip ORDER BY used DESC, dst_ip) AS destinations, count(*) AS destination_count
  FROM (SELECT window_no, {_KEY}, dst_ip, sum(conns) AS used FROM outside GROUP BY ALL) GROUP BY ALL
  HAVING destination_count >= {LEAST_ADDRESSES}
)
SELECT * FROM (
  SELECT window_no, {_KEY},
{indent(measures(profile), "  ")}
  FROM outside
  GROUP BY ALL
) JOIN pools USING (window_no, {_KEY})
"""
