"""What tune says of another threshold or exception is what a run with it would do; nothing is asked a second time."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import playbook.sample
from playbook import config, suppressions
from playbook.assembly import Assembled, assemble
from playbook.cli import _backtest
from playbook.cli._backtest import BacktestResult, History, Setting
from playbook.model.site import ExceptionEntry
from tests.support.processes import NOW, run_config

SAMPLE = Path(next(iter(playbook.sample.__path__)))


class Counted:
    """Stands before a source or an enricher and counts what it is asked."""

    def __init__(self, real: object) -> None:
        self.real, self.calls = real, Counter()

    def __getattr__(self, name: str) -> object:
        found = getattr(self.real, name)
        if not callable(found):
            return found

        def counted(*arguments: object) -> object:
            self.calls[name] += 1
            return found(*arguments)

        return counted


@pytest.fixture(scope="module")
def assembled() -> Assembled:
    read = config.read(SAMPLE / "sample.toml")
    made = assemble(read, "sample.toml", next(iter(read.sources.items())), NOW)
    toolkit = replace(
        made.toolkit, source=Counted(made.toolkit.source), enrichers=tuple(map(Counted, made.toolkit.enrichers))
    )
    return made._replace(toolkit=toolkit)


@pytest.fixture(scope="module")
def history(assembled: Assembled) -> History:
    return _backtest.read(assembled.toolkit, assembled.site, assembled.terms, None)


@pytest.fixture(scope="module")
def before(history: History, assembled: Assembled) -> BacktestResult:
    return _backtest.backtest(history, assembled.terms)


def ended(path: Path) -> dict[str, str]:
    """How the hosts of a whole run end."""
    run = run_config(path)
    return {one.host: _backtest.FILTERED for one in run.filtered} | {case.host: case.status for case in run.cases}


def test_as_configured_it_is_what_a_run_says(before: BacktestResult) -> None:
    assert before.hosts == ended(SAMPLE / "sample.toml")
    assert before.counts == {"proposed": 5, "ticket": 2, "closed": 10, "filtered": 3}


def test_every_number_that_changes_something_is_what_a_run_with_it_says(
    history: History, assembled: Assembled, before: BacktestResult, tmp_path: Path
) -> None:
    flipping: dict[str, Setting] = {}
    for setting in _backtest.settings(assembled.terms.rules):
        if _backtest.changes(before, _backtest.backtest_setting(history, assembled.terms, setting, before)):
            flipping[f"{setting.rule}.{setting.parameter}"] = setting
    assert set(flipping) >= {"steady_interval.least_score", "backup_agent.most_bytes", "peer_to_peer.least_peers"}
    shutil.copytree(SAMPLE, tmp_path / "sample", ignore=shutil.ignore_patterns("__pycache__"))
    text = (SAMPLE / "sample.toml").read_text(encoding="utf-8")
    for setting in flipping.values():
        changed = tmp_path / "sample" / "changed.toml"
        changed.write_text(f"{text}\n[policy.rules.{setting.rule}]\n{setting.parameter} = {setting.became}\n")
        assert _backtest.backtest_setting(history, assembled.terms, setting, before).hosts == ended(changed), setting


def test_the_exceptions_of_a_candidate_do_what_is_told(
    history: History, assembled: Assembled, before: BacktestResult, tmp_path: Path
) -> None:
    found = _backtest.candidates(before)
    assert {one.destination for one in found} == {"192.0.2.70", "203.0.113.71"}
    folder = shutil.copytree(SAMPLE, tmp_path / "sample", ignore=shutil.ignore_patterns("__pycache__"))
    kept = folder / config.read(folder / "sample.toml").policy.exceptions
    entered = suppressions.read(kept)
    for one in found:
        tried = _backtest.entries(one, history.site, assembled.terms.rules)
        assert tried
        after = _backtest.backtest(history, assembled.terms, tried)
        assert _backtest.changes(before, after)
        suppressions.write(kept, (*entered, *tried))
        assert after.hosts == ended(folder / "sample.toml")


def test_what_is_convicted_is_no_candidate(before: BacktestResult) -> None:
    convicted = {
        one.enriched.detection.dst_ip
        for case in before.cases
        for one in case.detections
        if case.verdict.disposition == "TRUE_POSITIVE"
    }
    assert convicted and not convicted & {one.destination for one in _backtest.candidates(before)}


def test_what_an_exception_covers_is_a_host_and_a_port_and_never_longer_than_allowed(
    history: History, before: BacktestResult, assembled: Assembled
) -> None:
    entered = {one: _backtest.entries(one, history.site, assembled.terms.rules) for one in _backtest.candidates(before)}
    assert len(entered) == 2 and all(entered.values())
    for one, entries in entered.items():
        for entry in entries:
            assert isinstance(entry, ExceptionEntry) and suppressions.faults_of(entry) == ()
            assert (entry.indicator, entry.port) == ("", one.port) and entry.source in one.sources


def test_the_source_is_read_once_and_each_number_is_judged_as_if_afresh(
    history: History, assembled: Assembled, before: BacktestResult
) -> None:
    terms, rules = assembled.terms, assembled.terms.rules
    assert len(list(_backtest.settings(rules))) > 50
    for setting in _backtest.settings(rules):
        afresh = replace(terms, rules=replace(rules, params={**rules.params, setting.rule: setting.params}))
        assert (
            _backtest.backtest_setting(history, terms, setting, before).cases
            == _backtest.backtest(history, afresh).cases
        ), setting
    assert assembled.toolkit.source.calls == {"fetch": 1, "traffic": 1}
    asked = {one.name: one.calls["look_up"] for one in assembled.toolkit.enrichers}
    # Local ones are asked about hosts and addresses, then about the names that the traffic showed.
    assert max(asked.values()) <= 3, asked


def test_every_number_is_tried_at_other_values_that_its_rule_accepts(assembled: Assembled) -> None:
    rules = assembled.terms.rules
    tried = list(_backtest.settings(rules))
    numbers = {
        (name, parameter)
        for name, params in rules.params.items()
        for parameter, value in params
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    assert numbers and {(one.rule, one.parameter) for one in tried} == numbers
    assert len({(one.rule, one.parameter, one.became) for one in tried}) == len(tried), "tried twice"
    for one in tried:
        assert one.became != one.was and getattr(one.params, one.parameter) == one.became
        others = {name: value for name, value in one.params if name != one.parameter}
        assert others.items() <= dict(rules.params[one.rule]).items()


@pytest.mark.parametrize(
    ("rule", "parameter", "now", "tried"),
    [
        ("exception", "longest_days", 300, [150, 240, 366]),
        ("threat_feed", "fresh_days", 2000, [1000, 1600, 2500, 3650]),
        ("load_test", "least_share", 0.9, [0.45, 0.72, 1.0]),
        ("rare_destination", "most_hosts", 1, [2]),
        ("prevalent_destination", "least_hosts", 2, [3, 4]),
    ],
)
def test_a_value_past_its_bound_is_tried_at_the_bound(
    assembled: Assembled, rule: str, parameter: str, now: float, tried: list[float]
) -> None:
    rules = assembled.terms.rules
    params = type(rules.params[rule]).model_validate({**rules.params[rule].model_dump(), parameter: now})
    rules = replace(rules, params={**rules.params, rule: params})
    assert [one.became for one in _backtest.settings(rules) if (one.rule, one.parameter) == (rule, parameter)] == tried


def test_scores_count_every_detection_once(history: History, before: BacktestResult) -> None:
    counts = _backtest.by_score(before, history)
    assert sum(sum(row.values()) for row in counts.values()) == len(history.detections) == 21
    assert counts[1]["filtered"] == 4
