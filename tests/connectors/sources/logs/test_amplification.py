"""A small packed file that holds very many lines: the work grows with what lies on disk, and nothing is guessed."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.sources.logs import decompress, reading, rejects
from tests.connectors.sources.logs.test_bad_input import GOOD, fetched, row_with, written
from tests.connectors.sources.logs.test_zeek_detection import DAY, beats
from tests.support.zeek_reader import log_text


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines each careful look read in plain Python."""
    counts: list[int] = []
    real = reading.carefully

    def counted(*arguments: object) -> rejects.Looked:
        found = real(*arguments)
        counts.append(found.lines)
        return found

    monkeypatch.setattr(reading, "carefully", counted)
    return counts


@pytest.mark.parametrize("blank", [b"\n", b"\r\n"])
def test_blank_lines_are_counted_and_never_looked_at(tmp_path: Path, looked: list[int], blank: bytes) -> None:
    path = written(tmp_path, gzip.compress(GOOD + blank * 300_000 + row_with()), "conn.log.gz")
    found = fetched(path)
    assert (found.detections[0].connections, found.health.rows_rejected, found.health.complete) == (121, 0, True)
    assert looked == []


def test_junk_without_end_is_looked_at_up_to_a_limit_and_the_rest_is_said_to_be_unknown(
    tmp_path: Path, looked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_LEAST_LOOKED", 20_000)
    path = written(tmp_path, gzip.compress(GOOD + b"x\n" * 300_000), "conn.log.gz")
    found = fetched(path)
    assert found.detections[0].connections == 120 and not found.health.complete
    assert sum(looked) == 20_000
    assert any(f"{path}: 20,000 lines were looked at" in warning for warning in found.health.warnings)


def test_one_bad_address_in_a_long_log_is_counted_although_not_every_line_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_LEAST_LOOKED", 50)
    monkeypatch.setattr(reading, "_BYTES_A_LINE", 1 << 20)
    health = fetched(written(tmp_path, GOOD + row_with(id__orig_h="nowhere"))).health
    assert (health.rows_read, health.rows_rejected, health.complete) == (120, 1, True)


def test_blank_lines_are_found_across_the_pieces_that_a_file_is_read_in(tmp_path: Path) -> None:
    for spare in range(4):
        filler = b"x" * ((1 << 20) - spare) + b"\n"
        path = written(tmp_path, filler + b"\n\r\n\n" + filler + b"\n")
        assert reading.blank_lines(path, "plain", reading.Bounds()) == 4, spare


@pytest.mark.parametrize("unit", [b"\n", b"#\n"])
def test_more_lines_than_bytes_on_disk_are_not_read_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes
) -> None:
    monkeypatch.setattr(decompress, "_LINES_FROM", 100_000)
    written(tmp_path, gzip.compress(GOOD + unit * (1 << 20) + row_with()), "conn.1.log.gz")
    written(tmp_path, log_text(beats(120, 120, DAY + 1)).encode(), "conn.2.log")
    found = fetched(tmp_path)
    assert found.detections[0].connections in (240, 241) and not found.health.complete
    assert any("conn.1.log.gz: unpacks to more than" in warning for warning in found.health.warnings)


@pytest.mark.parametrize("junk", [b"#\n", b"x\n", b"a\tb\tc\n"])
def test_a_small_file_of_refused_lines_does_not_fill_the_memory(tmp_path: Path, junk: bytes) -> None:
    written(tmp_path, GOOD + junk * 100_000)
    # Not ru_maxrss: a process that a large one started begins with the large one's figure.
    code = (
        "import re, sys; from pathlib import Path; from tests.connectors.sources.logs.test_bad_input import fetched; "
        "health = fetched(Path(sys.argv[1])).health; status = Path('/proc/self/status').read_text(); "
        "used = int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]); "
        "print(health.rows_rejected, health.rows_read, used >> 10)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    rejected, read, megabytes = map(int, done.stdout.split())
    assert (rejected, read) == (0 if junk == b"#\n" else 100_000, 120)
    assert megabytes < 600
