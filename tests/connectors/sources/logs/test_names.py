"""Names behind a destination: which DNS answers back a name depends on who gave them."""

import pytest

from connectors.sources.logs import tuple_traffic
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.names import names
from playbook.model.site import Networks
from playbook.model.traffic import NamedBy
from tests.support.builders import DESTINATION, SOURCE, a_beacon

NETWORKS = Networks.model_validate({"resolvers": ("203.0.113.53", "2001:db8::53")})


@pytest.fixture
def engine():
    found = Engine(64, 1)
    tuple_traffic.wanted(found, [a_beacon()])
    yield found
    found.close()


def relation(engine, name, rows, columns):
    values = ", ".join(str(row).replace("None", "NULL") for row in rows)
    engine.run(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM (VALUES {values}) AS t({columns})")
    return name


def told(engine, server, *, asked_by=SOURCE, sni=(), networks=NETWORKS):
    dns = relation(
        engine,
        "dns_rows",
        [(1.0, asked_by, "a.example", [DESTINATION], server)],
        "start, src_ip, query, answers, server",
    )
    relations = {"dns": dns}
    if sni:
        relations["tls"] = relation(
            engine, "tls_rows", [(1.0, SOURCE, DESTINATION, name) for name in sni], "start, src_ip, dst_ip, name"
        )
    return names(engine, relations, networks).get((SOURCE, DESTINATION), ())


@pytest.mark.parametrize(
    ("server", "backed"),
    [
        ("203.0.113.53", True),
        ("2001:db8::53", True),
        ("10.0.0.1", False),
        ("fd00::53", False),
        ("8.8.8.8", True),
        ("::ffff:8.8.8.8", True),
        ("198.51.100.9", False),
        ("224.0.0.251", False),
        ("52.216.8.43", False),
        (None, False),
        ("no address", False),
    ],
)
def test_a_name_is_backed_by_a_resolver_that_is_ours_or_public_and_by_no_other(engine, server, backed):
    assert told(engine, server) == (NamedBy(name="a.example", by="dns", backed=backed),)


@pytest.mark.parametrize(("server", "backed"), [("203.0.113.53", True), ("198.51.100.9", False)])
def test_a_server_name_is_backed_by_anybodys_answer_from_such_a_resolver(engine, server, backed):
    assert told(engine, server, asked_by="10.0.0.7", sni=("a.example", "b.example")) == (
        NamedBy(name="a.example", by="sni", backed=backed),
        NamedBy(name="b.example", by="sni", backed=False),
    )


@pytest.mark.parametrize(("server", "backed"), [("10.0.0.1", True), ("fd00::53", True), ("198.51.100.9", False)])
def test_while_no_resolver_is_named_any_machine_of_ours_may_be_one(engine, server, backed):
    assert told(engine, server, networks=Networks()) == (NamedBy(name="a.example", by="dns", backed=backed),)
