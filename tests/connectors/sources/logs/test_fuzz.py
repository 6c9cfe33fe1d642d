"""Mutated lines of every format: no traceback, and every line is read, passed over by a reason, or rejected."""

import random
import re
from pathlib import Path

import pytest

from bench import fuzz
from bench.log_lines import LINES

_PAGE = Path(__file__).parents[4] / "docs" / "logs.md"
# The examples of the documentation, header lines first: the formats that bench.log_lines does not write.
EXAMPLES = {
    name: [line for line in text.split("\n") if line]
    for name, text in re.findall(r"```\w+ file=(\S+)\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
}
SINGLE_LINES = (
    "fortigate.log",
    "ftd.log",
    "meraki.log",
    "checkpoint.log",
    "srx.log",
    "filter.log",
    "kern.log",
    "pan.leef",
    "pan.cef",
    "nss.log",
    "flows.binetflow",
    "rwcut.txt",
    "pfirewall.log",
)


@pytest.mark.parametrize("name", SINGLE_LINES)
def test_every_line_of_a_documented_example_is_accounted_for(tmp_path: Path, name: str) -> None:
    *headers, row = EXAMPLES[name]
    if name == "rwcut.txt":
        headers = headers[:1]
    chance = random.Random(5)
    rows = [fuzz.mutated(row.replace("20000", str(20000 + number)), chance) for number in range(150)]
    path = tmp_path / name
    path.write_bytes(b"\n".join([*(header.encode() for header in headers), row.encode(), *rows]) + b"\n")
    lines = 1 + len(headers) + sum(fuzz.counts(one, name) for one in rows)
    one = fuzz.account(path, "auto", lines)
    assert one.lost == 0, one
    assert one.read > 0 and one.rejected > 0


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_line_is_accounted_for(tmp_path: Path, name: str, seed: int) -> None:
    path = tmp_path / "fuzzed.log"
    lines = fuzz.written(path, name, 150, random.Random(seed))
    one = fuzz.account(path, name, lines)
    assert one.lost == 0, one
    assert one.read > 0 and one.rejected > 0


@pytest.mark.parametrize("name", LINES)
def test_sound_lines_are_recognised_and_none_is_rejected(tmp_path: Path, name: str) -> None:
    path = tmp_path / "sound.log"
    path.write_text("\n".join(LINES[name](60)) + "\n")
    one = fuzz.account(path, "auto", 60)
    assert (one.lost, one.rejected) == (0, 0), one


def test_several_formats_are_accounted_for_as_each_is_alone(tmp_path: Path) -> None:
    chance, alone = random.Random(3), []
    for name in LINES:
        path = tmp_path / f"{name}.log"
        alone.append(fuzz.account(path, "auto", fuzz.written(path, name, 60, chance)))
    together = fuzz.account(tmp_path, "auto", sum(one.lines for one in alone))
    assert together.lost == 0
    assert together[1:4] == tuple(sum(column) for column in zip(*(one[1:4] for one in alone), strict=True))
