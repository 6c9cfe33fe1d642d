"""Lost records make a run incomplete; names in Meraki's and Squid's lines; a table of one's own in Parquet."""

from json import dumps
from pathlib import Path

import duckdb
import pytest

from bench.fuzz import account
from bench.log_lines import lines
from connectors.sources.logs.formats import gcp_flows, meraki, squid
from connectors.sources.logs.schema import Recognised, Scan
from tests.connectors.sources.logs.shapes import ALL, COUNT, OURS, PEER, PORT, at, counted, fetched, iso, rows, zeek

_STATS = {
    "timestamp": iso(1, "+0000"),
    "event_type": "stats",
    "stats": {"capture": {"kernel_packets": 9, "kernel_drops": 2}},
}
_LOSS = {
    "_path": "capture_loss",
    "ts": at(1),
    "ts_delta": 900.0,
    "peer": "w",
    "gaps": 4,
    "acks": 90,
    "percent_lost": 4.4,
}


@pytest.mark.parametrize("drops", [0, 2])
def test_suricata_that_dropped_packets_is_incomplete(tmp_path: Path, drops: int) -> None:
    stats = _STATS | {"stats": {"capture": {"kernel_packets": 9, "kernel_drops": drops}}}
    one = fetched(tmp_path, "eve.json", "\n".join((*lines("suricata", 30), dumps(stats))) + "\n")
    assert one.health.complete is (drops == 0)
    assert sum(one.health.rows_passed.values()) == 21


@pytest.mark.parametrize("share", [0.0, 4.4])
def test_zeek_that_lost_packets_is_incomplete(tmp_path: Path, share: float) -> None:
    text = rows(lambda number: {"_path": "conn"} | zeek(number)) + dumps(_LOSS | {"percent_lost": share}) + "\n"
    one = fetched(tmp_path, "stream.json", text)
    assert counted(one) == ALL
    assert one.health.complete is (share == 0.0)


def test_udp_of_google_is_never_joined_and_tcp_says_that_time_joined_it(tmp_path: Path) -> None:
    def flow(number: int, protocol: int) -> str:
        ends = {"src_ip": OURS, "src_port": 20000, "dest_ip": PEER, "dest_port": PORT, "protocol": protocol}
        when = {"start_time": iso(number), "end_time": iso(number)}
        return dumps({"jsonPayload": {"connection": ends, "bytes_sent": "90", "reporter": "SRC", **when}})

    def one(protocol: int) -> tuple[int, int]:
        path = tmp_path / f"{protocol}.json"
        path.write_text("".join(f"{flow(number, protocol)}\n" for number in range(COUNT)))
        form = Recognised(format="gcp-flows", kind="conn")
        query = gcp_flows.select(form, [str(path)], Scan())
        ((many, joined),) = duckdb.sql(f"SELECT count(start), sum(joined)::BIGINT FROM ({query})").fetchall()
        return many, joined

    assert one(17) == (COUNT, 0)
    assert one(6) == (1, COUNT - 1)


def test_names_in_the_urls_of_meraki(tmp_path: Path) -> None:
    path = tmp_path / "meraki.log"
    line = "<134>1 {at}.0 MX84 urls src={src}:5000 dst=45.60.1.1:{port} mac=00:11:22:33:44:55 request: {request}\n"
    told = [("443", "UNKNOWN https://c2.example/..."), ("80", "GET http://A.example:80/x")]
    path.write_text("".join(line.format(at=1772438401, src=OURS, port=port, request=request) for port, request in told))
    forms = meraki.recognise(path.read_text(), str(path))
    assert forms is not None and [form.kind for form in forms] == ["conn", "http"]
    query = meraki.select(forms[1], [str(path)], Scan())
    found = duckdb.sql(f"SELECT src_ip, dst_ip, dst_port, name, method FROM ({query}) ORDER BY dst_port").fetchall()
    assert found == [(OURS, PEER, 80, "a.example", "GET"), (OURS, PEER, 443, "c2.example", None)]


def test_squid_in_the_combined_format(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    row = '10.1.1.9 - - [02/Mar/2026:09:00:01 +0100] "{request}" 200 900 "-" "curl/8" {result}'
    told = [
        ("GET http://b.example:8080/x HTTP/1.1", "TCP_MISS:HIER_DIRECT"),
        ("CONNECT c.example:443 HTTP/1.1", "TCP_DENIED:HIER_NONE"),
    ]
    path.write_text("".join(row.format(request=request, result=result) + "\n" for request, result in told))
    assert account(path, "squid", 2)[:4] == (2, 1, 1, 0)
    form = squid.recognise(path.read_text(), str(path))
    assert isinstance(form, Recognised)
    query = squid.select(form, [str(path)], Scan())
    found = duckdb.sql(
        f"SELECT start, src_ip, dst_ip, dst_port, name FROM ({query}) WHERE start IS NOT NULL"
    ).fetchall()
    assert found == [(1772438401.0, "10.1.1.9", None, 8080, "b.example")]


def test_own_columns_of_a_parquet_table(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    moments = f"make_timestamp((({at(0)} + 600 * i) * 1000000)::BIGINT) AS moment"
    duckdb.execute(
        f"COPY (SELECT {moments}, '{OURS}' AS asker, '{PEER}' AS told, {PORT} AS door FROM range({COUNT}) t(i)) "
        f"TO '{path}' (FORMAT parquet)"
    )
    columns = {"time": "moment", "src_ip": "asker", "dst_ip": "told", "dst_port": "door"}
    assert counted(fetched(tmp_path, "own.parquet", path.read_bytes(), columns=columns)) == ALL
