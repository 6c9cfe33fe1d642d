"""The measurement over captures of one's own: a folder, a truth file, home networks."""

import csv
from pathlib import Path

import pytest

from bench.truth import bots, confusion, convicted, read_all
from tests.connectors.sources.logs.test_zeek_detection import beats
from tests.support.zeek_reader import log_text

BOT, SERVER = "9.9.9.20", "8.8.4.4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An IRC bot on a public address of ours, and a stranger who calls our server as often."""
    spoken = {"service": "irc", "orig_pkts": 6, "resp_pkts": 5}
    lines = [line | spoken | {"id.orig_h": BOT, "id.resp_h": SERVER, "id.resp_p": 6667} for line in beats(120, 120)]
    lines += [line | spoken | {"id.orig_h": "8.8.9.9", "id.resp_h": BOT} for line in beats(120, 120)]
    capture = tmp_path / "zeek" / "office"
    capture.mkdir(parents=True)
    (capture / "conn.log").write_text(log_text(lines), encoding="utf-8")
    _table(
        tmp_path / "truth_tuples.csv",
        ("capture", "src", "dst", "dport", "truth"),
        ("zeek/office", BOT, SERVER, 6667, "malicious"),
        ("zeek/office", "8.8.9.9", BOT, 443, "inbound_attack_or_scan"),
    )
    _table(tmp_path / "home.csv", ("capture", "network"), ("zeek/office", "9.9.9.0/24"))
    return tmp_path


def _table(path: Path, *rows: tuple[object, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def test_a_folder_of_ones_own_is_measured_with_its_truth_and_its_home(folder: Path) -> None:
    truth = read_all(folder)
    assert convicted(truth) == (("zeek/office", BOT),)
    assert [(bot.host, bot.found) for bot in bots(truth)] == [(BOT, True)]
    counts = confusion(truth)
    assert (counts["malicious"]["TRUE_POSITIVE"], counts["inbound_attack_or_scan"]["G2"]) == (1, 1)


def test_without_home_a_public_source_convicts_nobody(folder: Path) -> None:
    (folder / "home.csv").unlink()
    assert convicted(read_all(folder)) == ()
