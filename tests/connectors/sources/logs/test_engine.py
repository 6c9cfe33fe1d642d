"""What DuckDB must not do to a log, whichever of its versions is installed."""

from contextlib import closing

import pytest

from connectors.sources.logs.engine import Engine
from tests.support.log_fixtures import written

_READ = "read_csv(['{}'], delim = '\t', header = false, auto_detect = false, ignore_errors = true, columns = {{{}}})"


@pytest.mark.parametrize(
    "cell",
    [
        "try_cast(lasted AS DOUBLE)",
        "CASE WHEN try_cast(lasted AS DOUBLE) >= 0 THEN try_cast(lasted AS DOUBLE) END",
    ],
)
def test_a_text_that_is_no_number_costs_no_row(tmp_path, cell):
    log = written(tmp_path, "conn.log", "1.0\ta\n2.0\tlong\n3.0\t4.5\n")
    source = _READ.format(log, "'start': 'DOUBLE', 'lasted': 'VARCHAR'")
    with closing(Engine(100)) as engine:
        assert list(engine.rows(f"SELECT start, {cell} FROM {source} ORDER BY start")) == [
            (1.0, None),
            (2.0, None),
            (3.0, 4.5),
        ]
        engine.run(f"CREATE TABLE kept AS SELECT start, {cell} AS lasted FROM {source}")
        assert list(engine.rows("SELECT count(*), count(lasted) FROM kept")) == [(3, 1)]


def test_a_word_of_a_long_list_is_found_where_it_stands(tmp_path):
    log = written(tmp_path, "words.csv", "".join(f"w{n}\n" for n in range(20)))
    source = _READ.format(log, "'word': 'VARCHAR'")
    listed = ", ".join(f"'w{n}'" for n in range(12))
    with closing(Engine(100)) as engine:
        (plan,) = [text for _, text in engine.rows(f"EXPLAIN SELECT word, word IN ({listed}) FROM {source}")]
        assert "JOIN" not in plan.upper()
        assert list(engine.rows(f"SELECT count(*) FILTER (word IN ({listed})), count(*) FROM {source}")) == [(12, 20)]
