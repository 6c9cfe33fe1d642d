"""Traffic of the detections' tuples and of their destinations, from a relation of connections."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connectors.sources.logs.engine import Engine
from connectors.sources.logs.schema import literal
from playbook.detections.beaconing import moment
from playbook.detections.languages._answered import LEAST_RCVD, LEAST_SENT
from playbook.detections.languages.duckdb import v4, within
from playbook.model.address import Address, Network, parse
from playbook.model.address import within as lies_within
from playbook.model.detection import Detection
from playbook.model.traffic import HourOfTraffic, sized

MOST_STARTS = 5000
MOST_OTHERS = 50
# A user of a destination has at least so many conversations with it, in more than one hour.
LEAST_TALKS = 3
_WANTED = {
    "number": "INTEGER",
    "hostname": "VARCHAR",
    "src_ip": "VARCHAR",
    "dst_ip": "VARCHAR",
    "dst_port": "INTEGER",
    "dst_name": "VARCHAR",
    "place": "VARCHAR",
}
REFUSED = "(denied OR coalesce(NOT answered, false))"


def wanted(engine: Engine, detections: Sequence[Detection]) -> None:
    """Create the temporary table ``wanted`` of their tuples; one by name has a row for each address behind it.

    ``number`` is the detection's place in ``detections``: millions of rows are grouped by it, so that it is no text.
    ``place`` is what its users are counted by (see ``place_of``).
    """
    engine.table(
        "wanted",
        _WANTED,
        [
            (number, d.hostname, d.src_ip, address, d.dst_port, d.dst_name, place_of(d))
            for number, d in enumerate(detections)
            for address in addresses_of(d)
        ],
    )


def addresses_of(detection: Detection) -> tuple[str, ...]:
    """The addresses that a detection is about: those behind its name, or the one."""
    return tuple(dict.fromkeys((detection.dst_ip, *detection.destinations)))


def place_of(detection: Detection) -> str:
    """What the users of a destination are counted by: its address, or everything behind the source's name for it."""
    return f"{detection.src_ip} {detection.dst_name}" if detection.dst_name else detection.dst_ip


def hits(engine: Engine, relation: str, once: bool, many: bool, named: str = "") -> str:
    """The rows of the wanted tuples as a relation; ``once`` drops further rows of one session.

    ``named``: the connections with the names of their destinations, of which detections by name are. ``many``: the
    tuples are a large part of the log, and to find them again is cheaper than to write them down.
    """
    target = literal(str(engine.folder / "hits.parquet"))
    by_address = "(SELECT * EXCLUDE (dst_name, place) FROM wanted WHERE dst_name = '')"
    rows = (
        f"(SELECT {_OF_TUPLE} FROM {relation} JOIN {by_address} "
        "USING (hostname, src_ip, dst_ip, dst_port) WHERE start IS NOT NULL)"
    )
    if named:
        by_name = "(SELECT DISTINCT number, hostname, src_ip, dst_name, dst_port FROM wanted WHERE dst_name != '')"
        rows = (
            f"({rows[1:-1]} UNION ALL SELECT {_OF_TUPLE} FROM {named} JOIN {by_name} "
            "USING (hostname, src_ip, dst_name, dst_port) WHERE start IS NOT NULL)"
        )
    query = f"SELECT {_HIT} FROM {rows}"
    cut = once and _resumed(engine, rows)
    if many and not cut:
        return rows
    if cut:
        # Few sessions are cut into many rows: only theirs are sorted.
        query = f"""
            SELECT {_HIT} FROM {rows} AS r ANTI JOIN resumed ON {_SAME_FLOW} UNION ALL
            SELECT {_HIT} FROM (SELECT r.* FROM {rows} AS r SEMI JOIN resumed ON {_SAME_FLOW})
            QUALIFY NOT continues
              OR row_number() OVER (PARTITION BY number, src_port, proto ORDER BY start, continues) = 1"""
    engine.run(f"COPY ({query}) TO {target} (FORMAT parquet)")
    return f"read_parquet({target})"


_HIT = """number, start, conns, bytes_sent, bytes_rcvd, orig_bytes, duration, answered, denied, proto, service,
              sent_packets, rcvd_packets, continues"""
_OF_TUPLE = f"{_HIT}, src_port"
_SAME_FLOW = """resumed.number = r.number AND resumed.src_port IS NOT DISTINCT FROM r.src_port
              AND resumed.proto IS NOT DISTINCT FROM r.proto"""


def _resumed(engine: Engine, rows: str) -> int:
    """Create the temporary table ``resumed`` of flows with a row that continues a session, and count it."""
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE resumed AS
        SELECT DISTINCT number, src_port, proto FROM {rows} WHERE continues""")
    ((count,),) = engine.believed("SELECT count(*) FROM resumed")
    return int(count)


_BOTH_WAYS = (
    f"coalesce(sent_packets >= {LEAST_SENT} AND rcvd_packets >= {LEAST_RCVD}, bytes_sent > 0 AND bytes_rcvd > 0)"
)
# A handshake and more, over TCP: the packet that answers a forged source goes to the machine that holds the address.
HELD = f"NOT denied AND proto IN ('tcp', '') AND coalesce(answered, true) AND {_BOTH_WAYS}"
UNTOLD = f"NOT {REFUSED} AND ({_BOTH_WAYS}) IS NULL"
# Who opened it is seen in its start; of one that began before the log, that the other side sent more than headers.
_HEADERS = 60
_OPENED = f"(NOT continues OR coalesce(bytes_rcvd > {_HEADERS} * rcvd_packets, false))"
_ALONE = "service IN ('irc', 'irc-base')"


def by_hour(engine: Engine, rows: str) -> dict[int, dict[str, Any]]:
    """By number of the detection: its traffic per UTC hour, and over all of it what ``_totals`` gives.

    An hour has bytes where each connection that got through had a counter.
    """
    heard = f"sum(conns) FILTER ({HELD} AND {_OPENED})", f"sum(conns) FILTER ({HELD} AND {_ALONE})"
    held = (
        f"coalesce({heard[0]}, 0)::BIGINT, coalesce(sum(conns) FILTER ({HELD}), 0)::BIGINT, "
        f"coalesce({heard[1]}, 0)::BIGINT, count(*) FILTER ({UNTOLD} AND proto IN ('tcp', ''))"
    )
    sums = ", ".join(
        f"CASE WHEN count(*) FILTER (NOT denied) = count({name}) FILTER (NOT denied) "
        f"THEN sum({name}) FILTER (NOT denied) END"
        for name in ("bytes_sent", "bytes_rcvd")
    )
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for number, *hour in engine.believed(f"""
            SELECT number, floor(start / 3600)::BIGINT AS hour_no, sum(conns)::BIGINT, {sums},
              coalesce(sum(conns) FILTER ({REFUSED}), 0)::BIGINT, bool_or(denied OR answered IS NOT NULL),
              max(duration), {held}
            FROM {rows} GROUP BY ALL ORDER BY number, hour_no"""):
        found[number].append(tuple(hour))
    return {
        number: _totals(hours)
        | {
            "hourly": tuple(
                HourOfTraffic(hour=moment(hour * 3600), connections=connections, bytes_sent=sent, bytes_rcvd=received)
                for hour, connections, sent, received, *_ in hours
            )
        }
        for number, hours in found.items()
    }


def _totals(hours: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """attempts, unanswered (null when no row says), unanswered_hours, longest_s (null when no row says).

    established, both_sided and irc_alone are null when a row does not tell who sent what.
    """
    _, connections, _, _, refused, known, longest, opened, both, alone, untold = zip(*hours, strict=True)
    told = not any(untold)
    return {
        "established": sum(opened) if told or any(opened) else None,
        "both_sided": sum(both) if told else None,
        "irc_alone": sum(alone) if told else None,
        "attempts": sum(connections),
        "unanswered": sum(refused) if any(known) else None,
        "unanswered_hours": sum(map(bool, refused)) if any(known) else None,
        "longest_s": max((one for one in longest if one is not None), default=None),
    }


# The first of a second; of those at the same instant, which a log of whole seconds has, always the same one: the
# smallest that is known. One number, because a struct takes twice the time.
_UNKNOWN = 2**50 - 1  # more than any count that is read
_FIRST = f"((start - floor(start)) * 1000000)::HUGEINT * {_UNKNOWN + 1} + coalesce(orig_bytes, {_UNKNOWN})"


def starts(engine: Engine, rows: str) -> dict[int, dict[str, Any]]:
    """By number of the detection: the newest distinct start seconds, ascending, the bytes sent at each, whether all."""
    found = engine.believed(f"""
        WITH seconds AS (
          SELECT number, floor(start)::BIGINT AS second, arg_min(coalesce(orig_bytes, -1), {_FIRST}) AS size
          FROM {rows} GROUP BY ALL
        ), newest AS (
          SELECT *, row_number() OVER (PARTITION BY number ORDER BY second DESC) AS place FROM seconds
        )
        SELECT number, list(second ORDER BY second) FILTER (place <= {MOST_STARTS}),
          list(size ORDER BY second) FILTER (place <= {MOST_STARTS}), max(place) <= {MOST_STARTS}
        FROM newest GROUP BY number""")
    return {number: _starts(*rest) for number, *rest in found}


def _starts(seconds: Sequence[int], sizes: Sequence[int], complete: bool) -> dict[str, Any]:
    if -1 not in sizes:
        return {"start_times": tuple(seconds), "sizes": tuple(sizes), "starts_complete": complete}
    times, known = sized([(second, None if size < 0 else size) for second, size in zip(seconds, sizes, strict=True)])
    return {"start_times": times, "sizes": known, "starts_complete": complete}


def active_hosts(engine: Engine, relation: str, home: Sequence[Network]) -> int:
    """Create the temporary table ``home_hosts`` of our addresses that sent anything, and count it."""
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE home_hosts AS
        WITH once AS MATERIALIZED (SELECT DISTINCT src_ip FROM {relation} WHERE start IS NOT NULL),
        numbered AS MATERIALIZED (SELECT src_ip, {v4("src_ip")} AS src_v4 FROM once)
        SELECT src_ip FROM numbered WHERE contains(src_ip, ':') OR {within("src_v4", home)}""")
    keep_v6(engine, "home_hosts", "src_ip", lambda address: lies_within(address, home))
    ((count,),) = engine.believed("SELECT count(*) FROM home_hosts")
    return int(count)


def keep_v6(engine: Engine, table: str, column: str, wanted: Callable[[Address], bool]) -> None:
    """Delete the rows of ``table`` whose IPv6 address is not wanted; those with an IPv4 address stay."""
    found = (text for (text,) in engine.believed(f"SELECT {column} FROM {table} WHERE contains({column}, ':')"))
    others = [(text,) for text in found if (address := parse(text)) is None or not wanted(address)]
    if others:
        engine.table("others", {"address": "VARCHAR"}, others)
        engine.run(f"DELETE FROM {table} USING others WHERE {column} = others.address")


class Use(NamedTuple):
    """How many of our hosts used a destination, provably so, came back to it; when first (epoch s), and 51 by text."""

    hosts: int
    proven: int | None
    returning: int | None
    first: float | None
    some: list[str]


def destinations(engine: Engine, relation: str) -> dict[str, Use]:
    """Per place of wanted destinations (see ``place_of``): who of our hosts uses it.

    Used is what answered: a source address is forged in a packet, not in an exchange, and a few forged packets must
    not make a destination look popular. Where nobody was answered, all who tried are counted. Proven is a TCP exchange
    in both directions. Returning is a machine that is alive otherwise (it was answered elsewhere too) and held several
    of those, in more than one hour: further addresses of a bot, and a picture in a mail, make nothing popular. Null
    when the log tells no directions.
    """
    often = f"sum(conns) FILTER ({HELD}) >= {LEAST_TALKS} AND count(DISTINCT floor(start / 3600)) FILTER ({HELD}) > 1"
    found = engine.believed(f"""
        WITH users AS MATERIALIZED (
          SELECT DISTINCT src_ip FROM {relation} SEMI JOIN (SELECT DISTINCT dst_ip FROM wanted) USING (dst_ip)
          SEMI JOIN home_hosts USING (src_ip)
        ), alive AS MATERIALIZED (
          SELECT DISTINCT src_ip FROM {relation} SEMI JOIN users USING (src_ip)
          ANTI JOIN (SELECT DISTINCT dst_ip FROM wanted) USING (dst_ip)
          WHERE start IS NOT NULL AND NOT {REFUSED} AND (contains(dst_ip, ':') OR {v4("dst_ip")} IS NOT NULL)
        )
        SELECT place, coalesce(nullif(count(*) FILTER (reached), 0), count(*)),
          CASE WHEN count(*) FILTER (held) > 0 OR count(*) FILTER (untold) = 0 THEN count(*) FILTER (held) END,
          CASE WHEN count(*) FILTER (held) > 0 OR count(*) FILTER (untold) = 0
            THEN count(*) FILTER (held AND often AND src_ip IN (SELECT src_ip FROM alive)) END,
          min(first), list(src_ip ORDER BY src_ip)[:{MOST_OTHERS + 1}]
        FROM (
          SELECT place, src_ip, min(start) AS first, bool_or(NOT {REFUSED}) AS reached, bool_or({HELD}) AS held,
            bool_or({UNTOLD}) AS untold, coalesce({often}, false) AS often FROM {relation}
          JOIN (SELECT DISTINCT place, dst_ip FROM wanted) USING (dst_ip)
          SEMI JOIN home_hosts USING (src_ip)
          WHERE start IS NOT NULL GROUP BY place, src_ip
        ) GROUP BY place""")
    return {place: Use(*rest) for place, *rest in found}
