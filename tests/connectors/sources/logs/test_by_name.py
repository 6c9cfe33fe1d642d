"""by_name over Zeek logs: a beacon to one name behind a rotating pool, its benign twins, and what nobody backs."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from connectors.sources.logs import Settings, connect
from playbook.__main__ import cli
from playbook.detections.beaconing import NAME as TUPLE
from playbook.detections.by_name import NAME
from playbook.model.site import Networks, Site
from tests.connectors.sources.logs.test_look_ups import look_up
from tests.connectors.sources.logs.test_traffic import DNS, HTTP, SSL
from tests.connectors.sources.logs.test_zeek_detection import DAY
from tests.support.zeek_reader import log_text

BOT, NAMED, OTHER_NAME, PORT = "10.0.0.1", "c2.example", "cdn.example", 443
POOL = tuple(f"9.1.2.{number}" for number in range(1, 13))
RESOLVERS = Networks.model_validate({"resolvers": ("10.0.0.53",)})


def call(at, address, who=BOT, port=PORT, **change):
    return {
        "ts": at, "uid": f"C{at}{address}", "id.orig_h": who, "id.orig_p": 40_000 + int(at) % 20_000,
        "id.resp_h": address, "id.resp_p": port, "proto": "tcp", "service": "ssl", "duration": 1.0,
        "orig_bytes": 200, "resp_bytes": 100, "orig_ip_bytes": 200, "resp_ip_bytes": 100, "orig_pkts": 5,
        "resp_pkts": 5, "conn_state": "SF", "history": "ShADadFf",
    } | change  # fmt: skip


def rotating(count=120, gap=300, pool=POOL, who=BOT):
    """(time, address): one call after the other to the next address of the pool."""
    return [(DAY + n * gap, pool[n % len(pool)]) for n in range(count)]


def handshake(at, address, name, who=BOT, port=PORT):
    return {
        "ts": at + 0.1, "id.orig_h": who, "id.resp_h": address, "id.resp_p": port, "version": "TLSv13",
        "cipher": "x", "server_name": name,
    }  # fmt: skip


def written(folder, conn, dns=(), ssl=(), http=()):
    folder.mkdir(exist_ok=True, parents=True)
    for name, lines, order in (("dns", dns, DNS), ("ssl", ssl, SSL), ("http", http, HTTP)):
        if lines:
            (folder / f"{name}.log").write_text(log_text(sorted(lines, key=lambda line: line["ts"]), order))
    (folder / "conn.log").write_text(log_text(sorted(conn, key=lambda line: line["ts"])))
    return folder


def detections(folder, networks=RESOLVERS, **settings):
    site = Site(now=datetime(2026, 1, 1, tzinfo=UTC), networks=networks)
    source = connect("logs", Settings(paths=(folder,), **settings), site)
    found = tuple(d for fetched in source.fetch(None) for d in fetched.detections)
    traffic = source.traffic(found)
    source.close()
    return found, traffic


@pytest.mark.parametrize("keep", [True, False], ids=["copied", "read again"])
@pytest.mark.parametrize("by", ["dns", "sni"])
def test_a_beacon_behind_a_rotating_pool_is_one_detection(tmp_path, by, keep):
    calls = rotating()
    dns = [look_up("C2.Example", address, at=at - 1) for at, address in calls] if by == "dns" else ()
    ssl = [handshake(at, address, NAMED) for at, address in calls] if by == "sni" else ()
    folder = written(tmp_path / "logs", [call(*one) for one in calls], dns, ssl)
    (found,), traffic = detections(folder, keep_traffic=keep)
    assert (found.rule, found.dst_name, found.dst_port) == (NAME, NAMED, PORT)
    assert (found.connections, found.hourly_buckets, found.beaconing_score) == (120, 10, 2)
    assert (found.destinations, found.destination_count) == (tuple(sorted(POOL)), 12)
    assert found.dst_ip in POOL and found.avg_bytes_per_conn == 300
    (own,) = traffic.tuples
    assert own.start_times == tuple(int(at) for at, _ in calls) and own.attempts == 120
    assert [(n.name, n.backed) for n in own.names] == [(NAMED, by == "dns")]


def test_a_pool_that_only_an_undeclared_server_names_is_no_name(tmp_path):
    calls = rotating()
    dns = [look_up(NAMED, address, at=at - 1, server="9.9.9.9") for at, address in calls]
    folder = written(tmp_path / "logs", [call(*one) for one in calls], dns)
    assert detections(folder)[0] == ()
    assert detections(folder, Networks())[0] == ()


def test_names_that_share_addresses_are_told_apart(tmp_path):
    bot, page = rotating(), [(at + 20, address) for at, address in rotating(30)]
    ssl = [handshake(*one, NAMED) for one in bot] + [handshake(*one, OTHER_NAME) for one in page]
    found, _ = detections(written(tmp_path / "logs", [call(*one) for one in bot + page], ssl=ssl))
    assert [(d.dst_name, d.connections) for d in found] == [(NAMED, 120)]


def test_the_last_answer_before_a_call_names_it(tmp_path):
    bot, page = rotating(), [(at + 100, address) for at, address in rotating(40, 900)]
    dns = [look_up(NAMED, address, at=at - 1) for at, address in bot]
    dns += [look_up(OTHER_NAME, address, at=at - 1) for at, address in page]
    found, _ = detections(written(tmp_path / "logs", [call(*one) for one in bot + page], dns))
    assert [(d.dst_name, d.connections) for d in found] == [(NAMED, 120)]


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        (rotating(100), "a score of 0"),
        (rotating(19, 1800), "too few connections"),
        (rotating(400, 10), "two hours"),
        (rotating(pool=("10.9.9.1", "10.9.9.2")), "inside"),
        (rotating(pool=("224.0.0.1", "192.0.2.7")), "not routable"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_near_misses(tmp_path, calls, why):
    large = {"orig_ip_bytes": 90_000}
    folder = written(
        tmp_path / "logs", [call(*one, **large) for one in calls], ssl=[handshake(*one, NAMED) for one in calls]
    )
    assert detections(folder)[0] == ()


def test_a_name_behind_one_address_stays_the_tuple(tmp_path):
    calls = rotating(pool=POOL[:1])
    folder = written(tmp_path / "logs", [call(*one) for one in calls], ssl=[handshake(*one, NAMED) for one in calls])
    (found,), _ = detections(folder)
    assert (found.rule, found.dst_name) == (TUPLE, "")


def test_bare_addresses_and_other_hosts_names_are_no_names(tmp_path):
    calls = rotating()
    ssl = [handshake(at, address, address) for at, address in calls]
    ssl += [handshake(at, address, NAMED) | {"id.orig_h": "10.0.0.9"} for at, address in calls]
    assert detections(written(tmp_path / "logs", [call(*one) for one in calls], ssl=ssl))[0] == ()


def test_the_seed_profile_knows_no_names(tmp_path):
    calls = rotating()
    folder = written(tmp_path / "logs", [call(*one) for one in calls], ssl=[handshake(*one, NAMED) for one in calls])
    assert detections(folder, profile="seed")[0] == ()


def run(*arguments):
    done = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "playbook.toml"
    file.write_text('[networks]\nresolvers = ["10.0.0.53"]\n')
    return file


def test_detect_names_the_rule_of_each_row(tmp_path, config):
    calls = rotating(240, pool=POOL[:2])
    dns = [look_up(NAMED, address, at=at - 1) for at, address in calls]
    folder = written(tmp_path / "logs", [call(*one) for one in calls], dns)
    rows = run("detect", folder, "--json", "--rule", "all", "--config", config)["detections"]
    assert [(one["rule"], one.get("dst_name")) for one in rows] == [(NAME, NAMED), (TUPLE, None), (TUPLE, None)]
    assert rows[0]["destinations"] == list(POOL[:2]) and rows[0]["destination_count"] == 2
    text = CliRunner().invoke(cli, ["detect", str(folder), "--rule", "all", "--config", str(config)]).stdout
    assert f"{BOT} -> {NAMED} (2 addresses) port 443" in text
    every = ["detect", str(folder), "--csv", "--rule", "all", "--config", str(config)]
    header, first, *_ = CliRunner().invoke(cli, every).stdout.splitlines()
    assert header.endswith("dst_name,destinations,destination_count,longest_s")
    assert first.endswith(f"{NAMED},9.1.2.1;9.1.2.2,2,")


def test_run_leaves_a_regular_name_on_watch_and_absorbs_its_tuples(tmp_path, config):
    """The rhythm of a name alone is what every update service has: no ticket, and one row for the name."""
    calls = rotating(240, pool=POOL[:2])
    dns = [look_up(NAMED, address, at=at - 1) for at, address in calls]
    folder = written(tmp_path / "logs", [call(*one) for one in calls], dns)
    (case,) = run("run", "--logs", folder, "--json", "--config", config, "--dry-run")["cases"]
    by_rule = {one["rule"]: one["verdict"]["disposition"] for one in case["detections"]}
    assert by_rule[NAME] == "UNDETERMINED" and case["plan"] is None


def test_a_listed_name_behind_a_pool_is_convicted_and_no_address_is_blocked(tmp_path, config):
    """Today's pool may be tomorrow's innocent: the name is what is listed."""
    (tmp_path / "feed.csv").write_text(f"indicator,kind,last_seen\n{NAMED},domain,2020-09-13\n")
    calls = rotating()
    dns = [look_up(NAMED, address, at=at - 1) for at, address in calls]
    folder = written(tmp_path / "logs", [call(*one) for one in calls], dns)
    feed = '[enrichers.feed]\nkind = "feeds"\npath = "feed.csv"\n[policy]\nnow = "2020-09-15T00:00:00Z"\n'
    config.write_text(config.read_text() + feed)
    document = run("run", "--logs", folder, "--json", "--config", config, "--dry-run")
    (case,) = document["cases"]
    (found,) = case["detections"]
    assert (found["rule"], found["verdict"]["disposition"]) == (NAME, "TRUE_POSITIVE"), case["verdict"]
    assert case["plan"] is None and case["status"] == "ticket"
