"""Builds playbook/tables/lists.csv.xz from chosen MISP warning lists (CC0) inside the PyPI package pymispwarninglists.

    python scripts/build_list_table.py [--archive pymispwarninglists-VERSION-py3-none-any.whl]

Without --archive the package is fetched with `pip download`. The same archive gives the same bytes. Left out on
purpose: vpn-ipv4/-ipv6 (8 % of all IPv4), public-dns (62,745 addresses, home routers among them), stackpath (closed
in 2024, its addresses are in other hands).
"""

import argparse
import json
import lzma
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from table_sources import run, write_table  # noqa: E402

PACKAGE = "pymispwarninglists"
LICENCE = "CC0-1.0"
SELECTION = (
    (
        "cloud",
        "amazon-aws google-gcp microsoft-azure microsoft-azure-china microsoft-azure-germany microsoft-azure-us-gov",
    ),
    ("cdn", "akamai cloudflare fastly"),
    (
        "shared",
        "apple github google-gmail-sending-ips microsoft-office365-cn microsoft-office365-ip ovh-cluster "
        "parking-domain zscaler",
    ),
    ("sinkhole", "sinkholes"),
    ("block_page", "umbrella-blockpage-v4 umbrella-blockpage-v6"),
    (
        "scanner",
        "alphastrike-scanning bufferover-nt-scanning censys-scanning coalition-signals-intelligence-nt-scanning "
        "cybergreen-nt-scanning cyberresilience-nt-scanning cypex-nt-scanning f6-nt-scanning "
        "internet-census-nt-scanning "
        "intrinsec-nt-scanning ipinfo-nt-scanning ipip-nt-scanning modat-nt-scanning modat-scanner netsecscan-scanning "
        "onyphe-nt-scanning onyphe-scanner probethenet-nt-scanning rapid7-nt-scanning research-scanner-nt-scanning "
        "shadowforce-nt-scanning shadowforce-scanning shadowserver shadowserver-nt-scanning shodan-nt-scanning "
        "shodan-scanning skipa-nt-scanning tenable-cloud-ipv4 tenable-cloud-ipv6",
    ),
)
# The sinkhole list repeats Umbrella's block pages, which also answer for adult content: no sign of a bot.
BLOCK_PAGES = IPv4Network("146.112.61.104/29")
Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Taken:
    """One chosen list: its networks, and what was not taken."""

    name: str
    category: str
    as_of: date | None
    networks: tuple[Network, ...]
    refused: tuple[str, ...]


def list_date(version: int) -> date | None:
    """The day in a list's version (20251223, or 25121022 = 2025-12-10 22h), or None when it is a plain counter."""
    digits = str(version)
    if len(digits) != 8:
        return None
    year, rest = (int(digits[:4]), digits[4:]) if digits.startswith("20") else (2000 + int(digits[:2]), digits[2:6])
    return date(year, int(rest[:2]), int(rest[2:]))


def networks_in(entries: Iterable[str]) -> tuple[list[Network], list[str]]:
    """(global networks, entries refused: names, broken text, private ranges, anything shorter than /8 or /16)."""
    taken: list[Network] = []
    refused: list[str] = []
    for entry in entries:
        try:
            network = unmapped(ip_network(entry, strict=False))
        except ValueError:
            refused.append(entry)
            continue
        if network.is_global and network.prefixlen >= (8 if network.version == 4 else 16):
            taken.append(network)
        else:
            refused.append(entry)
    return taken, refused


def unmapped(network: Network) -> Network:
    """::ffff:a.b.c.d/128 as a.b.c.d/32; every other network as it is."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped is not None and network.prefixlen >= 96 else network


def take(name: str, category: str, package: zipfile.ZipFile) -> Taken:
    """One list of the package, reduced to what may be used."""
    document = json.loads(package.read(f"{PACKAGE}/data/misp-warninglists/lists/{name}/list.json"))
    networks, refused = networks_in(document["list"])
    return Taken(name, category, list_date(document["version"]), tuple(networks), tuple(refused))


def lines_of(lists: Iterable[Taken], fallback: date) -> Iterator[str]:
    """`L,name,category,as_of` for each list, followed by its ranges as `4|6,first,last` in hexadecimal."""
    for taken in lists:
        yield f"L,{taken.name},{taken.category},{(taken.as_of or fallback).isoformat()}"
        for version in (4, 6):
            for network in collapse_addresses(n for n in taken.networks if n.version == version):
                yield f"{version},{int(network[0]):x},{int(network[-1]):x}"


def build(archive: Path) -> None:
    """Read the package archive, print what was refused, write the table."""
    with zipfile.ZipFile(archive) as package:
        lists = [take(name, category, package) for category, names in SELECTION for name in names.split()]
    lists = [without_block_pages(taken) if taken.category == "sinkhole" else taken for taken in lists]
    for taken in lists:
        if taken.refused:
            print(f"{taken.name}: {len(taken.refused)} entries refused, first: {', '.join(taken.refused[:3])}")
    as_of = max(taken.as_of for taken in lists if taken.as_of)
    text = "\n".join(lines_of(lists, as_of)) + "\n"
    packed = lzma.compress(text.encode(), format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)
    write_table("lists.csv.xz", packed, f"PyPI {PACKAGE}", archive.name.split("-")[1], as_of, LICENCE, text.count("\n"))


def without_block_pages(taken: Taken) -> Taken:
    """A list less the networks inside BLOCK_PAGES, which count as refused."""
    inside = {network for network in taken.networks if network.version == 4 and network.subnet_of(BLOCK_PAGES)}
    kept = tuple(network for network in taken.networks if network not in inside)
    refused = tuple(str(network) for network in sorted(inside))
    return Taken(taken.name, taken.category, taken.as_of, kept, taken.refused + refused)


def main() -> None:
    """Fetch the package unless an archive was given, then build."""
    parser = argparse.ArgumentParser(description="Build the embedded table of address lists")
    parser.add_argument("--archive", type=Path, help="a package archive that is already here")
    given = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        if given is None:
            run([sys.executable, "-m", "pip", "download", "--no-deps", PACKAGE], Path(folder))
            given = next(Path(folder).glob("*.whl"))
        build(given)


if __name__ == "__main__":
    main()
