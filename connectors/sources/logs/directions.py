"""Logs with one row a direction: the rows of both directions, and the slices of a long session, become one connection.

TCP: the rows of one pair of ends are one connection until a new SYN shows in the same direction. Where the rows have no
flags, they are one while no gap is longer than the exporter's longest time-out, and ``joined`` counts the rows that
nothing but time ties to those before. Everything else shows no beginning, and peers keep one port: there each row of
the side that spoke first is a connection, and the answer's rows belong to the last one before them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.sources.logs.line_sql import NUMBERED_PATHS
from connectors.sources.logs.schema import literal

# The canonical columns that the rows of ``sessions`` fill.
ENDS: Mapping[str, str] = {
    "start": "started",
    "src_ip": "src",
    "src_port": "sport",
    "dst_ip": "dst",
    "dst_port": "dport",
    "proto": "proto",
    "duration": "ended - started",
    "records": "records",
    "joined": "joined",
}

_LOW_FIRST = "(src < dst OR (src = dst AND sport <= dport))"


class Slices(NamedTuple):
    """How an exporter cuts a session: all times in seconds.

    Rows at most ``gap`` apart touch. ``longest`` is its longest time-out. A SYN at most ``again`` after the last row of
    its direction is no new one.
    """

    gap: int
    longest: int = 1800
    again: int = 0


# Texts stand in the key, which is kept on disk when there are too many groups; as values they would stay in memory.
_TEXTS = "proto, low, low_port, high, high_port, in_common"


def sessions(
    rows: str,
    slices: Slices | int,
    began: str,
    sums: Mapping[str, str],
    together: str = "''",
    syn: str = "NULL",
    bare: str = "NULL",
    first: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> str:
    """SELECT of one row a session, with the ends as src, sport, dst, dport (who began is src) and each side's sums.

    ``rows`` has src, sport, dst, dport, proto, started, ended, n, bad, passed, file, line; refused and passed rows stay
    alone. ``began`` is an aggregate over the session's rows: true when the low end (``forward`` rows come from it)
    spoke first. ``syn`` is SQL over a row: whether it holds a SYN, null when its flags are not known; ``bare``: and
    nothing but SYNs, as unanswered attempts do. Each sum ``name`` gives ``name_sent`` and ``name_back``, null when no
    row of that side has it; ``rows_sent`` and ``rows_back`` count the rows. ``together`` is one more thing the rows of
    a session have in common; of the columns ``first`` its first row's value stays. ``paths`` are the
    files that the rows may come from. A number for ``slices`` is its ``gap``.
    """
    slices = slices if isinstance(slices, Slices) else Slices(slices)
    file_no, first_file = _by_number(paths)
    keyed = _keyed(rows, file_no, together, syn, bare)
    totals = ", ".join(
        f"sum({value}) FILTER (forward) AS {name}_low, sum({value}) FILTER (NOT forward) AS {name}_high"
        for name, value in {**sums, "rows": "1"}.items()
    )
    kept = "".join(f"arg_min({name}, started) AS {name}, " for name in first)
    grouped = f"""
        SELECT {_TEXTS} AS together, bad, passed, min(started) AS started,
            max(ended) AS ended, {began} AS low_began, {totals}, {kept}{first_file} AS file, min(line) AS line,
            count(*) AS records, count(*) FILTER (bridged) AS joined
        FROM ({_by_end(_numbered(keyed, slices))}) GROUP BY pair, burst, session, {_TEXTS}, bad, passed"""
    own = "".join(f"{name}, " for name in first)
    turned = _turned(tuple(sums))
    return f"""SELECT {own}proto, started, ended, together, bad, passed, file, line, records, joined, {turned}
        FROM ({grouped})"""


def _by_end(rows: str) -> str:
    """The rows with their ends as low and high."""
    return f"""SELECT *, CASE WHEN forward THEN src ELSE dst END AS low,
        CASE WHEN forward THEN sport ELSE dport END AS low_port,
        CASE WHEN forward THEN dst ELSE src END AS high,
        CASE WHEN forward THEN dport ELSE sport END AS high_port FROM ({rows})"""


def _keyed(rows: str, file_no: str, together: str, syn: str, bare: str) -> str:
    """The rows with the number of their pair of ends and what the windows ask of them."""
    end = "CASE WHEN {} THEN concat_ws(' ', src, sport) ELSE concat_ws(' ', dst, dport) END"
    pair = f"concat_ws(' ', {end.format('forward')}, {end.format('NOT forward')}, proto, {together})"
    alone = "CASE WHEN bad IS NULL AND passed IS NULL THEN NULL ELSE concat_ws(' ', file, n) END"
    # A number instead of the text: the windows below sort by it, and hold it for every row.
    keyed = f"""SELECT * EXCLUDE (file), {file_no} AS file_no, {together} AS in_common,
        md5_number(coalesce({alone}, {pair})) AS pair, coalesce(proto = 'tcp', false) AS is_tcp
        FROM (SELECT *, {_LOW_FIRST} AS forward, ({syn})::BOOLEAN AS a_syn, ({bare})::BOOLEAN AS a_bare
          FROM ({rows}))"""
    return keyed


def _by_number(paths: Sequence[str]) -> tuple[str, str]:
    """A row's file as a number, and the file of a session's first row: a path in every row fills the memory.

    Where there are very many files to be told apart, the path itself.
    """
    if not paths or len(paths) > NUMBERED_PATHS:
        return "file", "arg_min(file_no, n)"
    listed = f"[{', '.join(map(literal, paths))}]"
    return f"list_position({listed}, file)", f"{listed}[arg_min(file_no, n)]"


def _turned(sums: Sequence[str]) -> str:
    """The ends and the sums of each side, from the side that began."""
    sides = [
        ("src", "low", "high"),
        ("sport", "low_port", "high_port"),
        ("dst", "high", "low"),
        ("dport", "high_port", "low_port"),
    ]
    sides += [(f"{name}_sent", f"{name}_low", f"{name}_high") for name in (*sums, "rows")]
    sides += [(f"{name}_back", f"{name}_high", f"{name}_low") for name in (*sums, "rows")]
    return ", ".join(f"CASE WHEN low_began THEN {this} ELSE {that} END AS {name}" for name, this, that in sides)


def _numbered(keyed: str, slices: Slices) -> str:
    """The rows with ``burst`` and, in it, ``session``; ``bridged`` marks one that only time ties to the one before."""
    order = "ORDER BY started, ended, n"
    before = f"{order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    gaps = f"""
        SELECT *, started - max(ended) OVER (PARTITION BY pair {before}) AS gap,
            started - max(ended) OVER (PARTITION BY pair, forward {before}) AS own_gap,
            lag(forward) OVER (PARTITION BY pair {order}) = forward AND lag(a_bare) OVER (PARTITION BY pair {order})
                AND a_bare AS retried
        FROM ({keyed})"""
    apart = f"gap > CASE WHEN NOT is_tcp THEN {slices.gap} WHEN a_syn IS NULL THEN {slices.longest} END"
    fresh = f"""is_tcp AND coalesce(a_syn, false) AND coalesce(own_gap > {slices.again}, true)
        AND NOT coalesce(retried AND own_gap <= {slices.gap}, false)"""
    bursts = f"""
        SELECT *, sum(coalesce({apart}, false)::INTEGER) OVER (PARTITION BY pair {order}) AS burst, {fresh} AS begins,
            coalesce(is_tcp AND a_syn IS NULL AND gap > {slices.gap} AND gap <= {slices.longest}, false) AS bridged
        FROM ({gaps})"""
    first = f"SELECT *, forward = first_value(forward) OVER (PARTITION BY pair, burst {order}) AS asks FROM ({bursts})"
    counted = "PARTITION BY pair, burst ORDER BY started, NOT asks, ended, n"
    return f"""
        SELECT *, CASE WHEN is_tcp THEN greatest(
              count(*) FILTER (begins AND forward) OVER ({counted}),
              count(*) FILTER (begins AND NOT forward) OVER ({counted}))
            ELSE count(*) FILTER (asks) OVER ({counted}) END AS session
        FROM ({first})"""


def first_by(*order: str) -> str:
    """An aggregate: whether the row that comes first is a forward one.

    ``order`` is nothing, or ``started`` and perhaps one flag in SQL (0 or false first); then the higher source port
    comes first, then the forward row. All of it is one number: an ordered aggregate would hold every row in memory.
    """
    moment, *flags = order or ("0",)
    flag = f"({flags[0]})::INTEGER" if flags else "0"
    place = f"(({moment}) * 1e6)::HUGEINT * 2 + {flag}"
    return f"arg_min(forward, (({place}) * 65536 + 65535 - coalesce(sport, 0)) * 2 + (NOT forward)::INTEGER)"
