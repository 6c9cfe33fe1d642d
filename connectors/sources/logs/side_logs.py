"""The logs beside the connections (dns, tls, http, irc) as relations, copied once to Parquet, and their faults."""

from concurrent.futures import ThreadPoolExecutor

import duckdb

from connectors.sources.logs.engine import Engine
from connectors.sources.logs.reading import Reading
from connectors.sources.logs.schema import literal


class SideLog:
    """One kind of log beside the connections; ``relation`` is "" when it cannot be read, ``faults`` says why."""

    def __init__(self, engine: Engine, reading: Reading) -> None:
        self.relation = ""
        self.faults: tuple[str, ...] = ()
        self._engine = engine
        self._reading = reading
        for _ in range(3):
            try:
                if self._copied():
                    break
            except duckdb.Error as fault:
                self.faults = (f"{reading.kind} log: cannot be read: {str(fault).splitlines()[0]}",)
                if not reading.repair():
                    return
        rejected = reading.rejected
        first = next(iter(rejected.examples), "not kept")
        bad = (f"{reading.kind} log: {rejected.count} rows left out; the first: {first}",)
        self.faults = (*reading.cut, *reading.warnings, *(bad if rejected.count else ()))

    def _copied(self) -> bool:
        reading = self._reading
        target = self._engine.folder / f"{reading.kind}.parquet"
        aside = () if reading.by_line else ("bad", "passed", "file", "line")
        with ThreadPoolExecutor(1) as worker:
            if reading.by_line:
                reading.start_survey(worker)
            rows = reading.sql(aside, keep_rejects=not reading.by_line)
            self._engine.run(
                f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet)",
                in_order=not reading.by_line,
            )
        self.relation = f"read_parquet({literal(str(target))})"
        if not reading.by_line:
            reading.bad_rows(self.relation)
            return True
        ((rows,),) = self._engine.believed(f"SELECT count(*) FROM {self.relation} WHERE start IS NOT NULL")
        return not reading.settle(rows, unusable=0)
