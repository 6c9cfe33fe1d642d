"""When sources run: once each time whoever asks, again soon after a failure, never silenced by a clock set back."""

from datetime import timedelta

import pytest

from playbook.cases import outbox, queries, schedules
from playbook.cases.schedules import DAY, WEEK, ScheduledJob
from tests.playbook.cases.runs import file, judged
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
SIEM = ScheduledJob("siem", DAY, HOUR)


@pytest.fixture
def ask(store):
    def claimed(one=SIEM, after=timedelta(0)):
        with store.change() as conn:
            return schedules.acquire(conn, one, NOW + after)

    return claimed


def test_each_source_over_a_day_every_so_often_and_over_a_week_once_a_day():
    assert [(one.source, one.length, one.every) for one in schedules.jobs_of_sources(("a", "b"), 600)] == [
        ("a", DAY, timedelta(minutes=10)),
        ("a", WEEK, DAY),
        ("b", DAY, timedelta(minutes=10)),
        ("b", WEEK, DAY),
    ]


def test_it_is_claimed_once_each_time(ask):
    assert ask() and not ask() and not ask(after=HOUR / 2)
    assert ask(after=HOUR) and not ask(after=HOUR)


def test_lengths_and_sources_are_errands_of_their_own(ask):
    assert ask() and ask(ScheduledJob("siem", WEEK, DAY)) and ask(ScheduledJob("other", DAY, HOUR))


def test_before_its_first_row_the_runs_say_when_it_was_done_last(store, ask):
    file(store, judged(4))
    with store.reading() as conn:
        (last,) = queries.last_runs(conn)
    length = last.window_end - last.window_start
    one, longer = ScheduledJob(last.source, length, HOUR), ScheduledJob(last.source, length * 2, HOUR)
    assert not ask(one, after=HOUR / 2) and ask(longer) and ask(one, after=HOUR)


def test_it_is_due_again_after_its_beginning_not_its_end(store, ask):
    assert ask()
    with store.change() as conn:
        schedules.done(conn, SIEM, NOW)
    assert not ask(after=HOUR * 0.99) and ask(after=HOUR)


def test_a_run_that_was_lost_with_its_worker_is_missed_for_an_hour_at_most(ask):
    weekly = ScheduledJob("siem", WEEK, DAY)
    assert ask(weekly) and not ask(weekly, after=HOUR * 0.9) and ask(weekly, after=HOUR)


def test_a_failure_is_told_once_a_day_shown_until_it_works_and_tried_again_soon(store, ask):
    assert ask()
    with store.change() as conn:
        schedules.failed(conn, SIEM, "no answer", NOW)
        schedules.failed(conn, SIEM, "no answer", NOW)
        assert "siem failed" in schedules.failures(conn, (SIEM,))[0]
        assert schedules.failures(conn, ()) == ()
        (notice,) = outbox.pending_notifications(conn)
        assert notice.urgent and "Silence is not safety" in notice.text
    assert not ask(after=timedelta(seconds=59)) and ask(after=timedelta(seconds=60))
    with store.change() as conn:
        schedules.done(conn, SIEM, NOW)
        assert schedules.failures(conn, (SIEM,)) == ()


def test_a_clock_set_back_silences_nothing(ask):
    assert ask(after=timedelta(days=30)) and ask()
