"""A plain computation of the detection and of what a day promises, independent of the product's engines."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from ipaddress import ip_address, ip_network

from playbook.triage.beacon_score import regularity

IRC = frozenset({*range(6660, 6670), 6697, 1080, 4444})


def grouped(connections):
    """(src, dst, port) -> connections to addresses outside 10/8 and fc00::/7."""
    groups = defaultdict(list)
    for c in connections:
        if _outside(c.dst_ip):
            groups[c.src_ip, c.dst_ip, c.dst_port].append(c)
    return groups


@cache
def _outside(address):
    return not address.startswith("10.") and ip_address(address) not in _ULA


def score(rows, port):
    """The seed's beaconing_score, or None when the row is not eligible."""
    count, hours = len(rows), len({int(c.ts) // 3600 for c in rows})
    if count < 20 or hours < 3:
        return None
    per_hour = half_up(Decimal(count) / hours, "0.1")
    per_connection = half_up(Decimal(sum(c.orig_ip_bytes + c.resp_ip_bytes for c in rows)) / count, "1")
    if port in IRC:
        return 3
    if (per_hour > 10 and per_connection < 500) or (count > 200 and hours >= 6):
        return 2
    return int(count > 100)


def half_up(number, step):
    return number.quantize(Decimal(step), rounding=ROUND_HALF_UP)


def detections(connections):
    """(src, dst, port) -> score, for the rows that the detection keeps."""
    found = {key: score(rows, key[2]) for key, rows in grouped(connections).items()}
    return {key: value for key, value in found.items() if value}


def beacon_score(rows, start, covered):
    """RITA's mean of four over the day that begins at ``start``."""
    sizes = {}
    for c in rows:
        sizes.setdefault(int(c.ts), c.orig_ip_bytes)
    times = sorted(sizes)
    return regularity(times, [sizes[t] for t in times], int(start), covered).score


_ULA = ip_network("fc00::/7")
