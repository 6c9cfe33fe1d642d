"""Flow logs of Azure and Google Cloud, and AWS VPC flow behind NAT and as Parquet."""

from json import dumps
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.sources.logs.formats import azure_flows, gcp_flows, vpcflow
from tests.connectors.sources.logs.shapes import ALL, COUNT, OURS, PEER, counted, fetched, rows
from tests.support.log_fixtures import events, passed_over, refused, written

T0 = 1772438400
TUPLE = "10.20.30.40,45.60.1.1,20000,6667"


def azure(folder: Path, *tuples: str) -> Path:
    flows = {"flows": [{"aclID": "a", "flowGroups": [{"rule": "r", "flowTuples": list(tuples)}]}]}
    return written(folder, "PT1H.json", dumps({"time": "x", "flowRecords": flows}) + "\n")


def vnet(second: int, state: str, counters: str = "NX,6,360,5,500", ends: str = TUPLE) -> str:
    return f"{(T0 + second) * 1000},{ends},6,O,{state},{counters}"


def test_a_flow_is_one_connection_from_beginning_to_end(tmp_path: Path) -> None:
    told = [vnet(0, "B", "NX,0,0,0,0"), vnet(300, "C"), vnet(600, "C"), vnet(660, "E")]
    (row,) = events(azure_flows, azure(tmp_path, *told))
    assert (row["start"], row["duration"], row["conns"], row["denied"]) == (T0, 660, 1, False)
    assert (row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"], row["proto"]) == (
        OURS,
        20000,
        PEER,
        6667,
        "tcp",
    )
    assert (row["bytes_sent"], row["bytes_rcvd"], row["sent_packets"], row["rcvd_packets"]) == (1080, 1500, 18, 15)


@pytest.mark.parametrize(
    ("tuples", "starts"),
    [
        ([vnet(0, "B"), vnet(30, "E"), vnet(60, "B"), vnet(90, "E")], [0, 60]),
        ([vnet(0, "C"), vnet(30, "E")], [0]),
        ([vnet(0, "B"), vnet(0, "B")], [0]),
        ([vnet(0, "B"), vnet(30, "E"), vnet(300, "C"), vnet(330, "E")], [0, 300]),
        ([vnet(0, "D"), vnet(60, "D"), vnet(120, "D")], [0, 60, 120]),
    ],
    ids=["two", "began before", "two rules", "after its end", "denied"],
)
def test_how_many_flows(tmp_path: Path, tuples: list[str], starts: list[int]) -> None:
    assert [row["start"] - T0 for row in events(azure_flows, azure(tmp_path, *tuples))] == starts


@pytest.mark.parametrize(
    ("text", "denied", "sent"),
    [
        (f"{T0},{TUPLE},T,O,A,B,,,,", False, None),
        (f"{T0},{TUPLE},T,O,D,B,,,,", True, None),
        (f"{T0},{TUPLE},T,O,A", False, None),
        (f"{T0},{TUPLE},U,O,A,E,6,360,5,500", False, 360),
        (vnet(0, "D"), True, None),
        (vnet(0, "B"), False, None),
    ],
)
def test_versions_denied_and_unknown_bytes(tmp_path: Path, text: str, denied: bool, sent: int | None) -> None:
    (row,) = events(azure_flows, azure(tmp_path, text))
    assert (row["denied"], row["bytes_sent"], row["start"]) == (denied, sent, T0)


def test_bad_tuples_are_named_each_and_the_others_stay(tmp_path: Path) -> None:
    path = azure(tmp_path, vnet(0, "B"), "1,2", "1,2", vnet(0, "Q"), vnet(5, "B", ends="10.0.0.300,45.60.1.1,1,2"))
    path.write_text(path.read_text() + '{"flowRecords": \n{"flowRecords": {"flows": []}}\n')
    assert len(events(azure_flows, path)) == 1
    assert [line for _, line in refused(azure_flows, path)] == [1, 1, 1, 1, 2]
    assert passed_over(azure_flows, path) == ["a record without flow tuples"]


def gcp(
    second: int, source: tuple[str, int] = (OURS, 20000), target: tuple[str, int] = (PEER, 443), **more: Any
) -> str:
    ends = {"src_ip": source[0], "src_port": source[1], "dest_ip": target[0], "dest_port": target[1], "protocol": 6}
    stamp = f"2026-03-02T08:{second // 60:02d}:{second % 60:02d}Z"
    return dumps(
        {
            "jsonPayload": {
                "connection": ends,
                "start_time": stamp,
                "end_time": stamp,
                "bytes_sent": "360",
                "packets_sent": "6",
                "reporter": "SRC",
                **more,
            }
        }
    )


def test_both_directions_are_one_connection_whoever_comes_first(tmp_path: Path) -> None:
    for number, lines in enumerate(([gcp(0), gcp(0, (PEER, 443), (OURS, 20000))],) * 2):
        path = written(tmp_path, f"{number}.json", "\n".join(lines[:: -1 if number else 1]) + "\n")
        (row,) = events(gcp_flows, path)
        assert (row["src_ip"], row["dst_port"], row["bytes_sent"], row["bytes_rcvd"]) == (OURS, 443, 360, 360)


def test_the_receivers_record_of_a_reported_flow_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", f"{gcp(0)}\n{gcp(0, reporter='DEST')}\n{gcp(0, (PEER, 5), reporter='DEST')}\n")
    assert len(events(gcp_flows, path)) == 2 and len(passed_over(gcp_flows, path)) == 1


def test_bad_records_are_named(tmp_path: Path) -> None:
    bad = [gcp(0, ("10.0.0.300", 1)), gcp(0, bytes_sent="-1"), gcp(0, start_time="soon"), '{"jsonPayload": ']
    path = written(tmp_path, "a.json", "\n".join([gcp(0), *bad, '{"other": 1}']) + "\n")
    assert len(events(gcp_flows, path)) == 1 and passed_over(gcp_flows, path) == ["no flow record"]
    assert [line for _, line in refused(gcp_flows, path)] == [2, 3, 4, 5]


NAT = (
    "version srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status pkt-srcaddr "
    "pkt-dstaddr\n"
)


def leg(begun: int, source: str, target: str, packet: str, ports: str = "20000 6667") -> str:
    return f"3 {source} {target} {ports} 6 6 360 {begun} {begun + 40} ACCEPT OK {packet}\n"


def test_behind_a_nat_gateway_the_client_is_the_source(tmp_path: Path) -> None:
    text = NAT + "".join(
        leg(T0 + 600 * n, OURS, "10.20.0.5", f"{OURS} {PEER}", f"{20000 + n} 6667")
        + leg(T0 + 600 * n, "10.20.0.5", PEER, f"10.20.0.5 {PEER}", f"{30000 + n} 6667")
        + leg(T0 + 600 * n, PEER, "10.20.0.5", f"{PEER} 10.20.0.5", f"6667 {30000 + n}")
        + leg(T0 + 600 * n, "10.20.0.5", OURS, f"{PEER} {OURS}", f"6667 {20000 + n}")
        for n in range(COUNT)
    )
    assert counted(fetched(tmp_path, "flow.log", text)) == ALL
    assert set(passed_over(vpcflow, tmp_path / "flow.log")) == {
        "the NAT gateway's side of a connection that is counted from its client"
    }


def test_a_pod_is_the_source_and_its_nodes_own_traffic_stays(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "flow.log",
        NAT
        + leg(T0, "10.20.0.5", PEER, f"10.20.99.1 {PEER}")
        + leg(T0, "10.20.0.5", PEER, f"10.20.0.5 {PEER}", "20001 443"),
    )
    assert sorted(row["src_ip"] for row in events(vpcflow, path)) == ["10.20.0.5", "10.20.99.1"]


def test_vpc_flow_as_parquet(tmp_path: Path) -> None:
    path = tmp_path / "flow.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"""
            COPY (SELECT 2 AS version, '{OURS}' AS srcaddr, '{PEER}' AS dstaddr, (20000 + i)::INTEGER AS srcport,
              6667 AS dstport, 6 AS protocol, 6::BIGINT AS packets, 360::BIGINT AS bytes, {T0} + 600 * i AS start,
              {T0} + 600 * i + 40 AS "end", 'ACCEPT' AS action, 'OK' AS log_status FROM range({COUNT}) r(i)
              UNION ALL SELECT 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, {T0}, {T0}, NULL, 'NODATA')
            TO '{path}' (FORMAT parquet)""")
    found = fetched(tmp_path, "copy.parquet", path.read_bytes())
    assert counted(found) == ALL and found.health.rows_rejected == 0


def test_azure_documents_are_read_whole(tmp_path: Path) -> None:
    record = {
        "flowRecords": {
            "flows": [
                {
                    "flowGroups": [
                        {
                            "flowTuples": [
                                vnet(600 * n + second, state, ends=f"{OURS},{PEER},{20000 + n},6667")
                                for n in range(COUNT)
                                for second, state in ((0, "B"), (30, "E"))
                            ]
                        }
                    ]
                }
            ]
        }
    }
    for name, text in (
        ("one.json", dumps({"records": [record]})),
        ("laid.json", dumps({"records": [record]}, indent=2)),
        ("lines.json", rows(lambda n: record if n == 0 else {"flowRecords": {"flows": []}})),
    ):
        assert counted(fetched(tmp_path, name, text)) == ALL
