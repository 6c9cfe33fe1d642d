"""Address lists: the embedded ones and the site's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.enrichers.lists import Lists, Settings, connect
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, ListEntry
from playbook.model.observable import Observable
from playbook.model.site import Site
from playbook.reference_data import lists as embedded

NOW = datetime.combine(embedded.AS_OF, datetime.min.time(), UTC) + timedelta(days=30)
WINDOW = TimeWindow(start=NOW - timedelta(days=1), end=NOW)
OWN = "# ours\n203.0.113.0/28 # edge\n\n2001:db8:5::/48\n::ffff:203.0.113.77\n"


def lists(folder: Path, text: str | None = OWN, now: datetime = NOW) -> Lists:
    if text is not None:
        (folder / "own.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
    settings = Settings.model_validate({"extra": {"hoster": {"path": "own.txt", "category": "shared"}}})
    return connect("lists", settings, Site(now=now), folder)


def ask(enricher: Lists, address: str) -> Enrichment:
    (answer,) = enricher.look_up([Observable(kind="address", value=address, role="destination")], WINDOW)
    return answer


@pytest.mark.parametrize(
    ("address", "category", "ours"),
    [
        ("8.8.8.8", "resolver", False),
        ("::ffff:8.8.8.8", "resolver", False),
        ("104.16.0.1", "cdn", False),
        ("203.0.113.15", "shared", True),
        ("203.0.113.77", "shared", True),
        ("2001:db8:5::1", "shared", True),
    ],
)
def test_the_lists_that_cover_an_address(tmp_path: Path, address: str, category: str, ours: bool) -> None:
    entries = [one for one in ask(lists(tmp_path), address).answers if isinstance(one, ListEntry)]
    assert (category, ours) in {(one.category, one.ours) for one in entries}


@pytest.mark.parametrize("address", ["203.0.113.16", "10.0.0.1", "2001:db8:6::1", "nonsense"])
def test_an_address_in_no_list_has_an_empty_answer(tmp_path: Path, address: str) -> None:
    answer = ask(lists(tmp_path), address)
    assert (answer.answers, answer.unavailable, answer.warning) == ((), None, "")


def test_old_lists_answer_with_a_warning(tmp_path: Path) -> None:
    answer = ask(lists(tmp_path, now=NOW + timedelta(days=151)), "8.8.8.8")
    assert answer.answers
    assert "over 180 days old" in answer.warning


def test_a_bad_line_is_named_and_the_others_count(tmp_path: Path) -> None:
    enricher = lists(tmp_path, OWN + "203.0.113.300\n\udcff\n" + "1" * 2000)
    answer = ask(enricher, "203.0.113.1")
    assert len(answer.answers) == 1
    assert "3 rows left out: own.txt:6: " in answer.warning
    assert "own.txt:8: expected an address or CIDR" in answer.warning
    assert all(result.ok for result in enricher.check())


@pytest.mark.parametrize(("text", "reason"), [(None, "cannot be read"), ("", "empty"), ("x\n", "none of its 1 rows")])
def test_a_list_that_cannot_be_used_makes_every_answer_unavailable(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    enricher = lists(tmp_path, text)
    answer = ask(enricher, "8.8.8.8")
    assert answer.answers == ()
    assert "own.txt" in (answer.unavailable or "")
    assert reason in (answer.unavailable or "")
    assert [result.ok for result in enricher.check()] == [True, False]


def test_damaged_embedded_lists_are_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: object) -> None:
        raise ValueError("address lists, line 1")

    monkeypatch.setattr(embedded, "covering", fail)
    assert "cannot be read" in (ask(lists(tmp_path), "203.0.113.1").unavailable or "")


def test_only_destination_addresses_are_served(tmp_path: Path) -> None:
    others = [
        Observable(kind="address", value="8.8.8.8", role="source"),
        Observable(kind="domain", value="dns.google", role="destination"),
    ]
    assert lists(tmp_path).look_up(others, WINDOW) == ()


def test_an_unknown_category_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"extra": {"x": {"path": "own.txt", "category": "good"}}})
