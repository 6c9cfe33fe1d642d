"""How many examples a property test tries: a few wherever the suite runs, many more where CI runs it."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

# .ci/run sets it: time is cheap there, and a rare fault is found by many examples.
TIMES = max(1, int(os.environ.get("BOTNET_PLAYBOOK_EXAMPLES") or 1))


def examples(number: int, **others: Any) -> settings:
    """Settings for ``number`` examples, or their multiple; a test's own folder may be used again by each of them."""
    return settings(
        max_examples=number * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        **others,
    )
