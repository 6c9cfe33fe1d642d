"""Squid's access.log: names and servers of requests, and what is no request to a server."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import squid
from tests.support.device_lines import SQUID, START
from tests.support.log_fixtures import events, passed_over, refused, written


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "access.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("request_line", "name", "port"),
    [
        ("CONNECT irc.example:6667", "irc.example", 6667),
        ("GET http://A.example/x?y=http://b/", "a.example", 80),
        ("GET https://a.example/", "a.example", 443),
        ("POST http://u:p@a.example:8080/", "a.example", 8080),
        ("GET http://[2001:db8::1]:81/", "2001:db8::1", 81),
        ("CONNECT 45.60.1.1:443", "45.60.1.1", 443),
    ],
)
def test_requests(request_line: str, name: str, port: int, tmp_path: Path) -> None:
    path = log(tmp_path, SQUID.replace("CONNECT irc.example:6667", request_line))
    (row,) = events(squid, path, kind="http")
    assert (row["start"], row["src_ip"], row["dst_ip"], row["dst_port"], row["name"]) == (
        START,
        "10.20.30.40",
        "45.60.1.1",
        port,
        name,
    )


@pytest.mark.parametrize("way", ["HIER_NONE/-", "FIRSTUP_PARENT/proxy.example", "NONE/-"])
def test_a_server_that_is_not_named_is_unknown(way: str, tmp_path: Path) -> None:
    (row,) = events(squid, log(tmp_path, SQUID.replace("HIER_DIRECT/45.60.1.1", way)), kind="http")
    assert (row["dst_ip"], row["name"]) == (None, "irc.example")


def test_what_was_refused_reached_no_server(tmp_path: Path) -> None:
    path = log(tmp_path, SQUID, SQUID.replace("TCP_TUNNEL/200", "TCP_DENIED/403"))
    assert passed_over(squid, path, kind="http") == ["refused by the proxy"]


def test_a_frame_in_front_changes_nothing(tmp_path: Path) -> None:
    (row,) = events(squid, log(tmp_path, "Mar  2 08:00:21 proxy squid[1]: " + SQUID), kind="http")
    assert (row["start"], row["name"]) == (START, "irc.example")


def test_bad_rows_are_named(tmp_path: Path) -> None:
    path = log(tmp_path, SQUID, SQUID.replace("10.20.30.40", "pc.example"), SQUID[:60])
    assert refused(squid, path, kind="http") == [
        ("client is not usable: pc.example", 2),
        ("not a row of the native format", 3),
    ]
