"""Outside addresses as regular expressions over text, and from how much on a quarter of an hour is busy."""

from ipaddress import IPv4Network

from playbook.detections.languages._internal_networks import v4_patterns
from playbook.model.address import NOT_GLOBAL

# No rule's threshold lies below these by default: fewer are not asked of a SIEM.
LEAST_FLOOD, LEAST_PAIRS = 100, 20
# A quarter of an hour whose pairs of address and port are left unanswered to this share looks like a scan.
UNANSWERED_SHARE = 0.9
# Resolvers and time servers are asked that often.
NOT_FLOODED = (53, 123, 853)
# Ports that no browser opens, whatever a page asks for (Fetch Standard, "bad port", as of 2026-06).
BROWSERS_REFUSE = (
    *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
    *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
    *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636),
    *(989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566),
    *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
)

V4 = "^[0-9.]+$"
# Global unicast (RFC 4291) but for what the IANA registry takes out of it; 6to4 is as global as the IPv4 inside.
V6 = "^[23][0-9a-fA-F]{3}:"
V6_NOT = (
    "^2001:0*[01]?[0-9a-fA-F]{1,2}:",
    "^2001::",
    "^2001:0*[dD][bB]8:",
    "^2002:",
    "^2620:0*4[fF]:8000:",
    "^3[fF]{3}:0*[0-9a-fA-F]{1,3}:",
    "^3[fF]{3}::",
)


def not_global_v4() -> tuple[IPv4Network, ...]:
    """The IPv4 networks that are not global."""
    return tuple(network for network, _ in NOT_GLOBAL if isinstance(network, IPv4Network))


def v4_not() -> tuple[str, ...]:
    """Expressions that find the dotted text of an address that is not global."""
    return v4_patterns(not_global_v4())
