"""What tests of containment connectors share: steps, a site in which documentation ranges are the Internet, a clock."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from connectors.http import Clocks
from playbook.model.response import Step, StepKind
from playbook.model.site import Networks, Site

KEY, OTHER = "K-00112233445566aa", "K-ffeeddccbbaa9988"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NETWORKS = Networks(
    protected=("203.0.113.53/32",),
    resolvers=("203.0.113.54/32",),
    lab=("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
)
SITE = Site(networks=NETWORKS, now=NOW)
PAIR = "10.1.2.3>198.51.100.9:443"

# Texts that must never reach a device, whatever kind of step carries them.
HOSTILE = (
    "",
    " ",
    "198.51.100.9\n203.0.113.7",
    "198.51.100.9\n",
    " 198.51.100.9",
    "198.51.100.9 ",
    "198.51.100.0/24",
    "198.51.100.9/32",
    "0.0.0.0/0",
    "::/0",
    "0.0.0.0",
    "::",
    "host.example",
    "-h",
    "--flush",
    "*",
    "198.51.100",
    "198.51.100.9-198.51.100.20",
    "198.51.100.9,203.0.113.7",
    "198.51.100.9;flush ruleset",
    "0x7f.1",
    "3325256713",
    "198.51.100.009",
    "fe80::1%eth0",
    "2001:db8::c2%eth0",
    "198.51.100.9\x00",
    "198.51.100.９",
    "198.51.100.9#",
    "$(reboot)",
    "`reboot`",
    "\u202e9.001.15.891",
    "[2001:db8::c2]",
    "198.51.100.9:443",
)
# Single addresses that must not be blocked.
FORBIDDEN = (
    "10.0.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "100.64.0.1",
    "::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "203.0.113.53",
    "203.0.113.54",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
)
HOSTILE_PAIRS = tuple(
    f"{s}>{d}:{p}"
    for s, d, p in [
        *[(bad, "198.51.100.9", "443") for bad in HOSTILE if bad != "198.51.100.9"],
        *[("10.1.2.3", bad, "443") for bad in HOSTILE if ":443" not in bad],
        *[
            ("10.1.2.3", "198.51.100.9", bad)
            for bad in ("", "0", "65536", "-1", "4٣", "http", "443\n", "443 ", "4 43", "443}", "443-500", "000443")
        ],
        ("10.1.2.3", "2001:db8::c2", "443"),
        ("224.0.0.1", "198.51.100.9", "443"),
        ("0.0.0.0", "198.51.100.9", "443"),
        *[("10.1.2.3" if ":" not in bad else "2001:db8::1", bad, "443") for bad in FORBIDDEN],
    ]
)
# Mostly near addresses: pieces of good targets put together badly.
_PIECES = ["198.51.100.9", "10.1.2.3", ">", ":", "443", "\n", " ", "/24", "-", "2001:db8::c2", "%e"]
any_text = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(_PIECES), max_size=7).map("".join),
)


class Time:
    """A clock that tests move; ``clocks`` is what a connector takes."""

    def __init__(self) -> None:
        self.seconds = NOW.timestamp()
        self.clocks = Clocks(self.advance, lambda: self.seconds, lambda: self.seconds)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def step(target: str = "198.51.100.9", kind: StepKind = "block_address", ttl_s: int = 3600) -> Step:
    """A step of a plan that somebody approved, with a scope as the gate writes it; machines are called by their id."""
    scope = f"pc-{target[:4]}, the whole machine" if kind == "isolate_host" else "every source of ours"
    return Step(kind=kind, target=target, scope=scope, ttl_s=ttl_s, connector="edge")
