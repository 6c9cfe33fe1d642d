"""The three hunts find the same rows in every language whose text can be run here; DuckDB runs in its own engine."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import duckdb
import pytest

from connectors.sources.logs.domains import registered
from playbook.detections.beaconing import IRC_PORTS, Event
from playbook.detections.languages import duckdb as sql
from playbook.detections.languages import splunk
from playbook.detections.languages import sumo as sumo_language
from tests.interpreters import spl, sumo, telemetry
from tests.interpreters.telemetry import MIDNIGHT, flow

FLOW, ENDPOINT = ("src_ip", "dst_ip"), ("hostname", "process_name")


class Question(NamedTuple):
    """One DNS question and whether its name did not exist."""

    start: float
    src_ip: str
    query: str
    failed: bool
    hostname: str = "pc-1"
    process_name: str = "a.exe"


def bursts() -> list[Event]:
    """Bursts on both sides of 100, over a quarter's boundary, to loopback, to many ports; IRC within the house."""
    ports = [e._replace(dst_port=1000 + n % 25) for n, e in enumerate(flow(120, 1, "203.0.113.7", start=MIDNIGHT))]
    half = [e._replace(dst_port=1000 + n % 20) for n, e in enumerate(flow(120, 1, "203.0.113.8", start=MIDNIGHT))]
    made = [
        *ports,
        *half,
        *flow(101, 2, "127.0.0.1", 8080, MIDNIGHT + 900),
        *flow(100, 2, "203.0.113.9", 443, MIDNIGHT),
        *flow(180, 5, "203.0.113.10", 443, MIDNIGHT + 450),
        *flow(3, 1, "10.1.2.3", 6667, proto="icmp"),
        *flow(130, 1, "2001:db8::7", 443, MIDNIGHT),
    ]
    return [e._replace(hostname="pc-1" if n % 2 else "pc-2", process_name="a.exe") for n, e in enumerate(made)]


def expected_bursts(events: Iterable[Event], by: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """Quarter, key, connections, ports and the sign of a scan, counted in plain Python."""
    groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    for e in events:
        groups[(int(e.start // 900 * 900), *(getattr(e, name) for name in by))].append(e)
    counted = ((key, len(own), len({e.dst_port for e in own})) for key, own in groups.items())
    return {(*key, n, ports, int(ports > 20 or ports > n / 2)) for key, n, ports in counted if n > 100}


def expected_irc(events: Iterable[Event]) -> set[tuple[Any, ...]]:
    """Every tuple on a port of IRC, from one connection on."""
    keys = [(e.src_ip, e.dst_ip, e.dst_port) for e in events if e.dst_port in IRC_PORTS]
    return {(*key, keys.count(key)) for key in keys}


def questions() -> list[Question]:
    """A burst of 30 failed domains of 37 names (81 %), one of 29, one of 79 %, repeats, a suffix, reverse look-ups."""
    made: list[Question] = []

    def burst(src: str, failed: int, fine: int, start: float = MIDNIGHT, **more: Any) -> None:
        host = more | {"hostname": f"pc-{src[-1]}"}
        made.extend(Question(start + n, src, f"q{n}x{src[-1]}.example", True, **host) for n in range(failed))
        made.extend(Question(start + n, src, f"ok{n}.example.net", False, **host) for n in range(fine))

    burst("10.0.0.1", 30, 7)
    burst("10.0.0.2", 29, 0)
    burst("10.0.0.3", 30, 8)
    burst("10.0.0.4", 20, 0, MIDNIGHT + 890)  # cut by the quarter
    made += [Question(MIDNIGHT, "10.0.0.5", f"host{n}.corp.example", True, "pc-5") for n in range(60)]  # one domain
    made += [Question(MIDNIGHT, "10.0.0.6", f"q{n}.co.uk", True, "pc-6") for n in range(40)]
    made += [Question(MIDNIGHT + n, "10.0.0.1", "q1x1.example", True) for n in range(50)]
    made += [Question(MIDNIGHT + n, "10.0.0.1", "q2x1.example.", True) for n in range(2)]
    made += [Question(MIDNIGHT, "10.0.0.1", "ok1.example.net", True)]  # failed once, answered once: no failure
    return made


def expected_names(asked: Iterable[Question], by: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """Quarter, key, names, failed names, failed registered domains, counted in plain Python."""
    groups: dict[tuple[Any, ...], dict[str, bool]] = defaultdict(dict)
    for q in asked:
        names = groups[(int(q.start // 900 * 900), *(getattr(q, name) for name in by))]
        name = q.query.rstrip(".").lower()
        names[name] = names.get(name, True) and q.failed
    counted = ((key, len(names), [name for name, failed in names.items() if failed]) for key, names in groups.items())
    rows = ((*key, n, len(failed), len({registered(name) for name in failed})) for key, n, failed in counted)
    return {row for row in rows if row[-1] >= 30 and row[-2] >= 0.8 * row[-3]}


def _rows(found: Iterable[dict[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    whole = lambda value: int(value) if isinstance(value, float) else value  # noqa: E731
    return {tuple(whole(row[name]) for name in names) for row in found}


COUNTED = ("connections", "unique_ports", "scan_indicator")
NAMES = ("names", "failed_names", "failed_domains")


def by_duckdb(hunt: str, relation: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]], *names: str) -> Any:
    """The rows of the hunt in DuckDB; times as epoch seconds."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE {relation} ({', '.join(columns)})")
        connection.executemany(f"INSERT INTO {relation} VALUES ({', '.join('?' * len(columns))})", rows)
        shown = ", ".join("epoch(window_start)" if name == "window_start" else name for name in names)
        found = connection.execute(f"SELECT {shown} FROM ({sql.query(hunt=hunt)})").fetchall()
    return {tuple(int(value) if isinstance(value, float) else value for value in row) for row in found}


@pytest.mark.parametrize(("preset", "by"), [("cim", FLOW), ("raw", FLOW), ("tstats", FLOW), ("sysmon", ENDPOINT)])
def test_splunk_bursts_and_irc(preset: str, by: tuple[str, ...]) -> None:
    events = bursts()
    source = [row for e in events for row in telemetry.WRITERS[preset](e)]
    found = spl.run(splunk.query(preset, "ddos-burst"), source)
    assert _rows(found, "window_start", *by, *COUNTED) == expected_bursts(events, by)
    irc = spl.run(splunk.query(preset, "irc"), source)
    assert _rows(irc, "src_ip", "dst_ip", "dst_port", "connections") == expected_irc(events) if by == FLOW else irc


@pytest.mark.parametrize(("preset", "by"), [("cse", FLOW), ("endpoint", ENDPOINT)])
def test_sumo_bursts_and_irc(preset: str, by: tuple[str, ...]) -> None:
    events = bursts()
    fields = [telemetry.cse(e) | {"device_hostname": e.hostname} for e in events]
    found = sumo.run(sumo_language.query(preset, "ddos-burst"), (), fields)
    assert _rows(found, "window_start", *by, *COUNTED) == expected_bursts(events, by)
    irc = sumo.run(sumo_language.query("cse", "irc"), (), fields)
    assert {(s, d, int(p), n) for s, d, p, n in _rows(irc, "src_ip", "dst_ip", "dst_port", "connections")} == (
        expected_irc(events)
    )


def test_duckdb_bursts_and_irc() -> None:
    events = bursts()
    columns = ("start DOUBLE", "src_ip VARCHAR", "dst_ip VARCHAR", "dst_port INTEGER", "conns INTEGER")
    rows = [(e.start, e.src_ip, e.dst_ip, e.dst_port, e.conns) for e in events]
    found = by_duckdb("ddos-burst", "conn", columns, rows, "window_start", *FLOW, *COUNTED)
    assert found == expected_bursts(events, FLOW) and len(found) == 4
    irc = by_duckdb("irc", "conn", columns, rows, "src_ip", "dst_ip", "dst_port", "connections")
    assert irc == expected_irc(events)


def dns_fields(q: Question) -> dict[str, Any]:
    """A CIM DNS event, which is also a Sysmon one."""
    return {
        "_time": q.start,
        "src": q.src_ip,
        "query": q.query.upper(),
        "reply_code": "NXDomain" if q.failed else "NoError",
        "Computer": q.hostname,
        "Image": q.process_name,
        "QueryName": q.query,
        "QueryStatus": "9003" if q.failed else "0",
    }


def cse_dns(q: Question) -> dict[str, Any]:
    """A NetworkDNS record of Cloud SIEM, which has taken the registered domain out of the name."""
    return {
        "_messageTime": q.start * 1000,
        "srcDevice_ip": q.src_ip,
        "device_hostname": q.hostname,
        "dns_query": q.query,
        "baseImage": q.process_name,
        "dns_queryDomain_rootDomain": registered(q.query),
        "dns_returnCode": "NXDOMAIN" if q.failed else "NOERROR",
    }


@pytest.mark.parametrize(("preset", "by"), [("cim", ("src_ip",)), ("raw", ("src_ip",)), ("sysmon", ENDPOINT)])
def test_splunk_names(preset: str, by: tuple[str, ...]) -> None:
    reverse = [Question(MIDNIGHT, "10.0.0.2", f"{n}.0.0.10.in-addr.arpa", True, "pc-2") for n in range(90)]
    source = [dns_fields(q) for q in (*questions(), *reverse)]
    found = spl.run(splunk.query(preset, "dga-burst"), source)
    assert _rows(found, "window_start", *by, *NAMES) == expected_names(questions(), by)


@pytest.mark.parametrize(("preset", "by"), [("cse", ("src_ip",)), ("endpoint", ENDPOINT)])
def test_sumo_names(preset: str, by: tuple[str, ...]) -> None:
    asked = [q._replace(query=q.query.rstrip(".")) for q in questions()]
    found = sumo.run(sumo_language.query(preset, "dga-burst"), (), [cse_dns(q) for q in asked])
    assert _rows(found, "window_start", *by, *NAMES) == expected_names(asked, by)


def test_duckdb_names() -> None:
    asked = [q._replace(query=q.query.rstrip(".")) for q in questions()]
    columns = ("start DOUBLE", "src_ip VARCHAR", "query VARCHAR", "domain VARCHAR", "failed BOOLEAN")
    reverse = [Question(MIDNIGHT, "10.0.0.2", f"1.0.0.{n}.in-addr.arpa", True, "pc-2") for n in range(90)]
    rows = [(q.start, q.src_ip, q.query, registered(q.query), q.failed) for q in (*asked, *reverse)]
    found = by_duckdb("dga-burst", "dns", columns, rows, "window_start", "src_ip", *NAMES)
    assert found == expected_names(asked, ("src_ip",)) and {row[1] for row in found} == {"10.0.0.1", "10.0.0.6"}


@pytest.mark.parametrize(
    ("name", "hunt", "old", "new"),
    [
        ("at least 100", "ddos-burst", "connections>100", "connections>=100"),
        ("an hour for a quarter", "ddos-burst", "/900)*900", "/3600)*3600"),
        ("20 ports are a scan", "ddos-burst", "unique_ports>20", "unique_ports>=20"),
        ("rows instead of ports", "ddos-burst", "dc(dst_port)", "count(dst_port)"),
        ("more than 30 domains", "dga-burst", "failed_domains>=30", "failed_domains>30"),
        ("29 domains", "dga-burst", "failed_domains>=30", "failed_domains>=29"),
        ("more than 70 %", "dga-burst", ">=names*80", ">=names*70"),
        ("names instead of domains", "dga-burst", "dc(failed_domain)", "sum(failed)"),
        ("failed once is failed", "dga-burst", "min(failed) AS failed", "max(failed) AS failed"),
        ("two labels everywhere", "dga-burst", ", 3, 2)", ", 2, 2)"),
        ("capitals are other names", "dga-burst", "lower(asked)", "asked"),
    ],
)
def test_a_wrong_hunt_is_noticed(name: str, hunt: str, old: str, new: str) -> None:
    ours = splunk.query("cim", hunt)
    wrong = ours.replace(old, new)
    assert wrong != ours
    if hunt == "ddos-burst":
        source, names = [row for e in bursts() for row in telemetry.cim(e)], ("window_start", *FLOW, *COUNTED)
    else:
        mixed = [q._replace(query=q.query.swapcase()) for q in questions()[:40]]
        source = [dns_fields(q) | {"query": q.query} for q in (*questions(), *mixed)]
        names = ("window_start", "src_ip", *NAMES)
    assert _rows(spl.run(wrong, source), *names) != _rows(spl.run(ours, source), *names), name
