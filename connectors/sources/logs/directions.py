"""Logs with one row a direction: the rows of both directions, and the slices of a long session, become one connection.

Rows belong together when they hold the same two ends and protocol and the gap between one row's end and the next one's
start is at most ``gap`` seconds. Two short connections of one 5-tuple within the gap therefore count as one.
"""

from collections.abc import Mapping

# The canonical columns that the rows of ``sessions`` fill.
ENDS: Mapping[str, str] = {
    "start": "started",
    "src_ip": "src",
    "src_port": "sport",
    "dst_ip": "dst",
    "dst_port": "dport",
    "proto": "proto",
    "duration": "ended - started",
}

_LOW_FIRST = "(src < dst OR (src = dst AND sport <= dport))"


def sessions(rows: str, gap: int, began: str, sums: Mapping[str, str], together: str = "''") -> str:
    """SELECT of one row a session, with the ends as src, sport, dst, dport (who began is src) and each side's sums.

    ``rows`` has src, sport, dst, dport, proto, started, ended, n, bad, passed, file, line; refused and passed rows stay
    alone. ``began`` is an aggregate over the session's rows: true when the low end (``forward`` rows come from it)
    spoke first. Each sum ``name`` gives ``name_sent`` and ``name_back``, null when no row of that side has it;
    ``rows_sent`` and ``rows_back`` count the rows. ``together`` is one more thing the rows of a session have in common.
    """
    end = "CASE WHEN {} THEN concat_ws(' ', src, sport) ELSE concat_ws(' ', dst, dport) END"
    pair = f"concat_ws(' ', {end.format('forward')}, {end.format('NOT forward')}, proto, {together})"
    alone = "CASE WHEN bad IS NULL AND passed IS NULL THEN NULL ELSE concat_ws(' ', file, n) END"
    keyed = f"SELECT *, coalesce({alone}, {pair}) AS pair FROM (SELECT *, {_LOW_FIRST} AS forward FROM ({rows}))"
    over = "(PARTITION BY pair ORDER BY started, ended, n ROWS BETWEEN UNBOUNDED PRECEDING AND"
    apart = f"coalesce(started > max(ended) OVER {over} 1 PRECEDING) + {gap}, true)"
    opened = f"SELECT *, {apart} AS opens_one FROM ({keyed})"
    cut = f"SELECT *, sum(opens_one::INTEGER) OVER {over} CURRENT ROW) AS session FROM ({opened})"
    totals = ", ".join(
        f"sum({value}) FILTER (forward) AS {name}_low, sum({value}) FILTER (NOT forward) AS {name}_high"
        for name, value in {**sums, "rows": "1"}.items()
    )
    grouped = f"""
        SELECT any_value(proto) AS proto, min(started) AS started, max(ended) AS ended, {began} AS low_began, {totals},
            any_value(CASE WHEN forward THEN src ELSE dst END) AS low,
            any_value(CASE WHEN forward THEN sport ELSE dport END) AS low_port,
            any_value(CASE WHEN forward THEN dst ELSE src END) AS high,
            any_value(CASE WHEN forward THEN dport ELSE sport END) AS high_port,
            any_value({together}) AS together, any_value(bad) AS bad, any_value(passed) AS passed,
            arg_min(file, n) AS file, min(line) AS line
        FROM ({cut}) GROUP BY pair, session"""
    sides = [
        ("src", "low", "high"),
        ("sport", "low_port", "high_port"),
        ("dst", "high", "low"),
        ("dport", "high_port", "low_port"),
    ]
    sides += [(f"{name}_sent", f"{name}_low", f"{name}_high") for name in (*sums, "rows")]
    sides += [(f"{name}_back", f"{name}_high", f"{name}_low") for name in (*sums, "rows")]
    turned = ", ".join(f"CASE WHEN low_began THEN {this} ELSE {that} END AS {name}" for name, this, that in sides)
    return f"SELECT proto, started, ended, together, bad, passed, file, line, {turned} FROM ({grouped})"


def first_by(*order: str) -> str:
    """An aggregate: whether the row that comes first in ``order`` is a forward one."""
    return f"first(forward ORDER BY {', '.join((*order, 'sport DESC', 'src'))})"
