"""The logs beside the connections (dns, tls, http, irc) as one relation, copied once to Parquet, and their faults."""

from collections.abc import Sequence

from connectors.sources.logs.deduplication import united
from connectors.sources.logs.engine import Engine
from connectors.sources.logs.parquet_copy import copied
from connectors.sources.logs.reading import Reading
from playbook.errors import BadAnswer


class SideLog:
    """One kind of log beside the connections; ``relation`` is "" when it cannot be read, ``faults`` says why."""

    def __init__(self, engine: Engine, readings: Sequence[Reading]) -> None:
        relations: list[str] = []
        faults: list[str] = []
        for reading in readings:
            try:
                relations.append(copied(engine, reading))
            except BadAnswer as fault:
                faults.append(str(fault))
                continue
            rejected = reading.rejected
            first = next(iter(rejected.examples), "not kept")
            bad = (f"{reading.kind} log: {rejected.count} rows left out; the first: {first}",)
            faults += (*reading.cut, *reading.warnings, *(bad if rejected.count else ()))
        self.relation = united(relations) if relations else ""
        self.faults = tuple(faults)
