"""Large text files are read from numbered copies of their lines: the same rows, refused lines named in their place."""

from pathlib import Path

import pytest

from bench.log_lines import lines
from connectors.sources.logs import line_copies
from tests.connectors.sources.logs.shapes import fetched_from


@pytest.mark.parametrize("name", ["fortigate", "netflow", "suricata", "asa"])
def test_copies_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    paths = [tmp_path / f"{number}.log" for number in (1, 2)]
    for number, path in enumerate(paths):
        text = [*lines(name, 400), "", "nonsense", '"']
        path.write_bytes("\n".join([text[0], "", *text[1:], *(["\ufffd"] * number)]).encode() + b"\xff\n")
    alone = fetched_from(paths, threads=2)
    monkeypatch.setattr(line_copies, "LEAST_BYTES", 1)
    copied = fetched_from(paths, threads=2)
    assert copied == alone
    assert copied.health.rejected_examples and copied.health.rows_read > 200


def test_a_torn_line_is_mended_before_it_is_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "torn.log"
    rows = list(lines("fortigate", 40))
    path.write_text("\n".join([*rows[:20], rows[20][:60] + "\r" + rows[20][60:], *rows[21:]]) + "\n")
    alone = fetched_from([path], threads=2)
    monkeypatch.setattr(line_copies, "LEAST_BYTES", 1)
    assert fetched_from([path], threads=2) == alone
