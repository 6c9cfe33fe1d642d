"""Peer-to-peer: the process that owns these sockets, approved by hash or by signer and path, with 50 outside peers."""

import pytest

from playbook.model.enrichment import ApprovedSoftware
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import a_beacon, a_record, a_socket, an_enriched, at, measured, said, silent

RULE = "peer_to_peer"
CLIENT = {"process_name": "transmission-daemon", "path": "/opt/torrent/transmission-daemon"}
BY_HASH = ApprovedSoftware(name="transmission", purpose="p2p", sha256="AA" * 32)
BY_PATH = ApprovedSoftware(name="transmission", purpose="p2p", signer="Torrent Ltd", path="/opt/torrent")
FILE = ApprovedSoftware(
    name="transmission", purpose="p2p", signer="Torrent Ltd", path=r"C:\Program Files\Torrent\torrent.exe"
)


def client(**change):
    return a_socket(**(CLIENT | {"outside_addresses": 50} | change))


def signed(path, **change):
    return client(**({"sha256": "", "signer": "Torrent Ltd", "path": path} | change))


def host(*owners, approved=(BY_HASH,), record=True, about="ws-31", more=(), **change):
    known = (said("host", a_record()),) if record else ()
    software = (said("software", *approved, about=about),) if approved else ()
    return an_enriched(*known, said("processes", *owners, about=about), *software, *more, **change)


SWARM = tuple(a_socket(**CLIENT, dst_ip=f"198.51.100.{n}") for n in range(1, 50))
LAN = tuple(a_socket(**CLIENT, dst_ip=f"192.168.1.{n}") for n in range(1, 50))
ONE = client(outside_addresses=None)
EVIL = a_socket(process_name="svc.exe", path="/tmp/svc.exe", sha256="ee" * 32, outside_addresses=1)
MANY, FEW = measured(distinct_outside=50), measured(distinct_outside=49)

TABLE = [
    Row("speaks", "approved by hash, 50 peers by the export's count", host(client()), "conclusive"),
    Row("speaks", "approved by hash, 50 peers by its sockets", host(ONE, *SWARM), "conclusive"),
    Row(
        "speaks", "approved by signer and folder", host(signed("/opt/torrent/bin/t"), approved=(BY_PATH,)), "conclusive"
    ),
    Row(
        "speaks",
        "approved by signer and file",
        host(signed(r"c:\program files\torrent\TORRENT.exe"), approved=(FILE,)),
        "conclusive",
    ),
    Row("speaks", "unapproved client is a policy matter", host(client(), approved=()), "strong"),
    Row("near miss", "49 peers", host(client(outside_addresses=49)), "strong"),
    Row("near miss", "49 outside and 49 inside peers", host(ONE, *SWARM[:-1], *LAN), "strong"),
    Row("near miss", "unapproved client with 49 peers", host(client(outside_addresses=49), approved=()), "silent"),
    Row(
        "near miss",
        "approved for another purpose",
        host(client(), approved=(BY_HASH.model_copy(update={"purpose": "backup"}),)),
        "strong",
    ),
    Row(
        "hostile",
        "an approval by path alone, and a signature that names nobody",
        host(signed("/opt/torrent/t", signer=""), approved=(BY_PATH.model_copy(update={"signer": ""}),)),
        "strong",
    ),
    Row("near miss", "the folder beside", host(signed("/opt/torrent2/t"), approved=(BY_PATH,)), "strong"),
    Row(
        "near miss",
        "processes unread, it fans out",
        an_enriched(silent("processes", "ws-31"), measurements=MANY),
        "waits",
    ),
    Row("near miss", "processes unread, fan-out unknown", an_enriched(silent("processes", "ws-31")), "waits"),
    Row("near miss", "approvals unread", host(client(), approved=(), more=(silent("software", "ws-31"),)), "waits"),
    Row(
        "near miss",
        "the inventory that proves the host is unread",
        host(client(), record=False, more=(silent("host"),)),
        "waits",
    ),
    Row("speaks", "our own log has the peers too", host(client(), measurements=MANY), "conclusive"),
    Row("speaks", "no steady beacon", host(client(), measurements=measured(beacon_score=0.49)), "conclusive"),
    Row("near miss", "a steady beacon to one peer", host(client(), measurements=measured(beacon_score=0.5)), "strong"),
    Row("hostile", "an export that counts more peers than our log", host(client(), measurements=FEW), "strong"),
    Row("hostile", "an agent that the host can write to", host(client(written_by="host")), "hint"),
    Row("hostile", "one row of it among ours", host(client(), client(written_by="host")), "hint"),
    Row("silent", "no inventory", an_enriched(), "silent"),
    Row(
        "hostile",
        "a process that calls itself so",
        an_enriched(detection=a_beacon(processes=("uTorrent.exe",))),
        "hint",
    ),
    Row(
        "hostile",
        "a process called as the approved one",
        host(approved=(BY_HASH,), detection=a_beacon(processes=("transmission",))),
        "hint",
    ),
    Row(
        "silent",
        "processes unread, but it does not fan out",
        an_enriched(silent("processes", "ws-31"), measurements=FEW),
        "silent",
    ),
    Row(
        "silent",
        "an ordinary program",
        host(a_socket(process_name="curl", outside_addresses=90), approved=()),
        "silent",
    ),
    Row("hostile", "the name with a single peer", host(client(sha256="ee" * 32, outside_addresses=1)), "silent"),
    Row("hostile", "the name with many peers and another hash", host(client(sha256="ee" * 32)), "strong"),
    Row("hostile", "a bot shares the destination with the approved client", host(client(), EVIL), "silent"),
    Row("hostile", "a bot shares it, the other order", host(EVIL, client()), "silent"),
    Row(
        "hostile",
        "unsigned in the approved folder",
        host(signed("/opt/torrent/t", signed=False), approved=(BY_PATH,)),
        "strong",
    ),
    Row(
        "hostile",
        "a path that climbs out",
        host(signed("/opt/torrent/../../tmp/t", process_name="t"), approved=(BY_PATH,)),
        "silent",
    ),
    Row(
        "hostile",
        "no hash meets no hash",
        host(client(sha256="", signer="x"), approved=(BY_PATH.model_copy(update={"signer": ""}),)),
        "strong",
    ),
    Row("hostile", "renamed to a host with the approved client", host(client(), record=False, host="ws-31"), "silent"),
    Row("hostile", "the client's sockets of last month", host(client(seen=at(-720))), "silent"),
    Row("hostile", "the client's sockets to elsewhere", host(client(dst_ip="203.0.113.9")), "silent"),
    Row("hostile", "the client without sockets", host(client(dst_ip=None, dst_port=None)), "silent"),
]


@rows(TABLE)
def test_peer_to_peer(row):
    assert outcome(RULE, row.enriched) == row.said


@pytest.mark.parametrize("enriched", [host(client(), approved=()), host(client(sha256="ee" * 32))])
def test_unapproved_is_policy_and_explains_nothing(enriched):
    word = evidence(RULE, enriched)
    assert (word.leans, word.role, word.explains_hunt) == ("policy", "context", False)


def test_only_a_complete_explanation_accounts_for_the_fan_out():
    assert evidence(RULE, host(client())).explains_hunt
    assert not evidence(RULE, host(client(outside_addresses=49))).explains_hunt
