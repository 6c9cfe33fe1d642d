"""The report as a folder of self-contained pages: one for the run, one per case; no script, nothing loaded."""

import base64
import hashlib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from playbook.errors import PlaybookError
from playbook.model.case import Case, Run
from playbook.report import wording
from playbook.report.raw_events import ShowRaw, zgrep_command
from playbook.report.remediation import remediation
from playbook.report.sanitize import altered, count, duration, endpoint, named, plain, several, size, tied, utc
from playbook.report.view_models import (
    blast_radius,
    detection_view,
    edge,
    measured,
    page_name,
    pages_by_host,
    split_measured,
)

_HERE = Path(__file__).parent
_LONGEST = 8000


def _shown(value: object) -> object:
    """Every value that a template prints: text without control or invisible characters, markup of ours as it is."""
    return value if isinstance(value, Markup) else plain(value, _LONGEST)


def _tied(text: str) -> Markup:
    """A sentence whose numbers stay with their units; escaped."""
    return Markup.escape(tied(plain(text, _LONGEST)))


def style() -> str:
    """The style sheet of every page."""
    return (_HERE / "report.css").read_text(encoding="utf-8")


def _policy(sheet: str) -> str:
    """A Content-Security-Policy that allows this one style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=4)
def environment(*folders: Path) -> Environment:
    """The templates, those of ``folders`` first, compiled once a process: package data that does not change."""
    pages = Environment(
        loader=FileSystemLoader([*folders, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["tied"] = _tied
    sheet = style()
    pages.globals.update(
        css=Markup(sheet),
        policy=_policy(sheet),
        utc=utc,
        size=size,
        count=count,
        duration=duration,
        several=several,
        endpoint=endpoint,
        altered=altered,
        named=named,
        measured=measured,
        blast=blast_radius,
        edge=edge,
        split_measured=split_measured,
        page_name=page_name,
        words=wording,
        beyond=remediation,
        svg=Markup,
    )
    return pages


def _filters(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "filter": filter,
            "name": wording.FILTER_NAMES[filter],
            "rows": [g for g in run.filtered if g.filter == filter],
        }
        for filter in sorted({g.filter for g in run.filtered})
    ]


def index_page(run: Run) -> str:
    """The page of the whole run."""
    status = Counter(case.status for case in run.cases)
    tiles = (
        ("proposed", status["proposed"], "containment proposed"),
        ("ticket", status["ticket"], "need a person"),
        ("watch", status["watch"], "watched"),
        ("closed", status["closed"], "closed with a reason"),
        ("filtered", len(run.filtered), "filtered as known"),
    )
    return (
        environment()
        .get_template("index.html")
        .render(run=run, tiles=tiles, filters=_filters(run), by_case={case.case_id: case for case in run.cases})
    )


def case_page(run: Run, case: Case, show_raw: ShowRaw | None = None, linked: dict[str, str] | None = None) -> str:
    """The page of one case; ``show_raw`` gives the command or query that shows a detection's raw rows.

    ``linked`` (the page of each host of ours) is worked out here unless a caller has it already.
    """
    linked = pages_by_host(run) if linked is None else linked
    looks = [detection_view(run, judged, linked, show_raw or zgrep_command) for judged in case.detections]
    return environment().get_template("case.html").render(run=run, case=case, looks=looks)


def write(run: Run, folder: Path, show_raw: ShowRaw | None = None) -> Path:
    """Write ``index.html`` and one page per case into ``folder`` (made when absent); the path of the index.

    Raises PlaybookError when the folder cannot be written.
    """
    linked = pages_by_host(run)
    index = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for case in run.cases:
            page = case_page(run, case, show_raw, linked)
            (folder / page_name(case.case_id)).write_text(page, encoding="utf-8")
        index.write_text(index_page(run), encoding="utf-8")
    except OSError as fault:
        raise PlaybookError(f"{folder}: the report cannot be written: {fault.strerror or fault}") from fault
    return index
