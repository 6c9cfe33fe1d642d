"""One fixed set of events that lies on both sides of every edge of the detection; traps and mutants are run over it."""

from playbook.detections.beaconing import Event
from tests.interpreters.telemetry import MIDNIGHT, flow

EIGHT = MIDNIGHT + 8 * 3600
LARGE = (70_000, 90_000)


def corpus() -> list[Event]:
    """About 1,000 events; what each flow is for stands beside it."""
    made = [
        flow(20, 380, "203.0.113.1", start=EIGHT),  # 20 connections in 3 hours: just enough
        flow(19, 400, "203.0.113.2", start=EIGHT),  # one too few
        flow(30, 239, "203.0.113.3", start=EIGHT),  # two hours only
        flow(24, 200, "203.0.113.4", start=MIDNIGHT - 600),  # 3 hours of UTC, 2 of a zone half an hour off
        flow(21, 330.125, "203.0.113.5", start=MIDNIGHT - 3000.125, hostname="pc-1", process_name="b.exe"),
        flow(33, 225, "198.51.100.1", 443, EIGHT, bytes=(215, 284)),  # 499 a connection: small
        flow(33, 225, "198.51.100.2", 443, EIGHT, bytes=(215, 285)),  # 500: not small
        flow(33, 225, "198.51.100.3", 443, EIGHT, bytes=(None, None)),  # unknown: not small
        flow(33, 225, "198.51.100.8", 443, EIGHT, bytes=(None, None), total=400),  # the sum alone is known
        flow(101, 75, "198.51.100.4", 443, EIGHT, bytes=LARGE),  # more than 100
        flow(100, 75, "198.51.100.5", 443, EIGHT, bytes=LARGE),  # no more than 100
        flow(24, 600, "203.0.113.10", start=EIGHT, denied=True),  # blocked
        flow(15, 600, "203.0.113.11", start=EIGHT, denied=True) + flow(15, 600, "203.0.113.11", start=EIGHT + 9),
        flow(12, 900, "203.0.113.12", start=EIGHT, hostname="pc-1")
        + flow(12, 900, "203.0.113.12", start=EIGHT, hostname="PC-1"),  # two hosts by name: neither is enough
        flow(12, 900, "203.0.113.13", start=EIGHT) + flow(12, 900, "203.0.113.13", start=EIGHT, src_ip="10.0.0.32"),
        flow(12, 900, "203.0.113.14", start=EIGHT) + flow(12, 900, "203.0.113.15", start=EIGHT),
        flow(12, 900, "203.0.113.16", 6667, EIGHT) + flow(12, 900, "203.0.113.16", 6668, EIGHT),
        flow(24, 600, "2001:db8::66", start=EIGHT, service="irc", proto="udp"),
        flow(24, 600, "::ffff:10.0.0.1", start=EIGHT),
        flow(24, 600, "fe80::1%eth0", start=EIGHT),
        flow(24, 600, "100.64.0.1", start=EIGHT),
        flow(24, 600, "224.0.0.1", start=EIGHT),
        *(
            flow(24, 600, dst, start=EIGHT)
            for dst in ("10.1.2.3", "172.31.0.1", "172.32.0.1", "192.168.0.9", "127.0.0.1", "169.254.1.1")
        ),
        flow(24, 600, "203.0.113.20", start=EIGHT, proto="icmp"),
        flow(24, 600, "203.0.113.21", 4444, EIGHT),
    ]
    partly = flow(101, 75, "198.51.100.6", 443, EIGHT, bytes=LARGE)  # one counter of 101 is missing
    partly[50] = partly[50]._replace(bytes_sent=None, bytes_total=None)
    two_days = flow(6, 600, "203.0.113.22", start=EIGHT) + flow(6, 600, "203.0.113.22", start=EIGHT + 86_400)
    two_days += flow(9, 400, "203.0.113.22", start=EIGHT + 2 * 86_400)  # the same hour of three days
    named = flow(110, 70, "203.0.113.23", start=EIGHT, process_name="a.exe")
    named[-1] = named[-1]._replace(process_name="z.exe", service="irc")
    return [event for events in (*made, partly, two_days, named) for event in events]
