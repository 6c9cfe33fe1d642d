"""Who called whom, over all recorded cases: what a host's page and a destination's page list."""

import sqlalchemy as sa
from pydantic import AwareDatetime

from playbook.cases.containments import ContainmentRecord, record_of
from playbook.cases.schema import UtcTime, cases, containments, detections
from playbook.model import Value

_MOST = 500


class Connection(Value):
    """One host and one destination over all their cases, first and last seen, and the newest case."""

    host: str
    dst_ip: str
    dst_port: int
    dst_name: str
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    cases: int
    case_id: str


def of_host(conn: sa.Connection, host: str) -> tuple[Connection, ...]:
    """Every destination that detections of this host name, the last seen first; at most 500."""
    return _grouped(conn, cases.c.host == host)


def of_destination(conn: sa.Connection, place: str) -> tuple[Connection, ...]:
    """Every host whose detections name this address or name, the last seen first; at most 500."""
    return _grouped(conn, (detections.c.dst_ip == place) | (detections.c.dst_name == place))


def _grouped(conn: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[Connection, ...]:
    d = detections.c
    columns = (cases.c.host, d.dst_ip, d.dst_port)
    last = sa.func.max(d.last_seen, type_=UtcTime).label("last_seen")
    query = (
        sa.select(
            *columns,
            sa.func.max(d.dst_name).label("dst_name"),
            sa.func.min(d.first_seen, type_=UtcTime).label("first_seen"),
            last,
            sa.func.count(sa.distinct(d.case_id)).label("cases"),
            sa.func.max(d.case_id).label("case_id"),
        )
        .join(cases, cases.c.case_id == d.case_id)
        .where(which)
        .group_by(*columns)
        .order_by(last.desc(), *columns)
        .limit(_MOST)
    )
    return tuple(Connection(**row) for row in conn.execute(query).mappings())


def contained_of_host(conn: sa.Connection, host: str) -> tuple[ContainmentRecord, ...]:
    """Everything that was ever set for this host's cases, newest first; at most 500."""
    return _contained(conn, containments.c.case_id.in_(sa.select(cases.c.case_id).where(cases.c.host == host)))


def contained_of_destination(conn: sa.Connection, place: str) -> tuple[ContainmentRecord, ...]:
    """Everything that was ever set against this address or name, by any case; at most 500."""
    own = sa.select(detections.c.case_id).where((detections.c.dst_ip == place) | (detections.c.dst_name == place))
    addresses = sa.select(detections.c.dst_ip).where(detections.c.dst_name == place)
    targets = [place, *conn.execute(addresses.distinct().limit(100)).scalars()]
    named = [containments.c.target == one for one in targets]
    named += [containments.c.target.contains(f">{one}:", autoescape=True) for one in targets]
    named += [containments.c.target.contains(f">[{one}]:", autoescape=True) for one in targets if ":" in one]
    return _contained(conn, containments.c.case_id.in_(own) & sa.or_(*named))


def _contained(conn: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[ContainmentRecord, ...]:
    query = sa.select(containments).where(which).order_by(containments.c.created_at.desc(), containments.c.key)
    return tuple(record_of(row) for row in conn.execute(query.limit(_MOST)).mappings())


def owners(conn: sa.Connection) -> tuple[str, ...]:
    """The owners of hosts with a case, by name; at most 500."""
    query = sa.select(cases.c.owner).where(cases.c.owner != "").distinct().order_by(cases.c.owner)
    return tuple(conn.execute(query.limit(_MOST)).scalars())
