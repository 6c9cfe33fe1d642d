"""WHOIS measured: requests against networks, wall time against the latency bound, and 100,000 mutated bodies.

``python -m bench.rdap [MUTATIONS]``; loopback registries that answer after 200 ms.
"""

import json
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from connectors.enrichers.whois import Settings, Whois
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import NetworkOwner
from playbook.model.observable import Observable
from tests.connectors.enrichers.test_whois_answer import mutations
from tests.emulators import rdap

LATENCY_S = 0.2
LAB = "198.18.0.0/15"
NETWORKS = 60
LOOK_UPS = 1000


def thousand(folder: Path, stack: ExitStack) -> None:
    """1,000 destinations in 60 networks of five registries, cold and with a warm cache."""
    blocks = list(IPv4Network(LAB).subnets(new_prefix=18))[:5]
    services: list[list[list[str]]] = []
    cidrs: list[str] = []
    servers: list[rdap.Registry] = []
    for (_name, shape), block in zip(rdap.SHAPES.items(), blocks, strict=True):
        mine = [str(net) for net in block.subnets(new_prefix=24)][: NETWORKS // len(blocks)]
        server = rdap.Registry({cidr: shape(cidr) for cidr in mine}, delay_s=LATENCY_S)
        services.append([[str(block)], [stack.enter_context(rdap.running(server)) + "/"]])
        servers.append(server)
        cidrs += mine
    (folder / "ipv4.json").write_text(json.dumps({"services": services}))
    (folder / "ipv6.json").write_text('{"services": []}')
    settings = Settings.model_validate(
        {"bootstrap": folder, "cache": folder / "cache", "lab": [LAB], "interval_s": 0.0, "total_s": 60}
    )
    chance = random.Random(11)
    items = [
        Observable(kind="address", value=str(ip_network(cidr)[chance.randrange(256)]), role="destination")
        for cidr in chance.choices(cidrs, k=LOOK_UPS)
    ]
    end = datetime.now(UTC)
    for temperature in ("cold", "warm"):
        whois = Whois("whois", settings)
        began = time.monotonic()
        found = whois.look_up(items, TimeWindow(start=end - timedelta(days=1), end=end))
        took = time.monotonic() - began
        answers = [answer for word in found for answer in word.answers]
        networks = {answer.network for answer in answers if isinstance(answer, NetworkOwner)}
        bound = max(len(server.asked) for server in servers) * LATENCY_S if temperature == "cold" else 0.0
        print(
            f"{temperature}: {LOOK_UPS} look-ups, {len(networks)} networks, {whois.requests} requests, "
            f"{took:.2f} s (bound: {bound:.2f} s, the busiest registry's questions one after the other)"
        )


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        thousand(Path(folder), stack)
    began = time.monotonic()
    believed, refused = mutations(count, seed=7)
    took = time.monotonic() - began
    print(f"{count} mutated bodies: {believed} believed, {refused} refused, 0 escaped, {took:.0f} s")


if __name__ == "__main__":
    main()
