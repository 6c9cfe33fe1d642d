"""Runs the vendors' own checkers over the packages: python scripts/check_platforms.py TOOLS [NAME...]

TOOLS is the folder that scripts/install_platform_tools.sh filled, an environment a checker. Each check works on a copy
in a temporary folder, reaches nothing outside, prints one line, and a failure prints what the checker wrote.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ROOT / "manifests"
PATIENCE_S = 300
# Every check of demisto-sdk 1.39.13 that needs neither the content repository's graph nor the Internet.
XSOAR_CODES = (
    "IN100 IN101 IN102 IN104 IN106 IN107 IN108 IN109 IN110 IN112 IN113 IN114 IN121 IN122 IN123 IN125 IN126 IN127 IN130 "
    "IN131 IN134 IN135 IN139 IN141 IN142 IN144 IN145 IN146 IN149 IN151 IN152 IN153 IN154 IN156 IN158 IN159 IN160 IN161 "
    "IN162 IN163 IN169 IN170 IN171 LO107 PB100 PB101 PB103 PB104 PB105 PB106 PB108 PB109 PB115 PB116 PB121 PB122 PB123 "
    "PB124 PB125 PB126 PB127 PB132 PB134 PB135 PB114 BA100 BA101 BA104 BA105 BA106 BA110 BA111 BA113 BA116 BA118 BA119 "
    "BA126 BA128 AG100 AG101 AG102 AG103 AG104 AG105 AG106 AG107 AG108 AG109 AG110 AG111 AG115 DS100 DS101 DS105 PA100 "
    "PA101 PA102 PA103 PA104 PA105 PA107 PA108 PA109 PA111 PA113 PA115 PA117 PA118 PA119 PA120 PA121 PA123 PA125 PA127 "
    "PA130 PA134 DO101 DO102 SC100 SC105 SC106 RM100 RM102 RM103 RM104 RM105 RM107 RM110 RM113 RM114 RM115 CL100 PR101 "
    "CR102 GF100 GF101 IF100 IF101 IF102 IF103 IF104 IF105 IF106 IF116 IF118 IF119 IM101 IM108 IM111 RP101 RP102 RP103 "
    "IT102 IT103 MR100 MR101 MR106 MR107 MR108 ST110 ST112 ST113 ST114 ST115 TR100 TR101 AS101 AS102 AS103 AS104 AS105 "
    "AS107 AS108 AS109 VC100 VC101 BC115 MC102 PA136 PA137 DO100"
)


def ran(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The exit code and everything that was written."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def built(platform: str, folder: Path) -> Path:
    """The folder with what `manifests build` makes of a platform."""
    program = Path(sys.executable).with_name("botnet-playbook")
    code, text = ran([str(program), "manifests", "build", platform, "-o", str(folder / "built")], ROOT)
    if code:
        raise SystemExit(f"{platform}: manifests build failed\n{text}")
    return folder / "built"


def xsoar(tools: Path, folder: Path) -> tuple[bool, str]:
    """demisto-sdk validate with every check that works offline, then its own zip of the pack."""
    repository = folder / "content"
    shutil.copytree(MANIFESTS / "xsoar", repository)
    (repository / "Config").mkdir()
    for name, approved in (
        ("categories", ["Network Security"]),
        ("tags", {"common": [], "xsoar": [], "marketplacev2": [], "xpanse": []}),
        ("usecases", []),
    ):
        (repository / "Config" / f"approved_{name}.json").write_text(json.dumps({"approved_list": approved}))
    who = ["-c", "user.name=check", "-c", "user.email=check@localhost"]
    for command in (
        ["init", "-q", "-b", "master"],
        ["add", "-A"],
        [*who, "commit", "-qm", "pack"],
        ["remote", "add", "origin", "."],
        ["fetch", "-q", "origin"],
    ):
        code, text = ran(["git", *command], repository)
        if code:
            return False, text
    environment = {
        "CI": "true",
        "DEMISTO_SDK_CONTENT_PATH": str(repository),
        "DEMISTO_SDK_IGNORE_CONTENT_WARNING": "1",
        "DEMISTO_SDK_SKIP_VERSION_CHECK": "1",
        "HOME": str(folder),
    }
    program = str(tools / "demisto" / "bin" / "demisto-sdk")
    pack = "Packs/BotnetBeaconingResponse"
    command = [program, "validate", "-i", pack, "-sv"]
    code, text = ran([*command, ",".join(XSOAR_CODES.split())], repository, environment)
    if code:
        return False, text
    code, text = ran([program, "zip-packs", "-i", pack, "-o", str(folder / "zipped")], repository, environment)
    theirs = next((folder / "zipped").rglob("BotnetBeaconingResponse.zip"), None)
    if code or theirs is None:
        return False, text
    ours = built("xsoar", folder) / "BotnetBeaconingResponse.zip"
    differing = [key for key in ("commands", "dockerimage", "isfetch") if part(ours, key) != part(theirs, key)]
    if differing:
        return False, f"manifests build and zip-packs differ in {', '.join(differing)} of the integration"
    # The checker itself is checked: it passes everything when it does not understand its own arguments.
    broken = repository / pack / "Integrations" / "BotnetPlaybook" / "BotnetPlaybook.yml"
    broken.write_text(broken.read_text(encoding="utf-8") + "nonsense: 1\n", encoding="utf-8")
    code, text = ran([*command, "ST110"], repository, environment)
    return code == 1 and "ST110" in text, text


def part(archive: Path, key: str) -> object:
    """A part of the integration's script in a pack's zip."""
    with zipfile.ZipFile(archive) as pack:
        return yaml.safe_load(pack.read("Integrations/integration-BotnetPlaybook.yml"))["script"][key]


def splunk_es(tools: Path, folder: Path) -> tuple[bool, str]:
    """splunk-appinspect with the tags of Splunk Cloud: no failure and no error, none to come either."""
    (archive,) = built("splunk_es", folder).glob("*.tgz")
    program = str(tools / "appinspect" / "bin" / "splunk-appinspect")
    command = [program, "inspect", str(archive), "--mode", "precert", "--included-tags", "cloud"]
    code, text = ran([*command, "--data-format", "json", "--output-file", "report.json"], folder)
    report = folder / "report.json"
    if code or not report.is_file():
        return False, text
    summary = json.loads(report.read_text(encoding="utf-8"))["summary"]
    good = not any(summary[key] for key in ("failure", "error", "future_failure")) and summary["success"] >= 80
    return good, f"{summary}\n{text}"


def shuffle(tools: Path, folder: Path) -> tuple[bool, str]:
    """Shuffle's SDK runs the app's program alone, against a service that is down: the sentence is its answer."""
    shutil.copytree(MANIFESTS / "shuffle", folder / "app")
    (program,) = (folder / "app").rglob("app.py")
    settings = ["url=http://127.0.0.1:9", "token=t", "address=9.9.9.9"]
    python = str(tools / "shuffle" / "bin" / "python")
    code, text = ran([python, program.name, "--standalone", "--action=look_up_address", *settings], program.parent)
    return code == 0 and '"success": false' in text and "cannot be reached" in text, text


SOAR = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
shims = "soar_sdk.shims.phantom"
for name in ("action_result", "app", "base_connector"):
    sys.modules[f"phantom.{name}"] = importlib.import_module(f"{shims}.{name}")
sys.modules["phantom"] = importlib.import_module(shims)
sys.modules["phantom"].app = sys.modules["phantom.app"]
from botnet_playbook_connector import BotnetPlaybookConnector

config = {"server_url": "http://127.0.0.1:9", "token": "t"}
for identifier in ("look_up_address", "on_poll", "nonsense"):
    one = BotnetPlaybookConnector()
    wish = {"identifier": identifier, "config": config, "parameters": [{"address": "9.9.9.9"}]}
    one._handle_action(json.dumps(wish), 0)
    (result,) = one.get_action_results()
    print(identifier, result.get_status(), result.get_message(), result.get_summary())
"""


def splunk_soar(tools: Path, folder: Path) -> tuple[bool, str]:
    """The connector on Python 3.13 under splunk-soar-sdk's own stand-in for the platform, the service being down."""
    python = tools / "soar" / "bin" / "python"
    if not python.exists():
        return True, "left out: no Python 3.13 was there when the checkers were installed"
    code, text = ran([str(python), "-c", SOAR, str(MANIFESTS / "splunk_soar")], folder)
    down = all(f"{name} False botnet-playbook at" in text for name in ("look_up_address", "on_poll"))
    return code == 0 and down and "nonsense False This app has no action" in text, text


def openapi(tools: Path, folder: Path) -> tuple[bool, str]:
    """openapi-spec-validator over both documents; a broken one is refused."""
    program = str(tools / "openapi" / "bin" / "openapi-spec-validator")
    documents = [str(MANIFESTS / "openapi" / "openapi.json"), str(MANIFESTS / "openapi_3_0" / "openapi-3.0.json")]
    code, text = ran([program, *documents], folder)
    broken = json.loads(Path(documents[1]).read_text(encoding="utf-8"))
    del broken["info"]
    (folder / "broken.json").write_text(json.dumps(broken), encoding="utf-8")
    return code == 0 and ran([program, "broken.json"], folder)[0] != 0, text


CHECKS: dict[str, tuple[str, Callable[[Path, Path], tuple[bool, str]]]] = {
    "xsoar": ("demisto-sdk validate, 181 checks, and zip-packs", xsoar),
    "openapi": ("openapi-spec-validator, 3.1 and 3.0.3", openapi),
    "splunk_es": ("splunk-appinspect with the tags of Splunk Cloud", splunk_es),
    "splunk_soar": ("splunk-soar-sdk's stand-in for the platform, Python 3.13", splunk_soar),
    "shuffle": ("shuffle_sdk runs the app's program", shuffle),
}


def main(tools: Path, names: list[str]) -> int:
    """Run the checks; 1 when one fails or its checker is not installed."""
    failures = 0
    for name in names or CHECKS:
        what, check = CHECKS[name]
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            try:
                good, text = check(tools, Path(folder))
            except (OSError, subprocess.TimeoutExpired) as fault:
                good, text = False, f"the checker does not run: {fault}"
        print(f"{'passed' if good else 'FAILED'}  {name}: {what}")
        if not good:
            failures += 1
        if not good or text.startswith("left out"):
            print(text)
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
