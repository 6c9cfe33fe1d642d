"""What each kind of Splunk source calls the columns of a connection: candidates by column, best first."""

from playbook.model import Value

# What a setting ``fields`` may map; a preset names one or more source fields for each, or none.
COLUMNS = (
    "hostname",
    "src_ip",
    "dst_ip",
    "dst_port",
    "conns",
    "bytes_sent",
    "bytes_rcvd",
    "bytes_total",
    "process_name",
    "proto",
    "service",
    "action",
)
# What tells a conversation from a packet; the searches that do not ask leave these out.
TOLD = ("packets_sent", "packets_rcvd", "conn_state")
# What only detections beside the beaconing one read; ``fields`` maps it.
BESIDE = ("dst_name", "duration")
MODEL = "All_Traffic"


class SplunkPreset(Value):
    """One kind of source: the default scope, the fields behind each column, and what must not be counted.

    ``filters`` are stages over the raw fields, before anything else.
    ``modelled`` searches a data model with tstats. ``endpoint`` logs know host and process, so hunts group by them.
    ``dns`` (scope and columns) is where the same source logs name look-ups. ``caveat`` is one sentence on what this
    source cannot tell.
    """

    name: str
    scope: str
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    filters: tuple[str, ...] = ()
    modelled: bool = False
    endpoint: bool = False
    dns_scope: str = ""
    dns_columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dns_failed: str = ""
    caveat: str = ""


def _columns(**given: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, given.get(name, ())) for name in (*COLUMNS, *TOLD))


# One connection, one row: the line that ends a session counts, the one that begins it does not (ASA Built, PAN start).
_ENDS = (
    'where NOT match(coalesce(mvindex(message_id, 0), ""), "^(302013|302015|302020)$")',
    'where NOT match(lower(coalesce(mvindex(log_subtype, 0), "")), "^start$")',
)
# A TCP row that saw no SYN continues a session that Zeek cut into several rows.
_ZEEK = (
    'where NOT (match(lower(coalesce(mvindex(proto, 0), "")), "^tcp$")'
    ' AND match(coalesce(mvindex(history, 0), ""), "^[^Ss]+$"))',
)
_CIM_DNS = (
    ("src_ip", ("src_ip", "src")),
    ("hostname", ()),
    ("process_name", ()),
    ("query", ("query",)),
)
_NXDOMAIN = (
    'if(match(mvindex(reply_code_id, 0), "^3$") OR match(lower(coalesce(mvindex(reply_code, 0), "")),'
    ' "^(nxdomain|name error)$"), 1, 0)'
)

_RAW = SplunkPreset(
    name="raw",
    scope="index IN (netfw, netflow, zeek)",
    columns=_columns(
        hostname=("src_host", "src_dns", "src_nt_host"),
        src_ip=("src_ip", "id.orig_h", "id_orig_h", "src"),
        dst_ip=("dest_ip", "dst_ip", "id.resp_h", "id_resp_h", "dest"),
        dst_port=("dest_port", "dst_port", "id.resp_p", "id_resp_p"),
        conns=("repeat_count",),
        bytes_sent=("orig_ip_bytes", "bytes_out", "bytes_sent", "orig_bytes"),
        bytes_rcvd=("resp_ip_bytes", "bytes_in", "bytes_received", "resp_bytes"),
        bytes_total=("bytes",),
        process_name=("process_name",),
        proto=("transport", "proto"),
        service=("app", "service"),
        action=("action", "vendor_action"),
        packets_sent=("orig_pkts", "packets_out"),
        packets_rcvd=("resp_pkts", "packets_in"),
        conn_state=("conn_state",),
    ),
    filters=(*_ENDS, *_ZEEK),
    dns_scope="index IN (dns, zeek)",
    dns_columns=_CIM_DNS,
    dns_failed=_NXDOMAIN,
    caveat="A session is dated by its log row: a device that logs the end stamps the end.",
)

_CIM = SplunkPreset(
    name="cim",
    scope="index=* tag=network tag=communicate",
    columns=_columns(
        hostname=("src_host", "src_dns", "src_nt_host"),
        src_ip=("src_ip", "src"),
        dst_ip=("dest_ip", "dest"),
        dst_port=("dest_port",),
        bytes_sent=("bytes_out",),
        bytes_rcvd=("bytes_in",),
        bytes_total=("bytes",),
        process_name=("process_name",),
        proto=("transport",),
        service=("app",),
        action=("action",),
        packets_sent=("packets_out",),
        packets_rcvd=("packets_in",),
        conn_state=("conn_state",),
    ),
    filters=_ENDS,
    dns_scope="index=* tag=network tag=resolution tag=dns",
    dns_columns=_CIM_DNS,
    dns_failed=_NXDOMAIN,
    caveat="A session is dated by its log row: a device that logs the end stamps the end.",
)

_TSTATS = SplunkPreset(
    name="tstats",
    scope="index=*",
    columns=_columns(
        hostname=(f"{MODEL}.src",),
        src_ip=(f"{MODEL}.src_ip", f"{MODEL}.src"),
        dst_ip=(f"{MODEL}.dest_ip", f"{MODEL}.dest"),
        dst_port=(f"{MODEL}.dest_port",),
        bytes_sent=(f"{MODEL}.bytes_out",),
        bytes_rcvd=(f"{MODEL}.bytes_in",),
        bytes_total=(f"{MODEL}.bytes",),
        proto=(f"{MODEL}.transport",),
        service=(f"{MODEL}.app",),
        action=(f"{MODEL}.action",),
        packets_sent=(f"{MODEL}.packets_out",),
        packets_rcvd=(f"{MODEL}.packets_in",),
    ),
    modelled=True,
    caveat="The data model has no process and no repeat count, splits a row whose address or port has several values,"
    " and cannot tell a session's start from its end where both are called allowed.",
)

_SYSMON = SplunkPreset(
    name="sysmon",
    scope='index=* source="XmlWinEventLog:Microsoft-Windows-Sysmon/Operational" EventCode=3 Initiated=true',
    columns=_columns(
        hostname=("Computer",),
        src_ip=("SourceIp",),
        dst_ip=("DestinationIp",),
        dst_port=("DestinationPort",),
        process_name=("Image",),
        proto=("Protocol",),
    ),
    endpoint=True,
    dns_scope='index=* source="XmlWinEventLog:Microsoft-Windows-Sysmon/Operational" EventCode=22',
    dns_columns=(("src_ip", ()), ("hostname", ("Computer",)), ("process_name", ("Image",)), ("query", ("QueryName",))),
    dns_failed='if(match(mvindex(QueryStatus, 0), "^9003$"), 1, 0)',
    caveat="Sysmon counts no bytes, and logs connections without saying whether they were answered.",
)

PRESETS: dict[str, SplunkPreset] = {preset.name: preset for preset in (_RAW, _CIM, _TSTATS, _SYSMON)}
