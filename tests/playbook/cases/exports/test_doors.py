"""A case leaves by the command and by the API: the same bytes, for who may read, and a plain refusal else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from playbook.__main__ import cli
from playbook.cases import exports
from playbook.errors import ConfigError
from tests.playbook.alerts.scene import bot, scene
from tests.support.case_store import fresh_record
from tests.support.export_fixtures import an_export

FORMATS = ("cacao", "json", "ocsf", "stix")


@pytest.fixture
def s(tmp_path: Path) -> Iterator[Any]:
    with scene(f"sqlite:///{fresh_record(tmp_path / 'state.db')}") as one:
        one.act("file_detection", bot(), one.token("siem", "intake", "investigate"))
        yield one


def exported(tmp_path: Path, *arguments: str) -> Result:
    config = tmp_path / "playbook.toml"
    config.write_text(f'[state]\nurl = "sqlite:///{tmp_path / "state.db"}"\n')
    return CliRunner().invoke(cli, ["cases", "export", *arguments, "--config", str(config)])


def test_the_formats_lie_in_the_folder() -> None:
    assert exports.formats() == FORMATS
    with pytest.raises(ConfigError, match=", ".join(FORMATS)):
        exports.render("csv", an_export())


@pytest.mark.parametrize("name", FORMATS)
def test_the_command_and_the_api_give_the_same_case(s: Any, tmp_path: Path, name: str) -> None:
    reader = s.token("reader", "investigate")
    (row,) = s.web.client.get("/api/cases", headers=reader).json()["cases"]
    answer = s.web.client.get(f"/api/cases/{row['case_id']}", params={"format": name}, headers=reader)
    assert answer.status_code == 200 and row["case_id"] in answer.text
    assert answer.headers["content-type"].split(";")[0] == exports.media_type(name).split(";")[0]
    done = exported(tmp_path, row["case_id"], "--format", name)
    assert done.exit_code == 0, done.output
    assert without_pages(done.stdout) == without_pages(answer.text)
    file = tmp_path / "case.json"
    written = exported(tmp_path, row["case_id"], "--format", name, "--output", str(file))
    assert written.exit_code == 0 and written.stdout == "" and file.read_text() == done.stdout


def without_pages(text: str) -> Any:
    """The document without the addresses of pages, which the service alone knows when nothing is configured."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {key: clean(one) for key, one in value.items() if key not in ("url", "src_url")}
            return {key: one for key, one in kept.items() if key != "external_references"}
        return [clean(one) for one in value] if isinstance(value, list) else value

    return clean(json.loads(text))


def test_who_may_not_read_and_what_is_not_there_is_refused(s: Any, tmp_path: Path) -> None:
    reader = s.token("reader", "investigate")
    (row,) = s.web.client.get("/api/cases", headers=reader).json()["cases"]
    path = f"/api/cases/{row['case_id']}"
    assert s.web.client.get(path, params={"format": "stix"}, headers=s.token("x", "intake")).status_code == 403
    assert s.web.client.get(path, params={"format": "stix"}).status_code == 401
    wrong = s.web.client.get(path, params={"format": "csv"}, headers=reader)
    assert wrong.status_code == 400 and ", ".join(FORMATS) in wrong.json()["error"]
    absent = s.web.client.get("/api/cases/C-000000000000", params={"format": "stix"}, headers=reader)
    assert absent.status_code == 404 and "no such case" in absent.json()["error"]
    gone = exported(tmp_path, "C-000000000000", "--format", "stix")
    assert gone.exit_code == 2 and "no case C-000000000000" in gone.output
    assert exported(tmp_path, row["case_id"], "--format", "csv").exit_code == 2
    nowhere = exported(tmp_path, row["case_id"], "--format", "stix", "--output", str(tmp_path / "no" / "x.json"))
    assert isinstance(nowhere.exception, ConfigError) and "--output" in str(nowhere.exception)
