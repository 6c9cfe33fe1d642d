"""Who held an address when, from DHCP, NTLM and Kerberos records."""

from connectors.sources.logs.engine import Engine
from playbook.detections.beaconing import moment
from playbook.model.detection import AddressHolder

_MOST = 50_000


def holders(engine: Engine, rows: str, source: str) -> tuple[AddressHolder, ...]:
    """One period per address and name: it ends at the end of the lease or when another name takes the address.

    ``rows`` is a SELECT of the canonical columns of holders.
    """
    found = engine.believed(f"""
        WITH told AS (SELECT * FROM ({rows}) WHERE start IS NOT NULL AND hostname != '' AND address IS NOT NULL),
        turns AS (
          SELECT *, hostname IS DISTINCT FROM lag(hostname) OVER of_address AS turn FROM told
          WINDOW of_address AS (PARTITION BY address ORDER BY start, hostname)
        ), numbered AS (
          SELECT *, sum(turn::INTEGER) OVER (PARTITION BY address ORDER BY start, hostname) AS number FROM turns
        ), periods AS (
          SELECT address, number, any_value(hostname) AS hostname, min(start) AS since,
            CASE WHEN count(*) = count(until) THEN max(until) END AS until, any_value(written_by) AS written_by
          FROM numbered GROUP BY address, number
        )
        SELECT address, hostname, since,
          least(until, lead(since) OVER (PARTITION BY address ORDER BY number)), written_by
        FROM periods ORDER BY address, since LIMIT {_MOST}""")
    return tuple(
        AddressHolder(
            address=address,
            hostname=hostname,
            since=moment(since),
            until=None if until is None or until <= since else moment(until),
            source=source,
            written_by=written_by,
        )
        for address, hostname, since, until, written_by in found
    )
