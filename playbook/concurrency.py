"""Run several calls at once and give up on those that miss a deadline."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from playbook.errors import PlaybookError

T = TypeVar("T")


class CallResult(NamedTuple, Generic[T]):
    """The value, or the reason why there is none."""

    value: T | None
    failure: str | None


def run_concurrently(calls: Mapping[str, Callable[[], T]], deadline_s: float) -> dict[str, CallResult[T]]:
    """Every call in a thread of its own; a call without an answer by the deadline is left behind.

    The threads are daemons: a call that never returns must not keep the process alive.
    """
    found: dict[str, CallResult[T]] = {}

    def run(name: str, call: Callable[[], T]) -> None:
        try:
            found[name] = CallResult(call(), None)
        except PlaybookError as fault:
            found[name] = CallResult(None, str(fault))
        except Exception as fault:  # noqa: BLE001 - one party's bug is reported with its kind, the others' answers stand
            found[name] = CallResult(None, f"{type(fault).__name__}: {fault}")

    threads = [threading.Thread(target=run, args=item, daemon=True, name=f"ask {item[0]}") for item in calls.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + deadline_s
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late: CallResult[T] = CallResult(None, f"no answer within {deadline_s:g} s")
    return {name: found.get(name, late) for name in calls}
