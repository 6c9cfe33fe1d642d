"""A real unbound polls our response policy zone over HTTP: answers with a listed address vanish, and come back."""

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import closing, contextmanager

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from connectors.containments import blocklist
from playbook.errors import ConnectorError, Unreachable
from tests.emulators.site import Answer, site
from tests.support import stopwatch
from tests.support.containment_stories import KEY, OTHER, SITE, step

_UNBOUND = shutil.which("unbound") or "/usr/sbin/unbound"
_WHY_NOT = "" if os.path.exists(_UNBOUND) else "needs unbound: apt-get install unbound"
pytestmark = [pytest.mark.integration, pytest.mark.loopback, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]

NAMES = {("c2.test.", "A"): "198.51.100.9", ("c2.test.", "AAAA"): "2001:db8::c2", ("good.test.", "A"): "198.51.100.10"}
_CONFIG = """
server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "{here}"
  pidfile: "{here}/unbound.pid"
  module-config: "respip validator iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
  domain-insecure: "test."
  cache-max-ttl: 1
  cache-max-negative-ttl: 1
remote-control:
  control-enable: no
stub-zone:
  name: "test."
  stub-addr: 127.0.0.1@{upstream}
rpz:
  name: "rpz.botnet-playbook."
  url: "http://127.0.0.1@{web}/rpz.zone"
  zonefile: "{here}/rpz.zone"
"""


class Feed:
    """What the service does with the block list: the zone, or 503 when it cannot be told."""

    def __init__(self, listed: blocklist.Blocklist, now) -> None:
        self.listed, self.now = listed, now
        self.broken = False
        self.seen, self.lost = [], set()

    def answer(self, request) -> Answer:
        try:
            if self.broken:
                raise Unreachable("the state cannot be read")
            return Answer(200, self.listed.zone(self.now()).text.encode())
        except ConnectorError:
            return Answer(503, b"")


@contextmanager
def upstream():
    """An authoritative server of NAMES on a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.2)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    data, who = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                query = dns.message.from_wire(data)
                reply = dns.message.make_response(query)
                (asked,) = query.question
                kind = dns.rdatatype.to_text(asked.rdtype)
                address = NAMES.get((asked.name.to_text().lower(), kind))
                if address:
                    reply.answer.append(dns.rrset.from_text(asked.name, 1, "IN", kind, address))
                sock.sendto(reply.to_wire(), who)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        done.set()
        thread.join()


@contextmanager
def resolver(here, web: str, authority: int):
    """unbound over the feed; gives a function from name and type to the address, or the name of the refusal."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = here / "unbound.conf"
    config.write_text(_CONFIG.format(port=port, here=here, upstream=authority, web=web.rpartition(":")[2]))

    def resolve(name: str, kind: str = "A") -> str:
        try:
            reply = dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", port=port, timeout=1)
        except (dns.exception.Timeout, OSError):
            return "no answer"
        found = [item.to_text() for rrset in reply.answer for item in rrset]
        return found[0] if found else dns.rcode.to_text(reply.rcode())

    with (here / "unbound.log").open("w") as log:
        process = subprocess.Popen([_UNBOUND, "-d", "-c", str(config)], stdout=log, stderr=log)
        try:
            until(lambda: resolve("good.test.") == "198.51.100.10")
            yield resolve
        finally:
            process.kill()
            process.wait()


def until(true, seconds: float = 20.0) -> None:
    start = stopwatch.seconds()
    while not true():
        assert stopwatch.seconds() - start < seconds, "it did not come true"
        time.sleep(0.3)


def test_names_of_listed_addresses_vanish_and_come_back(tmp_path):
    (tmp_path / "state.db").touch()
    settings = blocklist.Settings(state_url="sqlite:///state.db", refresh_s=5)
    with closing(blocklist.connect("edge", settings, SITE, tmp_path)) as listed:
        listed.prepare()
        feed = Feed(listed, lambda: listed._desk.now())
        with site(feed) as web, upstream() as authority, resolver(tmp_path, web, authority) as resolve:
            assert resolve("c2.test.") == "198.51.100.9" and resolve("c2.test.", "AAAA") == "2001:db8::c2"
            assert listed.contain(step(), KEY).ok and listed.contain(step("2001:db8::c2"), OTHER).ok
            until(lambda: (resolve("c2.test."), resolve("c2.test.", "AAAA")) == ("NXDOMAIN", "NXDOMAIN"))
            assert resolve("good.test.") == "198.51.100.10"
            feed.broken, before = True, len(feed.seen)
            until(lambda: len(feed.seen) > before)
            time.sleep(1)
            assert resolve("c2.test.") == "NXDOMAIN"  # a feed that fails lifts nothing
            feed.broken = False
            assert listed.release(step(), KEY).changed
            until(lambda: resolve("c2.test.") == "198.51.100.9", 30)
            assert resolve("c2.test.", "AAAA") == "NXDOMAIN"
            assert listed.release(step("2001:db8::c2"), OTHER).changed
            until(lambda: resolve("c2.test.", "AAAA") == "2001:db8::c2", 30)
