"""The Kusto text: whole numbers decide the score, hours before tuples, and the seed's three kinds of connection."""

import re
from itertools import product

import pytest

from playbook.detections.beaconing import beaconing_score
from playbook.detections.languages import kql

HUNTS = (None, "ddos-burst", "dga-burst", "irc")


def test_defender_takes_answered_attempted_and_failed_connections() -> None:
    assert 'ActionType in ("ConnectionSuccess", "ConnectionAttempt", "ConnectionFailed")' in kql.query("defender")


@pytest.mark.parametrize(("preset", "hunt"), list(product(kql.PRESETS, HUNTS)))
def test_no_estimate_no_foreign_word_no_open_bracket(preset: str, hunt: str | None) -> None:
    query = kql.query(preset, hunt)
    bare = re.sub(r'@?"[^"]*"|@?\'[^\']*\'', '""', query)
    assert bare.count("(") == bare.count(")")
    assert not any(word in bare for word in ("dcount", "| eval", "| stats", "timeslice"))
    first, *stages = [line for line in query.splitlines() if not line.startswith("// ")]
    assert first in ("DeviceNetworkEvents", "CommonSecurityLog", "DnsEvents")
    assert stages and all(line.startswith(("| ", "    ")) for line in stages)


def test_endpoints_group_by_host_and_process_and_keep_loopback() -> None:
    burst = kql.query("defender", "ddos-burst")
    assert "by window_start = bin(start, 15m), hostname, process_name" in burst and "127.0.0.0" not in burst
    assert "by window_start = bin(start, 15m), src_ip, dst_ip" in kql.query("sentinel", "ddos-burst")
    assert "127.0.0.0/8" in kql.query("defender")


def test_the_score_in_whole_numbers_is_the_score() -> None:
    """The conditions are taken out of the rendered text and asked of numbers around every edge."""
    text = kql.query("sentinel").replace("\n    ", " ")
    cases = re.search(r"extend beaconing_score = case\(([^()]*)\)$", text, re.M).group(1)
    python = cases.replace(" and ", " & ").replace(" or ", " | ")
    parts = [part.strip() for part in python.split(", ")]
    assert len(parts) == 9
    for connections, hours, total, irc in product(
        (19, 20, 30, 31, 60, 101, 200, 201, 211), (2, 3, 6, 20, 21), (None, 499, 499.5, 500), (False, True)
    ):
        whole = None if total is None else int(total * connections)
        expected = beaconing_score(connections, hours, whole, irc)
        assert _scored(parts, connections, hours, whole, irc) == expected, (connections, hours, total, irc)


def _scored(parts: list[str], connections: int, hours: int, whole: int | None, irc: bool) -> int:
    names = {
        "connections": connections,
        "hourly_buckets": hours,
        "total_bytes": whole or 0,
        "irc_port": irc,
        "bytes_known": whole is not None,
    }
    for condition, value in zip(parts[:-1:2], parts[1::2], strict=True):
        if all(any(_holds(one, names) for one in either.split(" | ")) for either in condition.split(" & ")):
            return int(value)
    return int(parts[-1])


def _holds(condition: str, names: dict[str, int | bool]) -> bool:
    found = re.fullmatch(r"(.+?) (<|>|>=|==) (.+)", condition)
    if not found:
        return bool(names[condition])
    left, right = (_product(side, names) for side in (found.group(1), found.group(3)))
    return {"<": left < right, ">": left > right, ">=": left >= right, "==": left == right}[found.group(2)]


def _product(side: str, names: dict[str, int | bool]) -> int:
    result = 1
    for factor in side.split(" * "):
        result *= int(factor) if factor.isdigit() else names[factor]
    return result


@pytest.mark.parametrize(("preset", "hunt"), [("nosuch", None), ("defender", "nosuch")])
def test_an_unknown_name_is_a_key_error(preset: str, hunt: str | None) -> None:
    with pytest.raises(KeyError):
        kql.query(preset, hunt)
