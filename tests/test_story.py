"""The whole story over the shipped sample: every host comes out as the sample promises, with true reasons."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import playbook.sample
from playbook.__main__ import cli
from playbook.simulate.sample_day import EXPECTED
from tests.support.processes import case_of, run_config

SAMPLE = Path(next(iter(playbook.sample.__path__))) / "sample.toml"


@pytest.fixture(scope="module")
def run():
    return run_config(SAMPLE)


@pytest.mark.parametrize("host", sorted(EXPECTED))
def test_every_host_of_the_sample_comes_out_as_promised(run, host):
    expected = EXPECTED[host]
    if expected.filter:
        assert case_of(run, host) is None
        taken = {(g.filter, g.disposition) for g in run.filtered if g.host == host}
        assert taken == {(expected.filter, expected.disposition)}
        return
    case = case_of(run, host)
    assert case is not None
    assert (case.verdict.disposition, case.status) == (expected.disposition, expected.status), case.verdict.reasons
    assert bool(case.not_blockable) is not expected.blockable or case.verdict.disposition != "TRUE_POSITIVE"


def test_nobody_else_has_a_case(run):
    assert {case.host for case in run.cases} <= EXPECTED.keys()
    assert {g.host for g in run.filtered} <= EXPECTED.keys()


def test_plans_name_only_true_positives_and_carry_their_digest(run):
    for case in run.cases:
        assert (case.plan is not None) <= (case.verdict.disposition == "TRUE_POSITIVE")
        if case.plan is not None:
            assert case.plan.plan_id == f"P-{case.plan.digest[:12]}"
            assert all(step.ttl_s > 0 for step in case.plan.steps)


def test_the_command_line_prints_one_json_document_and_writes_the_report(tmp_path):
    done = CliRunner().invoke(cli, ["run", "--config", str(SAMPLE), "--dry-run", "--json", "--report", str(tmp_path)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["complete"] is True
    assert {c["host"] for c in told["cases"]} == {h for h, e in EXPECTED.items() if not e.filter}
    assert all((tmp_path / f"{c['case_id']}.html").is_file() for c in told["cases"])


def test_running_twice_says_the_same(run):
    assert run_config(SAMPLE) == run
