"""Folders in memory: one whose process was killed is removed, one in use never."""

import subprocess
import sys
from pathlib import Path

from tests.support import memory

ROOT = Path(__file__).resolve().parents[1]
LEAVES = (
    "import os, sys; from pathlib import Path; from tests.support import memory; "
    "print(memory.new_folder(Path(sys.argv[1])), flush=True); os.kill(os.getpid(), 9)"
)


def test_only_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", LEAVES, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    left, used, foreign = Path(killed.stdout.strip()), memory.new_folder(tmp_path), tmp_path / "of-another-program"
    foreign.mkdir()
    (left / "state.db").write_bytes(b"x")
    assert killed.returncode == -9 and left.is_dir()
    assert memory.remove_abandoned(tmp_path) == (left,)
    assert not left.exists() and used.is_dir() and foreign.is_dir()
    memory.remove(used)
    assert memory.remove_abandoned(tmp_path) == () and not used.exists()
