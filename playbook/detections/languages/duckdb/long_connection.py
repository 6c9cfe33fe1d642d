"""long_connection as DuckDB SQL over a relation of canonical connections (sources/logs/schema.py)."""

from textwrap import indent

from playbook.detections.beaconing import IRC_PORTS
from playbook.detections.languages.duckdb import external, v4
from playbook.detections.languages.duckdb.paste import shown_columns, v6_outside
from playbook.detections.long_connection import LONG_S, UNUSUAL_S, USUAL_PORTS
from playbook.model.address import Network

_KEY = "hostname, src_ip, dst_ip, dst_port"
_FLOW = f"{_KEY}, src_port"
_SHOWN = (
    "hostname src_ip dst_ip dst_port connections hourly_buckets avg_per_hour avg_bytes_per_conn irc_port "
    "beaconing_score total_bytes_sent total_bytes_rcvd processes first_seen last_seen"
)


def query(lab: tuple[Network, ...] = ()) -> str:
    """The text that ``query duckdb --rule long_connection`` prints, in the columns of the beaconing detection."""
    shown = ",\n".join(f"  {text}" for text in shown_columns(tuple(_SHOWN.split())))
    irc = ", ".join(map(str, sorted(IRC_PORTS)))
    usual = ", ".join(map(str, sorted(USUAL_PORTS)))
    return f"""\
-- long_connection: a TCP connection of {LONG_S // 3600} hours or more, of {UNUSUAL_S // 3600} on a port that is not in
-- the list of usual ones, over a relation named conn: start in epoch seconds (columns: docs/logs.md). Rows of one
-- 5-tuple without a new SYN are one connection. hourly_buckets: the hours from the first start to the last end.
WITH sessions AS (
{indent(sessions("conn").rstrip(), "  ")}
), counted AS (
  SELECT {_KEY}, count(*) AS connections, count(*) AS attempts, dst_port IN ({irc}) AS irc,
    0 AS beaconing_score, []::VARCHAR[] AS processes,
    (floor(max("end") / 3600) - floor(min(start) / 3600) + 1)::BIGINT AS hours,
    count(*) = count(bytes_sent) AND count(*) = count(bytes_rcvd) AS known,
    sum(bytes_sent) AS bytes_sent, sum(bytes_rcvd) AS bytes_rcvd, sum(bytes_sent) + sum(bytes_rcvd) AS bytes_total,
    min(start) AS first_seen, max("end") AS last_seen, max("end" - start) AS longest_s, {v4("dst_ip")} AS dst_v4
  FROM sessions
  WHERE coalesce(bytes_sent > 0, true) AND coalesce(bytes_rcvd > 0, true)
    AND "end" - start >= CASE WHEN dst_port IN ({usual}) THEN {LONG_S} ELSE {UNUSUAL_S} END
  GROUP BY {_KEY}
)
SELECT
{shown},
  round(longest_s, 3) AS longest_s
FROM counted
WHERE CASE WHEN dst_v4 IS NULL THEN {v6_outside("default")} ELSE {external("default", lab)} END
ORDER BY connections DESC, hostname, src_ip, dst_ip, dst_port;
"""


def sessions(relation: str) -> str:
    """SELECT of the TCP connections of ``UNUSUAL_S`` or more: the key, start and "end", bytes of each side.

    Rows of one 5-tuple that continue a session are joined to it; one without a source port stands for itself.
    """
    return f"""\
WITH open AS (
  SELECT *, start + coalesce(duration, 0) AS "end" FROM {relation}
  WHERE start IS NOT NULL AND proto = 'tcp' AND NOT denied AND coalesce(answered, true)
), cut AS (
  SELECT DISTINCT {_FLOW} FROM open WHERE continues AND src_port IS NOT NULL
), parts AS (
  SELECT *, sum((NOT continues)::INTEGER) OVER (PARTITION BY {_FLOW} ORDER BY start, continues
    ROWS UNBOUNDED PRECEDING) AS place
  FROM open SEMI JOIN cut USING ({_FLOW})
)
SELECT {_KEY}, start, "end", bytes_sent, bytes_rcvd
FROM open ANTI JOIN cut USING ({_FLOW}) WHERE "end" - start >= {UNUSUAL_S}
UNION ALL
SELECT {_KEY}, min(start) AS start, max("end") AS "end",
  CASE WHEN count(*) = count(bytes_sent) THEN sum(bytes_sent) END AS bytes_sent,
  CASE WHEN count(*) = count(bytes_rcvd) THEN sum(bytes_rcvd) END AS bytes_rcvd
FROM parts GROUP BY {_FLOW}, place HAVING max("end") - min(start) >= {UNUSUAL_S}
"""
