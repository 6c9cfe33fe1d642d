"""Every scenario raises its subject's detection among enough quiet hosts, with files that a run can read."""

import csv
import io
import tomllib
from datetime import date
from functools import cache

import pytest
import yaml

from playbook.model.site import Networks
from playbook.simulate import scenarios as made
from playbook.simulate.sample_day import START
from playbook.simulate.scenario import tuple_rows
from tests.playbook.simulate.plain import beacon_score, detections

HOURS = frozenset(range(int(START) // 3600, int(START) // 3600 + 24))

SCENARIOS = {
    "plain": (made.beacon, 2),
    "renamed": (lambda: made.beacon(host="veeam-01"), 2),
    "jittered": (lambda: made.beacon(jitter=0.9), 2),
    "score 1": (lambda: made.beacon(interval=700), 1),
    "by night in the window": (lambda: made.beacon(night_only=True, backup_window=True), 1),
    "resolver address, port 443": (lambda: made.beacon(destination=made.PUBLIC_RESOLVER), 2),
    "cdn": (lambda: made.beacon(destination=made.CDN_EDGE), 2),
    "cdn, fronted": (lambda: made.beacon(destination=made.CDN_EDGE, sni="www.front.example", backed=True), 2),
    "unbacked name": (lambda: made.beacon(sni="www.claimed.example"), 2),
    "program": (lambda: made.beacon(program=made.UPDATER), 2),
    "torrent, one peer": (lambda: made.beacon(program=made.TORRENT, approve=True), 2),
    "floods": (lambda: made.beacon(floods=True), 2),
    "unlisted": (lambda: made.beacon(listed=False), 2),
    "feed": (lambda: made.beacon(destination="8.8.8.8", feed=(("8.8.8.8", "address"),)), 2),
    "excepted": (lambda: made.beacon(excepted_until=date(2026, 6, 30)), 2),
    "nat": (made.nat_source, 2),
    "ipv6": (made.ipv6_only, 2),
    "iot": (made.iot_without_agent, 2),
    "bucket beside": (made.c2_in_bucket, 2),
    "bucket alone": (lambda: made.c2_in_bucket(beside=False), 2),
    "declared": (made.declared_backup, 2),
    "declared, bucket": (lambda: made.declared_backup(bucket=True), 2),
    "undeclared": (lambda: made.declared_backup(declared=False), 2),
    "managed": (made.managed_backup, 1),
    "outage": (lambda: made.managed_backup(answers=False), 1),
    "peer-to-peer": (made.approved_peer_to_peer, 1),
    "runner": (made.load_test, 2),
    "runner, no job": (lambda: made.load_test(in_job=False), 2),
    "domain controller": (made.domain_controller, 1),
    "mail": (made.mail_server, 1),
}
MORE = {"bucket beside": 2, "domain controller": 4}


@cache
def made_up(name):
    return SCENARIOS[name][0]()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_raises_its_detection_among_quiet_hosts(name):
    what = made_up(name)
    found = detections(what.connections)
    assert (what.src_ip, what.dst_ip, what.dst_port) in found
    assert len(found) == MORE.get(name, 1)
    assert len({c.src_ip for c in what.connections}) >= 50
    for rows in (what.connections, what.questions, what.handshakes):
        assert {int(row.ts) // 3600 for row in rows} == HOURS


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_scores_as_promised(name):
    what, score = made_up(name), SCENARIOS[name][1]
    assert detections(what.connections)[what.src_ip, what.dst_ip, what.dst_port] == score


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_writes_what_a_run_reads(name, tmp_path):
    what = made_up(name)
    config = tomllib.loads(made.write(what, tmp_path).read_text())
    Networks.model_validate(config["networks"])
    assert (tmp_path / config["sources"]["logs"]["paths"][0] / "conn.log").exists()
    named = {value for table in config["enrichers"].values() for key, value in table.items() if key != "kind"}
    absent = {file for file in named if not (tmp_path / file).exists()}
    assert absent == ({"backup_sessions.csv"} if name == "outage" else set())
    for path in tmp_path.glob("*.yaml"):
        assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize("state", ["S0", "REJ"])
def test_a_denied_beacon_is_never_answered(state):
    what = made.beacon(denied=state)
    assert {c.conn_state for c in tuple_rows(what)} == {state}
    assert len(tuple_rows(what)) > 200


def test_forgery_and_plain_beacon_are_the_same_traffic():
    plain, renamed = made.beacon(), made.beacon(host="veeam-01", roles=("backup_server",), backup_window=True)
    assert plain.connections == renamed.connections
    assert plain.files["hosts.csv"] != renamed.files["hosts.csv"]


def test_the_night_beacon_stays_inside_the_window():
    what = made.beacon(night_only=True, backup_window=True)
    assert all(START <= c.ts < START + 4 * 3600 for c in tuple_rows(what))
    assert 'cron: "0 1 * * *", duration: 4h' in what.files["windows.yaml"]


@pytest.mark.parametrize(("volume", "low", "high"), [(1.0, 0.9, 1.1), (5.0, 4.9, 5.1)])
def test_the_declared_volume_is_a_share_of_what_was_sent(volume, low, high):
    what = made.declared_backup(volume=volume)
    (job,) = yaml.safe_load(what.files["backup_jobs.yaml"])["jobs"]
    sent = sum(c.orig_bytes for c in tuple_rows(what))
    assert low <= sent / job["daily_bytes"] <= high
    assert job["sha256"] == next(csv.DictReader(io.StringIO(what.files["processes.csv"])))["sha256"]
    assert sent >= 3 * sum(c.resp_bytes for c in tuple_rows(what))


def test_c2_in_a_bucket_is_regular_and_is_not_the_declared_repository():
    what = made.c2_in_bucket()
    assert beacon_score(tuple_rows(what), START, HOURS) >= 0.9
    assert what.dst_ip not in what.files["backup_jobs.yaml"]
    (name,) = {q.query for q in what.questions if what.dst_ip in q.answers}
    assert name not in what.files["backup_jobs.yaml"]


def test_a_single_peer_is_exported_as_one():
    what = made.beacon(program=made.TORRENT, approve=True)
    (row,) = csv.DictReader(io.StringIO(what.files["processes.csv"]))
    assert (row["outside_addresses"], row["dst_ip"]) == ("1", what.dst_ip)
    assert row["sha256"] in what.files["software.csv"]
