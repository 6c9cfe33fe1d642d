"""Names behind a destination: which DNS answers back a name depends on who gave them."""

import pytest

from connectors.sources.logs import tuple_traffic
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.names import naming
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
            engine,
            "tls_rows",
            [(1.0, SOURCE, DESTINATION, 443, name) for name in sni],
            "start, src_ip, dst_ip, dst_port, name",
        )
    return naming(engine, relations, networks).names.get((SOURCE, DESTINATION), ())


@pytest.mark.parametrize(
    ("server", "backed"),
    [
        ("203.0.113.53", True),
        ("2001:db8::53", True),
        ("10.0.0.1", False),
        ("fd00::53", False),
        ("8.8.8.8", False),
        ("::ffff:203.0.113.53", True),
        ("198.51.100.9", False),
        ("224.0.0.251", False),
        ("52.216.8.43", False),
        (None, False),
        ("no address", False),
    ],
)
def test_a_name_is_backed_by_a_declared_resolver_and_by_no_other(engine, server, backed):
    assert told(engine, server) == (NamedBy(name="a.example", by="dns", backed=backed),)


@pytest.mark.parametrize(
    ("server", "asked_by", "backed"),
    [("203.0.113.53", SOURCE, True), ("203.0.113.53", "10.0.0.7", False), ("198.51.100.9", SOURCE, False)],
)
def test_a_server_name_is_backed_by_an_answer_to_this_source_from_such_a_resolver(engine, server, asked_by, backed):
    names = told(engine, server, asked_by=asked_by, sni=("a.example", "b.example"))
    assert NamedBy(name="a.example", by="sni", backed=backed) in names
    assert NamedBy(name="b.example", by="sni", backed=False) in names


@pytest.mark.parametrize("server", ["10.0.0.1", "fd00::53", "198.51.100.9"])
def test_while_no_resolver_is_declared_every_name_is_only_claimed(engine, server):
    assert told(engine, server, networks=Networks()) == (NamedBy(name="a.example", by="dns", backed=False),)


def web(engine, kind, rows):
    """``rows``: (port, name or None, method or None), all from SOURCE to DESTINATION."""
    relations = {
        kind: relation(
            engine,
            f"{kind}_rows",
            [(1.0, SOURCE, DESTINATION, port, name, method) for port, name, method in rows]
            + [(1.0, "10.0.0.9", "203.0.113.1", 443, "somebody.example", "GET")],
            "start, src_ip, dst_ip, dst_port, name, method",
        )
    }
    return naming(engine, relations, NETWORKS).unnamed


@pytest.mark.parametrize(
    ("name", "bare"),
    [(None, 20), ("", 20), (DESTINATION, 20), (f"{DESTINATION}:8080", 20), ("[2001:db8::1]", 20), ("c2.example", 0)],
)
def test_requests_that_name_a_bare_address_or_nothing_are_counted(engine, name, bare):
    found = web(engine, "http", [(80, name, "GET")] * 20)[SOURCE, DESTINATION, 80]
    assert (found.requests, found.requests_unnamed, found.handshakes) == (20, bare, 0)


def test_a_row_without_a_method_and_a_name_is_no_request(engine):
    assert web(engine, "http", [(80, None, None)] * 20) == {}


@pytest.mark.parametrize(("port", "counted"), [(443, True), (8080, True), (25, False), (5432, False), (8883, False)])
def test_handshakes_that_may_begin_later_are_not_counted(engine, port, counted):
    assert ((SOURCE, DESTINATION, port) in web(engine, "tls", [(port, None, None)] * 20)) is counted


def test_nothing_is_counted_where_any_answer_to_this_source_holds_the_address(engine):
    for asked_by, counted in ((SOURCE, False), ("10.0.0.7", True)):
        dns = relation(
            engine,
            "dns_rows",
            [(1.0, asked_by, "a.example", [DESTINATION], "198.51.100.9")],
            "start, src_ip, query, answers, server",
        )
        http = relation(
            engine,
            "http_rows",
            [(1.0, SOURCE, DESTINATION, 80, "", "GET"), (1.0, "10.0.0.9", "203.0.113.1", 80, "b.example", "GET")],
            "start, src_ip, dst_ip, dst_port, name, method",
        )
        found = naming(engine, {"dns": dns, "http": http}, NETWORKS).unnamed
        assert ((SOURCE, DESTINATION, 80) in found) is counted


def test_a_log_without_a_single_name_says_nothing(engine):
    tls = relation(engine, "tls_rows", [(1.0, SOURCE, DESTINATION, 443, None)], "start, src_ip, dst_ip, dst_port, name")
    assert naming(engine, {"tls": tls}, NETWORKS).unnamed == {}
