"""Traffic of detections from Zeek logs: exact numbers on a small log, unknown where a log is absent; hunts, holders."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sources.logs import LogSource, Settings, connect, traffic
from playbook.errors import UnknownFormat
from playbook.model.detection import TimeWindow
from playbook.model.site import Networks, Site
from playbook.model.traffic import NamedBy, Traffic
from tests.connectors.sources.logs.test_zeek_detection import DAY, beats
from tests.support.zeek_reader import log_text

SITE = Site(now=datetime(2026, 1, 1, tzinfo=UTC), networks=Networks.model_validate({"resolvers": ("10.0.0.53",)}))
C2 = "8.8.4.4"
DNS = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "query", "qtype", "rcode_name", "answers")
SSL = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "version", "cipher", "server_name")
HTTP = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "host", "uri")
DHCP = ("ts", "mac", "assigned_addr", "host_name", "lease_time")


def source(folder: Path, **logs: str) -> LogSource:
    for name, text in logs.items():
        (folder / f"{name}.log").write_text(text)
    return connect("logs", Settings(paths=(folder,)), SITE)


def told(folder: Path, window: TimeWindow | None = None, **logs: str) -> Traffic:
    opened = source(folder, **logs)
    fetched = opened.fetch(window)
    answer = opened.traffic(fetched[0].detections)
    opened.close()
    return answer


def asked(name: str, answers: str | None = None, failed: bool = False, who: str = "10.0.0.1", ts: float = DAY) -> dict:
    return {
        "ts": ts,
        "id.orig_h": who,
        "id.resp_h": "10.0.0.53",
        "id.resp_p": 53,
        "query": name,
        "qtype": 1,
        "rcode_name": "NXDOMAIN" if failed else "NOERROR",
        "answers": answers,
    }


def test_starts_sizes_hours_and_answers_of_a_tuple(tmp_path: Path) -> None:
    lines = beats(110, 120.5, duration=2.0) + beats(5, 0.1, DAY + 600.2, conn_state="S0", duration=90.0)
    answer = told(tmp_path, conn=log_text(lines))
    (one,) = answer.tuples
    seconds = sorted({int(line["ts"]) for line in lines})
    assert (one.start_times, one.sizes, one.starts_complete) == (tuple(seconds), (100,) * len(seconds), True)
    assert (one.attempts, one.unanswered, one.unanswered_hours, one.longest_s) == (115, 5, 1, 90.0)
    assert sum(hour.connections for hour in one.hourly) == 115
    assert [hour.hour.timestamp() for hour in one.hourly] == [DAY, DAY + 3600, DAY + 7200, DAY + 10800]
    assert sum(hour.bytes_sent for hour in one.hourly) == 11500
    assert one.names is None
    assert len(answer.unknown) == 3
    assert [(kind.kind, len(kind.hours)) for kind in answer.coverage] == [("conn", 4)]


@pytest.mark.parametrize("resumed", [False, True])
def test_rows_that_are_written_down_and_rows_that_are_found_again_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    lines = beats(110, 120.5) + beats(40, 300.25, DAY + 7, orig_ip_bytes=None, duration=3.5, **{"id.resp_h": "9.9.9.9"})
    lines += beats(9, 600, DAY + 31, conn_state="S0", history="S")
    lines += [{**line, "ts": line["ts"] + 1, "history": "DadA"} for line in lines[:5]] if resumed else []
    answers = []
    for part in (0.0, 2.0):
        monkeypatch.setattr(traffic, "_LARGE_PART", part)
        answers.append(told(tmp_path, conn=log_text(lines)))
    assert answers[0] == answers[1] and len(answers[0].tuples) >= 1 and answers[0].tuples[0].attempts > 100


def test_only_the_newest_five_thousand_starts_are_given(tmp_path: Path) -> None:
    (one,) = told(tmp_path, conn=log_text(beats(6000, 2))).tuples
    assert (len(one.start_times), one.starts_complete, one.attempts) == (5000, False, 6000)
    assert (one.start_times[0], one.start_times[-1]) == (int(DAY) + 2000, int(DAY) + 11998)


@pytest.mark.parametrize(("bare", "sized"), [(1, True), (24, True), (25, False), (120, False)])
def test_a_few_starts_without_a_counter_are_left_out_and_many_leave_the_sizes_unknown(tmp_path, bare, sized):
    """One packet that nobody answers must not hide the sizes of all others; a fifth of them is no longer a few."""
    lines = beats(120, 120)
    for n in range(bare):
        lines[n] = lines[n] | {"orig_ip_bytes": None, "resp_ip_bytes": None}
    (one,) = told(tmp_path, conn=log_text(lines)).tuples
    assert len(one.start_times) == (120 - bare if sized else 120)
    assert (one.sizes is not None and len(one.sizes)) == (sized and 120 - bare)
    assert [hour.bytes_sent is None for hour in one.hourly] == [n * 30 < bare for n in range(4)]


def test_names_behind_the_destination_and_who_backs_them(tmp_path: Path) -> None:
    tls = [
        {"ts": DAY, "id.orig_h": who, "id.resp_h": C2, "id.resp_p": 443, "version": "TLSv12", "server_name": name}
        for who, name in (("10.0.0.1", "Claimed.Test"), ("10.0.0.1", "shared.test"), ("10.0.0.9", "other.test"))
    ]
    http = [
        {"ts": DAY, "id.orig_h": "10.0.0.1", "id.resp_h": C2, "id.resp_p": 80, "host": host, "uri": "/"}
        for host in (C2, f"{C2}:8080", "web.test:8080")
    ]
    dns = [
        asked("own.test.", f"cname.test,{C2}"),
        asked("elsewhere.test", "9.9.9.9"),
        asked("shared.test", C2, who="10.0.0.9"),
    ]
    answer = told(
        tmp_path,
        conn=log_text(beats(120, 120)),
        dns=log_text(dns, DNS),
        ssl=log_text(tls, SSL),
        http=log_text(http, HTTP),
    )
    assert answer.tuples[0].names == (
        NamedBy(name="claimed.test", by="sni", backed=False),
        NamedBy(name="own.test", by="dns", backed=True),
        NamedBy(name="shared.test", by="sni", backed=False),
        NamedBy(name="web.test", by="http_host", backed=False),
    )
    assert answer.unknown == ()
    assert {kind.kind for kind in answer.coverage} == {"conn", "dns", "tls", "http"}


def test_a_naming_log_without_a_name_is_an_empty_answer_not_an_unknown_one(tmp_path: Path) -> None:
    answer = told(tmp_path, conn=log_text(beats(120, 120)), dns=log_text([asked("elsewhere.test", "9.9.9.9")], DNS))
    assert answer.tuples[0].names == ()


def test_our_hosts_that_use_the_destination(tmp_path: Path) -> None:
    users = ("10.0.0.9", "10.0.0.8", "7.7.7.7", "fd00::1")
    others = [line | {"id.orig_h": who} for who in users for line in beats(1, 1)]
    idle = [line | {"id.orig_h": "10.0.0.7", "id.resp_h": "9.9.9.9"} for line in beats(1, 1, DAY + 100)]
    answer = told(tmp_path, conn=log_text(beats(120, 120, DAY + 60) + others + idle))
    (one,) = answer.tuples
    assert (answer.active_hosts, one.hosts_using) == (5, 4)
    assert one.other_hosts == ("10.0.0.8", "10.0.0.9", "fd00::1")
    assert one.destination_first_seen.timestamp() == DAY
    assert answer.history_days == pytest.approx((60 + 119 * 120) / 86400)


def test_floods_and_spreads_of_the_source(tmp_path: Path) -> None:
    flood = beats(1200, 0.5, DAY + 900, **{"id.resp_h": "9.9.9.9", "id.resp_p": 80})
    clock = beats(1500, 0.5, DAY + 900, **{"id.resp_h": "9.9.9.9", "id.resp_p": 123, "proto": "udp"})
    inside = beats(1500, 0.5, DAY + 900, **{"id.resp_h": "10.1.1.1"})
    scan = [
        line | {"id.resp_h": f"9.8.{n // 200}.{n % 200}", "conn_state": "SF" if n % 10 == 0 else "S0"}
        for n, line in enumerate(beats(300, 1, DAY + 2700))
    ]
    stranger = [line | {"id.orig_h": "10.0.0.2"} for line in flood]
    answer = told(tmp_path, conn=log_text(beats(120, 120) + flood + clock + inside + scan + stranger))
    (host,) = [host for host in answer.hosts if host.src_ip == "10.0.0.1"]
    assert host.bursts[0].model_dump() == {
        "start": datetime.fromtimestamp(DAY + 900, UTC),
        "dst_ip": "9.9.9.9",
        "dst_port": 80,
        "connections": 1200,
    }
    assert {(burst.dst_ip, burst.dst_port) for burst in host.bursts} <= {("9.9.9.9", 80), (C2, 443)} | {
        (line["id.resp_h"], 443) for line in scan
    }
    assert (host.spreads[0].start.timestamp(), host.spreads[0].pairs) == (DAY + 2700, 301)
    assert host.spreads[0].unanswered_share == pytest.approx(270 / 301)
    assert host.distinct_outside == 302
    assert host.name_bursts is None


def test_wide_quarters_that_were_answered_hide_no_scan(tmp_path: Path) -> None:
    """A proxy reaches many places all day; its one scan is narrower than any of those quarters."""
    proxied = [line | {"id.resp_h": f"9.8.{n % 60}.{n // 60}"} for n, line in enumerate(beats(3300, 22))]
    scan = [line | {"id.resp_h": f"9.9.0.{n}", "conn_state": "S0"} for n, line in enumerate(beats(30, 1, DAY + 79_300))]
    answer = told(tmp_path, conn=log_text(beats(700, 120) + proxied + scan))
    (host,) = [host for host in answer.hosts if host.src_ip == "10.0.0.1"]
    first, second = host.spreads[:2]
    assert (first.start.timestamp(), first.pairs, first.unanswered_share) == (DAY + 79_200, 31, pytest.approx(30 / 31))
    assert second.unanswered_share == 0 and second.pairs > first.pairs


def burst_of_names(failed: int, fine: int) -> str:
    names = [asked(f"x{n}.d{n}.test", failed=True, ts=DAY + n) for n in range(failed)]
    return log_text(names + [asked(f"www.good{n}.com", "9.9.9.9", ts=DAY + n) for n in range(fine)], DNS)


def test_bursts_of_failed_names_count_registered_domains(tmp_path: Path) -> None:
    same = [asked(f"h{n}.one.co.uk", failed=True, ts=DAY + n) for n in range(50)]
    dns = burst_of_names(40, 10) + log_text(same, DNS, header=False)
    answer = told(tmp_path, conn=log_text(beats(120, 120)), dns=dns)
    (burst,) = answer.hosts[0].name_bursts
    assert burst.model_dump() == {
        "start": datetime.fromtimestamp(DAY, UTC),
        "names": 100,
        "failed_names": 90,
        "domains": 51,
        "failed_domains": 41,
    }


def test_traffic_stays_within_the_window_of_the_fetch(tmp_path: Path) -> None:
    window = TimeWindow(start=datetime.fromtimestamp(DAY, UTC), end=datetime.fromtimestamp(DAY + 4 * 3600, UTC))
    answer = told(tmp_path, window, conn=log_text(beats(24 * 30, 120)))
    assert (answer.tuples[0].attempts, len(answer.coverage[0].hours)) == (120, 4)


@pytest.mark.parametrize(("failed", "fine", "rows"), [(30, 7, 1), (29, 7, 0), (30, 8, 0)])
def test_the_dga_hunt_at_its_boundaries(tmp_path: Path, failed: int, fine: int, rows: int) -> None:
    found, _ = source(tmp_path, dns=burst_of_names(failed, fine)).hunt("dga-burst")
    assert len(found) == rows
    assert [(row["src_ip"], row["failed_domains"]) for row in found] == [("10.0.0.1", failed)] * rows


@pytest.mark.parametrize(("count", "rows"), [(100, 0), (101, 1)])
def test_the_burst_hunt_at_its_boundary(tmp_path: Path, count: int, rows: int) -> None:
    lines = [line | {"id.resp_p": 80 + n % 3} for n, line in enumerate(beats(count, 1))]
    found, _ = source(tmp_path, conn=log_text(lines)).hunt("ddos-burst")
    assert [(row["connections"], row["unique_ports"]) for row in found] == [(count, 3)] * rows


def test_the_irc_hunt_and_a_hunt_without_its_log(tmp_path: Path) -> None:
    opened = source(tmp_path, conn=log_text(beats(1, 1, **{"id.resp_p": 6667}) + beats(9, 1)))
    assert [(row["dst_port"], row["connections"]) for row in opened.hunt("irc")[0]] == [(6667, 1)]
    with pytest.raises(UnknownFormat, match="no dns log"):
        opened.hunt("dga-burst")


@pytest.mark.parametrize("other", [7, None])
def test_of_connections_at_the_same_instant_the_smallest_known_counts_whatever_their_order(
    tmp_path: Path, other: int | None
) -> None:
    pairs = [(one, one | {"orig_ip_bytes": other, "orig_bytes": None}) for one in beats(120, 120)]
    there = told(tmp_path, conn=log_text([line for pair in pairs for line in pair]))
    back = told(tmp_path, conn=log_text([line for one, more in pairs for line in (more, one)]))
    assert there.tuples == back.tuples and set(there.tuples[0].sizes) == {other or 100}


@pytest.mark.parametrize("lease", [1e15, 1e300, -1e15])
def test_a_lease_past_every_calendar_has_no_known_end(tmp_path: Path, lease: float) -> None:
    lines = [{"ts": DAY, "mac": "aa", "assigned_addr": "10.0.0.1", "host_name": "alpha", "lease_time": lease}]
    (found,) = source(tmp_path, conn=log_text(beats(120, 120)), dhcp=log_text(lines, DHCP)).fetch(None)
    assert [(one.hostname, one.until) for one in found.holders] == [("alpha", None)]


@pytest.mark.parametrize("name", ["1e16", "9999999999999.1.1.1", "300.1.1.1", "-1.2.3.4", "1.2.3", "."])
@pytest.mark.parametrize("side", ["id.orig_h", "id.resp_h"])
def test_text_for_an_address_takes_nothing_from_the_other_rows(tmp_path: Path, side: str, name: str) -> None:
    own = told(tmp_path, conn=log_text(beats(120, 120)))
    more = told(tmp_path, conn=log_text([*beats(120, 120), *beats(1, 1, **{side: name})]))
    assert own.tuples and more.tuples == own.tuples and more.unknown == own.unknown


def test_holders_end_with_the_lease_or_with_the_next_name(tmp_path: Path) -> None:
    leases = [
        {"ts": DAY + at, "mac": "aa", "assigned_addr": "10.0.0.1", "host_name": name, "lease_time": 3600.0}
        for at, name in ((0, "Alpha."), (1800, "alpha"), (3000, "beta"), (5000, None))
    ]
    (found,) = source(tmp_path, conn=log_text(beats(120, 120)), dhcp=log_text(leases, DHCP)).fetch(None)
    assert [
        (one.address, one.hostname, one.since.timestamp() - DAY, one.until.timestamp() - DAY) for one in found.holders
    ] == [("10.0.0.1", "alpha", 0, 3000), ("10.0.0.1", "beta", 3000, 6600)]
    assert found.health.warnings == ()


def test_a_broken_log_beside_the_connections_is_a_warning_with_file_and_line(tmp_path: Path) -> None:
    dhcp = log_text([{"ts": DAY, "mac": "aa", "assigned_addr": "10.0.0.1", "host_name": "alpha"}], DHCP) + "x\ty\n"
    opened = source(tmp_path, conn=log_text(beats(120, 120)), dhcp=dhcp, dns=log_text([], DNS) + "1\t2\n")
    (found,) = opened.fetch(None)
    assert ([one.hostname for one in found.holders], len(found.detections)) == (["alpha"], 1)
    assert [f"{tmp_path}/dhcp.log:6" in warning for warning in found.health.warnings] == [True]
    assert any(f"{tmp_path}/dns.log:5" in sentence for sentence in opened.traffic(found.detections).unknown)
