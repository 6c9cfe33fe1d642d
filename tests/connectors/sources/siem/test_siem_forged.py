"""Forged senders and claimed names over a SIEM: they frame nobody, excuse nobody, and hide nothing."""

from pathlib import Path

import pytest

from playbook.model.case import JudgedDetection
from playbook.response.guardrails import Allowed, NeverBlockPolicy, evaluate_step
from tests.support.siem_fixtures import BOT, C2, FEED, HOST, SIEMS, calls, every, judged

pytestmark = [pytest.mark.loopback, pytest.mark.parametrize("kind", SIEMS)]
STRANGER = "10.0.0.66"


def isolated(one: JudgedDetection) -> bool:
    """Whether the gate would let the host be isolated."""
    return isinstance(evaluate_step("isolate_host", one.enriched, NeverBlockPolicy()), Allowed)


def test_the_bot_itself_may_be_isolated(kind: str, tmp_path: Path) -> None:
    one = judged(kind, calls(every(300)), tmp_path, FEED)
    assert (one.verdict.disposition, isolated(one)) == ("TRUE_POSITIVE", True)


def test_packets_in_the_name_of_an_innocent_host_isolate_nobody(kind: str, tmp_path: Path) -> None:
    """Whoever writes a listed address into packets with another's sender gets no answer back."""
    one = judged(kind, calls(every(300), answered=False), tmp_path, FEED)
    assert not isolated(one)


def test_counters_that_are_missing_answer_for_nobody(kind: str, tmp_path: Path) -> None:
    silent = [event._replace(bytes_rcvd=None, bytes_total=None) for event in calls(every(300))]
    assert not isolated(judged(kind, silent, tmp_path, FEED))


def test_a_claimed_name_isolates_neither_its_owner_nor_the_claimant(kind: str, tmp_path: Path) -> None:
    one = judged(kind, calls(every(300), src=STRANGER, hostname=HOST), tmp_path, FEED)
    assert one.verdict.disposition == "TRUE_POSITIVE" and not isolated(one)


def test_a_claimed_name_brings_neither_the_owner_s_programs_nor_his_excuses(kind: str, tmp_path: Path) -> None:
    """The unsigned program is one of HOST's: a stranger that calls itself so is not convicted by it."""
    claimed = judged(kind, calls(every(300), src=STRANGER, hostname=HOST), tmp_path)
    plain = judged(kind, calls(every(300), src=STRANGER, hostname="pc-8"), tmp_path)
    owner = judged(kind, calls(every(300)), tmp_path)
    assert claimed.verdict.disposition == plain.verdict.disposition == "UNDETERMINED"
    assert owner.verdict.disposition == "TRUE_POSITIVE"


def test_many_senders_of_one_packet_make_nothing_popular_or_clean(kind: str, tmp_path: Path) -> None:
    """Nothing came back to any of them: they use nothing, and only the bot holds a conversation."""
    forged = [event for n in range(60) for event in calls([1000.0 + n], src=f"10.0.1.{n}", hostname="", answered=False)]
    one = judged(kind, calls(every(300)) + forged, tmp_path)
    assert one.verdict.disposition == "TRUE_POSITIVE"
    assert [one.enriched.known(n) for n in ("hosts_using", "hosts_answered", "active_hosts")] == [1, 1, 61]


def test_strangers_and_senders_over_udp_make_nothing_popular(kind: str, tmp_path: Path) -> None:
    """An answer over UDP goes to whoever holds the address; what is not ours is no host of ours."""
    over_udp = [
        event._replace(proto="udp") for n in range(60) for event in calls([1000.0 + n], src=f"10.0.1.{n}", hostname="")
    ]
    strangers = [event for n in range(60) for event in calls([2000.0 + n], src=f"198.51.100.{n}", hostname="")]
    one = judged(kind, calls(every(300)) + over_udp + strangers, tmp_path)
    assert one.verdict.disposition == "TRUE_POSITIVE"
    assert [one.enriched.known(n) for n in ("hosts_answered", "active_hosts")] == [1, 61]


def test_a_destination_that_many_hosts_speak_with_is_left_to_a_person(kind: str, tmp_path: Path) -> None:
    """As over a log: what a large part of our hosts speaks with is rarely a command server."""
    many = [event for n in range(60) for event in calls([1000.0 + n], src=f"10.0.1.{n}", hostname="")]
    one = judged(kind, calls(every(300)) + many, tmp_path)
    assert one.verdict.disposition == "UNDETERMINED"
    assert "prevalent_destination" in {evidence.rule for evidence in one.verdict.evidence}


def test_packets_forged_into_the_bot_s_own_tuple_take_no_rhythm_away(kind: str, tmp_path: Path) -> None:
    """One unanswered packet a quarter of an hour, in the bot's name, from the bot or from anybody."""
    forged = calls([450.5 + n * 1111 for n in range(70)], answered=False)
    one = judged(kind, calls(every(300)) + forged, tmp_path)
    assert one.verdict.disposition == "TRUE_POSITIVE" and one.enriched.detection.src_ip == BOT
    assert one.enriched.detection.dst_ip == C2


def test_a_packet_without_a_counter_takes_no_rhythm_away(kind: str, tmp_path: Path) -> None:
    """A log that counts payload alone has no number for an attempt that nobody answered."""
    bare = [event._replace(bytes_sent=None, bytes_total=None) for event in calls([450.0, 40_450.0], answered=False)]
    assert judged(kind, calls(every(300)) + bare, tmp_path).verdict.disposition == "TRUE_POSITIVE"


def test_sizes_that_are_mostly_unknown_stay_unknown(kind: str, tmp_path: Path) -> None:
    half = [event._replace(bytes_sent=None) if n % 2 else event for n, event in enumerate(calls(every(300)))]
    one = judged(kind, half, tmp_path)
    assert one.enriched.known("beacon_score") is None and one.verdict.disposition == "UNDETERMINED"
