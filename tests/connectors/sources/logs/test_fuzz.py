"""Mutated lines of every format: no traceback, and every line is read, passed over by a reason, or rejected."""

import random
from pathlib import Path

import pytest

from bench import fuzz
from bench.log_lines import lines
from connectors.sources.logs.files import formats

_ALL = tuple(formats())


@pytest.mark.parametrize("name", _ALL)
def test_every_line_is_accounted_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / "fuzzed.log"
    count = fuzz.written(path, name, 150, random.Random(1))
    one = fuzz.account(path, name, count)
    assert one.lost == 0, one
    assert one.read > 0 and one.rejected > 0


@pytest.mark.parametrize("name", _ALL)
def test_sound_lines_are_recognised_and_none_is_rejected(tmp_path: Path, name: str) -> None:
    path = tmp_path / "sound.log"
    text = list(lines(name, 60))
    path.write_text("\n".join(text) + "\n")
    one = fuzz.account(path, "auto", sum(fuzz.counts(line.encode(), name) for line in text))
    assert (one.lost, one.rejected) == (0, 0), one


def test_several_formats_are_accounted_for_as_each_is_alone(tmp_path: Path) -> None:
    chance, alone = random.Random(3), []
    # squid tells of no connections; what ftd and asa say of one connection counts once.
    for name in (name for name in _ALL if name not in ("squid", "ftd")):
        path = tmp_path / f"{name}.log"
        count = fuzz.written(path, name, 40, chance)
        alone.append(fuzz.account(path, "auto", count))
    together = fuzz.account(tmp_path, "auto", sum(one.lines for one in alone))
    assert together.lost == 0
    assert together[1:4] == tuple(sum(column) for column in zip(*(one[1:4] for one in alone), strict=True))
