"""A table's rows as canonical connections (the columns of docs/logs.md), whatever types its columns have."""

from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import ICMP_NAMES
from playbook.detections.languages._answered import ANSWERED, LEAST_RCVD, LEAST_SENT, UNANSWERED
from playbook.detections.languages.clickhouse import escaping
from playbook.detections.languages.clickhouse.escaping import Unquotable
from playbook.detections.languages.clickhouse.presets import COLUMNS, NAME_COLUMNS, ClickHousePreset
from playbook.model.address import Network

KEY = "hostname, src_ip, dst_ip, dst_port"
FLOW = "src_ip, src_port, dst_ip, dst_port, proto"
# The bounds of the window, which whoever runs the text gives as epoch seconds.
FETCH_BOUNDS = ("{start:Float64}", "{end:Float64}")
# A text to paste covers the day that ended a quarter of an hour ago: what ends now is never whole.
PASTE_BOUNDS = ("toFloat64(now()) - 87300", "toFloat64(now()) - 900")
_LARGEST_COUNT = 10**15
_MOST_CONNS = 10**9
_LONGEST_TEXT, _LONGEST_ADDRESS = 1_000, 64
_NAMELESS = ("", "-", "unknown", "null", "(empty)")
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp", "132": "sctp", "47": "gre", "50": "esp"}
_DENIED = "^(block|blocked|deny|denied|drop|dropped|refused|reject|rejected)$"

_BOTH_WAYS = f"ifNull(sent_packets >= {LEAST_SENT} AND rcvd_packets >= {LEAST_RCVD}, bytes_sent > 0 AND bytes_rcvd > 0)"
# The same four conditions as over log files: three-valued, where null is "the row does not say".
REFUSED = "(denied OR ifNull(NOT answered, false))"
HELD = f"(NOT denied AND proto IN ('tcp', '') AND ifNull(answered, true) AND ifNull({_BOTH_WAYS}, false))"
UNTOLD = f"(NOT {REFUSED} AND ({_BOTH_WAYS}) IS NULL)"
SCORED = f"proto NOT IN {escaping.listed(sorted(ICMP_NAMES))}"


def columns_of(preset: ClickHousePreset, fields: Mapping[str, str] | None, names: bool = False) -> dict[str, str]:
    """SQL by column; ``fields`` replaces the preset's ("" = the table has none).

    Raises Unquotable for a column that is none of ours, and for a table without addresses, port or time.
    """
    allowed, required = (
        (NAME_COLUMNS, ("time", "query")) if names else (COLUMNS, ("time", "src_ip", "dst_ip", "dst_port"))
    )
    columns = dict(preset.names if names else preset.columns)
    for name, theirs in (fields or {}).items():
        if name not in COLUMNS:
            raise Unquotable(f"{name!r} is no column of ours: {', '.join(COLUMNS)}")
        if name in allowed and not names:
            columns[name] = f"raw.{escaping.name(theirs)}" if theirs else ""
    absent = [name for name in required if not columns.get(name)]
    if absent:
        raise Unquotable(f"no column for {', '.join(absent)}: map them with fields")
    return {name: sql for name, sql in columns.items() if sql}


def connections(
    preset: ClickHousePreset, scope: str, fields: Mapping[str, str] | None, bounds: tuple[str, str] = FETCH_BOUNDS
) -> str:
    """WITH: ``connections``, the canonical connections between the bounds (epoch seconds, half open).

    A row without a time or without a usable port is left out; ``heartbeat`` counts those. Raises Unquotable.
    """
    at = columns_of(preset, fields)
    begun = start_of(at["time"], preset.unit)
    conditions = (
        f"{begun} >= {bounds[0]}",
        f"{begun} < {bounds[1]}",
        *preset.filters,
        f"isNotNull(accurateCastOrNull({at['dst_port']}, 'UInt16'))",
    )
    typed, canonical = (
        ",\n".join(f"    {sql} AS {name}" for name, sql in columns.items())
        for columns in (_typed(at, begun), _canonical(at))
    )
    return f"""\
WITH typed AS (
  SELECT
{typed}
  FROM {table_of(preset, scope)} AS raw
  WHERE {" AND ".join(conditions)}
), connections AS (
  SELECT
{canonical}
  FROM typed
)"""


def sessions(
    preset: ClickHousePreset, scope: str, fields: Mapping[str, str] | None, bounds: tuple[str, str] = FETCH_BOUNDS
) -> str:
    """WITH: ``connections``, and ``sessions``, which leaves out the rows that continue a session of an earlier row.

    A session whose first row continues is counted by that row. The flows with such rows are few, and only theirs are
    read again; GLOBAL, so that it runs on a Distributed table too.
    """
    at, first = columns_of(preset, fields), connections(preset, scope, fields, bounds)
    if "history" not in at and "continues" not in at:
        return f"{first}, sessions AS (\n  SELECT * FROM connections\n)"
    return f"""\
{first}, resumed AS (
  SELECT * FROM connections
  WHERE ({FLOW}) GLOBAL IN (SELECT {FLOW} FROM connections WHERE continues)
  ORDER BY start, continues LIMIT 1 BY {FLOW}
), sessions AS (
  SELECT * FROM connections WHERE NOT continues
  UNION ALL
  SELECT * FROM resumed WHERE continues
)"""


def table_of(preset: ClickHousePreset, scope: str) -> str:
    """The table that is read: ``scope``, or the preset's own. Raises Unquotable for none and for a wrong name."""
    if not (scope or preset.table):
        raise Unquotable(f"the preset {preset.name} has no table of its own: set scope")
    return escaping.name(scope or preset.table)


def start_of(time: str, unit: str) -> str:
    """Epoch seconds of a DateTime, a DateTime64 or a number; a number may count milliseconds."""
    return f"toFloat64({time})" + (f" / if(match(toTypeName({time}), 'Date'), 1, 1000)" if unit == "ms" else "")


def in_v4(number: str, networks: Sequence[Network]) -> str:
    """A condition: the IPv4 ``number`` (null: other text) lies in one of the IPv4 networks."""
    tests = [f"{number} BETWEEN {int(one[0])} AND {int(one[-1])}" for one in networks if one.version == 4]
    return "(" + (" OR ".join(tests) or "false") + ")"


def text(column: str) -> str:
    """Text that is valid, of bounded length and never null."""
    return f"leftUTF8(toValidUTF8(ifNull(toString({column}), '')), {_LONGEST_TEXT})"


def address(column: str) -> str:
    """The text of an address; in a column of type IPv6 an IPv4 address stands in its mapped form."""
    plain = f"left(ifNull(toString({column}), ''), {_LONGEST_ADDRESS})"
    return f"if(match(toTypeName({column}), 'IPv6'), replaceRegexpOne({plain}, '^::ffff:([0-9.]+)$', '\\\\1'), {plain})"


_NO_NUMBER = "CAST(NULL AS Nullable(Int64))"


def _typed(at: Mapping[str, str], begun: str) -> dict[str, str]:
    """The raw columns, each as what it should be: text is never null, a number that is none is null."""
    texts = ("hostname", "proto", "process_name", "service", "conn_state", "history", "action")
    numbers = ("src_port", "conns", "bytes_sent", "bytes_rcvd", "bytes_total", "ip_bytes_sent", "ip_bytes_rcvd",
               "packets_sent", "packets_rcvd")  # fmt: skip
    return {
        "start": begun,
        "src_ip": address(at["src_ip"]),
        "dst_ip": address(at["dst_ip"]),
        "dst_port": f"assumeNotNull(accurateCastOrNull({at['dst_port']}, 'UInt16'))",
        **{f"{name}_text": _named(text(at[name])) if name in at else "''" for name in texts},
        **{f"{name}_number": _count(at[name]) if name in at else _NO_NUMBER for name in numbers},
        "lasted": f"toFloat64OrNull(toString({at['duration']}))"
        if "duration" in at
        else "CAST(NULL AS Nullable(Float64))",
        "was_answered": f"CAST({at.get('answered', 'NULL')} AS Nullable(Bool))",
        "goes_on": f"CAST({at.get('continues', 'NULL')} AS Nullable(Bool))",
    }


def _named(value: str) -> str:
    """A name, or "" for the words that stand for none."""
    return f"if(lower({value}) IN {escaping.listed(_NAMELESS)}, '', {value})"


def _count(column: str) -> str:
    """A counter; what is no number, negative or larger than any real one is unknown."""
    number = f"accurateCastOrNull({column}, 'Int64')"
    return f"if({number} BETWEEN 0 AND {_LARGEST_COUNT}, {number}, NULL)"


def _canonical(at: Mapping[str, str]) -> dict[str, str]:
    """If either counter of IP bytes is there, both of them, else both of payload bytes; per row, absent is null."""
    sent, received = "bytes_sent_number", "bytes_rcvd_number"
    if "ip_bytes_sent" in at and "ip_bytes_rcvd" in at:
        sent, received = (
            f"coalesce(ip_bytes_{own}_number, if(isNull(ip_bytes_{other}_number), bytes_{own}_number, 0))"
            for own, other in (("sent", "rcvd"), ("rcvd", "sent"))
        )
    numbers, names = (", ".join(map(escaping.literal, part)) for part in (_PROTOCOLS, _PROTOCOLS.values()))
    return {
        "start": "start",
        "hostname": "hostname_text",
        "src_ip": "src_ip",
        "src_port": "ifNull(src_port_number, -1)",
        "dst_ip": "dst_ip",
        "dst_port": "dst_port",
        "proto": f"transform(lower(proto_text), [{numbers}], [{names}])",
        "conns": f"toInt64(ifNull(if(conns_number <= {_MOST_CONNS}, conns_number, 1), 1))",
        "bytes_sent": sent,
        "bytes_rcvd": received,
        "bytes_total": f"coalesce(bytes_total_number, {sent} + {received})",
        "orig_bytes": "ip_bytes_sent_number" if "ip_bytes_sent" in at else "bytes_sent_number",
        "sent_packets": "packets_sent_number",
        "rcvd_packets": "packets_rcvd_number",
        "process_name": "process_name_text",
        "service": "lower(service_text)",
        "duration": "lasted",
        "answered": _answered(at),
        "denied": f"match(lower(action_text), '{_DENIED}')",
        "continues": _continues(at),
    }


def _answered(at: Mapping[str, str]) -> str:
    if "conn_state" not in at:
        return "was_answered"
    states = f"conn_state_text IN {escaping.listed(ANSWERED)}, true, conn_state_text IN {escaping.listed(UNANSWERED)}"
    return f"CAST(multiIf({states}, false, was_answered) AS Nullable(Bool))"


def _continues(at: Mapping[str, str]) -> str:
    """A TCP row of Zeek that saw no SYN; one that was refused is another attempt, not the same session."""
    if "history" not in at:
        return "ifNull(goes_on, false)"
    attempts = escaping.listed((*UNANSWERED, "RSTRH"))
    return (
        f"lower(proto_text) IN ('tcp', '6') AND history_text != '' AND NOT match(history_text, '[Ss]')"
        f" AND conn_state_text NOT IN {attempts}"
    )
