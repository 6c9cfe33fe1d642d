"""What the registries said, kept by network range in memory and in the cache folder."""

import json
import os
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationError

from connectors.enrichers.whois.rdap_parser import Holder
from playbook.model.address import Address, Network

_FILE = "rdap.json"
_MAX_BYTES = 32 * 1024 * 1024
_MAX_HOLDERS = 20_000


class RangeCache:
    """Holders by range: the narrowest one that covers an address answers. Times are UTC seconds from ``wall``.

    ``folder`` None, or one that cannot be written, means memory only; ``trouble`` then says why.
    """

    def __init__(self, folder: Path | None, keep_s: float, keep_unknown_s: float, wall: Callable[[], float]) -> None:
        self.trouble = ""
        self._file = folder / _FILE if folder else None
        self._keep_s = {True: keep_s, False: keep_unknown_s}
        self._wall = wall
        self._lock = threading.Lock()
        self._changed = False
        self._holders: dict[tuple[int, int], dict[int, Holder]] = {}
        self._read()

    def find(self, address: Address) -> Holder | None:
        """The narrowest unexpired range that covers the address."""
        bits = address.max_prefixlen
        with self._lock:
            for version, length in sorted(self._holders, reverse=True):
                if version == address.version:
                    held = self._holders[version, length].get(int(address) >> (bits - length))
                    if held and self._fresh(held):
                        return held
        return None

    def add(self, holder: Holder) -> None:
        """Keep what a registry said now."""
        with self._lock:
            self._index(holder)
            self._changed = True

    def save(self) -> None:
        """Write the unexpired ranges, newest first and at most 20,000, if anything was added; never raises."""
        with self._lock:
            if self._file is None or not self._changed:
                return
            rows = {holder for table in self._holders.values() for holder in table.values() if self._fresh(holder)}
            newest = sorted(rows, key=lambda row: (row.fetched, int(row.first)), reverse=True)[:_MAX_HOLDERS]
            text = json.dumps({"version": 1, "holders": [row.model_dump(mode="json") for row in newest]})
            self._changed = False
            try:
                self._replace(self._file, text)
            except OSError as fault:
                self.trouble = f"the whois cache cannot be written ({fault.strerror}); kept in memory only"

    @staticmethod
    def _replace(file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            os.replace(name, file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _fresh(self, holder: Holder) -> bool:
        age = self._wall() - holder.fetched.timestamp()
        return -300 <= age < self._keep_s[holder.known]

    def _index(self, holder: Holder) -> None:
        for block in _blocks(holder):
            shift = block.max_prefixlen - block.prefixlen
            table = self._holders.setdefault((block.version, block.prefixlen), {})
            table[int(block.network_address) >> shift] = holder

    def _read(self) -> None:
        if self._file is None:
            return
        try:
            with self._file.open("rb") as source:
                rows = json.loads(source.read(_MAX_BYTES))["holders"]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            self.trouble = "the whois cache could not be read; it starts anew"
            return
        for row in rows if isinstance(rows, list) else ():
            try:
                holder = Holder.model_validate(row)
            except ValidationError:
                continue
            if self._fresh(holder):
                self._index(holder)


def _blocks(holder: Holder) -> tuple[Network, ...]:
    """The blocks to keep the answer under: of a very wide block only the part around the address asked about."""
    bits = holder.asked.max_prefixlen
    widest, part = (9, 16) if bits == 32 else (19, 32)
    return tuple(
        block if block.prefixlen >= widest else ip_network((holder.asked, part), strict=False)
        for block in holder.networks()
        if block.prefixlen >= widest or holder.asked in block
    )


def moment(seconds: float) -> datetime:
    """UTC time of ``seconds`` since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
