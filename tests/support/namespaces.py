"""Three network namespaces for integration tests: a client, a firewall that forwards, and a server outside."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CLIENT, CLIENT6 = "10.1.2.3", "fd00:1::3"
C2, OTHER, C2_6 = "198.51.100.9", "198.51.100.10", "2001:db8:9::c2"
TCP, UDP, SECOND = 4444, 5353, 8443
_NFT = shutil.which("nft") or "/usr/sbin/nft"
_IP = shutil.which("ip") or "/usr/sbin/ip"

# Echoes on three ports; one line says that it is ready.
_SERVER = """
import socket, sys, threading
def tcp(family, port):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port)); s.listen(50)
    def one(c):
        while data := c.recv(100): c.sendall(data)
    def run():
        while True: threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", port))
    while True:
        data, who = s.recvfrom(100)
        s.sendto(data, who)
for port in (%d, %d): tcp(socket.AF_INET, port); tcp(socket.AF_INET6, port)
threading.Thread(target=udp, args=(%d,), daemon=True).start()
print("ready", flush=True); sys.stdin.read()
""" % (TCP, SECOND, UDP)

# One line in (the seconds to wait), one line out: whether an echo came back.
_TALK = """
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
s.settimeout(float(sys.argv[4]))
try:
    s.connect((host, port))
except OSError:
    print("silent", flush=True); sys.exit()
for n, line in enumerate(sys.stdin):
    s.settimeout(float(line))
    try:
        s.sendall(b"%d" % n)
        print("echo" if s.recv(100) else "silent", flush=True)
    except OSError:
        print("silent", flush=True)
"""


_NEW_NETWORK = 0x40000000  # CLONE_NEWNET


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Let this thread's new sockets, loopback included, live in the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        assert libc.setns(there.fileno(), _NEW_NETWORK) == 0
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), _NEW_NETWORK) == 0


def lacking() -> str:
    """Why the namespaces cannot be made here, or ""."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for program, package in ((_NFT, "nftables"), (_IP, "iproute2")):
        if not Path(program).exists():
            return f"needs {Path(program).name}: apt-get install {package}"
    probe = subprocess.run([_IP, "netns", "add", f"probe{os.getpid()}"], capture_output=True, text=True, check=False)
    if probe.returncode:
        return f"network namespaces are not allowed here: {probe.stderr.strip()[:100]}"
    _ip("netns", "del", f"probe{os.getpid()}")
    return ""


@dataclass(frozen=True)
class Session:
    """A connection that stays open."""

    process: subprocess.Popen[str]

    def answers(self, wait_s: float = 1.0) -> bool:
        """Whether an echo comes back on the open connection within ``wait_s``."""
        pipe, back = _pipes(self.process)
        pipe.write(f"{wait_s}\n")
        pipe.flush()
        return back.readline().strip() == "echo"


@dataclass(frozen=True)
class Nets:
    """The three namespaces, by name; ``nft`` is the firewall's program as a command."""

    client: str
    firewall: str
    server: str

    @property
    def nft(self) -> tuple[str, ...]:
        return (_IP, "netns", "exec", self.firewall, _NFT)

    def load(self, script: str) -> None:
        """Load a file of nft into the firewall."""
        subprocess.run([*self.nft, "-f", "-"], input=script, text=True, check=True)

    def reaches(self, host: str, port: int, kind: str = "tcp", wait_s: float = 0.5) -> bool:
        """Whether a new connection of the client gets an echo within ``wait_s``."""
        command = [
            _IP,
            "netns",
            "exec",
            self.client,
            sys.executable,
            "-I",
            "-S",
            "-c",
            _TALK,
            kind,
            host,
            str(port),
            str(wait_s),
        ]
        done = subprocess.run(command, input=f"{wait_s}\n", capture_output=True, text=True, check=True)
        return done.stdout.strip() == "echo"

    @contextmanager
    def session(self, host: str, port: int) -> Iterator[Session]:
        """A TCP session of the client that stays open."""
        with self.running(self.client, sys.executable, "-I", "-S", "-c", _TALK, "tcp", host, str(port), "2") as process:
            yield Session(process)

    @contextmanager
    def running(self, namespace: str, *command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A program inside a namespace, with pipes; it is ended at the end."""
        given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True} | options
        process = subprocess.Popen([_IP, "netns", "exec", namespace, *command], **given)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@contextmanager
def nets() -> Iterator[Nets]:
    """Fresh namespaces with an echo server outside, forwarding between them, and no rule."""
    found = Nets(*(f"bp{os.getpid()}{role}" for role in ("client", "fw", "out")))
    try:
        for name in (found.client, found.firewall, found.server):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _link(found.client, found.firewall, (f"{CLIENT}/24", f"{CLIENT6}/64"), ("10.1.2.1/24", "fd00:1::1/64"))
        _link(found.server, found.firewall, (f"{C2}/24", f"{C2_6}/64"), ("198.51.100.1/24", "2001:db8:9::1/64"))
        _ip("-n", found.server, "addr", "add", f"{OTHER}/24", "dev", "up0")
        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            _in(found.firewall, "sh", "-c", f"echo 1 > /proc/sys/net/{setting}")
        with found.running(found.server, sys.executable, "-I", "-S", "-c", _SERVER) as server:
            assert _pipes(server)[1].readline() == "ready\n"
            yield found
    finally:
        for name in (found.client, found.firewall, found.server):
            subprocess.run([_IP, "netns", "del", name], capture_output=True, check=False)


def _link(edge: str, firewall: str, edge_addresses: tuple[str, str], firewall_addresses: tuple[str, str]) -> None:
    inner = f"to{edge[-3:]}"
    _ip("-n", edge, "link", "add", "up0", "type", "veth", "peer", "name", inner, "netns", firewall)
    for name, device, addresses in ((edge, "up0", edge_addresses), (firewall, inner, firewall_addresses)):
        for address in addresses:
            _ip("-n", name, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        _ip("-n", name, "link", "set", device, "up")
    for address in firewall_addresses:
        _ip("-n", edge, "route", "add", "default", "via", address.partition("/")[0])


def _ip(*arguments: str) -> None:
    subprocess.run([_IP, *arguments], check=True, capture_output=True)


def _in(namespace: str, *command: str) -> None:
    _ip("netns", "exec", namespace, *command)


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout
