"""A corrupt Parquet file beside sound ones: left out by its own name, the others are read, the run is incomplete."""

from pathlib import Path

import duckdb
import pytest

from playbook.errors import BadAnswer
from tests.connectors.sources.logs.test_bad_input import fetched


def parquet(path: Path) -> bytes:
    duckdb.sql(
        "COPY (SELECT TIMESTAMP '2026-01-01' + INTERVAL (i * 60) SECOND AS time, '' AS hostname, '10.0.0.1' AS src_ip, "
        "'8.8.4.4' AS dst_ip, 443 AS dst_port, 100 + i AS bytes_sent, 100 AS bytes_rcvd, '' AS process_name "
        f"FROM range(600) AS rows(i)) TO '{path}' (FORMAT parquet)"
    )
    return path.read_bytes()


def test_a_corrupt_file_is_left_out_by_name(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "a.parquet")
    (tmp_path / "cut.parquet").write_bytes(whole[:300])
    spoilt = bytes(byte ^ 0x5A if 10 < place < len(whole) // 3 else byte for place, byte in enumerate(whole))
    (tmp_path / "spoilt.parquet").write_bytes(spoilt)
    found = fetched(tmp_path)
    assert (found.detections[0].connections, found.health.complete) == (600, False)
    for name in ("cut", "spoilt"):
        assert sum(f"{tmp_path / name}.parquet: left out" in text for text in found.health.warnings) == 1
    assert not any("repaired-" in text for text in found.health.warnings)


def test_nothing_but_a_corrupt_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(path)[:300])
    with pytest.raises(BadAnswer, match=r"a\.parquet") as refused:
        fetched(path)
    assert "repaired-" not in str(refused.value)
