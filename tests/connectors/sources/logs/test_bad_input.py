"""Bad input: what is wrong is named with file and line, the other rows are kept, and nothing ends the run."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
import zstandard

from connectors.sources.logs import Settings, connect, decompress, files
from playbook.errors import ConfigError, UnknownFormat
from playbook.model.detection import Fetched
from playbook.model.site import Site
from tests.connectors.sources.logs.test_zeek_detection import beats
from tests.support.zeek_reader import ORDER, log_text

SITE = Site(now=datetime(2026, 1, 1, tzinfo=UTC))
GOOD = log_text(beats(120, 120)).encode()
WIDTH = len(ORDER)


def fetched(*paths: Path, **choices) -> Fetched:
    source = connect("logs", Settings(paths=paths, **choices), SITE)
    try:
        (found,) = source.fetch(None)
        return found
    finally:
        source.close()


def written(folder: Path, content: bytes, name: str = "conn.log") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def row_with(**changed) -> bytes:
    (line,) = beats(1, 1)
    return log_text([line | {key.replace("__", "."): value for key, value in changed.items()}], header=False).encode()


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "conn.log", "empty"),
        (b"hello\nworld\n", "conn.log", "not recognised"),
        (None, "absent.log", "no such file"),
    ],
)
def test_a_file_that_is_no_log_is_refused_by_name(tmp_path: Path, content, name, message) -> None:
    path = tmp_path / name if content is None else written(tmp_path, content, name)
    with pytest.raises(ConfigError, match=message) as refused:
        fetched(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":"' + b"x" * 200_000 + b'"}\n',
        b"time,src_ip,dst_ip,dst_port\r1,2,3,4\r",
        b"[" * 200_000,
    ],
    ids=["a JSON line past the CSV limit", "old line ends", "deep JSON"],
)
def test_text_that_no_csv_reader_takes_is_no_log(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnknownFormat, match="not recognised"):
        fetched(written(tmp_path, content))


@pytest.mark.parametrize("unit", [b"\n", b" \n", b" ", b"{", b"[", b'"', b",", b"1,", b"a\n", b"{\n", b"#\n", b": "])
def test_a_long_run_of_one_thing_is_judged_at_once(tmp_path: Path, unit: bytes) -> None:
    path = written(tmp_path, b"x\n" + unit * (files.HEAD // len(unit)))
    began = process_time()
    with pytest.raises(UnknownFormat):
        fetched(path)
    assert process_time() - began < 60  # of processor time; a reading that is quadratic in 256 kB takes many minutes


def test_such_a_file_beside_a_log_is_skipped_by_name(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, b'{"a":"' + b"x" * 200_000 + b'"}\n', "other.json")
    found = fetched(tmp_path)
    assert found.health.rows_read == 120
    (skipped,) = [text for text in found.health.warnings if text.startswith("skipped: other.json (not recognised")]
    assert "JSON that begins" in skipped


def test_a_file_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    name = os.fsdecode(b"conn\xff.log")
    try:
        written(tmp_path, GOOD, name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(ConfigError, match="not UTF-8"):
        fetched(tmp_path)


def test_a_repeated_header_is_no_fault(tmp_path: Path) -> None:
    assert fetched(written(tmp_path, GOOD + GOOD)).health.rows_rejected == 0


def test_a_folder_without_logs_is_refused_and_says_what_it_saw(tmp_path: Path) -> None:
    written(tmp_path, b"dear diary\n", "notes.txt")
    written(tmp_path, b"", "conn.log")
    with pytest.raises(UnknownFormat, match=r"conn\.log \(the file is empty\); notes\.txt \(not recognised .*dear"):
        fetched(tmp_path)


def test_a_folder_without_a_connection_log_is_refused(tmp_path: Path) -> None:
    written(tmp_path, b"#fields\tts\tid.orig_h\tquery\tqtype\trcode_name\n1\t10.0.0.1\ta.test\t1\tNOERROR\n", "dns.log")
    with pytest.raises(UnknownFormat, match="no connection log"):
        fetched(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    path.chmod(0)
    with pytest.raises(ConfigError, match=r"conn\.log: cannot be read"):
        fetched(path)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"1600041600.0\tC\t10.0.0.1\n", f"3 columns, expected {WIDTH}"),
        (GOOD.splitlines()[-1] + b"\tmore\n", f"{WIDTH + 1} columns, expected {WIDTH}"),
        (row_with(ts="yesterday"), "ts is not usable: yesterday"),
        (row_with(ts="nan"), "ts is not usable: nan"),
        (row_with(ts="1e300"), "ts is not usable: 1e300"),
        (row_with(ts="-5"), "ts is not usable: -5"),
        (row_with(id__resp_p="65536"), "id.resp_p is not usable: 65536"),
        (row_with(id__resp_p="-1"), "id.resp_p is not usable: -1"),
        (row_with(orig_bytes="-7"), "orig_bytes is not usable: -7"),
        (row_with(resp_ip_bytes="9" * 25), "resp_ip_bytes is not usable"),
        (row_with(orig_ip_bytes="9" * 18), "orig_ip_bytes is not usable"),
        (row_with(id__orig_h="999.1.1.1"), "id.orig_h is no address: 999.1.1.1"),
        (row_with(id__resp_h="| delete"), "id.resp_h is no address: | delete"),
        (row_with(id__resp_h=None), "id.resp_h is missing"),
        (row_with(id__resp_p=None), "id.resp_p is missing"),
        (row_with(service="??").replace(b"??", b"\xff\xfe"), "not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("keep", [False, True])
def test_a_bad_row_is_counted_and_named_and_the_others_are_kept(tmp_path: Path, bad, reason, keep) -> None:
    head, tail = GOOD.splitlines(keepends=True)[:10], GOOD.splitlines(keepends=True)[10:]
    path = written(tmp_path, b"".join([*head, bad, *tail]))
    found = fetched(path, keep_traffic=keep)
    assert found.detections[0].connections == 120
    assert found.health.rows_rejected == 1
    assert len(found.health.rejected_examples) == 1
    assert found.health.rejected_examples[0].startswith(f"{path}:11: {reason}")
    assert found.health.complete


@pytest.mark.parametrize("changed", [{"id__orig_p": "x"}, {"id__orig_p": "70000"}, {"duration": "long"}])
@pytest.mark.parametrize("keep", [False, True])
def test_what_the_detection_does_not_need_costs_no_row(tmp_path: Path, changed, keep) -> None:
    found = fetched(written(tmp_path, GOOD + row_with(**changed)), keep_traffic=keep)
    assert (found.detections[0].connections, found.health.rows_rejected) == (121, 0)


def test_only_the_first_five_bad_rows_are_named_and_all_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + b"x\ty\n" * 50 + row_with(id__resp_h="nowhere") * 3)
    health = fetched(path).health
    assert (health.rows_rejected, len(health.rejected_examples)) == (53, 5)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r\n", 60),
        lambda text: text[:4000].replace(b"\n", b"\r\n") + text[4000:],
        lambda text: text + b"\n\n\n",
        lambda text: text[:-1],
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"#fields", b"\t#fields"),
        lambda text: text + b"#close\t2026-01-01-00-00-00\n",
        lambda text: text.replace(b"\tC\t", b"\tC\0\t"),
    ],
    ids=["crlf", "mixed", "mixed-late", "blank-lines", "no-last-end", "bom", "tab-header", "close", "nul"],
)
@pytest.mark.parametrize("keep", [False, True])
def test_damage_that_costs_no_row(tmp_path: Path, spoil: Callable[[bytes], bytes], keep: bool) -> None:
    found = fetched(written(tmp_path, spoil(GOOD)), keep_traffic=keep)
    assert (found.detections[0].connections, found.health.rows_rejected, found.health.complete) == (120, 0, True)


def test_headers_in_the_middle_headers_without_a_mark_and_none_at_all(tmp_path: Path) -> None:
    hourly = written(tmp_path, log_text(beats(60, 120)).encode() + log_text(beats(60, 120, 1600048800.0)).encode())
    assert fetched(hourly).health.rows_read == 120
    body = b"\n".join(GOOD.splitlines()[4:]) + b"\n"
    plain = written(tmp_path, "\t".join(ORDER).encode() + b"\n" + body, "plain.log")
    assert (fetched(plain).health.rows_read, fetched(plain).health.rows_rejected) == (120, 0)
    bare = written(tmp_path, body, "bare.log")
    found = fetched(bare)
    assert found.health.rows_read == 120
    assert any("default order" in warning for warning in found.health.warnings)


def test_the_last_columns_joined_by_three_spaces(tmp_path: Path) -> None:
    text = GOOD.decode().replace("tunnel_parents", "tunnel_parents   label   detailed-label")
    joined = "\n".join(line if line.startswith("#") else f"{line}   Benign   -" for line in text.splitlines())
    assert fetched(written(tmp_path, joined.encode())).health.rows_read == 120
    apart = "\n".join(line if line.startswith("#") else f"{line}\tBenign\t-" for line in text.splitlines())
    assert fetched(written(tmp_path, apart.encode(), "apart.log")).health.rows_read == 120


@pytest.mark.parametrize("keep", [False, True])
def test_a_line_without_end_is_left_out_and_named(tmp_path: Path, keep: bool) -> None:
    path = written(tmp_path, GOOD + b"x" * (5 << 20) + b"\n" + row_with())
    found = fetched(path, keep_traffic=keep)
    assert (found.health.rows_read, found.health.rows_rejected) == (121, 1)
    assert f"{path}:125: the line is longer" in found.health.rejected_examples[0]


def _zstd(text: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(text)


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_packed_files_whole_in_several_members_and_cut_short(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert fetched(written(tmp_path, pack(GOOD), "a.gz")).health.rows_read == 120
    both = pack(GOOD) + pack(log_text(beats(60, 120), header=False).encode())
    assert fetched(written(tmp_path, both, "b.gz")).health.rows_read == 180
    many = b"".join(
        log_text(beats(1, 1, 1600041600.0 + n, uid=os.urandom(8).hex()), header=n == 0).encode() for n in range(4000)
    )
    cut = written(tmp_path, pack(many)[: len(pack(many)) * 2 // 3], "c.gz")
    health = fetched(cut).health
    assert 1000 < health.rows_read < 4000 and not health.complete
    assert any("c.gz" in warning and "cut short" in warning for warning in health.warnings)


def test_a_bomb_is_read_up_to_the_limit_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "_RATIO_FROM", 4 << 20)
    bomb = written(tmp_path, gzip.compress(GOOD + (b"0" * (1 << 20)) * 40), "conn.log.gz")
    found = fetched(bomb)
    assert found.detections[0].connections == 120 and not found.health.complete
    assert any("unpacks to more than" in warning for warning in found.health.warnings)


def test_hostile_names_in_paths_and_values_stay_text(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *log*; DROP TABLE x --"
    folder.mkdir()
    bad = row_with(id__resp_h="'); DROP TABLE wanted; --\x1b[31m<b>")
    found = fetched(written(folder, GOOD + bad, "co'nn?.log"))
    assert (found.detections[0].connections, found.health.rows_rejected) == (120, 1)
    assert "\x1b" not in found.health.rejected_examples[0]


def test_globs_folders_and_repeats_read_each_file_once(tmp_path: Path) -> None:
    for hour in range(3):
        written(tmp_path, log_text(beats(40, 60, 1600041600.0 + hour * 3600)).encode(), f"conn.{hour:02}.log")
    written(tmp_path, b"#path\tx509\n#fields\tts\tfingerprint\n1\tab\n", "x509.log")
    assert fetched(tmp_path / "conn.*.log").detections[0].connections == 120
    found = fetched(tmp_path, tmp_path / "conn.00.log")
    assert found.detections[0].connections == 120
    assert any("x509.log (not read)" in warning for warning in found.health.warnings)


def test_json_rows_that_are_none_are_counted_and_named(tmp_path: Path) -> None:
    good = "".join(json.dumps(line) + "\n" for line in beats(120, 120))
    path = written(tmp_path, (good + '{"ts": 1.5, "id.or\nnull\n\n{"ts": 1600041600.5}\n').encode(), "conn.json")
    found = fetched(path)
    assert (found.detections[0].connections, found.health.rows_rejected) == (120, 3)
    assert found.health.rejected_examples == (
        f"{path}:121: not a JSON object",
        f"{path}:122: not a JSON object",
        f"{path}:124: id.orig_h is missing",
    )
