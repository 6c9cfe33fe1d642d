"""The ladder: which rung holds, in which order, what comes of it, and what never moves it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.model.verdict import Evidence
from playbook.triage.decide import decide
from tests.support.builders import a_beacon, a_fact, a_site, an_enriched, measured, said, silent
from tests.support.examples import examples

GROUPS = ("rhythm", "destination", "host")
OUTCOME = {
    1: ("TRUE_POSITIVE", "high", "proposed"),
    2: ("BENIGN_POSITIVE", "medium", "closed"),
    3: ("BENIGN_POSITIVE", "high", "closed"),
    4: ("TRUE_POSITIVE", "medium", "proposed"),
    5: ("UNDETERMINED", "low", "ticket"),
    6: ("UNDETERMINED", "low", "watch"),
}


def word(role, leans, strength, **change):
    values = {"rule": role, "reason": f"{strength} {role}", "facts": (a_fact(),), "would_change": f"undo {role}"}
    return Evidence(role=role, leans=leans, strength=strength, **(values | change))


def indicator(strength="conclusive", **change):
    return word("indicator", "malicious", strength, **({"indicator": "203.0.113.66"} | change))


def exception(**change):
    return word("exception", "benign", "conclusive", **change)


def explanation(strength="conclusive", **change):
    missing = () if strength == "conclusive" else ("a session",)
    return word("explanation", "benign", strength, **({"missing": missing} | change))


def corroboration(group, **change):
    return word("corroboration", "malicious", "strong", group=group, reason=f"{group} corroborates", **change)


def prevalent(strength="strong"):
    return word("context", "benign", strength, reason="a fifth of the hosts use it")


def policy(strength="strong"):
    return word("context", "policy", strength, reason="not approved")


TWO = (corroboration("rhythm"), corroboration("destination"))

LADDER = [
    (1, "conclusive indicator", (indicator(),)),
    (1, "conclusive indicator beside an exception for the pair", (indicator(), exception())),
    (1, "conclusive indicator beside a complete explanation", (indicator(), explanation())),
    (
        1,
        "one indicator excepted, another not",
        (indicator(), indicator(indicator="c2.example"), exception(indicator="203.0.113.66")),
    ),
    (1, "an exception for another indicator", (indicator(), exception(indicator="203.0.113.67"))),
    (2, "an exception for this very indicator", (indicator(), exception(indicator="203.0.113.66"))),
    (2, "an exception spelled otherwise", (indicator(indicator="c2.example"), exception(indicator="C2.Example."))),
    (
        2,
        "two indicators, each with its exception",
        (indicator(), indicator(indicator="c2.example"), exception(overrides=("203.0.113.66", "c2.example"))),
    ),
    (2, "an exception for the pair", (exception(), *TWO)),
    (2, "an exception against a strong indicator", (exception(), indicator("strong"))),
    (3, "complete explanation", (explanation(),)),
    (3, "complete explanation beside corroborations", (explanation(), *TWO)),
    (4, "two groups", TWO),
    (4, "three groups", (*TWO, corroboration("host"))),
    (4, "two groups and a contradicted explanation", (*TWO, explanation("hint", contradicted=True))),
    (4, "two groups and a contradicted one that calls itself complete", (*TWO, explanation(contradicted=True))),
    (4, "two groups and a strong indicator", (*TWO, indicator("strong"))),
    (4, "two groups and a policy matter", (*TWO, policy())),
    (5, "one group", (corroboration("rhythm"),)),
    (5, "two corroborations of one group", (corroboration("rhythm"), corroboration("rhythm", rule="other"))),
    (5, "strong indicator", (indicator("strong"),)),
    (5, "complete explanation against a strong indicator", (explanation(), indicator("strong"))),
    (5, "the same with two groups", (explanation(), indicator("strong"), *TWO)),
    (5, "two groups, but prevalent", (*TWO, prevalent())),
    (5, "two groups, but partly explained", (*TWO, explanation("strong"))),
    (5, "two groups, but an enricher did not answer", (*TWO, explanation("hint", waiting_on=("backups",)))),
    (5, "partly explained", (explanation("strong"),)),
    (5, "a policy matter", (policy(),)),
    (6, "nothing", ()),
    (6, "prevalent alone", (prevalent(),)),
    (6, "hints alone", (explanation("hint"), prevalent("hint"), policy("hint"), indicator("hint"))),
    (6, "a contradicted explanation alone", (explanation("hint", contradicted=True),)),
]


@pytest.mark.parametrize(("rung", "name", "evidence"), LADDER, ids=[name for _, name, _ in LADDER])
def test_the_first_rung_that_holds_decides(rung, name, evidence):
    for order in (evidence, evidence[::-1]):
        verdict = decide(an_enriched(), order)
        assert verdict.rung == rung, verdict.trace
        assert (verdict.disposition, verdict.confidence, verdict.status) == OUTCOME[rung]


@pytest.mark.parametrize(("rung", "name", "evidence"), LADDER, ids=[name for _, name, _ in LADDER])
def test_every_verdict_tells_its_trace_its_reasons_and_what_would_turn_it(rung, name, evidence):
    verdict = decide(an_enriched(), evidence)
    assert [r.number for r in verdict.trace] == [1, 2, 3, 4, 5, 6]
    assert all(r.reason and r.name for r in verdict.trace)
    assert next(r.number for r in verdict.trace if r.held) == rung
    assert verdict.reasons and verdict.evidence == evidence
    assert verdict.would_change or verdict.status == "closed"
    assert not any("  " in text or " of  " in text for text in verdict.would_change)


@pytest.mark.parametrize("port", [53, 123, 853])
@pytest.mark.parametrize("groups", [TWO, (*TWO, corroboration("host"))])
def test_names_and_time_are_never_decided_by_corroboration(port, groups):
    at_port = an_enriched(detection=a_beacon(dst_port=port))
    verdict = decide(at_port, groups)
    assert (verdict.rung, verdict.status) == (5, "ticket")
    assert not any("corroboration" in text for text in verdict.would_change)
    assert decide(at_port, (*groups, indicator())).rung == 1


@pytest.mark.parametrize("score", [0, 1, 2, 3])
def test_the_score_of_the_detection_decides_nothing(score):
    scored = an_enriched(detection=a_beacon(beaconing_score=score))
    assert decide(scored, TWO).rung == 4
    assert decide(scored, ()).rung == 6


def test_a_configured_enricher_without_an_answer_makes_a_ticket_that_names_it():
    verdict = decide(an_enriched(silent("feed", about="203.0.113.66")), ())
    assert (verdict.rung, verdict.status) == (5, "ticket")
    assert any("feed" in reason for reason in verdict.reasons) and any("feed: no answer" in m for m in verdict.missing)


def test_what_is_not_configured_is_missing_and_does_not_block():
    verdict = decide(an_enriched(said("feed", about="203.0.113.66")), TWO)
    assert verdict.rung == 4
    assert "not configured: backup sessions" in verdict.missing and "not configured: threat feed" not in verdict.missing


def test_a_hunt_that_is_explained_elsewhere_is_not_counted_and_said():
    burst = corroboration("host", hunt=True)
    evidence = (corroboration("rhythm"), burst)
    assert decide(an_enriched(), evidence).rung == 4
    explained = decide(an_enriched(), evidence, hunt_explained=True)
    assert (explained.rung, explained.status) == (5, "ticket")
    assert any("explained elsewhere" in reason for reason in explained.reasons)


def test_an_explained_hunt_spares_no_other_evidence_of_the_host():
    process = corroboration("host", rule="untrusted_process")
    evidence = (corroboration("rhythm"), process, corroboration("host", hunt=True))
    assert decide(an_enriched(), evidence, hunt_explained=True).rung == 4


@pytest.mark.parametrize(
    ("words", "rung", "about"),
    [
        ((indicator(about="name"),), 1, "name"),
        ((indicator(about="name"), indicator()), 1, "destination"),
        ((indicator(about="name"), corroboration("rhythm"), corroboration("destination")), 1, "destination"),
        ((indicator(about="name"), corroboration("rhythm"), corroboration("host", about="host")), 1, "name"),
        ((indicator(about="name"), indicator(indicator="a"), exception(indicator="a")), 1, "name"),
        ((indicator("strong", group="destination"), corroboration("rhythm")), 4, "destination"),
        ((indicator("strong", group="destination", about="name"), corroboration("rhythm")), 4, "name"),
        ((corroboration("rhythm"), corroboration("host", about="host")), 4, "host"),
        (
            (corroboration("rhythm"), corroboration("host", about="host"), corroboration("destination")),
            4,
            "destination",
        ),
        ((corroboration("rhythm"), corroboration("host")), 4, "destination"),
        ((indicator("strong"), corroboration("rhythm")), 5, "destination"),
        ((indicator("strong", group="destination"),), 5, "destination"),
    ],
)
def test_a_step_may_name_only_what_the_evidence_is_about(words, rung, about):
    verdict = decide(an_enriched(), words)
    assert (verdict.rung, verdict.about) == (rung, about), verdict.reasons


@pytest.mark.parametrize("author", ["host", "peer"])
@pytest.mark.parametrize("benign", [explanation(), exception(), prevalent()])
def test_benign_evidence_that_others_could_have_written_is_not_believed(author, benign):
    forged = benign.model_copy(update={"facts": (a_fact(), a_fact(written_by=author))})
    assert decide(an_enriched(), (forged, *TWO)).rung == 4
    assert decide(an_enriched(), (benign.model_copy(update={"facts": ()}), *TWO)).rung == 4
    assert decide(an_enriched(), (benign, *TWO)).rung != 4


def test_what_is_unknown_is_listed_with_its_reason():
    verdict = decide(an_enriched(measurements=measured(beacon_score=(0.9, 0.5), nameless=(None, 0.0))), ())
    assert any("beacon_score is unknown" in m and "50%" in m for m in verdict.missing)
    assert any("nameless is unknown" in m for m in verdict.missing)


ROLES = st.sampled_from(["indicator", "exception", "explanation", "corroboration", "context"])
HINTS = st.builds(
    word,
    ROLES,
    st.sampled_from(["benign", "malicious", "policy"]),
    st.just("hint"),
    group=st.sampled_from([None, *GROUPS]),
    contradicted=st.booleans(),
    hunt=st.booleans(),
    facts=st.tuples(st.builds(a_fact, written_by=st.sampled_from(["us", "peer", "host"]))),
    indicator=st.sampled_from(["", "203.0.113.66"]),
    missing=st.sampled_from([(), ("more",)]),
    reason=st.text(min_size=1, max_size=20),
)
EVIDENCE = st.lists(
    st.sampled_from(
        [
            indicator(),
            indicator("strong"),
            exception(),
            exception(indicator="203.0.113.66"),
            explanation(),
            prevalent(),
            explanation("strong"),
            explanation("hint", waiting_on=("backups",)),
            policy(),
            *map(corroboration, GROUPS),
        ]
    ),
    max_size=6,
)


@given(EVIDENCE, st.lists(HINTS, min_size=1, max_size=3), st.booleans(), st.sampled_from([53, 443]))
@examples(100)
def test_no_hint_moves_a_rung_in_either_direction(evidence, hints, explained, port):
    enriched = an_enriched(detection=a_beacon(dst_port=port))
    before, after = decide(enriched, evidence, explained), decide(enriched, evidence + hints, explained)
    assert (before.rung, before.disposition, before.status) == (after.rung, after.disposition, after.status)


@given(EVIDENCE, st.booleans())
@examples(100)
def test_nothing_is_closed_without_an_exception_or_a_complete_explanation(evidence, explained):
    verdict = decide(an_enriched(), evidence, explained)
    whole = [e for e in evidence if e.role in ("exception", "explanation") and e.strength == "conclusive"]
    assert (verdict.status != "closed") or whole
    assert verdict.disposition != "FALSE_POSITIVE"
    assert verdict.would_change or verdict.status == "closed"


@pytest.mark.parametrize("home", [(), ("198.51.100.0/24",)], ids=["no public home", "another public home"])
@pytest.mark.parametrize("strength", ["conclusive", "strong"])
def test_a_public_source_that_home_does_not_name_is_never_convicted(home, strength):
    words = [indicator(strength), *(corroboration(group) for group in GROUPS)]
    site = a_site(home=("10.0.0.0/8", *home))
    found = decide(an_enriched(detection=a_beacon(src_ip="8.8.4.4"), site=site), words)
    assert (found.disposition, found.status) == ("UNDETERMINED", "ticket"), found.reasons
    assert "networks.home does not name 8.8.4.4" in found.reasons[0]
    assert any("8.8.4.4 in networks.home" in change for change in found.would_change)
    ours = an_enriched(detection=a_beacon(src_ip="8.8.4.4"), site=a_site(home=("10.0.0.0/8", "8.8.4.4/32")))
    assert decide(ours, words).disposition == "TRUE_POSITIVE"


def test_what_convicts_elsewhere_contradicts_a_strangers_explanation():
    found = decide(an_enriched(detection=a_beacon(src_ip="8.8.4.4")), (explanation(), indicator()))
    assert (found.disposition, found.rung) == ("UNDETERMINED", 5)


def test_a_source_that_may_be_a_stranger_is_not_convicted_by_corroboration():
    words = [word("corroboration", "malicious", "strong", group=group) for group in ("rhythm", "destination")]
    assert decide(an_enriched(), words).disposition == "TRUE_POSITIVE"
    found = decide(an_enriched(detection=a_beacon(src_ip="8.8.4.4")), words)
    assert (found.disposition, found.rung) == ("UNDETERMINED", 5)
    assert "networks.home" in found.trace[3].reason


@pytest.mark.parametrize("author", ["host", "peer"])
def test_malicious_evidence_counts_whoever_wrote_its_facts(author):
    facts = (a_fact(written_by=author),)
    assert decide(an_enriched(), (indicator(facts=facts),)).rung == 1
    assert decide(an_enriched(), tuple(corroboration(group, facts=facts) for group in GROUPS[:2])).rung == 4


def test_the_trace_names_the_exception_that_overrides_an_indicator():
    said_of_it = decide(an_enriched(), (indicator(), exception(indicator="203.0.113.66"))).trace[0].reason
    assert said_of_it == "an exception for 203.0.113.66 overrides it"


def test_a_contradiction_is_called_one():
    verdict = decide(an_enriched(), (explanation(), indicator("strong")))
    assert verdict.rung == 5 and "contradict each other" in verdict.trace[4].reason
    assert "contradict each other" not in decide(an_enriched(), (indicator("strong"),)).trace[4].reason


def test_who_did_not_answer_is_told_as_what_would_settle_it():
    verdict = decide(an_enriched(), (explanation("hint", waiting_on=("vault",)),))
    assert verdict.rung == 5 and "vault did not answer and could have explained it" in verdict.trace[4].reason
    assert "an answer of vault would settle it" in verdict.would_change
    assert not any("would make it TRUE_POSITIVE" in change for change in verdict.would_change)


@pytest.mark.parametrize("evidence", [TWO, TWO[:1], (indicator("strong"),), (policy(),)])
def test_a_verdict_by_several_pieces_opens_with_the_rungs_own_reason(evidence):
    verdict = decide(an_enriched(), evidence)
    assert verdict.rung in (4, 5) and verdict.reasons[0] == verdict.trace[verdict.rung - 1].reason


@pytest.mark.parametrize(
    ("evidence", "closes"),
    [
        ((indicator(),), False),
        ((exception(),), False),
        ((explanation(),), False),
        (TWO, True),
        (TWO[:1], True),
        ((), True),
    ],
)
def test_what_is_open_could_be_closed_by_an_explanation(evidence, closes):
    changes = decide(an_enriched(), evidence).would_change
    assert any(change.startswith("a complete benign explanation") for change in changes) is closes


def test_an_indicator_without_a_way_out_of_its_own_has_the_exception():
    verdict = decide(an_enriched(), (indicator(would_change=""),))
    assert verdict.would_change == ("an exception for this very indicator, entered by a person, would close it",)


def test_a_hint_that_waits_for_an_enricher_holds_corroboration_up_whoever_wrote_its_facts():
    waiting = explanation("hint", waiting_on=("vault",), facts=(a_fact(written_by="host"),))
    verdict = decide(an_enriched(), (waiting, *TWO))
    assert verdict.rung == 5 and "vault did not answer" in verdict.trace[3].reason


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        ((), "corroborations from two groups of rhythm, destination, host would make it TRUE_POSITIVE"),
        (TWO[:1], "one corroboration of destination, host would make it TRUE_POSITIVE"),
        *(
            (
                (*TWO[:1], benign),
                "a conclusive indicator (fresh feed entry, our sinkhole, IRC spoken) would make it TRUE_POSITIVE",
            )
            for benign in (prevalent(), explanation("strong"))
        ),
        (
            (explanation(), indicator("strong")),
            "a conclusive indicator (fresh feed entry, our sinkhole, IRC spoken) would make it TRUE_POSITIVE",
        ),
    ],
)
def test_what_would_convict_is_told_of_what_is_open(evidence, told):
    assert told in decide(an_enriched(), evidence).would_change


@pytest.mark.parametrize("evidence", [(indicator(),), (exception(),), (explanation(),), TWO])
def test_what_is_decided_names_nothing_that_would_convict(evidence):
    assert not any("would make it TRUE_POSITIVE" in change for change in decide(an_enriched(), evidence).would_change)


def test_each_trace_says_what_stands_in_its_place():
    nothing = decide(an_enriched(), ())
    assert [rung.reason for rung in nothing.trace[:4]] == [
        "no conclusive indicator",
        "no live exception covers it",
        "no benign explanation speaks",
        "no corroboration",
    ]
    partial = decide(an_enriched(), (indicator("strong"), explanation("strong"), *TWO))
    assert [rung.reason for rung in partial.trace[:4]] == [
        "only strong: strong indicator",
        "no live exception covers it",
        "strong explanation",
        "corroborated by rhythm and destination, but strong explanation",
    ]
    assert "alone decides nothing" not in partial.trace[4].reason
    assert "alone decides nothing" in decide(an_enriched(), TWO[:1]).trace[4].reason


def test_only_who_failed_is_missing():
    enriched = an_enriched(said("feed", about="203.0.113.66"), silent("vault", about="203.0.113.66"))
    missing = decide(enriched, ()).missing
    assert "vault: no answer within 20 s" in missing and not any(m.startswith("feed:") for m in missing)
    assert "not answered" not in decide(enriched, (policy(),)).trace[4].reason


def test_the_reasons_are_those_of_the_evidence_else_what_is_left():
    assert decide(an_enriched(), (indicator(),)).reasons == ("conclusive indicator",)
    assert decide(an_enriched(), (explanation(),)).reasons == ("conclusive explanation",)
    assert decide(an_enriched(), (prevalent(),)).reasons == ("a fifth of the hosts use it",)
    assert "nothing that corroborates or explains it" in decide(an_enriched(), ()).reasons[0]
    assert decide(an_enriched(silent("feed", about="203.0.113.66")), ()).reasons == ("not answered: feed",)


def found(text, role="explanation"):
    return word(role, "benign", "hint", reason=text)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((), 1),
        ((corroboration("rhythm"),), 1),
        ((indicator(),), -1),
        ((corroboration("rhythm"), corroboration("host")), -1),
    ],
    ids=["watch", "ticket", "indicator", "corroborated"],
)
@pytest.mark.parametrize("role", ["explanation", "context"])
def test_what_was_found_and_not_believed_is_always_said(words, place, role):
    verdict = decide(an_enriched(), (*words, found("a session of veeam-01", role)))
    assert verdict.reasons[place] == "found, but it closes nothing: a session of veeam-01"
    assert sum("a session of veeam-01" in reason for reason in verdict.reasons) == 1


def test_a_closed_case_says_only_what_closed_it():
    verdict = decide(an_enriched(), (explanation(), found("a name")))
    assert verdict.rung == 3 and not any("a name" in reason for reason in verdict.reasons)


def test_an_exception_that_a_finding_overrides_is_named():
    live = exception(reason="exception E-1 of Jo until 2027-01-31: our scanner")
    verdict = decide(an_enriched(), (indicator(), live))
    assert verdict.reasons[1] == "this overrides an exception: exception E-1 of Jo until 2027-01-31: our scanner"
    assert not any("overrides" in reason for reason in decide(an_enriched(), (indicator("strong"), live)).reasons)
