"""The tables that Kusto's texts read: Defender's DeviceNetworkEvents, Sentinel's CommonSecurityLog and DnsEvents."""

from playbook.model import Value

WINDOW = "24h"


class KqlPreset(Value):
    """One table: the stages that end in our columns, and the same for the table that holds name look-ups.

    ``endpoint`` tables know host and process, so hunts group by them. ``caveat`` is what the table cannot tell.
    """

    name: str
    stages: tuple[str, ...]
    names: tuple[str, ...]
    endpoint: bool = False
    caveat: str


def listed(items: tuple[str, ...]) -> str:
    """Texts as Kusto literals with commas between."""
    return ", ".join(f'"{item}"' for item in items)


_DENIED = listed(("block", "blocked", "denied", "deny", "drop", "dropped", "reject", "rejected"))

_DEFENDER = KqlPreset(
    name="defender",
    stages=(
        "DeviceNetworkEvents",
        f"where Timestamp > ago({WINDOW})",
        'where ActionType in ("ConnectionSuccess", "ConnectionAttempt", "ConnectionFailed")',
        "where isnotempty(RemoteIP) and isnotnull(RemotePort)",
        "project start = Timestamp, hostname = DeviceName, src_ip = LocalIP, dst_ip = RemoteIP,"
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
        "project start = TimeGenerated, hostname = SourceHostName, src_ip = SourceIP, dst_ip = DestinationIP,"
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
