"""The writers give logs that parse back by their own header, and tiles of any size."""

import gzip
from collections import Counter
from random import Random

import pytest

from playbook.simulate.benign_hosts import dns_client
from playbook.simulate.malicious_hosts import dga_bursts, https_beacon, irregular_beacon
from playbook.simulate.records import together
from playbook.simulate.repeat import tile
from playbook.simulate.sample_day import START
from playbook.simulate.workstations import lease, people, sites, workstation
from playbook.simulate.zeek import FIELDS, write
from tests.playbook.simulate.plain import beacon_score, detections

ONE_DAY = frozenset(range(int(START) // 3600, int(START) // 3600 + 24))


def parsed(path):
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode().split("\n")
    assert lines.pop() == ""
    header = dict(line[1:].split("\t", 1) for line in lines if line.startswith("#") and "\t" in line)
    fields = header["fields"].split("\t")
    assert len(header["types"].split("\t")) == len(fields)
    return fields, [dict(zip(fields, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]


@pytest.fixture
def mixed():
    rng = Random(1)
    return together(
        (
            https_beacon(rng, "10.1.1.9", "198.51.100.77", START),
            workstation(rng, "10.1.1.10", "10.1.0.53", sites(5), START),
            dga_bursts(rng, "10.1.1.11", "10.1.0.53", START + 3600),
            lease(rng, people(1)[0], "10.1.0.67", START),
        )
    )


@pytest.mark.parametrize("pack", [False, True])
def test_every_log_parses_back_by_its_header(mixed, tmp_path, pack):
    written = write(mixed, tmp_path, pack=pack)
    assert [p.name.split(".")[0] for p in written] == list(FIELDS)
    read = {p.name.split(".")[0]: parsed(p) for p in written}
    assert {log: fields for log, (fields, _) in read.items()} == {log: [n for n, _ in f] for log, f in FIELDS.items()}
    _, conns = read["conn"]
    assert [float(r["ts"]) for r in conns] == [c.ts for c in mixed.connections]
    assert [int(r["orig_ip_bytes"]) for r in conns] == [c.orig_ip_bytes for c in mixed.connections]
    assert {r["server_name"] for r in read["ssl"][1] if r["id.orig_h"] == "10.1.1.9"} == {"-"}
    ids = {r["uid"] for r in conns}
    assert {r["uid"] for log in ("ssl", "http") for r in read[log][1]} <= ids


def test_a_log_without_rows_is_not_written(tmp_path):
    written = write(https_beacon(Random(1), "10.1.1.9", "198.51.100.77", START), tmp_path)
    assert [p.name for p in written] == ["conn.log", "ssl.log"]


def test_generated_names_fail_in_bursts(mixed):
    burst = [q for q in mixed.questions if q.src_ip == "10.1.1.11" and q.ts < START + 7200]
    failed = {q.query for q in burst if q.rcode == "NXDOMAIN"}
    assert len(failed) >= 30
    assert len(failed) / len({q.query for q in burst}) >= 0.8


def test_jitter_takes_the_rhythm_down():
    scores = [
        beacon_score(made(Random(3), "10.1.1.9", "198.51.100.77", START).connections, START, ONE_DAY)
        for made in (https_beacon, irregular_beacon)
    ]
    assert scores[0] > 0.9 > scores[1] + 0.03


@pytest.mark.parametrize("target", [1, 400_000, 1_500_000])
def test_a_tiling_reaches_its_size_on_new_hosts(mixed, tmp_path, target):
    made = tile(tmp_path / "conn.log", target, mixed.connections)
    _, rows = parsed(made.path)
    day_size = made.size / (made.rows / len(mixed.connections))
    assert made.path.stat().st_size == made.size
    assert target <= made.size <= target * 1.1 + 2 * day_size
    assert len(rows) == made.rows == len({r["uid"] for r in rows})
    assert len({r["id.orig_h"] for r in rows}) == made.hosts == 2 * made.rows // len(mixed.connections)
    assert all(r["id.orig_h"].startswith("10.") for r in rows)
    hours = [int(float(r["ts"])) // 3600 for r in rows]
    assert hours == sorted(hours)


def test_a_tiling_with_blocks_gives_more_rows_of_the_same_tuples(mixed, tmp_path):
    small, large = (tile(tmp_path / f"{size}.log", size, mixed.connections, blocks=2) for size in (300_000, 900_000))
    keys = [
        Counter((r["id.orig_h"], r["id.resp_h"], r["id.resp_p"]) for r in parsed(made.path)[1])
        for made in (small, large)
    ]
    assert keys[0].keys() == keys[1].keys()
    assert large.rows > 2 * small.rows
    assert large.hosts == small.hosts == 4


def test_a_tile_that_does_not_fit_is_refused(tmp_path):
    many = tuple(
        c.model_copy(update={"src_ip": f"10.2.{n // 200}.{n % 200}"})
        for n, c in enumerate(https_beacon(Random(1), "10.1.1.9", "198.51.100.77", START).connections)
    )
    with pytest.raises(ValueError, match="254"):
        tile(tmp_path / "conn.log", 1000, many)


def test_one_host_asking_two_resolvers_keeps_its_ids_apart():
    rng = Random(1)
    both = together(
        dns_client(rng, "10.1.1.9", server, START, sites(3), kind=kind)
        for server, kind in (("8.8.8.8", "u"), ("1.1.1.1", "k"))
    )
    assert len({c.uid for c in both.connections}) == len(both.connections)
    assert set(detections(both.connections)) == {("10.1.1.9", "8.8.8.8", 53), ("10.1.1.9", "1.1.1.1", 53)}
