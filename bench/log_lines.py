"""Sound lines of every log format that is read by lines, any number of them, for fuzzing and for measuring."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

_BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
_ZEEK = (
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
)


def _moment(number: int) -> datetime:
    return _BEGIN + timedelta(seconds=number * 7)


def _client(number: int) -> tuple[str, int]:
    return f"10.20.{number // 250 % 250}.{number % 250 + 1}", 20000 + number % 40000


def _zeek(number: int) -> dict[str, object]:
    address, port = _client(number)
    values = (
        _moment(number).timestamp(),
        f"C{number:017}",
        address,
        port,
        "45.60.1.1",
        443,
        "tcp",
        "ssl",
        1.5,
        120,
        300,
        "SF",
        "ShADadFf",
        6,
        360,
        5,
        500,
    )
    return dict(zip(_ZEEK, values, strict=True))


def _zeek_tsv(count: int) -> Iterator[str]:
    yield "#separator \\x09"
    yield "\t".join(("#fields", *_ZEEK))
    for number in range(count):
        yield "\t".join(map(str, _zeek(number).values()))


def _zeek_json(count: int) -> Iterator[str]:
    return (json.dumps(_zeek(number)) for number in range(count))


def _zeek_stream(count: int) -> Iterator[str]:
    for number in range(count):
        kind = ("conn", "ssl", "weird")[number % 3]
        yield json.dumps({"_path": kind} | _zeek(number))


def _panos(count: int) -> Iterator[str]:
    for number in range(count):
        address, port = _client(number)
        stamp = f"{_moment(number):%Y/%m/%d %H:%M:%S}"
        kind, rule = ("end", "end", "start", "deny")[number % 4], '"out, any"' if number % 10 == 0 else "out-any"
        yield (
            f"<14>{_moment(number):%b %d %H:%M:%S} fw 1,{stamp},0123,TRAFFIC,{kind},2562,{stamp},{address},"
            f"45.60.1.1,0.0.0.0,0.0.0.0,{rule},,,ssl,vsys1,trust,untrust,e1,e2,fwd,{stamp},{number},1,{port},"
            f"443,0,0,0x41,tcp,allow,2150,858,1292,12,{stamp},20,any,,7,0x8,US,US,,7,5,tcp-fin,14,0,0,0,,fw"
        )


def _asa(count: int) -> Iterator[str]:
    for number in range(count):
        address, port = _client(number // 2)
        stamp = f"{_moment(number):%b %d %Y %H:%M:%S}"
        ends = f"outside:45.60.1.1/443 (45.60.1.1/443) to inside:{address}/{port} (203.0.113.9/{port})"
        if number % 20 == 19:
            yield f"{stamp} fw : %ASA-5-111008: User 'enable_15' executed the 'write' command."
        elif number % 2 == 0:
            yield f"{stamp} fw : %ASA-6-302013: Built outbound TCP connection {number // 2} for {ends}"
        else:
            yield (
                f"{stamp} fw : %ASA-6-302014: Teardown TCP connection {number // 2} for {ends} duration 0:00:07 "
                "bytes 2150 TCP FINs"
            )


def _netflow(count: int) -> Iterator[str]:
    yield "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt"
    for number in range(count):
        (address, port), at = _client(number // 2), f"{_moment(number):%Y-%m-%d %H:%M:%S.000}"
        ends = (address, "45.60.1.1", port, 443) if number % 2 == 0 else ("45.60.1.1", address, 443, port)
        yield f"{at},{at},0.000,{','.join(map(str, ends))},TCP,...AP.SF,0,0,5,500,0,0"


def _vpcflow(count: int) -> Iterator[str]:
    yield (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status tcp-flags"
    )
    for number in range(count):
        (address, port), at = _client(number // 2), int(_moment(number).timestamp())
        ends = (address, "45.60.1.1", port, 443) if number % 2 == 0 else ("45.60.1.1", address, 443, port)
        status = "NODATA" if number % 50 == 49 else "OK"
        yield (
            f"3 123456789012 eni-0a {' '.join(map(str, ends))} 6 5 500 {at} {at + 3} ACCEPT {status} "
            f"{3 + number % 2 * 16}"
        )


def _suricata(count: int) -> Iterator[str]:
    for number in range(count):
        (address, port), at = _client(number), f"{_moment(number):%Y-%m-%dT%H:%M:%S.%f+0000}"
        kind = ("flow", "flow", "alert", "netflow")[number % 4]
        body = {
            "pkts_toserver": 6,
            "pkts_toclient": 5,
            "bytes_toserver": 444,
            "bytes_toclient": 570,
            "start": at,
            "end": at,
            "state": "closed",
        }
        yield json.dumps(
            {
                "timestamp": at,
                "flow_id": number,
                "event_type": kind,
                "src_ip": address,
                "src_port": port,
                "dest_ip": "45.60.1.1",
                "dest_port": 443,
                "proto": "TCP",
                "app_proto": "tls",
                kind: body,
                "tcp": {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "syn": True},
            }
        )


def _sysmon(count: int) -> Iterator[str]:
    for number in range(count):
        address, port = _client(number)
        yield json.dumps(
            {
                "Channel": "Microsoft-Windows-Sysmon/Operational",
                "EventID": (3, 3, 1)[number % 3],
                "Hostname": "ws-07",
                "UtcTime": f"{_moment(number):%Y-%m-%d %H:%M:%S.000}",
                "Image": "C:\\x.exe",
                "Protocol": "tcp",
                "Initiated": "true",
                "SourceIp": address,
                "SourcePort": port,
                "DestinationIp": "45.60.1.1",
                "DestinationPort": 443,
            }
        )


def _csv(count: int) -> Iterator[str]:
    yield "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name"
    for number in range(count):
        yield f"{_moment(number):%Y-%m-%dT%H:%M:%SZ},ws,{_client(number)[0]},45.60.1.1,443,517,4096,chrome.exe"


# Format -> lines, headers first.
LINES: Mapping[str, Callable[[int], Iterator[str]]] = {
    "zeek": _zeek_tsv,
    "zeek-json": _zeek_json,
    "zeek-stream": _zeek_stream,
    "panos": _panos,
    "asa": _asa,
    "netflow": _netflow,
    "vpcflow": _vpcflow,
    "suricata": _suricata,
    "sysmon": _sysmon,
    "csv": _csv,
}
# How many of the first lines are headers.
HEADERS: Mapping[str, int] = {"zeek": 2, "netflow": 1, "vpcflow": 1, "csv": 1}
