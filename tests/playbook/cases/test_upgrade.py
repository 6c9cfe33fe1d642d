"""A record of release 0.1 (revision 0007) is upgraded with everything in it; an older one is refused with the cure.

tests/data/record_0007.sql.gz is the dump of a record that the code at revision 0007 filed: the sample's 17 cases, four
requests of which one is approved and not yet carried out, its vote, six tickets, two accounts with a token each.
"""

import gzip
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from playbook.cases import approval_requests, audit, case_rows, containments
from playbook.cases.schema import cases, decisions, metadata, tokens
from playbook.cases.store import open_store
from playbook.errors import ConfigError

DUMP = Path(__file__).resolve().parents[2] / "data" / "record_0007.sql.gz"


@pytest.fixture
def old(tmp_path) -> Path:
    file = tmp_path / "old.db"
    with sqlite3.connect(file) as conn:
        conn.executescript(gzip.decompress(DUMP.read_bytes()).decode())
    conn.close()
    return file


def test_everything_is_there_after_the_upgrade(old):
    store = open_store(f"sqlite:///{old}")
    with store.reading() as conn:
        waiting = approval_requests.list_requests(conn, "waiting")
        (approved,) = approval_requests.list_requests(conn, "approved")
        (containment,) = containments.list_containments(conn)
        (vote,) = conn.execute(sa.select(decisions)).mappings()
        names = conn.execute(sa.select(cases.c.case_id)).scalars().all()
        assert [request.host for request in waiting] == ["kiosk-04", "acct-07", "veeam-01"]
        assert all(offer.steps for request in (*waiting, approved) for offer in request.offers)
        assert (vote["who"], vote["request_id"], vote["digest"]) == ("anna", approved.request_id, approved.digest)
        assert containment.step.target == "198.51.100.23" and containment.request_id == approved.request_id
        read = [case_rows.case_of(conn, name) for name in names]
        assert len(read) == 17 and all(case is not None and case.detections for case in read)
        assert audit.verify(conn) == ()
        # A token of before reaches what its role did, and files no alerts.
        assert all("intake" not in scopes for scopes in conn.execute(sa.select(tokens.c.scopes)).scalars())
    store.close()


def test_the_upgraded_tables_are_those_of_a_new_record(old, tmp_path):
    stores = [open_store(f"sqlite:///{old}"), open_store(f"sqlite:///{tmp_path / 'new.db'}")]
    upgraded, new = (columns_of(store.engine) for store in stores)
    assert upgraded == new
    for store in stores:
        store.close()


def columns_of(engine):
    inspector = sa.inspect(engine)
    return {
        name: (
            {column["name"]: (str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)},
            sorted((index["name"], index["column_names"], index["unique"]) for index in inspector.get_indexes(name)),
        )
        for name in metadata.tables
    }


def test_a_record_of_before_is_refused_with_what_to_do(old):
    with sqlite3.connect(old) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0005'")
    conn.close()
    with pytest.raises(ConfigError, match=r"revision 0005 .* the release 0\.1"):
        open_store(f"sqlite:///{old}")
