"""The detection and the hunts in Kusto's language: Defender's DeviceNetworkEvents, Sentinel's CommonSecurityLog.

Nobody re-scores what is pasted into a portal, so these texts carry the score, in whole numbers: no rounding decides.
"""

from playbook.detections.beaconing import (
    FAST_PER_HOUR,
    ICMP_NAMES,
    IRC_PORTS,
    MANY_CONNECTIONS,
    MANY_HOURS,
    MIN_CONNECTIONS,
    MIN_HOURS,
    SEED_INTERNAL,
    SMALL_BYTES,
    SOME_CONNECTIONS,
)
from playbook.detections.hunts import HUNTS, SCAN_PORTS, SCAN_SHARE, Hunt
from playbook.model import Value

WINDOW = "24h"
_KEY = "hostname, src_ip, dst_ip, dst_port"


class KqlPreset(Value):
    """One table: the stages that end in our columns, and the same for the table that holds name look-ups.

    ``endpoint`` tables know host and process, so hunts group by them. ``caveat`` is what the table cannot tell.
    """

    name: str
    stages: tuple[str, ...]
    names: tuple[str, ...]
    endpoint: bool = False
    caveat: str


def _listed(items: tuple[str, ...]) -> str:
    return ", ".join(f'"{item}"' for item in items)


_ICMP = _listed((*sorted(ICMP_NAMES), "1", "58"))
_DENIED = _listed(("block", "blocked", "denied", "deny", "drop", "dropped", "reject", "rejected"))
_IRC = ", ".join(map(str, sorted(IRC_PORTS)))
_SECOND_LEVEL = "[.](ac|co|com|edu|gov|net|org)[.][a-z]{2}$"

_DEFENDER = KqlPreset(
    name="defender",
    stages=(
        "DeviceNetworkEvents",
        f"where Timestamp > ago({WINDOW})",
        'where ActionType in ("ConnectionSuccess", "ConnectionAttempt", "ConnectionFailed")',
        "where isnotempty(RemoteIP) and isnotnull(RemotePort)",
        "project start = Timestamp, hostname = tolower(DeviceName), src_ip = LocalIP, dst_ip = RemoteIP,"
        " dst_port = toint(RemotePort), proto = tolower(Protocol), process_name = InitiatingProcessFileName,"
        ' service = "", conns = 1, bytes_sent = long(null), bytes_rcvd = long(null), denied = false',
    ),
    names=(
        "DeviceNetworkEvents",
        f"where Timestamp > ago({WINDOW})",
        'where ActionType == "DnsConnectionInspected"',
        "extend answer = parse_json(AdditionalFields)",
        "project start = Timestamp, hostname = tolower(DeviceName), src_ip = LocalIP,"
        " process_name = InitiatingProcessFileName, asked = tolower(tostring(answer.query)),"
        ' failed = tostring(answer.rcode_name) =~ "NXDOMAIN"',
    ),
    endpoint=True,
    caveat="Defender counts no bytes, so the low-byte branch never holds; it samples repeated connections.",
)
_SENTINEL = KqlPreset(
    name="sentinel",
    stages=(
        "CommonSecurityLog",
        f"where TimeGenerated > ago({WINDOW})",
        'where DeviceEventClassID !in~ ("start", "302013", "302015", "302020")',
        "where isnotempty(SourceIP) and isnotempty(DestinationIP) and isnotnull(DestinationPort)",
        "project start = TimeGenerated, hostname = tolower(SourceHostName), src_ip = SourceIP, dst_ip = DestinationIP,"
        " dst_port = toint(DestinationPort), proto = tolower(Protocol), process_name = SourceProcessName,"
        " service = ApplicationProtocol, conns = iff(isnull(EventCount) or EventCount < 1, 1, toint(EventCount)),"
        f" bytes_sent = tolong(SentBytes), bytes_rcvd = tolong(ReceivedBytes), denied = DeviceAction in~ ({_DENIED})",
    ),
    names=(
        "DnsEvents",
        f"where TimeGenerated > ago({WINDOW})",
        'where SubType == "LookupQuery"',
        'project start = TimeGenerated, hostname = tolower(Computer), src_ip = ClientIP, process_name = "",'
        " asked = tolower(Name), failed = toint(ResultCode) == 3",
    ),
    caveat="A session is dated by its log row: a device that logs the end stamps the end.",
)
PRESETS: dict[str, KqlPreset] = {preset.name: preset for preset in (_DEFENDER, _SENTINEL)}


def query(preset: str = "defender", hunt: str | None = None) -> str:
    """The text that ``query kql`` prints: the detection with its score, or one of the hunts.

    Raises KeyError for an unknown preset or hunt.
    """
    chosen = PRESETS[preset]
    stages = _detection(chosen) if hunt is None else _hunted(HUNTS[hunt], chosen)
    return f"// {chosen.caveat}\n" + "\n| ".join(stages)


def _detection(chosen: KqlPreset) -> tuple[str, ...]:
    internal = _listed(tuple(map(str, SEED_INTERNAL)))
    measured = ("conns", "bytes_sent", "bytes_rcvd", "sent_known", "rcvd_known")
    return (
        *chosen.stages,
        # Null for an address of IPv6, which then counts as external.
        f"where not(coalesce(ipv4_is_in_any_range(dst_ip, {internal}), false))",
        f"where proto !in ({_ICMP})",
        # Hours first: dcount() is an estimate.
        "summarize conns = sumif(conns, not(denied)), denied_conns = sumif(conns, denied),"
        " counted = countif(not(denied)), sent_known = countif(not(denied) and isnotnull(bytes_sent)),"
        " rcvd_known = countif(not(denied) and isnotnull(bytes_rcvd)), bytes_sent = sumif(bytes_sent, not(denied)),"
        " bytes_rcvd = sumif(bytes_rcvd, not(denied)), oldest = min(start), newest = max(start),"
        f" names = make_set(process_name) by hour = bin(start, 1h), {_KEY}",
        "summarize connections = sum(conns), hourly_buckets = countif(counted > 0), denied = sum(denied_conns),"
        " denied_hours = countif(denied_conns > 0), counted = sum(counted), "
        + ", ".join(f"{name} = sum({name})" for name in measured[1:])
        + f", first_seen = min(oldest), last_seen = max(newest), processes = make_set(names) by {_KEY}",
        f"where (connections >= {MIN_CONNECTIONS} and hourly_buckets >= {MIN_HOURS})"
        f" or (denied >= {MIN_CONNECTIONS} and denied_hours >= {MIN_HOURS})",
        "extend bytes_known = counted > 0 and sent_known == counted and rcvd_known == counted",
        "extend total_bytes = bytes_sent + bytes_rcvd",
        f"extend irc_port = dst_port in ({_IRC})",
        f"extend beaconing_score = {_score()}",
        f"where beaconing_score >= 1 or (denied >= {MIN_CONNECTIONS} and denied_hours >= {MIN_HOURS})",
        "extend avg_per_hour = round(todouble(connections) / hourly_buckets, 1),"
        " avg_bytes_per_conn = iff(bytes_known, round(todouble(total_bytes) / connections, 0), real(null))",
        f"project {_KEY}, connections, hourly_buckets, avg_per_hour, avg_bytes_per_conn, irc_port, beaconing_score,"
        " total_bytes_sent = bytes_sent, total_bytes_rcvd = bytes_rcvd, bytes_known, denied, processes, first_seen,"
        " last_seen",
        f"order by beaconing_score desc, connections desc, {', '.join(f'{name} asc' for name in _KEY.split(', '))}",
    )


def _score() -> str:
    """The score in whole numbers: more than 10.0 after rounding to one decimal is at least 10.05; so with 499.5."""
    fast = f"20 * connections >= {int(20 * FAST_PER_HOUR) + 1} * hourly_buckets"
    small = f"bytes_known and 2 * total_bytes < {2 * SMALL_BYTES - 1} * connections"
    return (
        f"case(connections < {MIN_CONNECTIONS} or hourly_buckets < {MIN_HOURS}, 0, irc_port, 3, {fast} and {small}, 2,"
        f" connections > {MANY_CONNECTIONS} and hourly_buckets >= {MANY_HOURS}, 2,"
        f" connections > {SOME_CONNECTIONS}, 1, 0)"
    )


def _hunted(wanted: Hunt, chosen: KqlPreset) -> tuple[str, ...]:
    group = wanted.endpoint_group if chosen.endpoint else wanted.group
    by = (*((f"window_start = bin(start, {wanted.window_s // 60}m)",) if wanted.window_s else ()), *group)
    names = (*(("window_start",) if wanted.window_s else ()), *group)
    return _names(wanted, chosen, by, names) if wanted.kind == "dns" else _connections(wanted, chosen, by, names)


def _connections(wanted: Hunt, chosen: KqlPreset, by: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Ports first, then rows: dcount() is an estimate."""
    return (
        *chosen.stages,
        *((f"where dst_port in ({', '.join(map(str, wanted.ports))})",) if wanted.ports else ()),
        "summarize port_conns = sum(conns), port_first = min(start), port_last = max(start) by "
        + ", ".join(dict.fromkeys((*by, "dst_port"))),
        "summarize connections = sum(port_conns), unique_ports = count(), first_seen = min(port_first),"
        f" last_seen = max(port_last) by {', '.join(names)}",
        f"where connections > {wanted.more_than}",
        *(
            (f"extend scan_indicator = unique_ports > {SCAN_PORTS} or unique_ports > {SCAN_SHARE} * connections",)
            if wanted.window_s
            else ()
        ),
        "order by connections desc",
    )


def _names(wanted: Hunt, chosen: KqlPreset, by: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    shown = ", ".join(names)
    return (
        *chosen.names,
        "extend asked = trim_end(@'[.]', asked)",
        'where isnotempty(asked) and not(asked endswith ".arpa")',
        # A name failed when every answer failed; a name asked for a thousand times is one name.
        "summarize answered = countif(not(failed)), oldest = min(start), newest = max(start) by "
        + ", ".join((*by, "asked")),
        "extend failed = answered == 0",
        # Two labels, or three under a country's second level: an approximation of the public suffix list.
        "extend labels = split(asked, '.')",
        f"extend wide = iff(asked matches regex @'{_SECOND_LEVEL}', 3, 2)",
        "extend domain = strcat_array(array_slice(labels, -wide, -1), '.')",
        f"summarize domain_names = count(), domain_failed = countif(failed), oldest = min(oldest), newest = max(newest)"
        f" by {shown}, domain",
        "summarize names = sum(domain_names), failed_names = sum(domain_failed), domains = count(),"
        f" failed_domains = countif(domain_failed > 0), first_seen = min(oldest), last_seen = max(newest) by {shown}",
        f"where failed_domains >= {wanted.failed_domains}"
        f" and failed_names * 100 >= names * {round(wanted.failed_share * 100)}",
        "order by failed_domains desc",
    )
