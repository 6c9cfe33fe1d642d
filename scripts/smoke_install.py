"""Installs the product as a user does and asks whether it works: the sample's run, and a page of `serve`.

    python scripts/smoke_install.py [--resolution lowest-direct|highest] [--locked] [PYTHON...]

Without PYTHON every interpreter from 3.11 on that uv finds or pyenv has here is taken, one of each minor version;
nothing is downloaded.
Each gets an environment of its own in a temporary folder. ``lowest-direct`` proves the lower bounds in setup.cfg.
Only the standard library; `uv` is the one of the environment that runs this.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
MINORS = range(11, 16)
PATIENCE_S = 120
PROVIDER = """
[serve.oidc]
issuer = "http://127.0.0.1:9"
client_id = "playbook"
client_secret_env = "SMOKE_OIDC_SECRET"
"""


def interpreters() -> tuple[str, ...]:
    """The interpreters that are here, the oldest supported version first."""
    return tuple(filter(None, map(interpreter, MINORS)))


def interpreter(minor: int) -> str:
    """The path of a Python 3.``minor``, or "" when none is here."""
    done = subprocess.run(
        [UV, "python", "find", "--no-project", "--system", f"3.{minor}"], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return done.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return next(map(str, sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python3.{minor}"))), "")


def install(python: str, folder: Path, options: Iterable[str]) -> Path:
    """An environment with the product and all its extras; its folder of programs. Ends with the installer's message."""
    run([UV, "venv", "-q", "-p", python, folder / "venv"])
    run([UV, "pip", "install", "-q", "-p", folder / "venv" / "bin" / "python", *options, f"{ROOT}[all]"])
    return folder / "venv" / "bin"


def run(command: list[str | Path], **environment: str) -> str:
    """What a command prints; SystemExit with all it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def sample_runs(programs: Path) -> None:
    """The sample's run gives its cases."""
    sample = run([programs / "python", "-c", "import playbook.sample as s; print(s.__path__[0])"]).strip()
    report = json.loads(
        run([programs / "botnet-playbook", "run", "--config", f"{sample}/sample.toml", "--dry-run", "--json"])
    )
    if not report["cases"] or not report["complete"]:
        raise SystemExit("the sample's run is incomplete or has no case")


def serve_answers(programs: Path, folder: Path, port: int) -> None:
    """`serve` starts, is healthy, and its login page offers the identity provider that is configured."""
    config = folder / "serve.toml"
    config.write_text(f'[state]\nurl = "sqlite:///{folder}/serve.db"\n[serve]\n{PROVIDER}', encoding="utf-8")
    command = [programs / "botnet-playbook", "serve", "--config", config, "--port", str(port)]
    with (folder / "log").open("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"SMOKE_OIDC_SECRET": "a secret"})
        try:
            health = answer(server, f"http://127.0.0.1:{port}/health")
            login = answer(server, f"http://127.0.0.1:{port}/login")
        finally:
            server.terminate()
            server.wait(60)
            log.seek(0)
            said = log.read()
    if "needs SQLite" in said and not health:
        print("serve refuses this interpreter's SQLite, and says so: PostgreSQL would be needed here", flush=True)
        return
    if json.loads(health or "{}").get("status") != "ok" or "/login/oidc/start" not in login:
        raise SystemExit(f"serve did not answer as it should: {health!r}\n{said}")


def answer(server: subprocess.Popen[bytes], url: str) -> str:
    """The body at ``url``, asked again until there is a good one; "" when the server ends or the patience does."""
    end = time.monotonic() + PATIENCE_S
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return str(reply.read().decode())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    return ""


def main() -> None:
    """Install and try with each interpreter; the first failure ends it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", default="highest", choices=("lowest-direct", "highest"))
    parser.add_argument("--locked", action="store_true", help="the versions of constraints.txt")
    parser.add_argument("python", nargs="*")
    given = parser.parse_args()
    options = ["--resolution", given.resolution, *(["-c", str(ROOT / "constraints.txt")] if given.locked else [])]
    chosen = tuple(given.python) or interpreters()
    if not chosen:
        raise SystemExit("no Python from 3.11 on was found")
    for number, python in enumerate(chosen):
        with tempfile.TemporaryDirectory(prefix="smoke") as folder:
            programs = install(python, Path(folder), options)
            sample_runs(programs)
            serve_answers(programs, Path(folder), 18_180 + number)
            version = run([programs / "python", "--version"]).strip()
        print(
            f"{version}, {'locked' if given.locked else given.resolution}: the sample runs, serve answers", flush=True
        )


if __name__ == "__main__":
    main()
