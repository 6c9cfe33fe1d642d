"""The checks of the house notice what they are for: each mistake here, planted, is found by one of them."""

import ast
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract

from tests.support.purity import PURE, effects_of

ROOT = Path(__file__).resolve().parents[1]
TYPES = {"layers": LayersContract, "forbidden": ForbiddenContract, "independence": IndependenceContract}

# importer, imported: an arrow that must not exist.
ARROWS = [
    ("playbook.cases.approvals", "playbook.workflows.client"),
    ("playbook.cases.case_rows", "playbook.web.rendering"),
    ("playbook.respond", "playbook.workflows.executor"),
    ("playbook.respond", "playbook.assembly"),
    ("playbook.triage.decide", "playbook.response.plan"),
    ("playbook.triage.decide", "playbook.cases.store"),
    ("playbook.response.plan", "playbook.respond"),
    ("playbook.actions.look_up_host", "playbook.web.auth"),
    ("playbook.platforms.openapi", "playbook.web.action_api"),
    ("playbook.web.auth", "playbook.cli.serve"),
    ("playbook.model.case", "playbook.config"),
    ("playbook.detections.beaconing", "playbook.triage.measure"),
    ("playbook.triage.enrich", "connectors.enrichers.asn"),
    ("playbook.workflows.executor", "connectors.containments.panos"),
    ("playbook.rules.sinkhole", "playbook.rules.threat_feed"),
    ("playbook.rules.sinkhole", "playbook.reference_data.lists"),
    ("playbook.rules.sinkhole", "playbook.config"),
    ("connectors.containments.panos", "playbook.workflows.executor"),
    ("connectors.containments.panos", "playbook.web.startup"),
    ("connectors.containments.panos", "playbook.response.preflight"),
    ("connectors.containments.panos", "playbook.rules"),
    ("connectors.sources.splunk", "connectors.sources.sumologic"),
    ("connectors.sources.splunk", "connectors.enrichers.whois"),
    ("connectors.enrichers.feeds", "connectors.enrichers.lists"),
    ("connectors.sources._siem.follow_up", "connectors.sources.splunk.mapping"),
    ("connectors.http", "connectors.notifiers.slack"),
    ("connectors.clients.sumologic.client", "connectors.sources.sumologic"),
]
# A new module that no floor names.
NEW_MODULES = ["playbook.helpers", "connectors.shared"]
# What a page of pure judgement must not do, by whatever name.
EFFECTS = [
    "from datetime import datetime as moment\n\ndef late() -> object:\n    return moment.now()\n",
    "import datetime\n\nclock = datetime.datetime.utcnow\n",
    "from datetime import date\n\ntoday = date.today\n",
    "import time\n\nstart = time.monotonic()\n",
    "from time import perf_counter as ticks\n",
    "from os import environ\n",
    "import os as system\n",
    "import urllib.request\n",
    "from urllib import request\n",
    "import socket\n",
    "import subprocess\n",
    "import random\n",
    "import importlib\n",
    "def read() -> str:\n    return open('hosts.csv').read()\n",
    "from pathlib import Path\n\ndef read() -> str:\n    return Path('hosts.csv').read_text()\n",
    "reader = open\n",
    "def shout() -> None:\n    print('now')\n",
    "def late() -> object:\n    return __import__('time').time()\n",
]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("playbook", "connectors", include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def contracts(graph):
    found = read_configuration(str(ROOT / "setup.cfg"))
    made = [
        TYPES[options["type"]](options["name"], found["session_options"], options)
        for options in found["contracts_options"]
    ]
    assert not broken(made, graph)
    return made


def broken(contracts, graph: grimp.ImportGraph) -> list[str]:
    """The names of the contracts that this graph does not keep."""
    return [each.name for each in contracts if not each.check(deepcopy(graph), verbose=False).kept]


@pytest.mark.parametrize(("importer", "imported"), ARROWS, ids=lambda name: name)
def test_an_arrow_that_must_not_exist_is_noticed(importer, imported, graph, contracts):
    assert {importer, imported} <= graph.modules, "the table names a module that does not exist"
    planted = deepcopy(graph)
    planted.add_import(importer=importer, imported=imported, line_number=1, line_contents="planted")
    assert any(broken([each], planted) for each in contracts)


@pytest.mark.parametrize("module", NEW_MODULES)
def test_a_module_that_no_floor_names_is_noticed(module, graph, contracts):
    planted = deepcopy(graph)
    planted.add_module(module)
    assert any(broken([each], planted) for each in contracts)


@pytest.mark.parametrize("text", EFFECTS)
def test_an_effect_in_a_pure_module_is_noticed(text):
    assert effects_of(ast.parse(text))


@pytest.mark.parametrize("pattern", PURE)
def test_pure_modules_have_no_effects(pattern):
    paths = sorted(ROOT.glob(pattern))
    assert paths, f"{pattern} matches no module"
    faults = {path.name: effects_of(ast.parse(path.read_text(encoding="utf-8"))) for path in paths}
    assert {name: found for name, found in faults.items() if found} == {}
