"""Connections that several files tell of are counted once: interim states, endpoints beside sensors, several sensors.

The row that knows most stays. Two rows are one connection when they hold the same ends, ports and protocol and begin
within ``CLOCKS_APART_S`` of each other in different files; rows of one file are never folded.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from connectors.sources.logs.engine import Engine
from connectors.sources.logs.schema import literal

CLOCKS_APART_S = 5
# Clocks of a machine and a sensor, and the time until a new connection is logged.
_ENDPOINT_APART_S = 60
_SAID = 3
_FLOW = "src_ip, src_port, dst_ip, dst_port, proto, denied"
_KNOWN = " + ".join(
    f"({column} IS NOT NULL)::INTEGER"
    for column in ("bytes_sent", "bytes_rcvd", "orig_bytes", "sent_packets", "rcvd_packets", "duration", "answered")
)
# A row that stands for several sessions is only their sum.
_RICH = f"{_KNOWN} + (service != '')::INTEGER + (process_name != '')::INTEGER - CASE WHEN conns > 1 THEN 20 ELSE 0 END"


class Folded(NamedTuple):
    """The relation without the rows that stand in it twice, and one sentence for each pair of sources."""

    relation: str
    notes: tuple[str, ...] = ()


def last_states(engine: Engine, interim: str, final_uids: str) -> Folded:
    """Of connections that last, the last state of each whose final row no log holds; ``final_uids`` selects uid."""
    seen = f" ANTI JOIN ({final_uids}) f USING (uid)" if final_uids else ""
    last = f"""SELECT * FROM {interim} WHERE start IS NULL OR uid IS NULL UNION ALL
        SELECT * FROM (SELECT * FROM {interim} WHERE start IS NOT NULL AND uid IS NOT NULL){seen}
        QUALIFY row_number() OVER (
          PARTITION BY uid ORDER BY start + coalesce(duration, 0) DESC, bytes_total DESC NULLS LAST) = 1"""
    relation = _written(engine, "last", f"SELECT * EXCLUDE (uid) FROM ({last})")
    before, after = (engine.believed(f"SELECT count(start) FROM {one}")[0][0] for one in (interim, relation))
    notes = (f"{before - after:,} rows tell an earlier state of a connection that lasts: each counted once by its uid",)
    return Folded(relation, notes if before > after else ())


def beside_sensors(engine: Engine, own: str, others: str) -> Folded:
    """What machines say of themselves (``own``) without what a sensor saw too."""
    relation = _written(
        engine,
        "own",
        f"""
        SELECT own.* FROM {own} own ANTI JOIN (SELECT src_ip, src_port, dst_ip, dst_port, start FROM {others}) seen
        ON own.src_ip = seen.src_ip AND own.src_port = seen.src_port AND own.dst_ip = seen.dst_ip
          AND own.dst_port = seen.dst_port AND abs(own.start - seen.start) <= {_ENDPOINT_APART_S}""",
    )
    before, after = (engine.believed(f"SELECT count(*) FROM {one}")[0][0] for one in (own, relation))
    note = f"{before - after:,} connections stand in an endpoint's log and in a sensor's: counted once"
    return Folded(relation, (note,) if before > after else ())


def over_files(engine: Engine, relation: str, shown: Callable[[str], str]) -> Folded:
    """The relation (with the column ``file``) without the rows that another file tells better; ``shown`` names one."""
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE shared AS SELECT {_FLOW} FROM {relation}
        WHERE start IS NOT NULL AND src_port > 0 GROUP BY ALL HAVING min(file) != max(file)""")
    if not engine.believed("SELECT count(*) FROM shared")[0][0]:
        return Folded(relation)
    near = f"RANGE BETWEEN {CLOCKS_APART_S} PRECEDING AND {CLOCKS_APART_S} FOLLOWING"
    judged = _written(
        engine,
        "judged",
        f"""
        SELECT r.*, NULL::VARCHAR AS better FROM {relation} r ANTI JOIN shared USING ({_FLOW}) UNION ALL
        SELECT * EXCLUDE (best), best.file AS better FROM (
          SELECT r.*, max({{'rich': {_RICH}, 'file': file}}) OVER (PARTITION BY {_FLOW} ORDER BY start {near}) AS best
          FROM {relation} r SEMI JOIN shared USING ({_FLOW}) WHERE start IS NOT NULL)""",
    )
    pairs = engine.believed(f"""
        SELECT file, better, count(*) FROM {judged} WHERE better != file GROUP BY ALL ORDER BY 3 DESC, 1, 2""")
    notes = [
        f"{count:,} connections stand in {shown(better)} and in {shown(file)}: counted once"
        for file, better, count in pairs[:_SAID]
    ]
    if len(pairs) > _SAID:
        notes.append(f"{sum(count for *_, count in pairs[_SAID:]):,} more connections stand in two files: counted once")
    kept = f"(SELECT * EXCLUDE (better) FROM {judged} WHERE better IS NOT DISTINCT FROM file OR better IS NULL)"
    return Folded(kept if pairs else relation, tuple(notes))


def united(relations: Sequence[str]) -> str:
    """The rows of all relations, columns by name."""
    return (
        relations[0]
        if len(relations) == 1
        else ("(" + " UNION ALL BY NAME ".join(f"SELECT * FROM {one}" for one in relations) + ")")
    )


def _written(engine: Engine, name: str, query: str) -> str:
    target = literal(str(engine.folder / f"{name}.parquet"))
    engine.run(f"COPY ({query}) TO {target} (FORMAT parquet)")
    return f"read_parquet({target})"
