"""What each kind of ClickHouse table calls the columns of a connection."""

from typing import Literal

from playbook.model import Value

# What a setting ``fields`` may map; a preset has an SQL expression for each, or none.
COLUMNS = (
    "time",
    "hostname",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "proto",
    "conns",
    "bytes_sent",
    "bytes_rcvd",
    "bytes_total",
    "ip_bytes_sent",
    "ip_bytes_rcvd",
    "packets_sent",
    "packets_rcvd",
    "process_name",
    "service",
    "duration",
    "conn_state",
    "history",
    "answered",
    "action",
    "continues",
)
NAME_COLUMNS = ("time", "src_ip", "hostname", "process_name", "query", "failed")


class ClickHousePreset(Value):
    """One kind of table: its default name, the SQL behind each column, and what must not be counted.

    ``unit``: of ``time`` where that column is a number. ``filters`` are conditions over the raw columns.
    ``names_table`` and ``names`` are where the same source keeps name look-ups. ``caveat`` is one sentence on what
    this table cannot tell.
    """

    name: str
    table: str
    columns: tuple[tuple[str, str], ...]
    unit: Literal["s", "ms"] = "s"
    filters: tuple[str, ...] = ()
    names_table: str = ""
    names: tuple[tuple[str, str], ...] = ()
    caveat: str = ""


def _same(*names: str, **others: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"raw.`{name}`") for name in names) + tuple(others.items())


_CANONICAL = ClickHousePreset(
    name="canonical",
    table="connections",
    columns=_same(
        *(name for name in COLUMNS if name not in ("time", "ip_bytes_sent", "ip_bytes_rcvd", "conn_state", "history")),
        time="raw.`start`",
        ip_bytes_sent="raw.`orig_bytes`",
        packets_sent="raw.`sent_packets`",
        packets_rcvd="raw.`rcvd_packets`",
        action="if(raw.`denied`, 'denied', '')",
    ),
)

_ZEEK_NAMES = {
    "src_ip": "raw.`id`.`orig_h`",
    "query": "raw.`query`",
    "failed": "ifNull(raw.`rcode_name` = 'NXDOMAIN', false)",
}
_ZEEK = ClickHousePreset(
    name="zeek",
    table="zeek.conn",
    columns=(
        ("time", "raw.`ts`"),
        ("src_ip", "raw.`id`.`orig_h`"),
        ("src_port", "raw.`id`.`orig_p`"),
        ("dst_ip", "raw.`id`.`resp_h`"),
        ("dst_port", "raw.`id`.`resp_p`"),
        ("proto", "raw.`proto`"),
        ("bytes_sent", "raw.`orig_bytes`"),
        ("bytes_rcvd", "raw.`resp_bytes`"),
        ("ip_bytes_sent", "raw.`orig_ip_bytes`"),
        ("ip_bytes_rcvd", "raw.`resp_ip_bytes`"),
        ("packets_sent", "raw.`orig_pkts`"),
        ("packets_rcvd", "raw.`resp_pkts`"),
        ("service", "raw.`service`"),
        ("duration", "raw.`duration`"),
        ("conn_state", "raw.`conn_state`"),
        ("history", "raw.`history`"),
    ),
    names_table="zeek.dns",
    names=(("time", "raw.`ts`"), *_ZEEK_NAMES.items()),
)

# The same log where the shipper may not write a dot into a column's name.
_ZEEK_FLAT = _ZEEK.model_copy(
    update={
        "name": "zeek-flat",
        "columns": tuple((name, sql.replace("`id`.`", "`id_")) for name, sql in _ZEEK.columns),
        "names": tuple((name, sql.replace("`id`.`", "`id_")) for name, sql in _ZEEK.names),
    }
)


def _known(own: str, other: str) -> str:
    """A counter of RITA, whose importer writes 0 where Zeek had none: unknown where both sides are 0."""
    return f"if(raw.`{own}` = 0 AND raw.`{other}` = 0, NULL, raw.`{own}`)"


_RITA = ClickHousePreset(
    name="rita",
    table="conn",
    columns=(
        ("time", "raw.`ts`"),
        ("src_ip", "raw.`src`"),
        ("src_port", "raw.`src_port`"),
        ("dst_ip", "raw.`dst`"),
        ("dst_port", "raw.`dst_port`"),
        ("proto", "raw.`proto`"),
        ("bytes_sent", _known("src_bytes", "dst_bytes")),
        ("bytes_rcvd", _known("dst_bytes", "src_bytes")),
        ("ip_bytes_sent", _known("src_ip_bytes", "dst_ip_bytes")),
        ("ip_bytes_rcvd", _known("dst_ip_bytes", "src_ip_bytes")),
        ("packets_sent", _known("src_packets", "dst_packets")),
        ("packets_rcvd", _known("dst_packets", "src_packets")),
        ("service", "raw.`service`"),
        ("duration", "raw.`duration`"),
        ("conn_state", "raw.`conn_state`"),
        ("history", "raw.`zeek_history`"),
    ),
    # RITA writes a second row for a connection whose HTTP had no Host header.
    filters=("NOT raw.`missing_host_header`",),
    names_table="dns",
    names=(
        ("time", "raw.`ts`"),
        ("src_ip", "raw.`src`"),
        ("query", "raw.`query`"),
        ("failed", "raw.`rcode_name` = 'NXDOMAIN'"),
    ),
    caveat="RITA keeps whole seconds, leaves out what its own filter names, and writes 0 for an absent counter.",
)

_OCSF = ClickHousePreset(
    name="ocsf",
    table="network_activity",
    columns=(
        ("time", "raw.`time`"),
        ("src_ip", "raw.`src_endpoint`.`ip`"),
        ("src_port", "raw.`src_endpoint`.`port`"),
        ("dst_ip", "raw.`dst_endpoint`.`ip`"),
        ("dst_port", "raw.`dst_endpoint`.`port`"),
        ("proto", "raw.`connection_info`.`protocol_name`"),
        ("bytes_sent", "raw.`traffic`.`bytes_out`"),
        ("bytes_rcvd", "raw.`traffic`.`bytes_in`"),
        ("packets_sent", "raw.`traffic`.`packets_out`"),
        ("packets_rcvd", "raw.`traffic`.`packets_in`"),
        ("answered", "multiIf(raw.`activity_id` IN (4, 5), 0, NULL)"),
        ("action", "raw.`action`"),
    ),
    unit="ms",
    # Activity 1 opens a connection that another row closes.
    filters=("raw.`class_uid` = 4001", "raw.`activity_id` != 1"),
    caveat="An event is dated by its time, which a device that logs the end takes from the end; whether bytes are those"
    " of IP is not known.",
)

# A table of your own: every column comes from the setting ``fields``.
_OWN = ClickHousePreset(name="own", table="", columns=())

PRESETS: dict[str, ClickHousePreset] = {
    preset.name: preset for preset in (_CANONICAL, _ZEEK, _ZEEK_FLAT, _RITA, _OCSF, _OWN)
}
