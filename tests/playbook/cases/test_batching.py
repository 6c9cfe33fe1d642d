"""A large run is filed in parts: others write in between, and one that is cut off goes on without doing twice."""

import threading
from datetime import timedelta

import pytest

from playbook.cases import approval_requests, audit, case_rows, outbox
from playbook.cases.batching import file_in_parts
from playbook.workflows import outbox_relay
from tests.support.builders import NOW, a_run
from tests.support.response_fixtures import FILING, a_bot

HOSTS = range(31, 31 + 45)


def a_large_run():
    return a_run(*(a_bot(n, destination=f"203.0.113.{n}") for n in HOSTS), run_id="R-large")


def test_another_writer_gets_in_between(store):
    over = threading.Event()

    def write():
        while not over.is_set():
            with store.change() as conn:
                audit.append(conn, NOW, "", "other", "between", {})
            over.wait(0.02)

    other = threading.Thread(target=write)
    other.start()
    filed = file_in_parts(store, a_large_run(), FILING, lambda: NOW)
    over.set()
    other.join()
    with store.reading() as conn:
        kinds = [line.kind for line in audit.lines(conn, limit=1000)]
        assert audit.verify(conn) == ()
    first, last = kinds.index("case opened"), len(kinds) - kinds[::-1].index("case opened")
    assert "between" in kinds[first:last] and len(filed.asked) == len(HOSTS)


class CutOff(BaseException):
    """The process ends here."""


def cut_off_after(parts):
    left = [None] * parts

    def pause(_):
        left.pop()
        if not left:
            raise CutOff

    return pause


def test_cut_off_it_goes_on_and_nobody_is_asked_before_the_tickets_are_there(bench):
    run = a_large_run()
    with pytest.raises(CutOff):
        file_in_parts(bench.store, run, FILING, lambda: bench.now, pause=cut_off_after(2))
    with bench.store.reading() as conn:
        asked = [one.request_id for one in approval_requests.list_requests(conn, "waiting", 1000)]
        assert len(asked) == 40 and case_rows.is_being_filed(conn, "R-large", bench.now)
    assert outbox_relay.open_tickets(bench.works) == 0 and outbox_relay.tell_people(bench.works) == 0
    filed = file_in_parts(bench.store, run, FILING, lambda: bench.now, pause=lambda _: None)
    assert not filed.again and len(filed.cases) == len(HOSTS) and len(filed.asked) == 5
    with bench.store.reading() as conn:
        waiting = [one.request_id for one in approval_requests.list_requests(conn, "waiting", 1000)]
        assert len(waiting) == len(HOSTS) and set(asked) < set(waiting)
        assert len(outbox.pending_tickets(conn)) == len(HOSTS)
    kinds = bench.kinds()
    assert kinds.count("run filed") == 1 and kinds.count("case opened") == len(HOSTS) and "case updated" not in kinds
    assert outbox_relay.open_tickets(bench.works) == len(HOSTS) == outbox_relay.tell_people(bench.works)
    assert file_in_parts(bench.store, run, FILING, lambda: bench.now).again and bench.faults() == ()


def test_an_answer_between_the_parts_counts_and_is_not_asked_again(bench):
    bench.account("anna")
    run = a_large_run()
    with pytest.raises(CutOff):
        file_in_parts(bench.store, run, FILING, lambda: bench.now, pause=cut_off_after(1))
    with bench.store.reading() as conn:
        first = approval_requests.list_requests(conn)[0]
    assert bench.approve(first.request_id).result == "approved"
    filed = file_in_parts(bench.store, run, FILING, lambda: bench.now, pause=lambda _: None)
    with bench.store.reading() as conn:
        requests = [one for one in approval_requests.list_requests(conn, None, 1000) if one.case_id == first.case_id]
    assert [one.state for one in requests] == ["approved"] and len(filed.cases) == len(HOSTS)


def test_a_run_that_is_never_finished_holds_its_questions_back_for_ten_minutes(bench):
    with pytest.raises(CutOff):
        file_in_parts(bench.store, a_large_run(), FILING, lambda: bench.now, pause=cut_off_after(1))
    assert outbox_relay.tell_people(bench.works) == 0
    bench.later(minutes=11)
    assert outbox_relay.tell_people(bench.works) == 20 and bench.now - NOW == timedelta(minutes=11)
