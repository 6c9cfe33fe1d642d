"""Sound lines of every log format, any number of them, from the formats' own samples: for fuzzing and for measuring."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from string import Template

from connectors.sources.logs.files import formats
from connectors.sources.logs.schema import Sample

_BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
_STEP_S = 7
_CLIENTS_A_NET, _NETS, _PORTS = 250, 250, 40000


def sample(name: str) -> Sample:
    """The sample of the format called ``name``."""
    found: Sample = formats()[name].SAMPLE
    return found


def lines(name: str, count: int) -> Iterator[str]:
    """The headers of a format, then ``count`` rows, one every seven seconds."""
    own = sample(name)
    yield from own.headers
    first, *rest = own.rows
    rows = [(Template(first), further) for further in own.turns] + [(Template(row), {}) for row in rest]
    for number in range(count):
        row, further = rows[number % len(rows)]
        values = _values(number, number // len(rows))
        yield row.substitute(values, **{name: Template(value).substitute(values) for name, value in further.items()})


def _values(number: int, turn: int) -> dict[str, str]:
    at = _BEGIN + timedelta(seconds=number * _STEP_S)
    epoch = int(at.timestamp())
    return {
        "client": f"10.20.{turn // _CLIENTS_A_NET % _NETS}.{turn % _CLIENTS_A_NET + 1}",
        "port": str(20000 + turn % _PORTS),
        "n": str(turn),
        "iso": f"{at:%Y-%m-%dT%H:%M:%S}",
        "date": f"{at:%Y-%m-%d}",
        "clock": f"{at:%H:%M:%S}",
        "slashed": f"{at:%Y/%m/%d}",
        "bsd": f"{at:%b %d}",
        "year": f"{at:%Y}",
        "epoch": str(epoch),
        "ms": f"{epoch}000",
        "later": str(epoch + 3),
    }
