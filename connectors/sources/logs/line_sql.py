"""SQL text shared by the line formats: numbered lines, checked cells, and canonical rows that keep every refused row.

All functions are pure and return DuckDB SQL. A format reads whole lines and splits them itself: then a bad row still
has its file and line, and a line cut short is a row with a reason instead of an error that ends the query. ``line``
counts the lines that DuckDB kept; a line with bad bytes is in ``Scan.rejects`` and moves the later numbers of its file.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from connectors.sources.logs.decompress import SEPARATOR
from connectors.sources.logs.schema import ASIDE, ASIDE_DEFAULTS, CANONICAL, Kind, Scan, literal

EARLIEST, LATEST = 0, 4102444800  # 1970 and 2100: what a time in a log may be
LARGEST_COUNT = 10**15
NUMBERED_PATHS = 64  # past this many files in one query the line numbers are left out: one scan a file costs too much

_SEPARATOR = SEPARATOR.decode()
_OCTET = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V4, _GROUP = rf"({_OCTET}\.){{3}}{_OCTET}", "[0-9a-f]{1,4}"
# Eight groups, or fewer around one gap: a hardware address has six and none.
_GAPPED = "|".join(f"({_GROUP}:){{1,{before}}}(:{_GROUP}){{1,{7 - before}}}" for before in range(1, 7))
_V6 = (
    f"({_GROUP}:){{7}}{_GROUP}|({_GROUP}:){{1,7}}:|{_GAPPED}|:((:{_GROUP}){{1,7}}|:)"
    f"|(({_GROUP}:){{6}}|({_GROUP}:){{1,5}}:({_GROUP}:){{0,4}}|::({_GROUP}:){{0,5}}){_V4}"
)
_ADDRESS = f"{_V4}|{_V6}"
_QUOTED = r',("(?:[^"]|"")*"|[^,]*)'
# A row in which quotes stand around whole fields only.
_PLAIN = r'(?:(?:[^",\x01]*|"[^"\x01]*"),)*(?:[^",\x01]*|"[^"\x01]*")'
_CLOCK = "[0-9]{2}:[0-9]{2}:[0-9]{2}"
# Patterns of stamps that a cast to TIMESTAMP reads in the same way, and the expression for each.
_CAST = {
    f"%Y{mark}%m{mark}%d{gap}%H:%M:%S{part}": f"[0-9]{{4}}{mark}[0-9]{{2}}{mark}[0-9]{{2}}{gap}{_CLOCK}{shape}"
    for mark in "-/"
    for gap in " T"
    for part, shape in (("", ""), (".%f", "[.][0-9]{1,6}"))
}
_NOTHING = ("", "-", "N/A", "null", "None", "nan")


class Cell(NamedTuple):
    """One value of a row: its name in messages, its raw text as SQL, how that is read, and whether it must be there."""

    name: str
    raw: str
    read: Callable[[str], str]
    required: bool = True


def identifier(name: str) -> str:
    """``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_list(paths: Sequence[str]) -> str:
    """``paths`` as a SQL list of literals; the characters of a glob stand for themselves."""
    return "[" + ", ".join(literal(_plain(path)) for path in paths) + "]"


def header(head: str) -> tuple[str, ...]:
    """The cells of a CSV file's first line; empty when that is no CSV (a field past 128 KiB, a bare CR in it)."""
    first = head.lstrip("\ufeff\r\n").split("\n", 1)[0].rstrip("\r")
    try:
        return tuple(next(csv.reader([first]), []))
    except csv.Error:
        return ()


def lines(paths: Sequence[str], scan: Scan) -> str:
    """SELECT file, line, n, text: every line that is not blank; ``line`` is null past ``NUMBERED_PATHS`` files.

    ``n`` orders the lines of one file; between files it means nothing.
    """
    # Trimming a line costs more than all else that is done here: most lines begin with what is no space.
    wanted = "(text > '!' OR trim(text) != '')" + (
        f" AND regexp_matches(text, {literal(scan.only)})" if scan.only else ""
    )
    if len(paths) > NUMBERED_PATHS:
        return f"SELECT file, NULL::BIGINT AS line, n, text FROM ({_numbered(paths, scan)}) WHERE {wanted}"
    copies = dict(scan.copies)
    scans = " UNION ALL ".join(
        f"({_copied(path, copies[path]) if path in copies else _numbered((path,), scan)})" for path in paths
    )
    return f"SELECT file, n AS line, n, text FROM ({scans}) WHERE {wanted}"


def every_line(paths: Sequence[str], scan: Scan) -> str:
    """SELECT text: every line that DuckDB can read, in its order, blank ones too."""
    return f"SELECT text FROM ({_scanned(paths, scan)})"


def csv_fields(text: str = "text") -> str:
    """The comma-separated fields of a line, as a SQL list: quotes are taken off; null when a quote is left open.

    Most lines have no quotes, or quotes around every field, or around some but none within a field: each of these is
    divided by plain replacements, several times as fast as by an expression. ``text`` is written several times.
    """
    marks = f"(strlen({text}) - strlen(replace({text}, '\"', '')))"
    every = f"string_split({text}[2:-2], '\",\"')"
    all_quoted = f"starts_with({text}, '\"') AND ends_with({text}, '\"') AND {marks} = 2 * len({every})"
    inner = "CASE WHEN i % 2 = 0 THEN p ELSE replace(p, ',', chr(1)) END"
    some = f"list_transform(string_split({text}, '\"'), lambda p, i: {inner})"
    divided = f"string_split(array_to_string({some}, ''), chr(1))"
    unquoted = "CASE WHEN f[1] = '\"' THEN replace(f[2:-2], '\"\"', '\"') ELSE f END"
    quoted = f"[{unquoted} FOR f IN regexp_extract_all(',' || {text}, {literal(_QUOTED)}, 1)]"
    return (
        f"CASE WHEN NOT contains({text}, '\"') THEN string_split({text}, ',') WHEN {all_quoted} THEN {every} "
        f"WHEN {marks} % 2 = 1 THEN NULL WHEN regexp_full_match({text}, {literal(_PLAIN)}) "
        f"THEN {divided} ELSE {quoted} END"
    )


def csv_rows(paths: Sequence[str], scan: Scan, header: Sequence[str] = ()) -> str:
    """SELECT file, line, n, text, f: the rows of CSV files as lists; every line that repeats ``header`` is left out."""
    rows = f"SELECT *, {csv_fields()} AS f FROM ({lines(paths, scan)})"
    if not header:
        return rows
    names = ", ".join(literal(name) for name in header[:3])
    return f"SELECT * FROM ({rows}) WHERE coalesce(f[1:{len(header[:3])}] != [{names}], true)"


def time(raw: str, zone: str, patterns: Sequence[str]) -> str:
    """Epoch seconds of a stamp without an offset, written by a clock in ``zone``; null when no pattern fits."""
    stamp = f"try_strptime({raw}, [{', '.join(literal(pattern) for pattern in patterns)}])"
    written = [shape for pattern, shape in _CAST.items() if pattern in patterns]
    if written and len(patterns) > 1:
        # A pattern that does not fit costs ten times what the cast does.
        fits = f"regexp_full_match({raw}, {literal('|'.join(written))})"
        stamp = f"CASE WHEN {fits} THEN try_cast({raw} AS TIMESTAMP) ELSE {stamp} END"
    local = stamp if zone == "UTC" else f"timezone({literal(zone)}, {stamp})"
    return _within(f"epoch({local})")


def offset_time(raw: str) -> str:
    """Epoch seconds of an ISO stamp that names its offset (Z, +02:00, +0200); null for any other text."""
    colon = f"regexp_replace({raw}, '([+-][0-9]{{2}})([0-9]{{2}})$', '\\1:\\2')"
    named = f"regexp_matches({raw}, '([zZ]|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
    moment = f"CASE WHEN {named} THEN epoch(try_cast({colon} AS TIMESTAMPTZ)) END"
    return _within(moment)


def seconds(raw: str) -> str:
    """Epoch seconds written as a number; null when it is none."""
    return bounded(f"try_cast({raw} AS DOUBLE)", EARLIEST, LATEST)


def address(raw: str) -> str:
    """An IPv4 or IPv6 address, lower case; null when the text has not that shape."""
    shaped = f"regexp_full_match(lower({raw}), {literal(_ADDRESS)})"
    return f"CASE WHEN {shaped} AND length({raw}) < 46 THEN lower({raw}) END"


def port(raw: str) -> str:
    """A port from 0 to 65535; null otherwise."""
    return f"try_cast({bounded(f'try_cast({raw} AS DOUBLE)', 0, 65535)} AS INTEGER)"


def count(raw: str) -> str:
    """A count from 0; null when it is not a number, negative or past ``LARGEST_COUNT``."""
    return f"try_cast({bounded(f'try_cast({raw} AS DOUBLE)', 0, LARGEST_COUNT)} AS BIGINT)"


def bounded(number: str, low: float, high: float) -> str:
    """``number`` when it lies between the bounds, both included; null otherwise, also for NaN."""
    return f"CASE WHEN ({number}) BETWEEN {low} AND {high} THEN ({number}) END"


def present(raw: str) -> str:
    """``raw`` trimmed, null when the log wrote one of its words for nothing."""
    nothing = ", ".join(literal(word) for word in _NOTHING)
    return f"CASE WHEN trim({raw}) NOT IN ({nothing}) THEN trim({raw}) END"


def checked(
    source: str, cells: Mapping[str, Cell], passed: str = "NULL", faults: Sequence[tuple[str, str]] = ()
) -> str:
    """SELECT of ``source`` with one column per cell, and ``bad`` and ``passed``.

    ``passed`` is SQL for the reason why a row is no event; such a row is not checked further. ``faults`` are pairs of
    condition and reason in SQL, asked before the cells.
    """
    raws = ", ".join(f"{cell.raw} AS {identifier('raw ' + name)}" for name, cell in cells.items())
    values = ", ".join(f"{cell.read(identifier('raw ' + name))} AS {name}" for name, cell in cells.items())
    asked = [f"WHEN {condition} THEN {reason}" for condition, reason in faults]
    asked += [f"WHEN {_wrong(name, cell)} THEN {_complaint(name, cell)}" for name, cell in cells.items()]
    with_raws = f"SELECT *, ({passed})::VARCHAR AS passed, {raws} FROM ({source})"
    with_values = f"SELECT *, {values} FROM ({with_raws})"
    return f"SELECT *, CASE WHEN passed IS NOT NULL THEN NULL {' '.join(asked)} END AS bad FROM ({with_values})"


def canonical(kind: Kind, rows: str, values: Mapping[str, str]) -> str:
    """The final SELECT: the kind's columns, typed, then ASIDE; ``start`` is null on refused and passed rows.

    ``values`` gives SQL over ``rows`` for each column the log has, those of ASIDE_DEFAULTS included. The others are
    null, save the texts ('') and the flags that are never unknown (false).
    """
    empty = {
        "hostname": "''",
        "process_name": "''",
        "service": "''",
        "conns": "1",
        "denied": "false",
        "continues": "false",
    }
    chosen = {name: values.get(name, empty.get(name, "NULL")) for name in CANONICAL[kind]}
    chosen["start"] = f"CASE WHEN bad IS NULL AND passed IS NULL THEN {chosen['start']} END"
    columns = [f"({value})::{CANONICAL[kind][name]} AS {name}" for name, value in chosen.items()]
    aside = [f"{name}::{sql_type} AS {name}" for name, sql_type in ASIDE.items()]
    aside += [f"({values.get(name, value)}) AS {name}" for name, value in ASIDE_DEFAULTS.items()]
    return f"SELECT {', '.join(columns + aside)} FROM ({rows})"


def protocol(raw: str) -> str:
    """The protocol's name in lower case from a name or an IP protocol number; ICMP of IPv6 is icmp, as in Zeek."""
    names = {
        "1": "icmp",
        "6": "tcp",
        "17": "udp",
        "47": "gre",
        "50": "esp",
        "58": "icmp",
        "132": "sctp",
        "t": "tcp",
        "u": "udp",
        "icmp6": "icmp",
        "icmpv6": "icmp",
        "ipv6-icmp": "icmp",
    }
    cases = " ".join(f"WHEN {literal(number)} THEN {literal(name)}" for number, name in names.items())
    return f"CASE lower(trim({raw})) {cases} ELSE lower(trim({raw})) END"


def _numbered(paths: Sequence[str], scan: Scan) -> str:
    return f"SELECT filename AS file, row_number() OVER () AS n, text FROM ({_scanned(paths, scan)})"


def _copied(path: str, copy: str) -> str:
    return (
        f"SELECT {literal(path)} AS file, file_row_number + 1 AS n, text "
        f"FROM read_parquet({literal(copy)}, file_row_number = true)"
    )


def _scanned(paths: Sequence[str], scan: Scan) -> str:
    rejects = ""
    if scan.rejects:
        rejects = f"store_rejects = true, rejects_table = {literal(scan.rejects)}, "
    return (
        "SELECT filename, text FROM "
        f"read_csv({file_list(paths)}, auto_detect = false, header = false, delim = {literal(_SEPARATOR)}, quote = '', "
        f"escape = '', strict_mode = false, ignore_errors = true, {rejects}filename = true, "
        "columns = {'text': 'VARCHAR'})"
    )


def _within(moment: str) -> str:
    """As ``bounded`` for times, the costly expression written once: DuckDB computes each branch of a CASE anew."""
    return f"list_transform([{moment}], lambda t: CASE WHEN t BETWEEN {EARLIEST} AND {LATEST} THEN t END)[1]"


def _plain(path: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _wrong(name: str, cell: Cell) -> str:
    missing = f"{name} IS NULL"
    return missing if cell.required else f"{missing} AND {present(identifier('raw ' + name))} IS NOT NULL"


def _complaint(name: str, cell: Cell) -> str:
    raw = identifier("raw " + name)
    said = literal(f"{cell.name} is not usable: ")
    missing = literal(f"{cell.name} is missing")
    return f"CASE WHEN {present(raw)} IS NULL THEN {missing} ELSE {said} || left({raw}, 60) END"
