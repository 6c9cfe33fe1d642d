"""The real CrowdSec Local API and its firewall bouncer inside a namespace: a decision becomes an element of nftables.

The Debian packages are unpacked, not installed (their postinst registers with a public API):
``apt-get download crowdsec crowdsec-firewall-bouncer``, then ``dpkg -x FILE.deb FOLDER`` for both, and
BOTNET_PLAYBOOK_CROWDSEC=FOLDER.
"""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.containments import crowdsec
from playbook.errors import Unauthorized
from tests.support import stopwatch
from tests.support.containment_stories import KEY, OTHER, SITE, step
from tests.support.namespaces import C2, TCP, Nets, inside, lacking, nets

_ROOT = Path(os.environ.get("BOTNET_PLAYBOOK_CROWDSEC", "/opt/crowdsec-unpacked"))
_BINARIES = [_ROOT / "usr/bin" / name for name in ("crowdsec", "cscli", "crowdsec-firewall-bouncer")]
_MISSING = [str(path) for path in _BINARIES if not path.exists()]
_UNPACKED = f"needs {_MISSING[0]}: unpack Debian's crowdsec and crowdsec-firewall-bouncer" if _MISSING else ""
_WHY_NOT = lacking() or _UNPACKED
pytestmark = [pytest.mark.integration, pytest.mark.loopback, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]
URL, PASSWORD = "http://127.0.0.1:18080", "for-this-test-only"

_LAPI = """
common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: .}}
config_paths: {{config_dir: {here}, data_dir: {here}, hub_dir: {here}/hub, index_path: {here}/hub/.index.json,
  simulation_path: {root}/etc/crowdsec/simulation.yaml, notification_dir: {here}, plugin_dir: {here}}}
crowdsec_service: {{acquisition_path: {root}/etc/crowdsec/acquis.yaml}}
cscli: {{output: raw}}
db_config: {{type: sqlite, db_path: {here}/crowdsec.db, log_level: info, flush: {{max_items: 5000, max_age: 7d}}}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {here}/lapi.yaml}}
  server: {{listen_uri: "127.0.0.1:18080", profiles_path: {root}/etc/crowdsec/profiles.yaml, log_level: info}}
prometheus: {{enabled: false}}
"""
_BOUNCER = """
mode: nftables
pid_dir: {here}
update_frequency: 1s
daemonize: false
log_mode: stdout
log_dir: {here}
log_level: info
api_url: http://127.0.0.1:18080/
api_key: {key}
disable_ipv6: true
deny_action: DROP
deny_log: false
supported_decisions_types: [ban]
blacklists_ipv4: crowdsec-blacklists
blacklists_ipv6: crowdsec6-blacklists
nftables:
  ipv4: {{enabled: true, set-only: true, table: crowdsec, chain: crowdsec-chain}}
  ipv6: {{enabled: false}}
prometheus: {{enabled: false}}
"""


# Debian's bouncer (0.0.25) hooks only ``input``, and so blocks nothing that is forwarded; with set-only the rules are
# the administrator's own.
_SET = """
table ip crowdsec {
  set crowdsec-blacklists { type ipv4_addr; flags timeout; }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ip daddr @crowdsec-blacklists drop
    ip saddr @crowdsec-blacklists drop
  }
}
"""


@contextmanager
def running(place: Nets, here: Path):
    """The Local API and the bouncer inside the firewall's namespace."""
    (here / "hub").mkdir()
    (here / "hub/.index.json").write_text("{}")
    config, bouncer = here / "config.yaml", here / "bouncer.yaml"
    config.write_text(_LAPI.format(here=here, root=_ROOT))
    cscli = [str(_BINARIES[1]), "-c", str(config)]
    subprocess.run(
        [*cscli, "machines", "add", "soar", "--password", PASSWORD, "-f", str(here / "lapi.yaml")],
        check=True,
        capture_output=True,
    )
    key = subprocess.run([*cscli, "bouncers", "add", "b", "-o", "raw"], check=True, capture_output=True, text=True)
    bouncer.write_text(_BOUNCER.format(here=here, key=key.stdout.strip()))
    with (here / "lapi.log").open("w") as said, (here / "bouncer.log").open("w") as also:
        quiet = {"stdin": subprocess.DEVNULL}
        lapi = place.running(
            place.firewall, str(_BINARIES[0]), "-c", str(config), "-no-cs", stdout=said, stderr=said, **quiet
        )
        with lapi:
            until(lambda: "API listening" in (here / "lapi.log").read_text())
            reader = place.running(
                place.firewall, str(_BINARIES[2]), "-c", str(bouncer), stdout=also, stderr=also, **quiet
            )
            place.load(_SET)
            with reader:
                yield


def until(true, seconds: float = 20.0) -> float:
    """Wait until ``true()``; gives the seconds it took."""
    start = stopwatch.seconds()
    while not true():
        assert stopwatch.seconds() - start < seconds, "it did not come true"
        time.sleep(0.2)
    return stopwatch.seconds() - start


def ruleset(place: Nets) -> str:
    return subprocess.run([*place.nft, "list", "ruleset"], capture_output=True, text=True, check=True).stdout


def connected(password: str = PASSWORD) -> crowdsec.CrowdSec:
    account = crowdsec.Settings(base_url=URL, machine_id="soar", password=SecretStr(password))
    return crowdsec.connect("cs", account, SITE, Path())


def test_a_decision_reaches_the_firewall_and_leaves_it(tmp_path):
    with nets() as place, running(place, tmp_path), inside(place.firewall):
        cs, blocked = connected(), step(C2, ttl_s=600)
        assert cs.check()[0].ok and place.reaches(C2, TCP)
        done = cs.contain(blocked, KEY)
        assert done.ok and done.changed and not cs.contain(blocked, KEY).changed and cs.verify(blocked, KEY).ok
        until(lambda: C2 in ruleset(place))
        assert ruleset(place).count(C2) == 1
        assert not place.reaches(C2, TCP)
        assert cs.contain(step(C2, ttl_s=1200), KEY).ok and cs.verify(blocked, KEY).ok
        assert cs.contain(blocked, OTHER).changed and cs.release(blocked, OTHER).changed
        assert cs.verify(blocked, KEY).ok and cs.verify_released(blocked, OTHER).ok
        assert cs.release(blocked, KEY).changed and not cs.release(blocked, KEY).changed
        assert cs.verify_released(blocked, KEY).ok
        until(lambda: C2 not in ruleset(place))
        assert place.reaches(C2, TCP)
        assert cs.contain(step(C2, ttl_s=4), KEY).ok
        until(lambda: C2 in ruleset(place))
        until(lambda: C2 not in ruleset(place))
        assert cs.verify_released(blocked, KEY).ok
        with pytest.raises(Unauthorized):
            connected("wrong").verify(blocked, KEY)
