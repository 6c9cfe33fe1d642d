"""The plan: only for what is TRUE_POSITIVE, the narrowest step that passes, one host, and a digest without a clock."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.model.enrichment import ListEntry
from playbook.response.guardrails import Allowed, NeverBlockPolicy, evaluate_step
from playbook.response.plan import NARROWEST_FIRST, ResponseCapabilities, propose_plan, with_digest, with_ttl
from tests.support.builders import (
    DESTINATION,
    NOW,
    SOURCE,
    a_beacon,
    a_judged,
    a_record,
    a_site,
    a_verdict,
    an_enriched,
    said,
    silent,
)
from tests.support.containment_fixtures import BARRIERS, enriched
from tests.support.examples import examples

ALL = dict.fromkeys(NARROWEST_FIRST, "any")
DISPOSITIONS = ("TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE")


def means(**change):
    values = {
        "block_ttl_s": 14400,
        "isolate_ttl_s": 28800,
        "policy_version": 1,
        "barriers": NeverBlockPolicy(),
        "offers": {},
    }
    return ResponseCapabilities(**(values | change))


def judged(one, disposition="TRUE_POSITIVE"):
    return a_judged().model_copy(update={"enriched": one, "verdict": a_verdict(disposition=disposition)})


def bot(destination=DESTINATION, *, category=None, record=None, source=SOURCE, site=None, **change):
    entries = (ListEntry(name="a list", category=category),) if category else ()
    words = (
        said("lists", *entries, about=destination, role="destination"),
        said("operator", about=destination, role="destination"),
    )
    words += (said("host", record, about=source),) if record else ()
    detection = a_beacon(dst_ip=destination, src_ip=source, **change)
    return an_enriched(*words, detection=detection, site=site or a_site())


def proposed(*ones, case="C-1", host="ws-31", **change):
    return propose_plan(case, host, [judged(o) for o in ones], means(**change))


def digest(*ones, **change):
    return proposed(*(ones or (bot(),)), **change).plan.digest


def kinds(proposal):
    return [s.kind for s in proposal.plan.steps] if proposal.plan else []


def test_the_narrowest_kind_that_passes_is_taken():
    assert kinds(proposed(bot(record=a_record()))) == ["block_pair"]
    assert kinds(proposed(bot(record=a_record(), category="cdn"))) == ["isolate_host"]
    assert kinds(proposed(bot(), offers={"block_address": "edl"})) == ["block_address"]


def test_what_convicts_only_the_host_blocks_no_destination():
    verdict = a_verdict(about="host")
    listed = a_judged().model_copy(update={"enriched": bot(record=a_record()), "verdict": verdict})
    assert kinds(propose_plan("C-1", "ws-31", [listed], means())) == ["isolate_host"]
    unlisted = a_judged().model_copy(update={"enriched": bot(), "verdict": verdict})
    proposal = propose_plan("C-1", "ws-31", [unlisted], means())
    assert proposal.plan is None and proposal.by_hand[0].startswith(f"contain {SOURCE} by hand")
    assert "not this destination" in proposal.by_hand[0]


def test_a_listed_name_blocks_no_address_that_other_names_lead_to():
    verdict = a_verdict(about="name")
    one = a_judged().model_copy(update={"enriched": bot(record=a_record()), "verdict": verdict})
    proposal = propose_plan("C-1", "ws-31", [one], means())
    assert not {"block_pair", "block_address"} & set(kinds(proposal)) and kinds(proposal)


def test_a_kind_that_no_containment_offers_is_not_proposed():
    proposal = proposed(bot(record=a_record()), offers={"isolate_host": "edr"})
    assert [(s.kind, s.connector) for s in proposal.plan.steps] == [("isolate_host", "edr")]


def test_where_nothing_passes_a_person_is_told_why():
    proposal = proposed(bot(category="cdn"))
    assert proposal.plan is None
    assert [n.address for n in proposal.not_blockable] == [DESTINATION]
    assert "CDN" in proposal.by_hand[0] and "inventory" in proposal.by_hand[0] and DESTINATION in proposal.by_hand[0]


def test_lists_that_cannot_be_read_stop_the_block():
    one = an_enriched(silent("lists", DESTINATION), said("operator", about=DESTINATION))
    assert proposed(one).plan is None


@pytest.mark.parametrize("disposition", DISPOSITIONS[1:])
def test_only_true_positives_enter_a_plan(disposition):
    proposal = propose_plan("C-1", "ws-31", [judged(bot(), disposition)], means())
    assert (proposal.plan, proposal.not_blockable, proposal.by_hand) == (None, (), ())


def test_one_plan_isolates_one_host_even_when_two_share_a_name():
    other = bot(category="cdn", source="10.20.0.32", record=a_record(host_id="H-32"))
    proposal = proposed(bot(category="cdn", record=a_record()), other)
    assert [s.target for s in proposal.plan.steps] == ["H-31"]
    assert "10.20.0.32" in proposal.by_hand[0]


def test_many_destinations_are_bounded_and_the_rest_is_told():
    proposal = proposed(*(bot(f"203.0.113.{n}") for n in range(60)))
    assert len(proposal.plan.steps) == 50 and len(proposal.by_hand) == 10


def test_two_people_are_part_of_what_is_approved():
    assert "two people" in proposed(bot(site=a_site(protected=(SOURCE,)), record=a_record())).plan.steps[0].scope


def test_a_plan_takes_as_many_people_as_its_most_protected_step():
    plain, guarded = bot(record=a_record()), bot("203.0.113.67", source="10.20.0.32")
    assert proposed(plain).plan.people == 1
    for ones in ((plain, guarded), (guarded, plain)):
        assert proposed(*ones).plan.people == 2
    assert with_ttl(proposed(guarded).plan, "C-1", "ws-31", 1, 60).people == 2
    assert with_digest("C-1", "ws-31", (), 1).people == 1


def test_each_kind_has_its_own_length_and_a_plain_one_takes_nobody_else():
    block, isolation = (proposed(bot(record=a_record(), category=c)).plan.steps[0] for c in (None, "cdn"))
    assert (block.ttl_s, isolation.ttl_s) == (14400, 28800)
    assert "two people" not in block.scope + isolation.scope


def test_two_detections_of_one_host_isolate_it_once():
    ones = (bot(category="cdn", record=a_record()), bot("203.0.113.67", category="cdn", record=a_record()))
    proposal = proposed(*ones)
    assert kinds(proposal) == ["isolate_host"] and proposal.by_hand == ()


def test_an_isolation_beside_it_keeps_no_block_out():
    shared, plain = bot(category="cdn", record=a_record()), bot("203.0.113.67", record=a_record())
    for ones in ((shared, plain), (plain, shared)):
        assert sorted(kinds(proposed(*ones))) == ["block_pair", "isolate_host"]
        assert proposed(*ones).by_hand == ()


def test_one_step_for_two_detections_is_one_of_the_fifty():
    ones = (*(bot(f"203.0.113.{n}") for n in range(50)), bot("203.0.113.0"))
    proposal = proposed(*ones)
    assert len(proposal.plan.steps) == 50 and proposal.by_hand == ()


def test_the_digest_is_of_exactly_this_plan():
    same = digest()
    assert same == digest() and len(same) == 64
    later = bot().replaced(site=a_site().model_copy(update={"now": NOW + timedelta(days=9)}))
    assert digest(later) == same
    others = [
        digest(case="C-2"),
        digest(host="ws-32"),
        digest(policy_version=2),
        digest(block_ttl_s=14401),
        digest(bot("203.0.113.67")),
        digest(bot(dst_port=444)),
        digest(bot(), bot("203.0.113.67")),
        digest(offers={"block_pair": "fw"}),
        digest(offers={"block_address": "fw"}),
    ]
    assert len({same, *others}) == len(others) + 1


def test_two_ttls_are_two_plans():
    short, long = proposed(bot(), block_ttl_s=60).plan, proposed(bot(), block_ttl_s=120).plan
    assert short.plan_id != long.plan_id
    assert (short.steps[0].ttl_s, long.steps[0].ttl_s) == (60, 120)


@given(st.text(max_size=30), st.text(max_size=30))
@examples(30)
def test_two_hosts_never_share_a_digest_whatever_they_call_themselves(one, other):
    assert (digest(host=one) == digest(host=other)) == (one == other)


@given(st.lists(st.tuples(enriched(), st.sampled_from(DISPOSITIONS)), max_size=5), BARRIERS, st.booleans())
@examples(50)
def test_every_step_passes_the_gate_for_a_true_positive_and_one_host_at_most(ones, barriers, offered):
    terms = means(barriers=barriers, offers=ALL if offered else {})
    proposal = propose_plan("C-1", "h", [judged(e, d) for e, d in ones], terms)
    steps = proposal.plan.steps if proposal.plan else ()
    true = [e for e, d in ones if d == "TRUE_POSITIVE"]
    passing = {
        (word.kind, word.target)
        for e in true
        for kind in NARROWEST_FIRST
        if isinstance(word := evaluate_step(kind, e, barriers), Allowed)
    }
    assert {(s.kind, s.target) for s in steps} <= passing
    assert sum(s.kind == "isolate_host" for s in steps) <= 1
    assert all(s.ttl_s > 0 for s in steps)
    assert bool(true) == bool(steps or proposal.by_hand)
