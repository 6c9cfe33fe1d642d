"""long_connection over Zeek logs: one row, a session in many, and the twins that are none; copied or read once."""

import pytest

from playbook.detections.beaconing import NAME as TUPLE
from playbook.detections.long_connection import LONG_S, NAME, UNUSUAL_S
from tests.connectors.sources.logs.test_by_name import call, detections, written
from tests.connectors.sources.logs.test_zeek_detection import DAY

C2, PORT = "9.1.2.3", 8081


def held(length, at=DAY, port=PORT, **change):
    return call(at, C2, port=port, duration=length, **change)


def parts(count=30, gap=1200.0, first="ShADad", later="DadA", port=PORT, **change):
    """A session that the sensor cut at each pause: one source port, a SYN in the first row alone."""
    return [
        held(1.0, DAY + n * gap, port, history=first if n == 0 else later, **({"id.orig_p": 40_000} | change))
        for n in range(count)
    ]


@pytest.mark.parametrize("keep", [True, False], ids=["copied", "read once"])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([held(UNUSUAL_S)], (1, 5, 14_400.0)),
        ([held(LONG_S, port=443)], (1, 9, 28_800.0)),
        ([held(500_000.0, port=443)], (1, 139, 500_000.0)),
        ([held(UNUSUAL_S), held(UNUSUAL_S + 60, DAY + 3600)], (2, 6, 14_460.0)),
        (parts(), (1, 10, 34_801.0)),
        (parts(first="DadA"), (1, 10, 34_801.0)),
        ([*parts(2, 10_800), held(5_000.0, DAY + 12_000, history="DadA", **{"id.orig_p": 40_000})], (1, 5, 17_000.0)),
    ],
    ids=["unusual port", "usual port", "days", "two", "cut by pauses", "began before the log", "two parts"],
)
def test_a_long_connection_is_a_detection(tmp_path, keep, rows, expected):
    found, traffic = detections(written(tmp_path / "logs", rows), keep_traffic=keep)
    (one,) = [d for d in found if d.rule == NAME]
    assert (one.connections, one.hourly_buckets, one.longest_s) == expected
    assert (one.beaconing_score, one.dst_ip, one.bytes_known) == (0, C2, True)
    assert one.first_seen.timestamp() == DAY
    assert len(traffic.tuples) == len(found)


@pytest.mark.parametrize("keep", [True, False], ids=["copied", "read once"])
@pytest.mark.parametrize(
    "rows",
    [
        [held(UNUSUAL_S - 1)],
        [held(LONG_S - 1, port=443)],
        [held(LONG_S, proto="udp")],
        [held(LONG_S, conn_state="S0", orig_ip_bytes=60, resp_ip_bytes=0, resp_pkts=0, history="S")],
        [held(LONG_S, resp_ip_bytes=0, resp_bytes=0)],
        [call(DAY, "10.9.9.9", port=PORT, duration=LONG_S)],
        parts(later="ShADad"),
        parts(proto="udp", first="Dd", later="Dd"),
        [held(None)],
    ],
    ids=[
        "short",
        "short for web",
        "udp",
        "refused",
        "one-sided",
        "inside",
        "a SYN each",
        "udp parts",
        "unknown length",
    ],
)
def test_its_twins_are_none(tmp_path, keep, rows):
    found, _ = detections(written(tmp_path / "logs", rows), keep_traffic=keep)
    assert [d for d in found if d.rule == NAME] == []


@pytest.mark.parametrize("keep", [True, False], ids=["copied", "read once"])
def test_a_beacon_and_a_long_connection_of_one_tuple_are_two_detections(tmp_path, keep):
    beacon = [call(DAY + n * 300, C2, port=PORT) for n in range(120)]
    found, _ = detections(written(tmp_path / "logs", [*beacon, held(LONG_S, DAY + 7)]), keep_traffic=keep)
    assert [(d.rule, d.connections) for d in found] == [(TUPLE, 121), (NAME, 1)]
    assert len({d.detection_id for d in found}) == 2


def test_the_seed_profile_knows_no_lengths(tmp_path):
    found, _ = detections(written(tmp_path / "logs", [held(LONG_S), *parts()]), profile="seed")
    assert [d.rule for d in found if d.rule == NAME] == []
