"""The sentences, the advice and the raw-rows command say what is true of a case."""

import shlex
import subprocess
from datetime import UTC, datetime

import pytest

from playbook.model.case import CaseVerdict
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import HostRecord
from playbook.model.response import Step
from playbook.report.raw_events import over, zgrep_command
from playbook.report.remediation import remediation
from playbook.report.view_models import answer_words, blast_radius
from playbook.report.wording import deciding_rung, proposal, severity, step_words, techniques
from tests.support.builders import a_case, a_detection, a_judged, a_traffic, a_verdict, an_evidence, at


def a_judgement(disposition: str, confidence: str, status: str, roles: tuple[str, ...] = (), **change):
    verdict = a_verdict(disposition=disposition, confidence=confidence, status=status, **change)
    record = HostRecord(hostname="h", roles=roles) if roles else None
    return a_case(a_judged(None, verdict), record=record)


@pytest.mark.parametrize(
    ("disposition", "confidence", "status", "ours"),
    [
        ("TRUE_POSITIVE", "high", "proposed", "critical"),
        ("TRUE_POSITIVE", "medium", "proposed", "high"),
        ("TRUE_POSITIVE", "low", "proposed", "medium"),
        ("UNDETERMINED", "low", "ticket", "medium"),
        ("UNDETERMINED", "low", "watch", "low"),
        ("BENIGN_POSITIVE", "high", "closed", "informational"),
        ("FALSE_POSITIVE", "high", "closed", "none"),
    ],
)
def test_severity(disposition, confidence, status, ours):
    assert severity(a_judgement(disposition, confidence, status)) == ours


@pytest.mark.parametrize(
    ("services", "port", "seen"),
    [
        ((), 443, {"T1584.005": "inferred", "T1071": "inferred"}),
        (("irc",), 6667, {"T1584.005": "inferred", "T1071": "observed"}),
        (("irc",), 443, {"T1584.005": "inferred", "T1071": "observed", "T1571": "observed"}),
        (("ssl",), 8081, {"T1584.005": "inferred", "T1071": "observed", "T1571": "observed"}),
        (("ssl",), 443, {"T1584.005": "inferred", "T1071": "observed"}),
        (("unheard-of",), 8081, {"T1584.005": "inferred", "T1071": "observed"}),
    ],
)
def test_techniques_say_what_was_observed_and_what_is_inferred(services, port, seen):
    found = techniques(a_detection(services=services, dst_port=port))
    assert {t.technique: t.basis for t in found} == seen


def test_the_deciding_rung_is_that_of_the_worst_detections():
    benign = a_verdict(disposition="BENIGN_POSITIVE", rung=2)
    assert deciding_rung(a_case(a_judged(None, a_verdict(rung=4)), a_judged(None, benign))) == 4


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ticket", "ticket"),
        ("watch", "watch; judged again each run"),
        ("closed", "close"),
        ("proposed", "contain by hand: no step was planned"),
    ],
)
def test_a_case_always_proposes_something(status, said):
    verdict = CaseVerdict(disposition="UNDETERMINED", confidence="low", reasons=("x",))
    assert proposal(a_case(status=status, verdict=verdict, plan=None)) == (said,)


@pytest.mark.parametrize(
    ("roles", "needed", "absent"),
    [
        (("camera",), "Factory reset".lower(), "memory image"),
        (("domain_controller",), "krbtgt", "factory reset"),
        (("database", "server"), "service accounts", "factory reset"),
        ((), "Re-image: yes".lower(), "factory reset"),
    ],
)
def test_advice_for_a_true_positive_follows_the_role(roles, needed, absent):
    said = " ".join(
        line for a in remediation(a_judgement("TRUE_POSITIVE", "high", "proposed", roles)) for line in a.steps
    )
    assert needed in said.lower()
    assert absent not in said.lower()
    assert "Copy the raw rows of this host from 2026-11-22" in said


@pytest.mark.parametrize(
    ("disposition", "status", "needed"),
    [
        ("UNDETERMINED", "ticket", "Do not reset accounts or re-image"),
        ("UNDETERMINED", "watch", "owns the sockets"),
        ("BENIGN_POSITIVE", "closed", "Nothing to contain"),
        ("FALSE_POSITIVE", "closed", "No host is to be touched"),
    ],
)
def test_nobody_is_told_to_reimage_without_a_true_positive(disposition, status, needed):
    said = " ".join(line for a in remediation(a_judgement(disposition, "low", status)) for line in a.steps)
    assert needed in said
    assert "Re-image: yes" not in said and "krbtgt" not in said


def test_a_policy_question_is_told_as_one():
    policy = an_evidence(leans="policy")
    case = a_judgement("BENIGN_POSITIVE", "high", "closed", evidence=(policy,))
    assert "question of policy" in remediation(case)[0].steps[0]


@pytest.mark.parametrize(
    ("kind", "target", "said"),
    [
        ("block_pair", "10.20.0.31>203.0.113.66:6667", "this host only; 7 hosts of ours used 203.0.113.66"),
        ("block_address", "203.0.113.66", "every host of ours; 7 hosts of ours used 203.0.113.66"),
        ("block_address", "198.51.100.1", "every host of ours; how many of our hosts use 198.51.100.1 is unknown"),
        ("isolate_host", "inv-1", "everything this host does; no other host"),
    ],
)
def test_blast_radius(kind, target, said):
    found = a_detection()
    case = a_case(a_judged(found, traffic=a_traffic(found, hosts_using=7)))
    assert blast_radius(case, Step(kind=kind, target=target, scope="", ttl_s=60)).startswith(said)


def test_blast_radius_of_an_ipv6_pair():
    found = a_detection(dst_ip="2001:db8::5", dst_port=443)
    case = a_case(a_judged(found, traffic=a_traffic(found, hosts_using=2)))
    step = Step(kind="block_pair", target="2001:db8:1::1>[2001:db8::5]:443", scope="", ttl_s=60)
    assert "2 hosts of ours used 2001:db8::5" in blast_radius(case, step)


def test_a_period_without_ends_is_told_as_no_limit():
    always = TimeWindow(start=datetime(1900, 1, 1, tzinfo=UTC), end=datetime(3000, 1, 1, tzinfo=UTC))
    record = HostRecord(hostname="h", address_periods=(always, TimeWindow(start=at(1), end=at(2))))
    assert answer_words(record) == (
        "host record: hostname h · address periods no limit to no limit, 2026-11-23 01:00 to 2026-11-23 02:00"
    )


def test_an_isolated_host_is_named():
    step = Step(kind="isolate_host", target="A-1", scope="cam-01, the whole machine", ttl_s=28800)
    assert step_words(step) == "isolate host A-1 (cam-01, the whole machine) for 8 h"


def test_answers_read_as_words_without_empty_fields():
    assert answer_words(HostRecord(hostname="h", roles=("a", "b"))) == "host record: hostname h · roles a, b"


def test_the_raw_command_finds_the_rows_and_only_those(tmp_path):
    folder = tmp_path / "it's; logs"
    folder.mkdir()
    rows = (
        "1\t10.0.0.5\t203.0.113.9",
        "2\t10.0.0.50\t203.0.113.9",
        "3\t10.0.0.5\t203.0.113.99",
        "4\t110.0.0.5\t203.0.113.9",
    )
    (folder / "conn.log").write_text("\n".join(rows) + "\n")
    command = over((str(folder),))(a_detection(src_ip="10.0.0.5", dst_ip="203.0.113.9"))
    done = subprocess.run(["/bin/sh", "-c", command or ""], capture_output=True, text=True, timeout=10)
    assert done.stdout == rows[0] + "\n"


def test_the_raw_command_quotes_everything_from_outside():
    command = zgrep_command(a_detection(src_ip="x; rm -rf /", dst_ip="$(id)"), ("-delete", "a b"))
    assert shlex.split(command) == [
        "find",
        "./-delete",
        "a b",
        "-type",
        "f",
        "-exec",
        "zgrep",
        "-hwF",
        "-e",
        "x; rm -rf /",
        "{}",
        "+",
        "|",
        "grep",
        "-wF",
        "-e",
        "$(id)",
    ]
