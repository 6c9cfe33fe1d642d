"""The journal: what is written verifies; whatever is edited, removed, added or put elsewhere afterwards is found."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook.cases import journal
from playbook.cases.store import open_store
from playbook.cases.tables import journal as lines
from playbook.cases.tables import journal_head
from tests.builders import NOW

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
CONTENT = st.dictionaries(TEXT, st.integers(-(2**53) + 1, 2**53 - 1) | TEXT | st.lists(TEXT, max_size=3), max_size=3)


def write(store, *contents):
    with store.change() as conn:
        for number, content in enumerate(contents):
            journal.append(conn, NOW + timedelta(seconds=number), "C-1", "anna", "tried", content)


def faults(store):
    with store.reading() as conn:
        return journal.verify(conn)


def five(store):
    write(store, *({"n": n} for n in range(5)))


def run(store, statement):
    with store.change() as conn:
        conn.execute(statement)


def test_an_empty_journal_is_whole(store):
    assert faults(store) == ()


def test_lines_come_back_as_they_were_written_and_in_pages(store):
    five(store)
    with store.reading() as conn:
        first = journal.lines(conn, "C-1", limit=2)
        rest = journal.lines(conn, "C-1", after=first[-1].seq)
        newest = journal.lines(conn, limit=2, newest_first=True)
        older = journal.lines(conn, limit=2, newest_first=True, after=newest[-1].seq)
        assert journal.lines(conn, "C-2") == ()
    assert [json.loads(line.content)["n"] for line in (*first, *rest)] == [0, 1, 2, 3, 4]
    assert [line.seq for line in (*newest, *older)] == [5, 4, 3, 2]
    assert first[0].prev == journal.START and first[1].prev == first[0].hash


def test_a_line_shares_the_fate_of_its_transaction(store):
    five(store)
    with pytest.raises(ZeroDivisionError), store.change() as conn:
        journal.append(conn, NOW, "", "anna", "tried", {})
        raise ZeroDivisionError
    write(store, {"n": 5})
    assert faults(store) == ()


@pytest.mark.parametrize("column", ["at", "case_id", "actor", "kind", "content", "prev", "hash"])
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_an_edited_field_is_found(store, column, seq):
    five(store)
    value = "0" * 63 + "1" if column in ("prev", "hash") else '{"n":7}'
    run(store, lines.update().where(lines.c.seq == seq).values({column: value}))
    assert any(f"line {n}" in fault for n in (seq, seq + 1) for fault in faults(store))


@pytest.mark.parametrize("seq", [1, 2, 4, 5])
def test_a_removed_line_is_found_and_named(store, seq):
    five(store)
    run(store, lines.delete().where(lines.c.seq == seq))
    assert f"line {seq}: removed" in faults(store)


def test_many_removed_at_the_end_are_found(store):
    five(store)
    run(store, lines.delete().where(lines.c.seq > 2))
    assert faults(store) == ("line 3: removed (up to 5)",)


def test_all_removed_is_found(store):
    five(store)
    run(store, lines.delete())
    assert faults(store) == ("line 1: removed (up to 5)",)


def test_a_removed_head_is_found(store):
    five(store)
    run(store, journal_head.delete())
    assert faults(store) == ("line 1: added, or the head was turned back",)


def test_lines_that_changed_places_are_found(store):
    five(store)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        run(store, lines.update().where(lines.c.seq == old).values(seq=new))
    assert any("line 2" in fault for fault in faults(store))


def test_a_removed_line_with_the_rest_moved_up_is_found(store):
    five(store)
    run(store, lines.delete().where(lines.c.seq == 3))
    for old in (4, 5):
        run(store, lines.update().where(lines.c.seq == old).values(seq=old - 1))
    assert any("line 3" in fault for fault in faults(store))


def test_the_last_line_forged_with_a_sound_hash_is_found(store):
    five(store)
    with store.reading() as conn:
        last = journal.lines(conn, newest_first=True)[0].model_dump()
    forged = last | {"actor": "eve"}
    run(store, lines.update().where(lines.c.seq == 5).values(actor="eve", hash=journal.hash_of(forged)))
    assert faults(store) == ("line 5: not the line that was written last",)


def test_what_was_never_written_so_is_a_fault_and_no_crash(tmp_path):
    store = open_store("sqlite:///s.db", tmp_path)
    five(store)
    run(store, sa.text("UPDATE journal SET content = x'00ff' WHERE seq = 2"))
    assert faults(store) == ("line 2: edited",)
    store.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    store = open_store("sqlite:///s.db", tmp_path_factory.mktemp("journal"))
    yield store
    store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(CONTENT, min_size=1, max_size=4), data=st.data())
def test_any_content_verifies_and_any_harm_to_it_does_not(shared, contents, data):
    run(shared, lines.delete())
    run(shared, journal_head.delete())
    write(shared, *contents)
    assert faults(shared) == ()
    seq = data.draw(st.integers(1, len(contents)))
    harm = data.draw(st.sampled_from(["remove", "actor", "content", "at"]))
    if harm == "remove":
        run(shared, lines.delete().where(lines.c.seq == seq))
    else:
        run(shared, lines.update().where(lines.c.seq == seq).values({harm: lines.c[harm] + " "}))
    assert faults(shared) != ()
