"""The installed program ends at once, and only when all is said, every handler has run and every thread is done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_HEAD = "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"
# A command of thousands of lines, with a handler and a thread that are still to do something when it returns.
_SCRIPT = """
import atexit, click, sys, threading, time
from playbook import __main__ as door

@click.command()
def cli():
    atexit.register(lambda: print("handler", file=sys.stderr))
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread", file=sys.stderr))).start()
    print("x" * 3_000_000, end="!")
    raise click.exceptions.Exit({code})

door.cli = cli
sys.argv = ["it"]
door.program()
"""


@pytest.mark.parametrize("code", [0, 1, 4])
def test_everything_is_said_and_done_before_the_end(code: int) -> None:
    script = _SCRIPT.format(code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.split() == ["thread", "handler"]
    assert (done.returncode, len(done.stdout), done.stdout[-1]) == (code, 3_000_001, "!")


def test_what_cannot_be_written_to_its_end_is_no_success() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT.format(code=0).replace("3_000_000", "300")],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 128
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$0" -c "$1" >&-', sys.executable, _SCRIPT.format(code=4)],
        check=False,
        stderr=subprocess.PIPE,
    )
    assert closed.returncode == 4, closed.stderr


def test_no_folder_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        _HEAD + "".join(f"{1772409600 + n * 300},,10.1.2.3,45.60.1.1,4444,10,10,\n" for n in range(288)),
        encoding="utf-8",
    )
    (tmp_path / "spill").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "playbook", "run", "--logs", "a.csv", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"TMPDIR": str(tmp_path / "spill"), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0 and json.loads(done.stdout)["complete"]
    assert list((tmp_path / "spill").iterdir()) == []
