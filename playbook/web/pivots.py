"""Links to what others know of an address or a name: plain links that nobody follows but a person."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from playbook.config import Config

# Name -> address with {address} or {name} in it; a link whose part is unknown is not offered.
_PUBLIC: Mapping[str, str] = MappingProxyType(
    {
        "VirusTotal": "https://www.virustotal.com/gui/ip-address/{address}",
        "AbuseIPDB": "https://www.abuseipdb.com/check/{address}",
        "Shodan": "https://www.shodan.io/host/{address}",
        "GreyNoise": "https://viz.greynoise.io/ip/{address}",
        "VirusTotal (name)": "https://www.virustotal.com/gui/domain/{name}",
        "crt.sh": "https://crt.sh/?q={name}",
    }
)


def pivots_of(config: Config, address: str, name: str) -> tuple[tuple[str, str], ...]:
    """Name and address of each link for a destination; ``serve.pivots`` adds to the public ones or replaces them."""
    values = {"address": address, "name": name}
    found = []
    for title, template in {**_PUBLIC, **config.serve.pivots}.items():
        needed = [key for key in values if f"{{{key}}}" in template]
        if needed and all(values[key] for key in needed):
            link = template
            for key in needed:
                link = link.replace(f"{{{key}}}", quote(values[key], safe=":" if key == "address" else ""))
            found.append((title, link))
    return tuple(found)
