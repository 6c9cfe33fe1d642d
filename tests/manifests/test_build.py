"""`manifests build`: one installable file a platform, the same bytes each time, and nothing of this machine in it."""

import gzip
import io
import tarfile
import zipfile

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from playbook import platforms
from playbook.__main__ import cli
from playbook.actions import catalogue
from playbook.errors import ConfigError
from playbook.platforms import _archives, _images

NAMES = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}\.[a-z]{1,3}", fullmatch=True)


@pytest.mark.parametrize("name", platforms.platforms())
def test_a_platform_builds_the_same_bytes_each_time(name):
    first, second = (platforms.build(name, catalogue()) for _ in range(2))
    assert first == second and first
    whole = b"".join(first.values())
    assert b"/root/" not in whole and b"/home/" not in whole


def test_build_writes_what_it_says(tmp_path):
    done = CliRunner().invoke(cli, ["manifests", "build", "openapi", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0 and "SHA-256" in done.stdout
    assert (tmp_path / "out" / "openapi" / "openapi.json").is_file()


def test_wheels_are_refused_where_they_have_no_place(tmp_path):
    with pytest.raises(ConfigError, match="openapi: its package holds no wheels"):
        platforms.build("openapi", catalogue(), {"a.whl": b""})
    done = CliRunner().invoke(cli, ["manifests", "build", "openapi", "--wheels", str(tmp_path)])
    assert "no wheel" in str(done.exception)


def test_a_name_with_an_underscore_is_no_platform():
    assert not [one for one in platforms.platforms() if one.startswith("_")]
    with pytest.raises(ConfigError, match="is no platform"):
        platforms.render("_client", catalogue())


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=6))
def test_an_archive_holds_its_files_and_nothing_of_whoever_made_it(files):
    paths = {path.partition("/")[0] for path in files if "/" in path}
    if paths & files.keys():
        return
    with tarfile.open(fileobj=io.BytesIO(_archives.tar_gz(files, "top"))) as archive:
        members = archive.getmembers()
        contents = {m.name: archive.extractfile(m).read() for m in members if m.isfile()}
    assert contents == {f"top/{path}": content for path, content in files.items()}
    assert {(m.uid, m.gid, m.uname, m.mtime) for m in members} <= {(0, 0, "root", 315532800)}
    with zipfile.ZipFile(io.BytesIO(_archives.zip_file(files))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_gzip_header_has_no_name_and_no_time():
    made = _archives.tar_gz({"a": b"b"})
    assert made[3] == 0 and made[4:8] == bytes(4) and gzip.decompress(made)


def test_the_sign_is_an_image_of_its_size():
    made = _images.png(120, 50)
    assert made.startswith(b"\x89PNG") and made[16:24] == (120).to_bytes(4, "big") + (50).to_bytes(4, "big")
    assert len(made) < 10 * 1024
