"""Any order of contain, release, waiting and lost answers: one effect a key and none left over, on every connector."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.containments import blocklist, crowdsec, crowdstrike, panos
from playbook.errors import ConnectorError
from playbook.model.response import Step
from tests.emulators.falcon import Falcon
from tests.emulators.lapi import Lapi
from tests.emulators.panos import Firewall
from tests.emulators.site import Product, site
from tests.support.containment_stories import KEY, OTHER, SITE, Time, step
from tests.support.examples import examples

ADDRESS, HOST = "198.51.100.9", "0123456789abcdef0123456789abcdef"
TTL_S = 3600


@dataclass
class World:
    """A connector over its emulator. ``effects``: what the device holds of ours.

    ``lose``: the n-th answer from now never arrives; 0: whatever was to be lost arrives.
    """

    connector: Any
    step: Step
    effects: Callable[[], int]
    lose: Callable[[int], None]
    settle: Callable[[], None] = lambda: None
    most: int = 1  # effects that two keys may have together


@contextmanager
def on_blocklist(time: Time) -> Iterator[World]:
    with TemporaryDirectory() as folder:
        (Path(folder) / "s.db").touch()
        given_settings = blocklist.Settings(state_url="sqlite:///s.db")
        with closing(blocklist.connect("edge", given_settings, SITE, Path(folder), time.clocks)) as listed:
            listed.prepare()
            table, put, end = listed._table, listed._table.put, listed._table.end

            def lose(number: int) -> None:
                table.put, table.end = (losing(put), losing(end)) if number else (put, end)

            def losing(act: Callable[..., Any]) -> Callable[..., Any]:
                def done(*arguments: Any) -> Any:
                    act(*arguments)
                    table.put, table.end = put, end
                    raise ConnectorError("the answer was lost")

                return done

            yield World(listed, step(ADDRESS, ttl_s=TTL_S), lambda: listed.feed(time.now).count, lose)


@contextmanager
def on_crowdsec(time: Time) -> Iterator[World]:
    lapi = Lapi("right", "t", lambda: time.seconds)
    with site(lapi) as url:
        account = crowdsec.Settings(base_url=url, machine_id="m", password=SecretStr("right"))
        cs = crowdsec.connect("cs", account, SITE, Path(), time.clocks)
        # One a key; where an answer was lost, the decision to be replaced stands beside the new one.
        yield World(cs, step(ADDRESS, ttl_s=TTL_S), lambda: len(lapi.active(ADDRESS)), loser(lapi), most=4)


@contextmanager
def on_panos(time: Time) -> Iterator[World]:
    device = Firewall("right", lambda: time.seconds)
    with site(device) as url:
        fw = panos.connect("fw", panos.Settings(base_url=url, api_key=SecretStr("right")), SITE, Path(), time.clocks)
        yield World(fw, step(ADDRESS, ttl_s=TTL_S), lambda: (len(device.held(ADDRESS)) + 1) // 2, loser(device))


@contextmanager
def on_crowdstrike(time: Time) -> Iterator[World]:
    falcon = Falcon("right", "t", HOST)
    with site(falcon) as url:
        account = crowdstrike.Settings(base_url=url, client_id=SecretStr("i"), client_secret=SecretStr("right"))
        edr = crowdstrike.connect("edr", account, SITE, Path(), time.clocks)
        yield World(
            edr,
            step(HOST, "isolate_host", TTL_S),
            lambda: falcon.devices[HOST]["status"] != "normal",
            loser(falcon),
            falcon.settle,
        )


def loser(device: Product) -> Callable[[int], None]:
    def lose(number: int) -> None:
        device.lost = {len(device.seen) + number} if number else set()

    return lose


WORLDS = {"blocklist": on_blocklist, "crowdsec": on_crowdsec, "panos": on_panos, "crowdstrike": on_crowdstrike}
ACTS = st.one_of(
    st.tuples(st.sampled_from(["contain", "release"]), st.sampled_from([KEY, OTHER]), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([1, 45, 600, TTL_S]), st.just(0)),
)


@pytest.mark.loopback
@pytest.mark.parametrize("name", WORLDS)
@examples(10)
@given(acts=st.lists(ACTS, max_size=8))
@example([("contain", KEY, 0), ("wait", 600, 0), ("contain", KEY, 2), ("contain", OTHER, 0)])
@example([("contain", KEY, 0), *[("wait", 600, 0), ("contain", KEY, 2)] * 5])
def test_whatever_happens_one_effect_a_key_and_none_left_over(name, acts):
    time = Time()
    with WORLDS[name](time) as world:
        for act, what, lost in acts:
            if act == "wait":
                time.advance(what)
                world.settle()
                continue
            world.lose(lost)
            try:
                receipt = getattr(world.connector, act)(world.step, what)
            except ConnectorError:
                continue
            finally:
                world.lose(0)
            world.settle()
            check = "verify" if act == "contain" else "verify_released"
            if receipt.ok and act == "contain":
                assert getattr(world.connector, check)(world.step, what).ok
            assert world.effects() <= world.most
        for key in (KEY, OTHER):
            assert world.connector.release(world.step, key).ok
            assert not world.connector.release(world.step, key).changed
            world.settle()
            assert world.connector.verify_released(world.step, key).ok
        assert world.effects() == 0
