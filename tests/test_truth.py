"""The case-level result over the public captures: bots found, no benign host convicted, every miss explained."""

from collections import Counter

import pytest

from bench import captures
from bench.truth import Truth, bots, confusion, convicted, moves, read_all

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.real_data,
    pytest.mark.skipif(not captures.DATA.exists(), reason="the public captures are not here"),
]
MIRAI = ("zeek/iot23-34-1-mirai", "192.168.1.195")
BEACON = ("zeek/rita-missing-host-72h", "73.54.23.243")


@pytest.fixture(scope="module")
def truth() -> Truth:
    return read_all()


def test_mirai_and_the_rita_beacon_are_one_case_each_and_nobody_else_is_convicted(truth):
    assert Counter(convicted(truth)) == {MIRAI: 1, BEACON: 1}


def test_no_tuple_is_convicted_that_is_not_labelled_malicious(truth):
    counts = confusion(truth)
    assert {value: c["TRUE_POSITIVE"] for value, c in counts.items() if c["TRUE_POSITIVE"]} == {"malicious": 2}


def test_the_gates_take_out_most_false_detections_and_no_true_one(truth):
    counts = confusion(truth)
    filtered = {value: c["G1"] + c["G2"] + c["G3"] for value, c in counts.items()}
    assert filtered["malicious"] == 0
    assert filtered["inbound_attack_or_scan"] == counts["inbound_attack_or_scan"]["default keeps"]
    assert filtered["benign"] >= 0.8 * counts["benign"]["default keeps"]


def test_what_the_gates_leave_of_benign_hosts_is_watched_and_raises_no_ticket(truth):
    benign = confusion(truth)["benign"]
    assert benign["judged"] == benign["watch"] + benign["BENIGN_POSITIVE"]


@pytest.mark.parametrize(
    ("capture", "host", "why"),
    [
        ("zeek/ctu230-1-njrat", "192.168.1.115", "1 hourly bucket, fewer than 3"),
        ("zeek/androidtester-rat", "10.8.0.61", "12 connections, fewer than 20"),
        ("argus/test5-malware-dns", "10.0.2.15", "1 hourly bucket, fewer than 3"),
        ("suricata/test6-malicious", "192.168.1.129", "score 0"),
        ("zeek-json/apt29-day1", "(no host of ours talks to the Internet)", "no connection to a global destination"),
    ],
)
def test_every_other_labelled_bot_has_the_reason_why_it_is_not_found(truth, capture, host, why):
    (bot,) = [one for one in bots(truth) if (one.capture, one.host) == (capture, host)]
    assert not bot.found
    assert why in bot.why


def test_no_bot_that_the_detection_should_see_goes_missing(truth):
    assert not [bot for bot in bots(truth) if "a fault of ours" in bot.why]


def test_no_threshold_moved_by_a_fifth_convicts_a_benign_host_or_loses_a_bot(truth):
    made = tuple(moves(truth))
    assert any(move.flips for move in made)
    assert not [move for move in made if move.benign_convicted]
    assert not [flip for move in made for flip in move.flips if "(malicious): TRUE_POSITIVE" in flip]
