"""The sample day: each actor is what the sample promises, by a computation that shares nothing with the engines."""

import pytest

from playbook.simulate import sample_day
from tests.playbook.simulate.plain import beacon_score, detections, grouped

HOURS = frozenset(range(int(sample_day.START) // 3600, int(sample_day.START) // 3600 + 24))
REGULAR = (
    (sample_day.NAMELESS, sample_day.C2, 2),
    (sample_day.FRONTED, sample_day.CDN_EDGE, 2),
    (sample_day.RENAMED, sample_day.C2_OF_RENAMED, 2),
    (sample_day.LIVE, sample_day.EXCEPTED, 1),
    (sample_day.EXPIRED, sample_day.FORMERLY_EXCEPTED, 1),
)
OTHERS = {
    (sample_day.CAMERA.address, sample_day.IRC_SERVER, 6667): 3,
    (sample_day.FILES.address, sample_day.VAULT, 443): 1,
    (sample_day.BRANCH.address, sample_day.BRANCH_VAULT, 443): 1,
    (sample_day.RUNNER.address, sample_day.STAGING, 443): 2,
    (sample_day.APPROVED_P2P.address, sample_day.SWARM[0], 51413): 1,
    (sample_day.UNAPPROVED_P2P.address, sample_day.OTHER_SWARM[0], 6881): 1,
    (sample_day.METER.address, sample_day.TIME_SERVER, 123): 1,
    (sample_day.DEVELOPER.address, "8.8.8.8", 53): 1,
    (sample_day.DEVELOPER.address, "1.1.1.1", 53): 1,
    (sample_day.NS.address, "1.1.1.1", 53): 1,
    **{(machine.address, sample_day.PUSH, 8883): 1 for machine in sample_day.ALWAYS_PUSHED},
}


@pytest.fixture(scope="module")
def simulated():
    return sample_day.simulate()


@pytest.fixture(scope="module")
def groups(simulated):
    return grouped(simulated.telemetry.connections)


def test_the_day_raises_a_detection_for_each_actor_and_no_other(simulated):
    beacons = {(machine.address, server, 443): score for machine, server, score in REGULAR}
    assert detections(simulated.telemetry.connections) == beacons | OTHERS


def test_every_expected_host_raises_a_detection_and_every_detection_is_expected(simulated):
    raised = {source for source, _, _ in detections(simulated.telemetry.connections)}
    assert raised == {expected.address for expected in sample_day.EXPECTED.values()}
    names = {machine.name: machine.address for machine in sample_day.MACHINES}
    assert all(names[host] == expected.address for host, expected in sample_day.EXPECTED.items())


@pytest.mark.parametrize(("machine", "server", "score"), REGULAR)
def test_a_beacon_is_regular_nameless_and_its_own(simulated, groups, machine, server, score):
    told = simulated.telemetry
    assert beacon_score(groups[machine.address, server, 443], sample_day.START, HOURS) >= 0.9
    assert not [q for q in told.questions if server in q.answers]
    shakes = [h for h in told.handshakes if h.dst_ip == server]
    assert len(shakes) == len(groups[machine.address, server, 443])
    assert not any(h.server_name for h in shakes)
    assert {c.src_ip for c in told.connections if c.dst_ip == server} == {machine.address}


@pytest.mark.parametrize("kind", ["connections", "questions", "handshakes"])
def test_each_log_that_rules_rest_on_covers_every_hour(simulated, kind):
    assert {int(row.ts) // 3600 for row in getattr(simulated.telemetry, kind)} == HOURS


def test_the_irc_bot_speaks_irc_scans_and_floods(simulated, groups):
    rows = groups[sample_day.CAMERA.address, sample_day.IRC_SERVER, 6667]
    assert {(c.proto, c.service) for c in rows} == {("tcp", "irc")}
    flood = groups[sample_day.CAMERA.address, sample_day.FLOODED, 80]
    assert len(flood) > 1000
    assert len({int(c.ts) // 900 for c in flood}) == 1
    scan = [
        c
        for c in simulated.telemetry.connections
        if c.src_ip == sample_day.CAMERA.address and c.dst_ip in sample_day.SCANNED
    ]
    assert len({(c.dst_ip, c.dst_port) for c in scan}) >= 200
    assert len({int(c.ts) // 900 for c in scan}) == 1
    assert {c.conn_state for c in scan} == {"S0", "REJ"}


def test_the_backup_uploads_inside_its_session(groups):
    rows = groups[sample_day.FILES.address, sample_day.VAULT, 443]
    sent, received = sum(c.orig_bytes for c in rows), sum(c.resp_bytes for c in rows)
    assert sent >= 3 * received
    assert all(sample_day.BACKUP[0] <= c.ts < sample_day.BACKUP[1] for c in rows)


def test_the_runner_stays_inside_its_window(groups):
    rows = groups[sample_day.RUNNER.address, sample_day.STAGING, 443]
    assert all(sample_day.START + 8 * 3600 <= c.ts < sample_day.START + 14 * 3600 for c in rows)


@pytest.mark.parametrize(
    ("machine", "peers", "port"),
    [(sample_day.APPROVED_P2P, sample_day.SWARM, 51413), (sample_day.UNAPPROVED_P2P, sample_day.OTHER_SWARM, 6881)],
)
def test_a_swarm_is_wide_answered_and_without_rhythm(simulated, groups, machine, peers, port):
    rows = [c for c in simulated.telemetry.connections if c.src_ip == machine.address and c.dst_port == port]
    assert len({c.dst_ip for c in rows}) == len(peers) >= 50
    assert {c.conn_state for c in rows} == {"SF"}
    assert beacon_score(groups[machine.address, peers[0], port], sample_day.START, HOURS) < 0.4


def test_time_packets_have_76_bytes_of_ip(groups):
    for c in groups[sample_day.METER.address, sample_day.TIME_SERVER, 123]:
        assert (c.proto, c.service, c.orig_ip_bytes, c.resp_ip_bytes) == ("udp", "ntp", 76 * c.orig_pkts, 76)


def test_the_push_service_is_named_and_prevalent(simulated):
    told = simulated.telemetry
    using = {c.src_ip for c in told.connections if c.dst_ip == sample_day.PUSH}
    active = {c.src_ip for c in told.connections}
    assert len(active) >= 50
    assert len(using) / len(active) >= 0.2
    assert using <= {
        q.src_ip for q in told.questions if sample_day.PUSH in q.answers and q.query == sample_day.PUSH_NAME
    }


def test_the_renamed_host_leases_under_its_new_name(simulated):
    assert {x.host_name for x in simulated.telemetry.leases if x.address == sample_day.RENAMED.address} == {"veeam-01"}


def test_the_same_seed_gives_the_same_day_and_another_seed_another(simulated):
    assert sample_day.simulate() == simulated
    assert sample_day.simulate(sample_day.SEED + 1).telemetry != simulated.telemetry


def test_connection_ids_are_unique(simulated):
    ids = [c.uid for c in simulated.telemetry.connections]
    assert len(ids) == len(set(ids))
