"""What each kind of source calls the columns of a connection, as stages that end in our own names."""

from playbook.model import Value

# Every prelude defines exactly these; text that is blank or not a number means "the log does not say".
COLUMNS = (
    "hostname",
    "src_ip",
    "dst_ip",
    "dst_port",
    "conns",
    "start_ms",
    "bytes_sent",
    "bytes_rcvd",
    "bytes_total",
    "process_name",
    "proto",
    "service",
)
# What tells a conversation from a packet; the queries that do not ask leave these out.
TOLD = ("packets_sent", "packets_rcvd", "conn_state")
# What only detections beside the beaconing one read; ``fields`` maps it.
BESIDE = ("dst_name", "duration")

NONE = '""'
_TIME = "_messageTime"


class SumoPreset(Value):
    """One kind of source: the default scope, the stages that take the log apart, and an expression per column.

    ``told`` are the stages behind the columns of TOLD, ``caveat`` is one sentence on what this source cannot tell, ""
    when nothing is lost.
    """

    name: str
    scope: str
    stages: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...]
    told: tuple[str, ...] = ()
    caveat: str = ""


def _columns(**given: str) -> tuple[tuple[str, str], ...]:
    absent = {"conns": "1", "start_ms": _TIME}
    return tuple((name, given.get(name, absent.get(name, NONE))) for name in (*COLUMNS, *TOLD))


def _private(name: str) -> str:
    """A condition: the IPv4 text in ``name`` is not for the Internet (RFC 1918, 127/8, 169.254/16).

    Not isPrivateIP: that drops IPv6 rows. No ``|`` inside a regex: whether it ends the stage is not documented.
    """
    wildcards = " or ".join(f'{name} matches "{start}*"' for start in ("10.", "127.", "169.254.", "192.168."))
    ranges = " or ".join(f"{name} matches /^172\\.{tens}\\./" for tens in ("1[6-9]", "2[0-9]", "3[01]"))
    return f"({wildcards} or {ranges})"


NOT_EXTERNAL = _private("dst_ip")

_SEED = SumoPreset(
    name="seed",
    scope="_sourceCategory=network/firewall OR _sourceCategory=network/paloalto OR _sourceCategory=network/cisco/asa"
    " OR _sourceCategory=network/zeek OR _sourceCategory=network/flow",
    columns=_columns(
        hostname="hostname",
        src_ip="src_ip",
        dst_ip="dst_ip",
        dst_port="dst_port",
        bytes_sent="bytes_sent",
        bytes_rcvd="bytes_rcvd",
        process_name="process_name",
    ),
    caveat="Every row of the scope counts as one connection: a device that logs start and end counts twice.",
)

_PANOS = SumoPreset(
    name="panos",
    scope='_sourceCategory=network/paloalto ",TRAFFIC,"',
    stages=(
        "csv _raw extract 2 as pan_received, 4 as pan_type, 5 as pan_subtype, 8 as src_ip, 9 as dst_ip,"
        " 15 as service, 24 as conns, 26 as dst_port, 30 as proto, 33 as bytes_sent, 34 as bytes_rcvd,"
        " 36 as pan_started",
        'where pan_type = "TRAFFIC" and pan_subtype = "end"',
        'if(pan_received matches "*/*/* *:*:*" and pan_started matches "*/*/* *:*:*", 1, 0) as pan_dated',
        'if(pan_dated = 1, pan_received, "1970/01/01 00:00:00") as pan_received',
        'if(pan_dated = 1, pan_started, "1970/01/01 00:00:00") as pan_started',
        # Both stamps are in the device's own zone, which cancels out.
        'parseDate(pan_received, "yyyy/MM/dd HH:mm:ss", "UTC") as pan_received_ms',
        'parseDate(pan_started, "yyyy/MM/dd HH:mm:ss", "UTC") as pan_started_ms',
        f"{_TIME} - (pan_received_ms - pan_started_ms) as pan_start_ms",
    ),
    columns=_columns(
        src_ip="src_ip",
        dst_ip="dst_ip",
        dst_port="dst_port",
        conns="conns",
        start_ms="pan_start_ms",
        bytes_sent="bytes_sent",
        bytes_rcvd="bytes_rcvd",
        proto="proto",
        service="service",
        packets_sent="pan_packets_sent",
        packets_rcvd="pan_packets_rcvd",
    ),
    told=("csv _raw extract 45 as pan_packets_sent, 46 as pan_packets_rcvd",),
)

_ASA = SumoPreset(
    name="asa",
    scope="_sourceCategory=network/cisco/asa Teardown (302014 OR 302016)",
    stages=(
        'parse regex "Teardown (?<proto>[A-Z]+) connection \\d+ for (?<a_if>[^:\\s]+):(?<a_ip>[0-9A-Fa-f.:]+)/'
        "(?<a_port>\\d+)(?:\\([^)]*\\))? to (?<b_if>[^:\\s]+):(?<b_ip>[0-9A-Fa-f.:]+)/(?<b_port>\\d+)"
        '(?:\\([^)]*\\))? duration (?<hours>\\d+):(?<minutes>\\d+):(?<seconds>\\d+) bytes (?<bytes_total>\\d+)"',
        # "for A to B" is not source to destination; the Built line that tells cannot be joined in a stream.
        "toLowerCase(a_if) as a_if",
        f'if({_private("b_ip")} and !{_private("a_ip")}, 1, if({_private("a_ip")}, 0, if(a_if matches "*outside*",'
        " 1, 0))) as b_is_source",
        f"{_TIME} - (num(hours) * 3600 + num(minutes) * 60 + num(seconds)) * 1000 as asa_start_ms",
    ),
    columns=_columns(
        src_ip="if(b_is_source = 1, b_ip, a_ip)",
        dst_ip="if(b_is_source = 1, a_ip, b_ip)",
        dst_port="if(b_is_source = 1, a_port, b_port)",
        start_ms="asa_start_ms",
        bytes_total="bytes_total",
        proto="proto",
    ),
    caveat="The initiator is the private side (or the one not on an interface named outside): the Built line that"
    " names it is not joined.",
)

_ZEEK_START = (
    'if(ts matches /^[0-9]+(\\.[0-9]+)?$/, ts, "0") as ts_seconds',
    f'if(ts_seconds = "0", {_TIME}, num(ts_seconds) * 1000) as zeek_start_ms',
)
# One long TCP session cut into many rows: a row that saw no SYN continues a session, so the tail drops it.
_ZEEK_CONNS = 'if(proto = "tcp" and !isBlank(history) and !(history matches /[Ss]/), 0, 1)'

_ZEEK_JSON = SumoPreset(
    name="zeek-json",
    scope="_sourceCategory=network/zeek",
    stages=(
        "json field=_raw \"['id.orig_h']\", \"['id.resp_h']\", \"['id.resp_p']\" as src_ip, dst_ip, dst_port",
        'json field=_raw "ts", "proto", "service", "history", "orig_bytes", "resp_bytes", "orig_ip_bytes",'
        ' "resp_ip_bytes" as ts, proto, service, history, orig_bytes, resp_bytes, orig_ip_bytes, resp_ip_bytes nodrop',
        # Other Zeek logs carry the same id; only conn.log rows have a connection state.
        'json field=_raw "conn_state" as conn_state',
        "if(isBlank(orig_ip_bytes) and isBlank(resp_ip_bytes), orig_bytes, orig_ip_bytes) as zeek_sent",
        "if(isBlank(orig_ip_bytes) and isBlank(resp_ip_bytes), resp_bytes, resp_ip_bytes) as zeek_rcvd",
        *_ZEEK_START,
    ),
    columns=_columns(
        src_ip="src_ip",
        dst_ip="dst_ip",
        dst_port="dst_port",
        conns=_ZEEK_CONNS,
        start_ms="zeek_start_ms",
        bytes_sent="zeek_sent",
        bytes_rcvd="zeek_rcvd",
        proto="proto",
        service="service",
        packets_sent="orig_pkts",
        packets_rcvd="resp_pkts",
        conn_state="conn_state",
    ),
    told=('json field=_raw "orig_pkts", "resp_pkts" as orig_pkts, resp_pkts nodrop',),
    caveat="A TCP row whose history holds no S or s counts no connection even if it is the first of its session.",
)

_EPOCH = "1970-01-01T00:00:00.000Z"


def _iso(name: str, start: str) -> tuple[str, str, str]:
    """Stages: the ISO stamp in ``name`` as milliseconds in ``start``; message time where it is none.

    parseDate only ever sees a stamp, as what it does with other text is not documented.
    """
    return (
        f'if({name} matches "*-*T*:*:*.*Z", {name}, "{_EPOCH}") as {name}',
        f'parseDate({name}, "yyyy-MM-dd\'T\'HH:mm:ss.SSSXXX", "UTC") as {start}',
        f"if({start} > 0, {start}, {_TIME}) as {start}",
    )


_ZEEK_ECS = SumoPreset(
    name="zeek-ecs",
    scope="_sourceCategory=network/zeek",
    stages=(
        'json field=_raw "source.ip", "destination.ip", "destination.port" as src_ip, dst_ip, dst_port',
        'json field=_raw "zeek.connection.state" as conn_state',
        'json field=_raw "network.transport", "network.protocol", "zeek.connection.history", "source.bytes",'
        ' "destination.bytes", "[\'@timestamp\']" as proto, service, history, bytes_sent, bytes_rcvd, stamp nodrop',
        *_iso("stamp", "zeek_start_ms"),
    ),
    columns=_columns(
        src_ip="src_ip",
        dst_ip="dst_ip",
        dst_port="dst_port",
        conns=_ZEEK_CONNS,
        start_ms="zeek_start_ms",
        bytes_sent="bytes_sent",
        bytes_rcvd="bytes_rcvd",
        proto="proto",
        service="service",
        packets_sent="packets_sent",
        packets_rcvd="packets_rcvd",
        conn_state="conn_state",
    ),
    told=('json field=_raw "source.packets", "destination.packets" as packets_sent, packets_rcvd nodrop',),
    caveat=_ZEEK_JSON.caveat,
)

_NETFLOW = SumoPreset(
    name="netflow",
    scope="_sourceCategory=network/flow",
    stages=(
        'json field=_raw "netflow.ipv4_src_addr", "netflow.ipv4_dst_addr", "netflow.l4_dst_port" as src_ip, dst_ip,'
        " dst_port",
        'json field=_raw "netflow.protocol", "netflow.in_bytes", "netflow.out_bytes", "netflow.first_switched"'
        " as proto, bytes_sent, bytes_rcvd, stamp nodrop",
        *_iso("stamp", "flow_start_ms"),
    ),
    columns=_columns(
        src_ip="src_ip",
        dst_ip="dst_ip",
        dst_port="dst_port",
        start_ms="flow_start_ms",
        bytes_sent="bytes_sent",
        bytes_rcvd="bytes_rcvd",
        proto="proto",
    ),
    caveat="The two directions are not joined: an exporter that cuts a long flow counts once per part, and the bytes"
    " received are unknown unless the record carries both.",
)

_VPCFLOW = SumoPreset(
    name="vpcflow",
    scope="_sourceCategory=network/flow ACCEPT",
    stages=(
        'parse "* * * * * * * * * * * * * *" as vpc_version, vpc_account, vpc_interface, src_ip, dst_ip, src_port,'
        " dst_port, proto, vpc_packets, bytes_sent, vpc_start, vpc_end, vpc_action, vpc_status",
        'where vpc_status = "OK" and vpc_action = "ACCEPT"',
        "num(vpc_start) * 1000 as vpc_start_ms",
    ),
    columns=_columns(
        src_ip="src_ip",
        dst_ip="dst_ip",
        dst_port="dst_port",
        start_ms="vpc_start_ms",
        bytes_sent="bytes_sent",
        proto="proto",
    ),
    caveat="A session longer than one capture interval counts once per interval, and the bytes received are unknown.",
)

_CSE = SumoPreset(
    name="cse",
    scope="_index=sec_record_network",
    columns=_columns(
        hostname="srcDevice_hostname",
        src_ip="srcDevice_ip",
        dst_ip="dstDevice_ip",
        dst_port="dstPort",
        bytes_sent="bytesOut",
        bytes_rcvd="bytesIn",
        process_name="baseImage",
        proto="ipProtocol",
        service="application",
    ),
    caveat="A normalized record is one log line: a device that logs start and end counts twice, denied attempts count.",
)

PRESETS: dict[str, SumoPreset] = {
    preset.name: preset for preset in (_SEED, _PANOS, _ASA, _ZEEK_JSON, _ZEEK_ECS, _NETFLOW, _VPCFLOW, _CSE)
}
