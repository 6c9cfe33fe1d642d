"""The same host asks for generated names, outside what its role does by trade."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import SOURCE, a_record, a_site, an_enriched, measured, said

ONCE = {"failed_domains": 30, "failed_names_share": 0.3}
DGA = ONCE | {"failed_domains_third_hour": 30}


def host(*roles, shared=(), **values):
    known = (said("host", a_record(roles=roles)),) if roles else ()
    return an_enriched(*known, measurements=measured(**values), site=a_site(shared_sources=shared))


TABLE = [
    Row("speaks", "thirty domains, three tenths of its names, in three hours", host(**DGA), "strong"),
    Row("speaks", "a runner has no such trade", host("runner", **DGA), "strong"),
    Row("near miss", "29 domains", host(**(DGA | {"failed_domains": 29})), "silent"),
    Row("near miss", "29 % of its names", host(**(DGA | {"failed_names_share": 0.29})), "silent"),
    Row("near miss", "once", host(**ONCE), "hint"),
    Row("near miss", "29 domains in the third hour", host(**(DGA | {"failed_domains_third_hour": 29})), "hint"),
    Row(
        "hostile",
        "a page or a neighbour makes hundreds of questions, once",
        host(**ONCE | {"failed_domains": 900}),
        "hint",
    ),
    Row(
        "near miss",
        "a log that covers 79 % of the time",
        host(failed_domains=(90, 0.79), failed_names_share=1.0),
        "silent",
    ),
    Row("silent", "nothing measured", an_enriched(), "silent"),
    Row("silent", "a shared source", host(shared=(SOURCE,), **DGA), "silent"),
    Row("silent", "a resolver asks by trade", host("resolver", **DGA), "silent"),
    Row("silent", "an inventory that writes Domain Controller", host("Domain-Controller", **DGA), "silent"),
    Row(
        "hostile",
        "a bot that calls itself ns-01 keeps no trade",
        an_enriched(
            said("host", a_record(roles=("resolver",)), about="ns-01"), host="ns-01", measurements=measured(**DGA)
        ),
        "strong",
    ),
]


@rows(TABLE)
def test_generated_names(row):
    assert outcome("generated_names", row.enriched) == row.said


def test_no_explanation_of_connections_accounts_for_it():
    word = evidence("generated_names", host(**DGA))
    assert (word.hunt, word.group, word.leans, word.about) == (False, "host", "malicious", "host")
