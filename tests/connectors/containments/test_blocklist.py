"""Our block list: what is in force is in the feed, nothing more and never less, whoever repeats whatever."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.containments import blocklist
from connectors.containments.blocklist import render
from playbook.assembly import assemble_all
from playbook.config import Config, State
from playbook.errors import ConfigError, ConnectorError
from tests.support.containment_stories import FORBIDDEN, HOSTILE, KEY, NETWORKS, NOW, OTHER, SITE, Time, step

STEP = step()


@pytest.fixture
def place(tmp_path):
    """A folder with the (still empty) database of the cases."""
    (tmp_path / "state.db").touch()
    return tmp_path


@pytest.fixture
def time():
    return Time()


def opened(place, time, **settings):
    found = blocklist.connect(
        "edge", blocklist.Settings(state_url="sqlite:///state.db", **settings), SITE, place, time.clocks
    )
    found.prepare()
    return found


@pytest.fixture
def listed(place, time):
    with closing(opened(place, time)) as found:
        yield found


def sql(place, text, *values):
    with closing(sqlite3.connect(place / "state.db")) as database, database:
        return database.execute(text, values).fetchall()


def test_listed_verified_released(listed, time):
    done = listed.contain(STEP, KEY)
    assert done.ok and done.changed and done.until == time.now.replace(hour=13)
    assert listed.feed(time.now).text == "198.51.100.9\n"
    assert listed.verify(STEP, KEY).ok and not listed.verify_released(STEP, KEY).ok
    assert listed.release(STEP, KEY).changed
    assert listed.feed(time.now).text == ""
    assert listed.verify_released(STEP, KEY).ok and not listed.verify(STEP, KEY).ok


def test_a_repeat_is_one_entry_whose_time_runs_anew(listed, time):
    listed.contain(STEP, KEY)
    time.advance(600)
    again = listed.contain(STEP, KEY)
    assert again.ok and not again.changed and again.until.hour == 13 and again.until.minute == 10
    assert len(listed.entries(time.now)) == 1
    assert listed.release(STEP, KEY).changed and not listed.release(STEP, KEY).changed


def test_the_ttl_ends_an_entry_without_anybody(listed, time):
    listed.contain(STEP, KEY)
    time.advance(3599)
    assert listed.feed(time.now).count == 1
    time.advance(1)
    assert listed.feed(time.now).text == "" and listed.verify_released(STEP, KEY).ok
    assert not listed.release(STEP, KEY).changed
    assert listed.contain(STEP, KEY).changed and listed.feed(time.now).count == 1


def test_two_cases_hold_one_address_and_the_last_lets_go(listed, time):
    listed.contain(STEP, KEY)
    listed.contain(STEP, OTHER)
    assert listed.feed(time.now).text == "198.51.100.9\n"
    listed.release(STEP, KEY)
    freed = listed.verify_released(STEP, KEY)
    assert freed.ok and OTHER in freed.said and listed.feed(time.now).count == 1
    listed.release(STEP, OTHER)
    assert listed.feed(time.now).count == 0


def test_a_key_never_moves_to_another_address(listed, time):
    listed.contain(STEP, KEY)
    with pytest.raises(ConfigError, match="stands for"):
        listed.contain(step("198.51.100.10"), KEY)
    assert not listed.release(step("198.51.100.10"), KEY).changed
    assert listed.feed(time.now).text == "198.51.100.9\n"


@pytest.mark.parametrize("target", [*HOSTILE, *FORBIDDEN])
def test_what_is_not_one_blockable_address_is_never_listed(listed, time, target):
    with pytest.raises(ConfigError):
        listed.contain(step(target), KEY)
    assert listed.feed(time.now).text == ""


def test_a_full_list_takes_no_more_and_stays_readable(place, time):
    with closing(opened(place, time, max_entries=2)) as small:
        for n in (1, 2):
            small.contain(step(f"198.51.100.{n}"), f"K-{n}")
        with pytest.raises(ConnectorError, match="full"):
            small.contain(step("198.51.100.3"), "K-3")
        assert small.contain(step("198.51.100.2"), "K-4").ok  # an address that is listed already needs no room
        assert small.feed(time.now).count == 2
    with closing(opened(place, time, max_entries=1)) as smaller, pytest.raises(ConnectorError, match="cap of 1"):
        smaller.feed(time.now)


def test_a_row_that_is_no_address_stops_the_feed_rather_than_vanish(listed, place, time):
    listed.contain(STEP, KEY)
    sql(place, "INSERT INTO blocklist_entries VALUES ('edge', 'K-x', '198.51.100.0/24', 1, 9999999999, NULL)")
    for read in (listed.feed, listed.zone):
        with pytest.raises(ConnectorError, match="no address"):
            read(time.now)
    assert not listed.check()[0].ok


def test_a_missing_or_broken_database_is_an_error_and_not_an_empty_list(place, time):
    lost = blocklist.connect("edge", blocklist.Settings(state_url="sqlite:///none.db"), SITE, place, time.clocks)
    for act in (lambda: lost.feed(time.now), lambda: lost.contain(STEP, KEY), lambda: lost.verify_released(STEP, KEY)):
        with pytest.raises(ConnectorError):
            act()
    assert not (place / "none.db").exists()
    fresh = blocklist.connect("edge", blocklist.Settings(state_url="sqlite:///state.db"), SITE, place, time.clocks)
    with pytest.raises(ConnectorError, match="no such table"):
        fresh.feed(time.now)
    (place / "state.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(ConnectorError):
        fresh.feed(time.now)
    assert not fresh.check()[0].ok


def test_a_locked_database_is_an_error_for_writers_while_readers_go_on(place, time, monkeypatch):
    monkeypatch.setattr("connectors.containments.blocklist.table._BUSY_S", 0.1)
    with closing(opened(place, time)) as found, closing(sqlite3.connect(place / "state.db")) as other:
        other.execute("PRAGMA journal_mode=WAL")
        found.contain(STEP, KEY)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConnectorError, match="locked"):
            found.contain(step("198.51.100.10"), OTHER)
        assert found.feed(time.now).count == 1
        other.rollback()
        assert found.contain(step("198.51.100.10"), OTHER).ok


def test_an_answer_lost_after_the_effect_and_a_retry_leave_one_effect(listed, time, monkeypatch):
    kept = listed._table.put

    def loses_its_answer(*arguments):
        kept(*arguments)
        raise ConnectorError("connection lost")

    monkeypatch.setattr(listed._table, "put", loses_its_answer)
    with pytest.raises(ConnectorError):
        listed.contain(STEP, KEY)
    monkeypatch.undo()
    assert not listed.contain(STEP, KEY).changed
    assert len(listed.entries(time.now)) == 1
    assert listed.release(STEP, KEY).changed and listed.feed(time.now).count == 0


def test_many_workers_at_once_leave_one_row_a_key(place, time):
    workers = [opened(place, time) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        receipts = list(
            pool.map(lambda n: workers[n % 4].contain(step(f"198.51.100.{n % 5 + 1}"), f"K-{n % 5}"), range(40))
        )
    assert sum(r.changed for r in receipts) == 5
    assert workers[0].feed(time.now).count == 5 and len(workers[1].entries(time.now)) == 5
    for worker in workers:
        worker.close()


def test_two_lists_in_one_database_do_not_mix(place, time, listed):
    url = blocklist.Settings(state_url="sqlite:///state.db")
    with closing(blocklist.connect("core", url, SITE, place, time.clocks)) as core:
        listed.contain(STEP, KEY)
        core.contain(step("198.51.100.77"), KEY)
        assert core.feed(time.now).text == "198.51.100.77\n" and listed.feed(time.now).text == "198.51.100.9\n"


def test_the_tag_changes_with_the_list_and_only_then(listed, time):
    tags = [listed.feed(time.now).etag]
    for act in (
        lambda: listed.contain(STEP, KEY),
        lambda: listed.contain(STEP, OTHER),
        lambda: listed.release(STEP, KEY),
        lambda: listed.release(STEP, OTHER),
    ):
        time.advance(10)
        act()
        tags.append(listed.feed(time.now).etag)
    assert tags[1] == tags[2] == tags[3] != tags[0] == tags[4]
    assert tags[0].startswith('"') and tags[0].endswith('"')


def test_the_serial_of_the_zone_grows_with_every_change(listed, time):
    serials = [serial(listed.zone(time.now).text)]
    for act in (
        lambda: listed.contain(STEP, KEY),
        lambda: listed.release(STEP, KEY),
        lambda: listed.contain(STEP, OTHER),
        lambda: time.advance(4000),
    ):
        time.advance(10)
        act()
        serials.append(serial(listed.zone(time.now).text))
    time.advance(5000)
    assert serials == sorted(set(serials)) and serial(listed.zone(time.now).text) == serials[-1]


def serial(zone: str) -> int:
    return int(zone.splitlines()[1].split()[4])


def test_zone_text():
    text = render.rpz([ip_address("2001:db8::c2"), ip_address("198.51.100.9")], 7, 60, 9)
    assert text.splitlines() == [
        "$TTL 60",
        "@ SOA localhost. nobody.localhost. 7 60 60 86400 60",
        "@ NS localhost.",
        "32.9.100.51.198.rpz-ip CNAME .",
        "128.c2.zz.db8.2001.rpz-ip CNAME .",
    ]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("2001:db8::", "128.zz.db8.2001.rpz-ip"),
        ("2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001.rpz-ip"),
        ("2001:db8:0:1::", "128.zz.1.0.db8.2001.rpz-ip"),
        ("2001:0:1:2:3:4:5:6", "128.6.5.4.3.2.1.0.2001.rpz-ip"),
    ],
)
def test_ipv6_owner_names(address, name):
    assert render.trigger(ip_address(address)) == name


@given(st.lists(st.ip_addresses(), max_size=30))
def test_a_feed_holds_each_address_once_and_nothing_else(addresses):
    lines = render.edl(addresses, 30).splitlines()
    assert {ip_address(line) for line in lines} == set(addresses) and len(lines) == len(set(addresses))
    names = render.rpz(addresses, 1, 60, 30).splitlines()[3:]
    assert len(set(names)) == len(lines) and all(name.endswith(".rpz-ip CNAME .") for name in names)


@given(st.ip_addresses(v=6))
def test_an_owner_name_means_its_address(address):
    words = render.trigger(address).split(".")[-2:0:-1]
    gap = ["0"] * (9 - len(words))
    spelled = [part for word in words for part in (gap if word == "zz" else [word])]
    assert ip_address(":".join(spelled)) == address


def test_the_state_of_the_cases_is_the_default_place(place):
    config = Config(
        containments={"edge": {"kind": "blocklist"}},
        state=State(url="sqlite:///state.db"),
        folder=place,
        networks=NETWORKS,
    )
    parts, _ = assemble_all(config, "test", NOW)
    found = parts["containments.edge"]
    found.prepare()
    assert found.contain(STEP, KEY).ok and sql(place, "SELECT address FROM blocklist_entries") == [("198.51.100.9",)]
    with pytest.raises(ConfigError, match=r"needs \[state\] url"):
        assemble_all(config.model_copy(update={"state": State()}), "test", NOW)
    for url in ("mysql://h/d", "postgresql://u@[::1/d", "postgresql://u@h:port/d"):
        with pytest.raises(ConfigError, match="state_url"):
            blocklist.connect("edge", blocklist.Settings(state_url=url), SITE, place)
