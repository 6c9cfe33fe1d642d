"""What backup products, peer-to-peer clients and load tools call themselves: hints only, for the host writes the names.

Kept by hand in CSV files. `unverified` names the columns that rest on general knowledge instead of the row's source.
"""

from dataclasses import dataclass
from typing import Any

from playbook.reference_data.csv_reader import Ports, port_ranges, read_table, required, words, yes_or_no


@dataclass(frozen=True, slots=True)
class Product:
    """One product: process names as a log shows them, install folders, ports it uses, the vendor's domains."""

    name: str
    processes: tuple[str, ...]
    folders: tuple[str, ...]
    ports: Ports
    domains: tuple[str, ...]
    unverified: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class BackupProduct(Product):
    """A backup product; `continuous` ones have no nightly window, `also_exfiltration` ones are attackers' tools too."""

    continuous: bool
    also_exfiltration: bool


@dataclass(frozen=True, slots=True)
class LoadTool(Product):
    """A load or chaos tool; `marks` are words in its command line or User-Agent.

    `interpreter`: the process name is that of a language, which by itself says nothing.
    """

    marks: tuple[str, ...]
    interpreter: bool


def same_process(product: Product, process: str) -> bool:
    """True when the last part of `process` (a name or a path) is one of the product's; case and .exe do not matter."""
    return _bare(process) in {_bare(name) for name in product.processes}


def _bare(process: str) -> str:
    return process.replace("\\", "/").rsplit("/", 1)[-1].lower().removesuffix(".exe")


def _common(cells: dict[str, str]) -> dict[str, Any]:
    return {
        "name": required(cells["name"], "name"),
        "processes": words(cells["processes"]),
        "folders": words(cells["folders"]),
        "ports": port_ranges(cells["ports"]),
        "domains": words(cells["domains"]),
        "unverified": words(cells["unverified"]),
        "source": required(cells["source"], "source"),
    }


def _backup(cells: dict[str, str]) -> BackupProduct:
    continuous, exfiltration = yes_or_no(cells["continuous"]), yes_or_no(cells["also_exfiltration"])
    return BackupProduct(**_common(cells), continuous=continuous, also_exfiltration=exfiltration)


def _peer(cells: dict[str, str]) -> Product:
    return Product(**_common(cells))


def _load(cells: dict[str, str]) -> LoadTool:
    return LoadTool(**_common(cells), marks=words(cells["marks"]), interpreter=yes_or_no(cells["interpreter"]))


BACKUP_PRODUCTS: tuple[BackupProduct, ...] = read_table("backup_products.csv", _backup)
PEER_TO_PEER_CLIENTS: tuple[Product, ...] = read_table("peer_to_peer_clients.csv", _peer)
LOAD_TOOLS: tuple[LoadTool, ...] = read_table("load_tools.csv", _load)
