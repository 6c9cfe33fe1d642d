"""The seed's detection over a Zeek conn.log in plain Python: split and dict, one pass, nothing checked."""

import sys
from ipaddress import ip_address, ip_network
from typing import Any

INSIDE = [ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")]
IRC = {*range(6660, 6670), 6697, 1080, 4444}


def main(path: str) -> int:
    """The number of tuples that fire."""
    found: dict[tuple[str, str, str], list[Any]] = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            if line.startswith("#"):
                if line.startswith("#fields"):
                    names = line.rstrip("\n").split("\t")[1:]
                    ts, src, dst, port, sent, received = map(
                        names.index, ("ts", "id.orig_h", "id.resp_h", "id.resp_p", "orig_ip_bytes", "resp_ip_bytes")
                    )
                continue
            row = line.split("\t")
            moment = float(row[ts])
            size = sum(int(row[at]) for at in (sent, received) if row[at] != "-")
            held = found.get((row[src], row[dst], row[port]))
            if held is None:
                found[row[src], row[dst], row[port]] = [1, {moment // 3600}, size, moment, moment]
                continue
            held[0] += 1
            held[1].add(moment // 3600)
            held[2] += size
            held[3], held[4] = min(held[3], moment), max(held[4], moment)
    return sum(_fires(dst, int(port), *held[:3]) for (_, dst, port), held in found.items())


def _fires(dst: str, port: int, count: int, hours: set[float], size: int) -> bool:
    if count < 20 or len(hours) < 3:
        return False
    address = ip_address(dst)
    if any(address.version == network.version and address in network for network in INSIDE):
        return False
    fast = count / len(hours) > 10 and size / count < 500
    return port in IRC or fast or count > 100


if __name__ == "__main__":
    print(main(sys.argv[1]))
