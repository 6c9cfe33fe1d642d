"""The list of cases with its search in the address, closing many at once, and the page of a host or a destination."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request
from starlette.responses import Response

from playbook.cases import accounts, case_rows, case_search, connections, queue
from playbook.cases.case_search import CaseSearch
from playbook.model.address import parse
from playbook.model.verdict import Disposition
from playbook.web import rendering
from playbook.web.auth import P, Reason, Responder, Token, Viewer, check_form, own_path
from playbook.web.dependencies import Dependencies
from playbook.web.pivots import pivots_of
from playbook.web.sessions import Person

router = APIRouter(include_in_schema=False)
PAGE = 50
_MOST_AT_ONCE = 200
_LONGEST_PLACE = 255
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
CaseIds = Annotated[list[str], Form(max_length=_MOST_AT_ONCE)]


def link_of(wanted: CaseSearch) -> Any:
    """Gives the address of this search with something of it changed."""

    def link(**change: str) -> str:
        values = wanted.model_dump() | change
        usual = CaseSearch().model_dump()
        query = urlencode({name: value for name, value in values.items() if value != usual[name]})
        return f"/cases?{query}" if query else "/cases"

    return link


@router.get("/cases")
def cases(
    request: Request, parts: P, person: Viewer, wanted: Annotated[CaseSearch, Query()], offset: Offset = 0
) -> Response:
    """The cases of a search."""
    return _listed(request, parts, person, wanted, offset)


@router.post("/cases/close")
def close(
    request: Request,
    parts: P,
    person: Responder,
    disposition: Annotated[Disposition, Form()],
    case_id: CaseIds = [],  # noqa: B006 a form without a chosen case; it is only read
    reason: Reason = "",
    csrf: Token = "",
    back: Annotated[str, Form(max_length=2000)] = "/cases",
) -> Response:
    """A person closes many cases with one disposition and one reason: all of them, or none and why."""
    check_form(person, "/cases/close", csrf)
    if not case_id or not reason.strip():
        fault = "Choose at least one case." if not case_id else "Say why: the reason is kept with each case."
        return _listed(request, parts, person, CaseSearch(), 0, 422, fault)
    faults = _close_all(parts, person, tuple(dict.fromkeys(case_id)), disposition, reason.strip())
    if faults:
        fault = f"Nothing was closed: {'; '.join(faults[:5])}."
        return _listed(request, parts, person, CaseSearch(), 0, 409, fault)
    there = own_path(back)
    return rendering.see_other(f"{there}{'&' if '?' in there else '?'}told=closed", "")


def _close_all(
    parts: Dependencies, person: Person, case_ids: tuple[str, ...], disposition: Disposition, reason: str
) -> tuple[str, ...]:
    """Why some cannot be closed; then none of them is."""
    now, who = parts.now(), person.proof.name
    with parts.store.change() as conn:
        rows = {case_id: case_rows.row_of(conn, case_id) for case_id in case_ids}
        faults = tuple(
            f"{case_id[:40]}: {'is closed already' if row else 'no such case'}"
            for case_id, row in rows.items()
            if row is None or row.closed_at is not None
        )
        for case_id in () if faults else case_ids:
            case_rows.resolve(conn, case_id, disposition, who, reason, now)
    return faults


def _listed(
    request: Request,
    parts: Dependencies,
    person: Person,
    wanted: CaseSearch,
    offset: int,
    status: int = 200,
    fault: str = "",
) -> Response:
    now = parts.now()
    with parts.store.reading() as conn:
        values: Mapping[str, Any] = {
            "rows": case_search.search(conn, wanted, now, PAGE, offset),
            "total": case_search.number(conn, wanted, now),
            "by_state": case_search.by_state(conn),
            "needed": queue.attention_count(conn, now),
            "owners": connections.owners(conn),
            "people": [one.name for one in accounts.list_accounts(conn) if one.disabled_at is None],
        }
    link = link_of(wanted)
    query = link().partition("?")[2]
    return rendering.page(
        request,
        "cases.html",
        person,
        status,
        fault,
        wanted=wanted,
        link=link,
        query=f"{query}&" if query else "",
        heading="",
        offset=offset,
        size_of_page=PAGE,
        **values,
    )


@router.get("/hosts/{host:path}")
def host(request: Request, parts: P, person: Viewer, host: str) -> Response:
    """Everything the record has of one of our hosts: its cases, where it called, what was contained."""
    wanted = CaseSearch(host=_place(host), sort="opened")
    with parts.store.reading() as conn:
        rows = case_search.search(conn, wanted, parts.now(), 200)
        seen = connections.of_host(conn, wanted.host)
        blocks = connections.contained_of_host(conn, wanted.host)
    if not rows:
        raise HTTPException(404, "no case was ever opened for this host")
    return _of_place(request, person, f"Host {rows[0].host}", "host", rows, seen, blocks, ())


@router.get("/destinations/{place:path}")
def destination(request: Request, parts: P, person: Viewer, place: str) -> Response:
    """Everything the record has of an address or a name outside: who calls it, since when, and what was blocked."""
    wanted = CaseSearch(destination=_place(place), sort="opened")
    with parts.store.reading() as conn:
        rows = case_search.search(conn, wanted, parts.now(), 200)
        seen = connections.of_destination(conn, wanted.destination)
        blocks = connections.contained_of_destination(conn, wanted.destination)
    if not rows:
        raise HTTPException(404, "no case names this destination")
    address = wanted.destination if parse(wanted.destination) is not None else ""
    links = pivots_of(parts.config, address, "" if address else wanted.destination)
    return _of_place(request, person, f"Destination {wanted.destination}", "destination", rows, seen, blocks, links)


def _place(text: str) -> str:
    return text.strip().lower()[:_LONGEST_PLACE]


def _of_place(
    request: Request, person: Person, heading: str, about: str, rows: Any, seen: Any, blocks: Any, links: Any
) -> Response:
    return rendering.page(
        request,
        "place.html",
        person,
        heading=heading,
        about=about,
        rows=rows,
        total=len(rows),
        seen=seen,
        blocks=blocks,
        links=links,
        offset=0,
        size_of_page=PAGE,
    )
