"""A #fields line in the middle of a log that gives other columns: the rows below it are read by it, or counted."""

from pathlib import Path

import pytest

from tests.connectors.sources.logs.test_bad_input import GOOD, fetched, row_with, written

HEADER = GOOD[: GOOD.index(b"1600041600")]
ROWS = GOOD[len(HEADER) :]
FLOOD = b"# nothing\n" * 30_000


def swapped() -> bytes:
    """The same connections in a log whose columns 1 and 3 (uid and source port) stand in each other's place."""
    lines = [line.split(b"\t") for line in ROWS.splitlines()]
    header = HEADER.replace(b"uid", b"?").replace(b"id.orig_p", b"uid").replace(b"?", b"id.orig_p")
    return header + b"".join(b"\t".join([a, d, c, b, *rest]) + b"\n" for a, b, c, d, *rest in lines)


def turned() -> bytes:
    """The same addresses, but the header says that they stand the other way round."""
    header = HEADER.replace(b"id.orig_h", b"?").replace(b"id.resp_h", b"id.orig_h").replace(b"?", b"id.resp_h")
    return header + ROWS


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("between", [b"", b"#close\n", FLOOD], ids=["at once", "close", "many comments"])
def test_rows_below_a_changed_header_are_read_by_it(tmp_path: Path, keep: bool, between: bytes) -> None:
    found = fetched(written(tmp_path, GOOD + between + turned()), keep_traffic=keep)
    ends = {(d.src_ip, d.dst_ip, d.connections) for d in found.detections}
    assert ("10.0.0.1", "8.8.4.4", 120) in ends and not any(number == 240 for _, _, number in ends)
    assert (found.health.rows_read, found.health.rows_rejected, found.health.complete) == (240, 0, True)


def test_columns_that_moved_keep_their_rows_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    bad = row_with(id__resp_h="nowhere")
    path = written(tmp_path, GOOD + swapped() + HEADER + bad + ROWS)
    found = fetched(path)
    assert [d.connections for d in found.detections] == [360]
    line = len((GOOD + swapped() + HEADER).splitlines()) + 1
    assert found.health.rejected_examples == (f"{path}:{line}: id.resp_h is no address: nowhere",)


def test_rows_below_the_header_of_another_log_are_rejected_and_counted(tmp_path: Path) -> None:
    other = b"#fields\tts\tfingerprint\n1.0\tab\n2.0\tcd\n"
    path = written(tmp_path, GOOD + other + HEADER + ROWS)
    found = fetched(path)
    assert (found.detections[0].connections, found.health.rows_rejected) == (240, 2)
    assert "below the #fields line" in found.health.rejected_examples[0]
    assert found.health.rejected_examples[0].startswith(f"{path}:{len(GOOD.splitlines()) + 2}: ")


def test_a_changed_header_is_seen_wherever_the_pieces_end_in_which_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD + turned())
    for size in (len(GOOD) + 20, len(GOOD) + 3, len(HEADER) - 5, 4096):
        monkeypatch.setattr("connectors.sources.logs.decompress.CHUNK", size)
        assert max(d.connections for d in fetched(path).detections) == 120, size
