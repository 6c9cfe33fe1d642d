"""What .ci/run requires cannot be left out: whatever would skip such a test fails it, and nothing else changes."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import APART

ROOT = Path(__file__).resolve().parents[1]
SKIPPING = """
import pytest

@pytest.fixture
def product():
    pytest.skip("needs it: apt-get install it")

@pytest.mark.{marker}
@pytest.mark.skipif(True, reason="needs it: apt-get install it")
def test_by_mark(): ...

@pytest.mark.{marker}
def test_by_fixture(product): ...

@pytest.mark.{marker}
def test_half_way():
    pytest.skip("needs it: apt-get install it")
"""


def ran(folder: Path, *paths: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOTNET_PLAYBOOK_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-c", "setup.cfg", *paths]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=kept | environment | {"BOTNET_PLAYBOOK_CROWDSEC": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_of_what_is_apart_is_a_failure_where_everything_is_required(tmp_path):
    """Three ways of skipping for every marker, and a real product that is not there."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    for marker in (*APART, "loopback", "real_data"):
        (tmp_path / f"test_{marker}.py").write_text(SKIPPING.format(marker=marker))
    paths = (str(tmp_path), "tests/connectors/containments/test_crowdsec_real.py")
    left_out = ran(tmp_path, *paths)
    assert left_out.returncode == 0 and "19 skipped" in left_out.stdout, left_out.stdout
    assert "apt-get install it" in left_out.stdout
    required = ran(tmp_path, *paths, BOTNET_PLAYBOOK_REQUIRE="1").stdout
    assert required.count("nothing may be left out here. ") == 16 and "3 skipped" in required, required
    assert "5 failed" in required and "11 errors" in required, required
