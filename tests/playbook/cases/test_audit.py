"""The audit trail: what is written verifies; whatever is edited, removed, added or moved afterwards is found."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from playbook.cases import audit
from playbook.cases.schema import journal as lines
from playbook.cases.schema import journal_head
from playbook.cases.store import open_store
from tests.support.builders import NOW
from tests.support.examples import examples

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
CONTENT = st.dictionaries(TEXT, st.integers(-(2**53) + 1, 2**53 - 1) | TEXT | st.lists(TEXT, max_size=3), max_size=3)


def write(store, *contents):
    with store.change() as conn:
        for number, content in enumerate(contents):
            audit.append(conn, NOW + timedelta(seconds=number), "C-1", "anna", "tried", content)


def faults(store):
    with store.reading() as conn:
        return audit.verify(conn)


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
        first = audit.lines(conn, "C-1", limit=2)
        rest = audit.lines(conn, "C-1", after=first[-1].seq)
        newest = audit.lines(conn, limit=2, newest_first=True)
        older = audit.lines(conn, limit=2, newest_first=True, after=newest[-1].seq)
        assert audit.lines(conn, "C-2") == ()
    assert [json.loads(line.content)["n"] for line in (*first, *rest)] == [0, 1, 2, 3, 4]
    assert [line.seq for line in (*newest, *older)] == [5, 4, 3, 2]
    assert first[0].prev == audit.START and first[1].prev == first[0].hash


def test_a_line_shares_the_fate_of_its_transaction(store):
    five(store)
    with pytest.raises(ZeroDivisionError), store.change() as conn:
        audit.append(conn, NOW, "", "anna", "tried", {})
        raise ZeroDivisionError
    write(store, {"n": 5})
    assert faults(store) == ()


def harmed(store, *statements):
    """The faults after this harm, which is then undone."""
    with store.engine.connect() as conn, conn.begin() as transaction:
        for statement in statements:
            conn.execute(statement)
        found = audit.verify(conn)
        transaction.rollback()
    return found


def moved(old, new):
    return lines.update().where(lines.c.seq == old).values(seq=new)


def test_an_edited_field_is_found(store):
    five(store)
    for column in ("at", "case_id", "actor", "kind", "content", "prev", "hash"):
        value = "0" * 63 + "1" if column in ("prev", "hash") else '{"n":7}'
        for seq in (1, 3, 5):
            found = harmed(store, lines.update().where(lines.c.seq == seq).values({column: value}))
            assert any(f"line {seq}:" in fault for fault in found), (column, seq, found)
    assert faults(store) == ()


HARMS = {
    "the first removed": ([lines.delete().where(lines.c.seq == 1)], "line 1: removed"),
    "one removed": ([lines.delete().where(lines.c.seq == 4)], "line 4: removed"),
    "two removed": ([lines.delete().where(lines.c.seq.in_([2, 3]))], "line 2: removed (up to 3)"),
    "the last removed": ([lines.delete().where(lines.c.seq == 5)], "line 5: removed"),
    "the last three removed": ([lines.delete().where(lines.c.seq > 2)], "line 3: removed (up to 5)"),
    "all removed": ([lines.delete()], "line 1: removed (up to 5)"),
    "the head removed": ([journal_head.delete()], "line 1: added, or the head was turned back"),
    "changed places": ([moved(2, 99), moved(3, 2), moved(99, 3)], "line 2: edited"),
    "moved up": ([lines.delete().where(lines.c.seq == 3), moved(4, 3), moved(5, 4)], "line 3: edited"),
    "numbered anew": ([moved(1, 0)], "line 1: removed"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_removed_or_put_elsewhere_is_found_and_named(filled, harm):
    statements, fault = HARMS[harm]
    assert fault in harmed(filled, *statements)


def test_the_last_line_forged_with_a_sound_hash_is_found(filled):
    with filled.reading() as conn:
        last = audit.lines(conn, newest_first=True)[0].model_dump()
    forged = audit.hash_of(last | {"actor": "eve"})
    change = lines.update().where(lines.c.seq == 5).values(actor="eve", hash=forged)
    assert harmed(filled, change) == ("line 5: not the line that was written last",)


def test_what_was_never_written_so_is_a_fault_and_no_crash(filled):
    assert harmed(filled, sa.text("UPDATE journal SET content = x'00ff' WHERE seq = 2")) == ("line 2: edited",)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Five lines on SQLite, that nobody may change for good."""
    store = open_store("sqlite:///s.db", tmp_path_factory.mktemp("journal"))
    five(store)
    yield store
    store.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    store = open_store("sqlite:///s.db", tmp_path_factory.mktemp("journal"))
    yield store
    store.close()


@examples(25)
@given(contents=st.lists(CONTENT, min_size=1, max_size=4), data=st.data())
def test_any_content_verifies_and_any_harm_to_it_does_not(shared, contents, data):
    for table in (lines, journal_head):
        run(shared, table.delete())
    write(shared, *contents)
    assert faults(shared) == ()
    seq = data.draw(st.integers(1, len(contents)))
    harm = data.draw(st.sampled_from(["remove", "actor", "content", "at"]))
    change = lines.delete() if harm == "remove" else lines.update().values({harm: lines.c[harm] + " "})
    assert harmed(shared, change.where(lines.c.seq == seq)) != ()
