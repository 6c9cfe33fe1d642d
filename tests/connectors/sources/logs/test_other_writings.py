"""The same 24 connections as Zeek, Sysmon, nfdump, ECS documents and exported tables, in their other writings."""

from json import dumps
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors.sources.logs.formats import ecs, nfdump, tables, zeek_cut
from playbook.cli import detect
from playbook.errors import ConfigError
from tests.connectors.sources.logs.shapes import ALL, COUNT, OURS, PEER, at, counted, fetched, iso, rows, zeek
from tests.support.log_fixtures import events, passed_over, refused, written

CUT = (
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "conn_state",
    "orig_ip_bytes",
    "resp_ip_bytes",
)
FEW = ("ts", "id.orig_h", "id.resp_h", "id.resp_p", "orig_bytes", "resp_bytes")
SYSMON = "Microsoft-Windows-Sysmon/Operational"


def cut(names: tuple[str, ...], separator: str = "\t", head: str = "#fields\t", **changed: Any) -> str:
    table = [head + separator.join(changed.get("named", str)(name) for name in names)]
    for number in range(COUNT):
        values = zeek(number) | ({"ts": changed["ts"](number)} if "ts" in changed else {})
        table.append(separator.join(str(values[name]) for name in names))
    return "\n".join(table) + "\n"


def nested(number: int) -> dict[str, Any]:
    flat = zeek(number)
    inner = {name.removeprefix("id."): flat.pop(name) for name in list(flat) if name.startswith("id.")}
    return flat | {"id": inner}


def sysmon(number: int) -> dict[str, str]:
    return {
        "RuleName": "-",
        "UtcTime": iso(number, "").replace("T", " "),
        "Image": r"C:\U & Co\x.exe",
        "Protocol": "tcp",
        "Initiated": "true",
        "SourceIp": OURS,
        "SourcePort": str(20000 + number),
        "DestinationIp": PEER,
        "DestinationPort": "6667",
    }


def xml(number: int, end: str = "") -> str:
    values = {name: value.replace("&", "&amp;") for name, value in sysmon(number).items()}
    fields = end.join(f"<Data Name='{name}'>{value}</Data>" for name, value in values.items())
    return (
        f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>{end}<System>"
        f"<Provider Name='Microsoft-Windows-Sysmon'/><EventID>3</EventID><Channel>{SYSMON}</Channel>"
        f"<Computer>WS-7</Computer></System>{end}<EventData>{fields}</EventData></Event>"
    )


def about(fields: Any) -> dict[str, Any]:
    return {"Event": {"System": {"EventID": 3, "Computer": "WS-7", "Channel": SYSMON}, "EventData": fields}}


def flow(number: int, back: bool = False) -> dict[str, Any]:
    ends = [(OURS, 20000 + number), (PEER, 6667)][:: -1 if back else 1]
    return {
        "type": "FLOW",
        "t_first": iso(number, ""),
        "t_last": iso(number, ""),
        "proto": 6,
        "src4_addr": ends[0][0],
        "dst4_addr": ends[1][0],
        "src_port": ends[0][1],
        "dst_port": ends[1][1],
        "tcp_flags": "...AP.SF",
        "in_packets": 6,
        "in_bytes": 360,
    }


def document(number: int, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": iso(number),
        "source": {"ip": OURS, "port": 20000 + number, "bytes": 360},
        "destination": {"ip": PEER, "port": 6667, "bytes": 500},
        "network": {"transport": "tcp"},
        **more,
    }


def splunk(number: int) -> dict[str, str]:
    return {"_time": iso(number, "+0000"), "src_ip": OURS, "dest": PEER, "dest_port": "6667"}


def winlog(number: int) -> dict[str, Any]:
    return {"winlog": {"channel": SYSMON, "event_id": "3", "computer_name": "WS-7", "event_data": sysmon(number)}}


WRITINGS = {
    "zeek-cut -c": cut(CUT),
    "zeek-cut -m": cut(CUT, head=""),
    "few columns": cut(FEW),
    "zeek-cut -d": cut(CUT, ts=lambda n: iso(n, "")[:19] + "+0000"),
    "commas": cut(CUT, ",", ""),
    "aligned": cut(CUT, "   ", ""),
    "scope separator": cut(CUT, named=lambda name: name.replace(".", "_")),
    "id_orig_h": rows(lambda n: {name.replace(".", "_"): value for name, value in zeek(n).items()}),
    "nested id": rows(nested),
    "milliseconds": rows(lambda n: zeek(n) | {"ts": int(at(n) * 1000)}),
    "ISO": rows(lambda n: zeek(n) | {"ts": iso(n)}),
    "xml": "<?xml version='1.0'?>\n<Events>\n" + "\n".join(xml(n, "\n") for n in range(COUNT)) + "\n</Events>\n",
    "xml lines": rows(xml),
    "xml in Splunk": rows(lambda n: {"result": {"_raw": xml(n, "\n")}}),
    "evtx array": dumps([about(sysmon(n)) for n in range(COUNT)], indent=1),
    "names and values": rows(lambda n: about({"Data": [{"@Name": k, "#text": v} for k, v in sysmon(n).items()]})),
    "wazuh": rows(
        lambda n: {
            "data": {
                "win": {
                    "system": {"providerName": "Microsoft-Windows-Sysmon", "eventID": "3", "channel": SYSMON},
                    "eventdata": {name[0].lower() + name[1:]: value for name, value in sysmon(n).items()},
                }
            }
        }
    ),
    "fluent-bit": rows(
        lambda n: {
            "ProviderName": "Microsoft-Windows-Sysmon",
            "EventID": 3,
            "Channel": SYSMON,
            "Message": "\r\n".join(f"{name}: {value}" for name, value in sysmon(n).items()),
        }
    ),
    "winlogbeat in Elasticsearch": dumps({"hits": {"hits": [{"_source": winlog(n)} for n in range(COUNT)]}}),
    "nfdump json": dumps([one for n in range(COUNT) for one in (flow(n), flow(n, back=True))], indent=2),
    "nfdump ndjson": rows(flow),
    "ecs zeek": rows(lambda n: document(n, event={"dataset": "zeek.connection"}, zeek={"session_id": str(n)})),
    "ecs suricata": rows(
        lambda n: document(
            n, event={"module": "suricata", "dataset": "suricata.eve"}, suricata={"eve": {"event_type": "flow"}}
        )
    ),
    "security onion, flat": rows(
        lambda n: {
            "@timestamp": iso(n),
            "event.dataset": "conn",
            "event.module": "zeek",
            "source.ip": OURS,
            "destination.ip": PEER,
            "destination.port": 6667,
            "client.ip_bytes": 360,
            "server.ip_bytes": 500,
            "log.id.uid": str(n),
        }
    ),
    "splunk results": dumps({"results": [splunk(n) for n in range(COUNT)]}),
    "splunk result": rows(lambda n: {"preview": False, "result": splunk(n)}),
    "sumo api": dumps(
        {
            "messages": [
                {"map": {"_messagetime": str(int(at(n) * 1000)), "src_ip": OURS, "dst_ip": PEER, "dst_port": "6667"}}
                for n in range(COUNT)
            ]
        }
    ),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_every_writing_gives_the_same_connections(tmp_path: Path, writing: str) -> None:
    found = fetched(tmp_path, "export.log", WRITINGS[writing])
    assert [row[:4] for row in counted(found)] == ALL and found.health.rows_rejected == 0


def test_bad_rows_of_cut_columns_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "conn.log", cut(FEW) + "soon\t10.0.0.5\t45.60.1.1\t1\t-\t-\n1772438401\tx\n")
    assert [reason for reason, _ in refused(zeek_cut, path)] == ["ts is not usable: soon", "expected 6 fields, found 2"]


HEADER = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"


@pytest.mark.parametrize(
    ("row", "conns", "duration"),
    [
        ("3000.000,TCP,10.0.0.5,0,45.60.1.1,443,144,8640,6", 6, 3000),
        ("5.0,TCP,10.0.0.5,5000,45.60.1.1,443,144,8640,6", 1, 5),
        ("5.0,UDP,10.0.0.5,5000,45.60.1.1,443,144,8640,6", 6, 5),
        ("5.0,TCP,10.0.0.5,5000,45.60.1.1,443,1,86,1", 1, 5),
        ("00:25:34.204,TCP,10.0.0.5,5000,45.60.1.1,443,1,86,1", 1, 1534.204),
        ("1d 00:00:01.000,TCP,10.0.0.5,5000,45.60.1.1,443,1,86,1", 1, 86401),
    ],
)
def test_flows_of_an_aggregated_row(tmp_path: Path, row: str, conns: int, duration: float) -> None:
    for number, head in enumerate((HEADER, "")):
        path = written(tmp_path, f"{number}.csv", f"{head}2026-03-02 08:00:00.000,{row}\n")
        if head or "d " not in row:
            (found,) = events(nfdump, path)
            assert (found["conns"], found["src_ip"], found["dst_port"]) == (conns, "10.0.0.5", 443)
            assert conns > 1 or found["duration"] == pytest.approx(duration)


def test_ecs_counts_each_connection_once_and_says_what_is_none(tmp_path: Path) -> None:
    begun = {"event": {"dataset": "panw.panos", "action": "flow_started"}}
    told = [
        document(0, event={"dataset": "zeek.connection"}, zeek={"session_id": "C1"}),
        document(0, event={"dataset": "zeek.connection"}, zeek={"session_id": "C1"}),
        document(0, **begun),
        document(0, event={"dataset": "aws.vpcflow"}),
        document(0, event={"dataset": "zeek.ssl"}),
        document(1, event={"dataset": "x.log", "type": ["connection", "denied"]}),
    ]
    path = written(tmp_path, "a.json", "".join(dumps(one) + "\n" for one in told) + '{"@timestamp": \n')
    assert [row["denied"] for row in events(ecs, path)] == [False, True]
    assert len(passed_over(ecs, path)) == 4 and [line for _, line in refused(ecs, path)] == [7]


def test_a_tables_denied_counts_and_bytes(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.csv",
        "_time,src,dest,dest_port,bytes,action,count\n"
        f"1772438401,{OURS},{PEER},443,900,allowed,3\n1772438402,{OURS},{PEER},443,,blocked,\n"
        f"1772438402,{OURS},{PEER},99999,,blocked,\n",
    )
    assert [(row["conns"], row["denied"], row["bytes_total"], row["bytes_sent"]) for row in events(tables, path)] == [
        (3, False, 900, None),
        (1, True, None, None),
    ]
    assert refused(tables, path) == [("dst_port is not usable: 99999", 4)]


OWN = "at;utc,who,to where,port\n" + "".join(f"{iso(n)},{OURS},{PEER},6667\n" for n in range(COUNT))
MAPPED = {"time": "at;utc", "src_ip": "who", "dst_ip": "to where", "dst_port": "port"}


def test_own_columns_are_mapped_by_the_settings(tmp_path: Path) -> None:
    assert counted(fetched(tmp_path, "own.csv", OWN, columns=MAPPED)) == ALL
    own = rows(lambda n: {"e": {"at": iso(n), "a": OURS, "b": PEER, "p": 6667}})
    paths = {"time": "e.at", "src_ip": "e.a", "dst_ip": "e.b", "dst_port": "e.p"}
    assert counted(fetched(tmp_path, "own.json", own, columns=paths)) == ALL


@pytest.mark.parametrize(
    ("columns", "said"),
    [(MAPPED | {"colour": "x"}, "colour: not known"), ({"time": "at;utc"}, "src_ip, dst_ip, dst_port must be given")],
)
def test_a_mapping_with_a_fault_is_refused(tmp_path: Path, columns: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        fetched(tmp_path, "own.csv", OWN, columns=columns)


def test_own_columns_are_mapped_by_a_file(tmp_path: Path) -> None:
    written(tmp_path, "own.csv", OWN)
    written(tmp_path, "columns.toml", "".join(f'{ours} = "{theirs}"\n' for ours, theirs in MAPPED.items()))
    written(tmp_path, "bad.toml", "time = 5\n")
    arguments = [str(tmp_path / "own.csv"), "--csv", "--columns"]
    done = CliRunner().invoke(detect.command, [*arguments, str(tmp_path / "columns.toml")])
    assert done.exit_code == 0 and f"{OURS},{PEER},6667,{COUNT}" in done.stdout
    assert CliRunner().invoke(detect.command, [*arguments, str(tmp_path / "bad.toml")]).exit_code == 2
