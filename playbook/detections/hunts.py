"""The seed's hunting queries as data: what is counted, by whom, in which time, and from how many on it is shown."""

from typing import Literal

from playbook.detections.beaconing import IRC_PORTS
from playbook.model import Value

QUARTER_S = 900
# Many ports within a burst look like a scan; the seed names the sign but no number, so these two are ours.
SCAN_PORTS = 20
SCAN_SHARE = 0.5


class Hunt(Value):
    """One hunt over one kind of log.

    ``group`` are the columns that form a row beside the aligned quarter of an hour (``window_s`` 0: the whole log);
    ``more_than`` is the number of connections that a row must exceed. ``failed_domains`` and ``failed_share`` bound
    the DNS burst: distinct registered domains that did not resolve, and the share of distinct names that failed.
    ``endpoint_group`` is what forms a row where the log knows host and process (Sysmon, Defender).
    """

    name: str
    title: str
    kind: Literal["conn", "dns"]
    group: tuple[str, ...]
    endpoint_group: tuple[str, ...] = ("hostname", "process_name")
    window_s: int = 0
    more_than: int = 0
    ports: tuple[int, ...] = ()
    failed_domains: int = 0
    failed_share: float = 0.0


HUNTS: dict[str, Hunt] = {
    hunt.name: hunt
    for hunt in (
        Hunt(
            name="ddos-burst",
            title="More than 100 connections from one source to one destination in 15 minutes",
            kind="conn",
            group=("src_ip", "dst_ip"),
            window_s=QUARTER_S,
            more_than=100,
        ),
        Hunt(
            name="dga-burst",
            title="At least 30 failed registered domains and 80 % of the names, in 15 minutes",
            kind="dns",
            group=("src_ip",),
            window_s=QUARTER_S,
            failed_domains=30,
            failed_share=0.8,
        ),
        Hunt(
            name="irc",
            title="Connections to the ports of IRC",
            kind="conn",
            group=("src_ip", "dst_ip", "dst_port"),
            endpoint_group=("hostname", "process_name", "dst_ip", "dst_port"),
            ports=tuple(sorted(IRC_PORTS)),
        ),
    )
}
