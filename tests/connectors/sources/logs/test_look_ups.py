"""Whether the absence of a name means anything, from Zeek logs: only where this source's own look-ups are visible."""

from datetime import UTC, datetime

import pytest

from connectors.sources.logs import Settings, connect
from playbook.model.site import Networks, Site
from playbook.triage.measure import measure
from tests.connectors.sources.logs.test_traffic import DNS, HTTP, SSL
from tests.connectors.sources.logs.test_zeek_detection import DAY, beats
from tests.support.zeek_reader import log_text

BOT, OTHER, C2 = "10.0.0.1", "10.0.0.9", "9.1.2.3"
SITE = Site(now=datetime(2026, 1, 1, tzinfo=UTC), networks=Networks.model_validate({"resolvers": ("10.0.0.53",)}))


def look_up(name, answer="9.8.8.8", who=BOT, at=DAY, server="10.0.0.53"):
    return {
        "ts": at,
        "id.orig_h": who,
        "id.resp_h": server,
        "id.resp_p": 53,
        "query": name,
        "qtype": 1,
        "rcode_name": "NOERROR",
        "answers": answer,
    }


def asks(count, who=BOT, at=DAY, **change):
    """Connections to port 53, or elsewhere by ``change``."""
    udp = {"id.orig_h": who, "id.resp_h": "10.0.0.53", "id.resp_p": 53, "proto": "udp", "conn_state": "SF"}
    return [line | udp | change for line in beats(count, 7, at)]


def nameless(folder, conn, dns, ssl=(), http=()):
    """The measurement of the bot's beacon to C2, from the logs."""
    for name, lines, order in (("dns", dns, DNS), ("ssl", ssl, SSL), ("http", http, HTTP)):
        if lines:
            (folder / f"{name}.log").write_text(log_text(lines, order))
    beacon = [line | {"id.orig_h": BOT, "id.resp_h": C2, "id.resp_p": 8081} for line in beats(120, 300)]
    (folder / "conn.log").write_text(log_text(beacon + conn))
    source = connect("logs", Settings(paths=(folder,)), SITE)
    (detection,) = [d for d in source.fetch(None)[0].detections if d.dst_ip == C2]
    traffic = source.traffic([detection])
    source.close()
    return next(m for m in measure(detection, traffic) if m.name == "nameless")


SOMEBODYS_TLS = [
    {
        "ts": DAY,
        "id.orig_h": OTHER,
        "id.resp_h": "9.8.8.8",
        "id.resp_p": 443,
        "version": "TLSv13",
        "cipher": "x",
        "server_name": "a.example",
    }
]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_quiet_source_is_covered_by_its_few_own_look_ups(tmp_path, rows):
    dns = [look_up(f"n{n}.example") for n in range(rows)]
    assert nameless(tmp_path, asks(rows), dns, SOMEBODYS_TLS).known is True


@pytest.mark.parametrize("rows", [1, 40])
def test_look_ups_of_another_host_cover_nobody_else(tmp_path, rows):
    dns = [look_up(f"n{n}.example", who=OTHER, at=DAY + 900 * n) for n in range(rows)]
    found = nameless(tmp_path, asks(5, who=OTHER), dns, SOMEBODYS_TLS)
    assert found.known is None and "look-ups of this source" in found.detail


@pytest.mark.parametrize(("connections", "known"), [(2, True), (3, None), (30, None)])
def test_half_of_its_look_ups_must_be_in_the_log(tmp_path, connections, known):
    assert nameless(tmp_path, asks(connections), [look_up("a.example")], SOMEBODYS_TLS).known is known


@pytest.mark.parametrize(
    "change",
    [
        {"id.resp_p": 853, "proto": "tcp", "id.resp_h": "9.7.7.7"},
        {"id.resp_p": 443, "proto": "tcp", "id.resp_h": "1.1.1.1"},
    ],
    ids=["DoT", "DoH"],
)
@pytest.mark.parametrize("hour", [0, 3])
def test_a_source_that_asks_over_tls_or_https_is_unknown_for_a_day(tmp_path, change, hour):
    conn = asks(1) + asks(2, at=DAY + 3600 * hour, **change)
    found = nameless(tmp_path, conn, [look_up("a.example")], SOMEBODYS_TLS)
    assert found.known is None and found.detail


def test_somebody_elses_dns_over_tls_changes_nothing(tmp_path):
    conn = asks(1) + asks(2, who=OTHER, **{"id.resp_p": 853, "proto": "tcp", "id.resp_h": "9.7.7.7"})
    assert nameless(tmp_path, conn, [look_up("a.example")], SOMEBODYS_TLS).known is True


@pytest.mark.parametrize("server", ["224.0.0.251", "ff02::fb", "10.0.0.255"])
def test_names_asked_of_the_neighbours_are_no_look_ups(tmp_path, server):
    dns = [look_up("printer.local", server=server)]
    assert nameless(tmp_path, [], dns, SOMEBODYS_TLS).known is None


@pytest.mark.parametrize(("server", "known"), [("10.0.0.53", False), ("198.41.0.4", None)])
def test_an_answer_names_it_by_a_declared_resolver_and_leaves_it_open_by_any_other(tmp_path, server, known):
    dns = [look_up("a.example"), look_up("c2.example", answer=C2, server=server)]
    assert nameless(tmp_path, asks(2), dns, SOMEBODYS_TLS).known is known
