"""ClickHouse's own engine (chdb) in a process of its own, asked over a pipe: one JSON line a query, one an answer."""

import atexit
import base64
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

_CODE = re.compile(r"Code: (\d+)\.")


class EngineFault(Exception):
    """The engine refused a query; ``code`` is ClickHouse's own, ``text`` what it said."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        number = _CODE.search(text)
        self.code = int(number[1]) if number else 0


class Engine:
    """A running engine with tables of its own, in a folder that goes with the process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="clickhouse-")
        command = [sys.executable, "-m", "tests.emulators.clickhouse_engine", self._folder.name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(
        self,
        sql: str,
        settings: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        form: str = "JSONCompact",
    ) -> bytes:
        """The engine's answer in ``form``. Raises EngineFault."""
        asked = {"sql": sql, "settings": dict(settings or {}), "params": dict(params or {}), "form": form}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise EngineFault("Code: 210. the engine's process is gone")
        answer = json.loads(line)
        if "fault" in answer:
            raise EngineFault(answer["fault"])
        return base64.b64decode(answer["body"])

    def rows(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The rows as the connector gets them."""
        answer = json.loads(self.run(sql, {"output_format_json_validate_utf8": 1}, params))
        names = [column["name"] for column in answer["meta"]]
        return [dict(zip(names, row, strict=True)) for row in answer["data"]]

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], settings: str = "") -> None:
        """Put rows into a table; a name without a value stays the table's default."""
        lines = "\n".join(json.dumps(row) for row in rows)
        self.run(f"INSERT INTO {table}{settings} FORMAT JSONEachRow\n{lines}", form="TSV")

    @property
    def pid(self) -> int:
        """The engine's process."""
        return self._process.pid

    def kill(self) -> None:
        """End the process as a crash would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and remove its folder."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()


@cache
def engine() -> Engine:
    """The engine that the tests of one process share; each makes tables of its own."""
    made = Engine()
    atexit.register(made.close)
    return made


def _serve(folder: str) -> None:
    import chdb  # noqa: PLC0415 half a second and 400 MB that only this process pays

    keeper = chdb.connect(folder)
    for line in sys.stdin:
        asked = json.loads(line)
        connection = chdb.connect(folder)
        try:
            for name, value in asked["params"].items():
                connection.query(f"SET param_{name} = {_quoted(value)}")
            for name, value in sorted(asked["settings"].items(), key=lambda item: item[0] == "readonly"):
                connection.query(f"SET {name} = {_quoted(value)}")
            body = connection.query(asked["sql"], asked["form"]).bytes()
            answer = {"body": base64.b64encode(body).decode()}
        except RuntimeError as fault:  # ChdbError is one
            answer = {"fault": str(fault)}
        finally:
            connection.close()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    keeper.close()


def _quoted(value: object) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    _serve(sys.argv[1])
