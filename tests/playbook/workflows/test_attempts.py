"""When a step may be tried again."""

from datetime import timedelta

import pytest

from playbook.workflows.attempts import too_early
from tests.support.builders import NOW


@pytest.mark.parametrize(
    ("tried", "after_s", "early"),
    [
        ((), 0, False),
        ((0,), 0, True),
        ((0,), 29.9, True),
        ((0,), 30, False),
        ((0, 30), 89.9, True),
        ((0, 30), 90, False),
        (tuple(range(12)), 11 + 899.9, True),
        (tuple(range(12)), 11 + 900, False),
        ((0,), -0.1, False),
        ((0,), -86_400, False),
    ],
)
def test_the_wait_doubles_up_to_a_quarter_hour_and_a_clock_set_back_ends_it(tried, after_s, early):
    moments = tuple(NOW + timedelta(seconds=second) for second in tried)
    assert too_early(moments, NOW + timedelta(seconds=after_s)) is early
