"""Reads the user's own AS database (.mmdb) in the record forms of MaxMind, DB-IP and IPinfo."""

import re
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from connectors.enrichers._files.reader import Unreadable
from playbook.model.address import Address
from playbook.model.enrichment import NetworkOwner

try:
    import maxminddb
except ImportError:  # the extra `files` is not installed: only the embedded table answers
    maxminddb = None  # type: ignore[assignment]

MAX_BYTES = 2**30
_MAX_ASN = 2**32 - 1
_EXPECTED = "expected autonomous_system_number (MaxMind, DB-IP) or asn (IPinfo)"


class AsnDatabase:
    """One open database file."""

    def __init__(self, path: Path) -> None:
        """Raises Unreadable when the file is missing, too large or no such database."""
        if maxminddb is None:
            raise Unreadable(f"{path}: reading .mmdb needs the extra botnet-playbook[files]")
        try:
            if path.stat().st_size > MAX_BYTES:
                raise Unreadable(f"{path}: larger than {MAX_BYTES // 2**20} MB")
            self._reader = maxminddb.open_database(path)
            self.as_of = datetime.fromtimestamp(self._reader.metadata().build_epoch, UTC)
            self._versions = (4,) if self._reader.metadata().ip_version == 4 else (4, 6)
        except OSError as fault:
            raise Unreadable(f"{path}: cannot be read: {fault.strerror or fault}") from None
        except (maxminddb.InvalidDatabaseError, ValueError, OverflowError, UnicodeDecodeError) as fault:
            raise Unreadable(f"{path}: expected a MaxMind database (.mmdb): {str(fault)[:200]}") from None
        self.path = path

    def look_up(self, address: Address) -> NetworkOwner | None:
        """Who announces the address, or None when the file does not hold it. Raises Unreadable on a foreign record."""
        if address.version not in self._versions:
            return None
        try:
            record, bits = self._reader.get_with_prefix_len(address)
        except (maxminddb.InvalidDatabaseError, ValueError, OverflowError, UnicodeDecodeError) as fault:
            raise Unreadable(f"{self.path}: damaged: {str(fault)[:200]}") from None
        if record is None:
            return None
        return self._owner(record, str(ip_network((address, min(bits, address.max_prefixlen)), strict=False)))

    def _owner(self, record: Any, network: str) -> NetworkOwner:
        if not isinstance(record, dict):
            raise Unreadable(f"{self.path}: {_EXPECTED}")
        found = record.get("autonomous_system_number", record.get("asn"))
        number = re.sub(r"^AS(?=[0-9])", "", found.strip(), flags=re.IGNORECASE) if isinstance(found, str) else found
        if isinstance(number, str) and re.fullmatch(r"[0-9]{1,10}", number):
            number = int(number)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MAX_ASN:
            raise Unreadable(f"{self.path}: {_EXPECTED}")
        names = (record.get(key) for key in ("autonomous_system_organization", "as_name", "as_domain", "name"))
        organisation = next((name[:256] for name in names if isinstance(name, str) and name), "")
        country = record.get("country_code")
        return NetworkOwner(
            asn=number,
            organisation=organisation,
            network=network,
            country=country[:2] if isinstance(country, str) else "",
        )
