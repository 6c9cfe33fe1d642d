"""A name that looks like backup software is a hint, whoever chose it."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import a_beacon, an_enriched


def run_by(*processes, host="ws-31"):
    return an_enriched(detection=a_beacon(processes=processes), host=host)


TABLE = [
    Row("speaks", "veeam agent", run_by("veeamagent.exe"), "hint"),
    Row("speaks", "any of several", run_by("svchost.exe", "BZTransmit.exe"), "hint"),
    Row("near miss", "the word inside another", run_by("notveeam.exe"), "silent"),
    Row("silent", "no process known", run_by(), "silent"),
    Row("silent", "host pattern not configured", run_by(host="veeam-01"), "silent"),
    Row("hostile", "a bot called like it stays a hint", run_by("restic"), "hint"),
    Row("hostile", "shell characters in the name", run_by("[veeam]*\n'\""), "silent"),
]


@rows(TABLE)
def test_backup_name(row):
    assert outcome("backup_name", row.enriched) == row.said


def test_a_configured_host_pattern_hints_and_says_who_wrote_it():
    word = evidence("backup_name", run_by(host="VEEAM-01"), host_patterns=("veeam-*",))
    assert (word.strength, word.role, word.facts[0].written_by) == ("hint", "context", "host")
