"""Every threshold of the product moved by 20 % down and up, one at a time, with a context that moves it."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any, NamedTuple
from unittest.mock import patch

from playbook.cli._backtest import varied
from playbook.detections import beaconing
from playbook.model import Value, measurement
from playbook.rules import all_rules

_DETECTION = (
    "MIN_CONNECTIONS",
    "MIN_HOURS",
    "FAST_PER_HOUR",
    "SMALL_BYTES",
    "MANY_CONNECTIONS",
    "MANY_HOURS",
    "SOME_CONNECTIONS",
)


class Variant(NamedTuple):
    """One threshold moved: within ``context`` and with the rules' ``params`` it has the value ``became``."""

    name: str
    was: Any
    became: Any
    context: AbstractContextManager[Any]
    params: Mapping[str, Value]


def of_detection() -> Iterator[Variant]:
    """Those that decide what is detected at all."""
    for name in _DETECTION:
        was = getattr(beaconing, name)
        for became in _moved(was):
            yield Variant(name, was, became, patch.object(beaconing, name, became), {})


def variants() -> Iterator[Variant]:
    """All of them: the detection's, the coverage that is enough, and every number of every rule."""
    yield from of_detection()
    was = measurement.ENOUGH_COVERAGE
    for became in _moved(was):
        context = patch.object(measurement, "ENOUGH_COVERAGE", became)
        yield Variant("ENOUGH_COVERAGE", was, became, context, {})
    for rule in all_rules().values():
        params = rule.params()
        for name, was in params.model_dump().items():
            for became in _moved(was) if isinstance(was, int | float) else ():
                changed = varied(params, name, became)
                if changed is not None:
                    now = getattr(changed, name)
                    yield Variant(f"{rule.name}.{name}", was, now, nullcontext(), {rule.name: changed})


def _moved(was: Any) -> tuple[Any, ...]:
    if isinstance(was, int):
        step = max(1, round(was * 0.2))
        return was - step, was + step
    if isinstance(was, Decimal):
        return was * Decimal("0.8"), was * Decimal("1.2")
    return round(was * 0.8, 4), round(was * 1.2, 4)
