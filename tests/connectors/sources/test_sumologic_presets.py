"""Every preset, run over raw lines by the documented meaning of Sumo's language, gives what plain Python gives."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.sources.sumologic import mapping
from playbook.detections.beaconing import Event, Scope, score_events
from playbook.detections.languages import sumo
from playbook.model.detection import Detection
from tests.emulators.sumo_language import Fault, run
from tests.support.sumo_fixtures import DAY, LAB

START = int(DAY.start.timestamp())
SCOPE = Scope(source="sumo", lab=LAB)
LASTED = 45  # seconds from the start of a connection to its log line
Line = tuple[float, str]


def a_day() -> list[Event]:
    """A bot, a bot over UDP, one just below each threshold, private and nearly private destinations, ICMP, IPv6."""
    made: list[Event] = []

    def add(count: int, gap: int, dst: str, port: int, **more: Any) -> None:
        made.extend(
            Event(float(START + n * gap), "10.0.0.31", dst, port, src_port=40000 + n, **more) for n in range(count)
        )

    sized = {"bytes_sent": 215, "bytes_rcvd": 197, "bytes_total": 412}
    add(96, 900, "203.0.113.66", 6667, service="irc", **sized)
    add(110, 600, "198.51.100.9", 53, proto="udp", **sized)
    add(19, 900, "203.0.113.67", 6667, **sized)
    add(40, 100, "203.0.113.68", 6667, **sized)
    add(40, 900, "172.20.1.1", 6667, **sized)
    add(40, 900, "172.200.1.1", 6667, **sized)
    add(40, 900, "192.168.4.4", 6667, **sized)
    add(40, 900, "203.0.113.69", 6667, proto="icmp", **sized)
    return made


def unknown(events: list[Event], *names: str) -> list[Event]:
    """The events as a log has them that lacks these counters."""
    return [e._replace(**dict.fromkeys(names)) for e in events]


def stamp(at: float, form: str) -> str:
    """A time as text, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime(form)


def panos(e: Event) -> list[Line]:
    """A TRAFFIC line on a device five hours east, its start line before it, and one that is no traffic at all."""
    there = [stamp(at + 5 * 3600, "%Y/%m/%d %H:%M:%S") for at in (e.start + LASTED, e.start)]
    cells = [
        "<14>fw-1 1",
        there[0],
        "00123",
        "TRAFFIC",
        "end",
        "",
        there[0],
        e.src_ip,
        e.dst_ip,
        *[""] * 5,
        e.service,
        *[""] * 8,
        str(e.conns),
        str(e.src_port),
        str(e.dst_port),
        *[""] * 3,
        e.proto,
        "allow",
        str(e.bytes_total),
        str(e.bytes_sent),
        str(e.bytes_rcvd),
        "9",
        there[1],
        str(LASTED),
        "any",
    ]
    assert cells[25] == str(e.dst_port) and cells[35] == there[1]
    begun = ["start" if cell == "end" else cell for cell in cells]
    return [(e.start, ",".join(begun)), (e.start + LASTED, ",".join(cells)), (e.start, "1,x,y,THREAT,url,,,,")]


def asa(e: Event) -> list[Line]:
    """Teardown lines in both orders, and the Built line that must not count."""
    if e.proto == "icmp":
        return [(e.start, f"%ASA-6-302021: Teardown ICMP connection for faddr {e.dst_ip}/0 gaddr x/0 laddr x/0")]
    inside, outside = f"inside:{e.src_ip}/{e.src_port}", f"Outside:{e.dst_ip}/{e.dst_port}"
    first, second = (inside, outside) if (e.src_port or 0) % 2 else (outside, inside)
    return [
        (e.start, f"%ASA-6-302013: Built outbound TCP connection 7 for {outside} (x) to {inside} (x)"),
        (
            e.start + LASTED,
            f"%ASA-6-302014: Teardown {e.proto.upper()} connection 7 for {first} to {second}"
            f" duration 0:00:{LASTED} bytes {e.bytes_total} TCP FINs",
        ),
    ]


def zeek_row(e: Event) -> dict[str, Any]:
    """The columns of conn.log: IP counters on even ports, payload counters alone on odd ones."""
    history = "ShADadFf" if e.proto == "tcp" else "Dd"
    ip = {"orig_ip_bytes": e.bytes_sent, "resp_ip_bytes": e.bytes_rcvd, "orig_bytes": 1, "resp_bytes": 1}
    payload = {"orig_bytes": e.bytes_sent, "resp_bytes": e.bytes_rcvd}
    return {
        "ts": e.start + 0.25,
        "id.orig_h": e.src_ip,
        "id.orig_p": e.src_port,
        "id.resp_h": e.dst_ip,
        "id.resp_p": e.dst_port,
        "proto": e.proto,
        "conn_state": "SF",
        "history": history,
        **({"service": e.service} if e.service else {}),
        **(ip if (e.src_port or 0) % 2 == 0 else payload),
    }


def zeek_json(e: Event) -> list[Line]:
    """A conn.log row, a further row of the same session, and a dns.log row of the same flow."""
    row = zeek_row(e)
    further = row | {"history": "DadA", "ts": e.start + 7200}
    dns = {name: row[name] for name in ("ts", "id.orig_h", "id.resp_h", "id.resp_p", "proto")} | {"query": "a.example"}
    more = [further] if e.proto == "tcp" else []
    return [(e.start + LASTED, json.dumps(found)) for found in (row, *more, dns)] + [(e.start, "#separator \\x09")]


def zeek_ecs(e: Event) -> list[Line]:
    """A conn row as Filebeat ships it; every third has no @timestamp, so that the message time counts."""
    row: dict[str, Any] = {
        "source": {"ip": e.src_ip, "bytes": e.bytes_sent},
        "destination": {"ip": e.dst_ip, "port": e.dst_port, "bytes": e.bytes_rcvd},
        "network": {"transport": e.proto, **({"protocol": e.service} if e.service else {})},
        "zeek": {"connection": {"state": "SF", "history": "ShADadFf"}},
    }
    if (e.src_port or 0) % 3:
        row["@timestamp"] = stamp(e.start, "%Y-%m-%dT%H:%M:%S.000Z")
        return [(e.start + LASTED, json.dumps(row))]
    return [(e.start, json.dumps(row))]


def netflow(e: Event) -> list[Line]:
    """A record of the outbound direction and the answer's, which goes to a private address."""
    flow = {
        "protocol": {"tcp": 6, "udp": 17, "icmp": 1}[e.proto],
        "in_bytes": e.bytes_sent,
        "first_switched": stamp(e.start, "%Y-%m-%dT%H:%M:%S.000Z"),
    }
    out = flow | {"ipv4_src_addr": e.src_ip, "ipv4_dst_addr": e.dst_ip, "l4_dst_port": e.dst_port}
    back = flow | {"ipv4_src_addr": e.dst_ip, "ipv4_dst_addr": e.src_ip, "l4_dst_port": e.src_port}
    return [(e.start + LASTED, json.dumps({"netflow": one})) for one in (out, back)]


def vpcflow(e: Event) -> list[Line]:
    """An accepted row, a rejected one, one without data, and the header."""
    number = {"tcp": 6, "udp": 17, "icmp": 1}[e.proto]
    at = int(e.start)
    row = f"2 1 eni-1 {e.src_ip} {e.dst_ip} {e.src_port} {e.dst_port} {number} 3 {e.bytes_sent} {at} {at + 60}"
    return [
        (e.start + LASTED, f"{row} ACCEPT OK"),
        (e.start + LASTED, f"{row} REJECT OK"),
        (e.start, "2 1 eni-1 - - - - - - - 1 2 - NODATA"),
        (e.start, "version account-id start end log-status"),
    ]


def seed_fields(e: Event) -> dict[str, Any]:
    """What an extraction rule gives: text, and null for what the log does not have."""
    return {
        "_messageTime": e.start * 1000,
        "hostname": "pc-1",
        "src_ip": e.src_ip,
        "dst_ip": e.dst_ip,
        "dst_port": str(e.dst_port),
        "bytes_sent": str(e.bytes_sent),
        "bytes_rcvd": str(e.bytes_rcvd),
        "process_name": None if e.dst_port == 53 else "svchost",
    }


def cse_fields(e: Event) -> dict[str, Any]:
    """A normalized record: numbers are numbers, and the firewall's name is another column."""
    return {
        "_messageTime": e.start * 1000,
        "srcDevice_hostname": None,
        "device_hostname": "fw-1",
        "srcDevice_ip": e.src_ip,
        "dstDevice_ip": e.dst_ip,
        "dstPort": float(e.dst_port),
        "bytesOut": float(e.bytes_sent or 0),
        "bytesIn": float(e.bytes_rcvd or 0),
        "baseImage": None,
        "ipProtocol": e.proto.upper(),
        "application": e.service,
    }


def found_by(preset: str, lines: list[Line], fields: list[dict[str, Any]]) -> tuple[Detection, ...]:
    """The detections of a preset over raw lines, read back as the connector reads records."""
    records = [{k: str(v) for k, v in record.items()} for record in run(sumo.detection(preset), lines, fields)]
    found, read = mapping.detections(records, SCOPE)
    assert read.rejected == 0, read.examples
    return found


def compared(detections: tuple[Detection, ...], *ignored: str) -> list[dict[str, Any]]:
    """Detections without what a preset cannot tell."""
    return [d.model_dump(exclude={"ntp_sized", *ignored}) for d in detections]


@pytest.mark.parametrize(
    ("preset", "write", "lacking", "ignored"),
    [
        ("panos", panos, (), ()),
        ("asa", asa, ("bytes_sent", "bytes_rcvd"), ("services",)),
        ("zeek-json", zeek_json, (), ("first_seen", "last_seen")),
        ("zeek-ecs", zeek_ecs, (), ()),
        ("netflow", netflow, ("bytes_rcvd", "bytes_total"), ("services",)),
        ("vpcflow", vpcflow, ("bytes_rcvd", "bytes_total"), ("services",)),
    ],
)
def test_raw_lines_of_a_preset_give_what_plain_python_gives(
    preset: str, write: Callable[[Event], list[Line]], lacking: tuple[str, ...], ignored: tuple[str, ...]
) -> None:
    events = a_day()
    expected = score_events(unknown(events, *lacking), SCOPE)
    found = found_by(preset, [line for e in events for line in write(e)], [])
    assert len(expected) >= 3 and compared(found, *ignored) == compared(expected, *ignored)


@pytest.mark.parametrize(
    ("preset", "fields", "named", "ignored"),
    [
        ("seed", seed_fields, {"hostname": "pc-1"}, ("services", "transports", "processes", "detection_id")),
        ("cse", cse_fields, {}, ()),
    ],
)
def test_extracted_fields_give_what_plain_python_gives(
    preset: str, fields: Callable[[Event], dict[str, Any]], named: dict[str, str], ignored: tuple[str, ...]
) -> None:
    events = [e for e in a_day() if e.proto != "icmp"]
    found = found_by(preset, [], [fields(e) for e in events])
    expected = score_events([e._replace(**named) for e in events], SCOPE)
    assert len(expected) >= 3 and compared(found, *ignored) == compared(expected, *ignored)
    assert all(d.processes == (("svchost",) if d.dst_port != 53 else ()) for d in found) or preset == "cse"


def test_between_two_public_sides_the_one_not_outside_is_the_asa_initiator() -> None:
    text = "%ASA-6-302014: Teardown TCP connection 7 for {} duration 0:00:45 bytes 412 TCP FINs"
    out, dmz = "Outside:203.0.113.66/6667", "dmz:198.51.100.20/50000"
    sides = (f"{out} to {dmz}", f"{dmz} to {out}")
    lines = [(START + n * 900, text.format(sides[n % 2])) for n in range(40)]
    (found,) = found_by("asa", lines, [])
    assert (found.src_ip, found.dst_ip, found.dst_port, found.connections) == (
        "198.51.100.20",
        "203.0.113.66",
        6667,
        40,
    )


def test_repeat_count_counts_and_absent_counters_stay_unknown() -> None:
    events = [Event(float(START + n * 900), "10.0.0.7", "203.0.113.66", 6667, "", 1, "tcp", 3) for n in range(10)]
    lines = [(at, raw.replace("None", "")) for e in events for at, raw in panos(e)]
    (found,) = found_by("panos", lines, [])
    assert found.connections == 30 and not found.bytes_known and found.total_bytes_sent is None
    fields = [seed_fields(e) | {"bytes_rcvd": None if n else "5"} for n, e in enumerate(a_day())]
    assert not any(d.bytes_known for d in found_by("seed", [], fields)[:1])


def test_the_follow_up_and_the_heartbeat_run_too() -> None:
    events = [e for e in a_day() if e.dst_ip in ("203.0.113.66", "198.51.100.9")]
    lines = [line for e in events for line in panos(e)]
    records = run(sumo.traffic([sumo.tuple_key("10.0.0.31", "203.0.113.66", 6667)], "panos"), lines)
    seen = mapping.starts([{k: str(v) for k, v in record.items()} for record in records])
    wanted = [(int(e.start), e.bytes_sent) for e in events if e.dst_port == 6667]
    assert sorted((s.second, s.sent) for s in seen.values) == wanted and not seen.rejected
    hours = mapping.hours([{k: str(v) for k, v in r.items()} for r in run(sumo.heartbeat("panos"), lines)])
    assert sum(hour.rows for hour in hours) == len(lines)
    assert run(sumo.probe("panos"), lines)[0]["dst_ip"] == events[0].dst_ip


def test_the_follow_up_of_a_busy_tuple_gives_its_newest_seconds_and_its_hours() -> None:
    events = [e for e in a_day() if e.dst_ip in ("203.0.113.66", "198.51.100.9")]
    lines = [line for e in events for line in panos(e)]
    keys = [sumo.tuple_key("10.0.0.31", "203.0.113.66", 6667), sumo.tuple_key("10.0.0.31", "198.51.100.9", 53)]
    since = START + 20 * 3600

    def seen(**limits: Any) -> Any:
        records = run(sumo.traffic(keys, "panos", **limits), lines)
        return mapping.starts([{k: str(v) for k, v in record.items()} for record in records]).values

    newest = sorted((s.key[3], s.second) for s in seen(since={keys[0]: since}))
    assert newest == sorted((e.dst_port, int(e.start)) for e in events if e.dst_port != 6667 or e.start >= since)
    hours = {s.second: s.conns for s in seen(step_s=3600) if s.key[3] == 6667}
    assert hours == {START + hour * 3600: 4 for hour in range(24)}
    assert sumo.lint(sumo.traffic(keys, "panos", since={keys[0]: since}, step_s=3600)) == ()


@pytest.mark.parametrize(
    "wrong",
    ["* | num(a) as b", "* | if(a = 1, 1, 0) as b", "* | where a", "* | a + 1 as b", '* | if(a = "x", 1, "1") as b'],
)
def test_what_is_not_documented_is_refused_by_the_stand_in(wrong: str) -> None:
    with pytest.raises(Fault):
        run(wrong, [], [{"a": "x"}])
