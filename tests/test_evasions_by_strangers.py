"""A public source that nobody called ours is never convicted and gets no step; named in home, it is judged like any."""

from pathlib import Path

import pytest

from playbook.model.case import Run
from playbook.simulate import scenarios
from tests.support.processes import case_of, run_scenario

SERVERS = {"a documentation address": "198.51.100.9", "another": "203.0.113.200", "IPv6": "2001:db8:9::9"}
EVIDENCE = {"listed address": {"feed": ((scenarios.C2, "address"),)}, "nameless and regular": {}, "floods": {}}
_PRIVATE, _OTHER_PREFIX = ("10.0.0.0/8",), ("10.0.0.0/8", "192.0.2.0/28", "2001:db8:1::/48")


def ran(folder: Path, address: str, evidence: str, home: tuple[str, ...]) -> Run:
    """A run over a beacon of this source with that evidence against it."""
    scenario = scenarios.beacon(
        address=address,
        host=address,
        listed=False,
        floods=evidence == "floods",
        networks={"home": home},
        **EVIDENCE[evidence],
    )
    return run_scenario(scenario, folder)


@pytest.mark.parametrize("evidence", EVIDENCE)
@pytest.mark.parametrize("address", SERVERS.values(), ids=SERVERS)
def test_a_public_source_is_convicted_only_where_home_names_it(tmp_path, address, evidence):
    ours = (*_PRIVATE, f"{address}/128" if ":" in address else f"{address}/32")
    for name, home in (("private", _PRIVATE), ("other", _OTHER_PREFIX), ("ours", ours)):
        folder = tmp_path / name
        folder.mkdir()
        run = ran(folder, address, evidence, home)
        case = case_of(run, address)
        if home == ours:
            assert case is not None and case.verdict.disposition == "TRUE_POSITIVE", case
            continue
        assert case is None or (case.verdict.disposition, case.plan) == ("UNDETERMINED", None)
        asked = [ticket for ticket in run.tickets if address in ticket.text]
        assert len(asked) <= 1 and all(ticket.key == "sources:not-in-home" for ticket in asked)
        assert case is None or (case.status == "ticket") == bool(asked)
