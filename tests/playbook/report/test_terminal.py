"""The terminal table fits, says what is silent, and shows hostile text harmless."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from playbook.model.case import Case, Run
from playbook.model.detection import SourceHealth
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable
from playbook.model.verdict import FilteredDetection
from playbook.report.terminal import render
from tests.playbook.report.hostile import HOSTILE
from tests.playbook.report.showcase import silent, whole
from tests.support.builders import a_case, a_detection, a_judged, a_run, a_traffic, a_verdict, an_evidence, at


def shown(run: Run, width: int = 140, **options) -> str:
    out = io.StringIO()
    render(run, Console(file=out, width=width, **options), "Next: botnet-playbook tune")
    return out.getvalue()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [40, 80, 115, 140, 200])
def test_fits_the_width_and_keeps_the_order(width):
    text = shown(whole(), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    hosts = ("cam-lobby-01", "ws-114", "veeam-01", "10.20.5.201", "db-02")
    places = [text.index(host) for host in hosts]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [80, 140])
def test_says_everything_a_reader_needs(width):
    text = words(shown(whole(), width))
    for needed in (
        "184,233 rows read (3 rejected)",
        "complete",
        "1 warning",
        "owner: Finance",
        "True positive",
        "medium",
        "203.0.113.66:6667/tcp",
        "watch; judged again each run",
        "close",
        "feeds: connection refused after 20 s",
        "EX-4",
        "G3 DNS or NTP to a known service: 12",
        "no inventory is configured (1 case)",
    ):
        assert needed in text
    assert text.rstrip().endswith("Next: botnet-playbook tune")
    assert text.count("connection refused after 20 s") == 1


def test_plan_not_blockable_and_by_hand_are_told():
    text = words(shown(whole(), 200))
    assert "propose block pair" in text and "for 4 h" in text
    assert "not blockable: 198.51.100.20" in text
    assert "contain by hand:" in text


def test_no_colour_in_a_pipe_and_colour_on_a_terminal():
    assert "\x1b" not in shown(whole())
    assert "\x1b[" in shown(whole(), force_terminal=True, color_system="standard")


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("run", [silent(), whole(complete=False)], ids=["no case", "cases"])
def test_an_incomplete_run_is_never_called_free_of_beaconing(run, width):
    text = words(shown(run, width)).lower()
    assert "no beaconing" not in text
    assert "incomplete" in text


def test_an_incomplete_run_says_what_is_silent():
    text = words(shown(silent()))
    assert "Silent for 2 hours (UTC): 2026-11-23 03:00, 2026-11-23 04:00." in text
    assert "The newest event is of 2026-11-23 20:00" in text
    nothing = a_run(complete=False, health=SourceHealth(complete=False)).model_copy(update={"cases": ()})
    assert "The source returned no row at all." in words(shown(nothing))


def test_a_complete_run_without_cases_may_say_so():
    clean = a_run(health=SourceHealth(rows_read=5, newest_event=at(23))).model_copy(update={"cases": ()})
    assert "No beaconing needs a case" in shown(clean)


def hostile_run(text: str) -> Run:
    found = a_detection(hostname=text, processes=(text,))
    evidence = an_evidence(reason=text, missing=(text,))
    verdict = a_verdict(reasons=(text,), evidence=(evidence,), missing=(text,), would_change=(text,))
    case = a_case(a_judged(found, verdict, host=text, traffic=a_traffic(found, other_hosts=(text,))), host=text)
    filtered = FilteredDetection(
        host=text, dst_ip=text, dst_port=53, filter="G3", disposition="BENIGN_POSITIVE", reason=text
    )
    return a_run(case, source=text, warnings=(text,), filtered=(filtered,), exceptions_expired=(text,))


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_harmless(text, width):
    out = shown(hostile_run(text), width, force_terminal=True, color_system="truecolor")
    visible = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert not any(ord(c) < 32 and c != "\n" for c in visible)
    assert not any(c in visible for c in "\u202e\u2066\u200b\x9b\x7f")
    assert all(cell_len(line) <= width for line in visible.splitlines())
    assert "\x1b]8" not in out and "[31mred" not in out


def test_markup_in_a_host_name_is_not_read():
    assert "[bold red]" in shown(a_run(a_case(host="[bold red]x[/]")))


@pytest.mark.parametrize("width", [80, 140])
def test_what_is_left_out_of_a_list_is_counted_and_is_no_destination(width):
    found = [a_judged(a_detection(dst_ip=f"203.0.113.{n}")) for n in range(1, 8)]
    text = words(shown(a_run(a_case(*found)), width))
    assert "and 4 more" in text and "to and" not in text and "> and" not in text


def test_the_first_rejected_rows_are_shown_with_their_line():
    health = SourceHealth(rows_read=5, rows_rejected=9, rejected_examples=("conn.log:7: ts: not a number",))
    assert "rejected: conn.log:7: ts: not a number" in shown(a_run(health=health))


def test_very_many_cases_are_cut_and_counted():
    many = a_run(*(a_case(case_id=f"C-{n:012x}", host=f"ws-{n:03}") for n in range(60)))
    text = shown(many)
    assert "ws-049" in text and "ws-050" not in text
    assert "and 10 cases more" in text


def test_quiet_cases_that_say_the_same_share_a_row_and_loud_ones_never_do():
    quiet = a_judged(None, a_verdict(disposition="UNDETERMINED", confidence="low", rung=6, status="watch"))
    watched = [a_case(quiet, case_id=f"C-{n:012x}", host=f"ws-{n}") for n in range(6)]
    text = words(shown(a_run(*watched), 200))
    assert all(f"ws-{n}" in text for n in range(6))
    assert "6 cases" in text and text.count("watch; judged again each run") == 1
    loud = [a_case(case_id=f"C-{n:012x}", host=f"ws-{n}") for n in range(6)]
    assert words(shown(a_run(*loud), 200)).count("propose block pair") == 6


def an_unread(host: str, missing: tuple[str, ...] = ()) -> Case:
    """A case whose backup sessions could not be read, and what it lacked beside."""
    about = Observable(kind="host", value=host, role="source")
    dead = Enrichment(enricher="backups", topic="backup_sessions", observable=about, unavailable="s.csv: not there")
    verdict = a_verdict(
        disposition="UNDETERMINED",
        confidence="low",
        rung=5,
        status="ticket",
        missing=("backups: s.csv: not there", *missing),
    )
    return a_case(a_judged(None, verdict, host=host, enrichments=(dead,)), case_id=f"C-{host}", host=host)


def test_one_fault_stands_under_one_heading():
    run = a_run(an_unread("ws-1"), an_unread("ws-2"))
    assert words(shown(run)).count("s.csv: not there") == 1 and "Missing" not in shown(run)
    warned = run.model_copy(update={"warnings": ("enrichers.backups: sessions: s.csv: not there",)})
    assert words(shown(warned)).count("s.csv: not there") == 1
    assert "did not answer" not in shown(warned)


def test_what_is_not_configured_is_one_line():
    absent = ("not configured: threat feed", "not configured: host inventory")
    text = words(shown(a_run(an_unread("ws-1", absent), an_unread("ws-2", absent))))
    assert "not configured: threat feed, host inventory (2 cases)" in text and text.count("not configured") == 1


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_number_stands_on_the_line_of_its_unit_and_no_label_is_torn(width):
    lines = [line.strip() for line in shown(whole(), width).splitlines()]
    assert not any(re.match(r"(h|min|warnings?)( |$)", line) for line in lines), lines
    assert any("for 4 h" in line for line in lines)
    assert all(any(case.case_id in line for line in lines) for case in whole().cases if case.status == "proposed")


@pytest.mark.parametrize("width", [80, 160])
def test_each_case_says_what_was_counted_and_a_watched_one_what_would_turn_it(width):
    near = a_verdict(
        disposition="UNDETERMINED",
        status="watch",
        rung=6,
        reasons=("nothing else",),
        would_change=("a destination that no name leads to",),
    )
    watched = a_case(a_judged(a_detection(), verdict=near), status="watch", host="ws-77")
    text = words(shown(a_run(watched), width))
    assert "would turn it:" in text
    assert "connections, " in text and " to " in text
    convicted = words(shown(a_run(a_case(a_judged())), width))
    assert "would turn it" not in convicted and "connections, " in convicted
