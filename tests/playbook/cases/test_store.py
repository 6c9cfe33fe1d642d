"""The store: one URL, private file, one serialised transaction a change, migrations that match the tables."""

import threading

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as Alembic
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.cases.accounts import ROLES, scopes_of
from playbook.cases.schema import executors, metadata, tokens
from playbook.cases.store import address_of, open_store
from playbook.errors import ConfigError, Incomplete, Unreachable
from playbook.workflows.client import workflow_engine
from tests.support.builders import NOW


def add(conn, name):
    conn.execute(executors.insert(), {"executor_id": name, "started_at": NOW, "beat_at": NOW})


def count(store):
    with store.reading() as conn:
        return conn.execute(sa.select(sa.func.count()).select_from(executors)).scalar_one()


def test_the_migrations_make_exactly_the_tables_of_the_code(store):
    with store.reading() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_migrating_again_changes_nothing(store, url):
    with store.change() as conn:
        add(conn, "one")
    again = open_store(url)
    assert count(again) == 1
    again.close()


@pytest.mark.postgres
@pytest.mark.parametrize("own", ["", "5s"])
def test_the_locks_of_a_process_that_stands_still_end_as_the_url_says_else_after_half_a_minute(pg_server, own):
    url = pg_server.schema()
    url += f"%20-cidle_in_transaction_session_timeout%3D{own}" if own else ""
    store = open_store(url, migrate=False)
    for engine in (store.engine, workflow_engine(store)):
        with engine.connect() as conn:
            found = conn.execute(sa.text("SHOW idle_in_transaction_session_timeout")).scalar_one()
        assert found == (own or "30s")
        engine.dispose()


def test_a_change_is_all_or_nothing(store):
    with pytest.raises(ZeroDivisionError), store.change() as conn:
        add(conn, "one")
        raise ZeroDivisionError
    assert count(store) == 0


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    store = open_store("sqlite:///state.db", tmp_path)
    with store.change() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer version"):
        open_store("sqlite:///state.db", tmp_path)
    store.close()


@pytest.mark.postgres
def test_an_empty_postgresql_is_migrated(pg_server):
    store = open_store(pg_server.schema())
    with store.reading() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    store.close()


def test_writers_take_turns_and_each_sees_what_the_other_wrote(store):
    """Read, then write what was read plus one, from four threads: no step is lost, none fails."""

    def work():
        for _ in range(5):
            with store.change() as conn:
                n = conn.execute(sa.select(sa.func.count()).select_from(executors)).scalar_one()
                add(conn, f"e{n}")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=120)
    assert count(store) == 20


def test_readers_are_not_held_up_by_a_writer(store):
    with store.change() as conn:
        add(conn, "one")
        assert count(store) == 0
    assert count(store) == 1


def test_sqlite_is_durable_and_its_file_is_the_owners_alone(tmp_path):
    store = open_store("sqlite:///sub/state.db", tmp_path)
    assert store.file == tmp_path / "sub" / "state.db"
    assert store.file.stat().st_mode & 0o077 == 0
    with store.reading() as conn:
        pragmas = [
            conn.exec_driver_sql(f"PRAGMA {p}").scalar_one()
            for p in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 30000, 1]
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://x/y",
        "sqlite://",
        "sqlite:///:memory:",
        "no url",
        "///",
        "postgresql://u:geheim@h:port/db",
        "postgresql://u:geheim@[::1/db",
    ],
)
def test_other_urls_are_refused_without_showing_them(url, tmp_path):
    with pytest.raises(ConfigError, match=r"state\.url: expected") as told:
        address_of(url, tmp_path)
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:geheim@127.0.0.1:1/db?sslmod=require", "sslmod"),
        ("postgresql://u:geheim@127.0.0.1:1/db?connect_timeout=soon", "connect_timeout: 'soon'"),
        ("sqlite:///state.db?mode=ro", "a SQLite file takes no parameters: mode"),
    ],
)
def test_a_parameter_that_nobody_knows_is_a_fault_of_the_configuration(url, words, tmp_path):
    (tmp_path / "playbook.toml").write_text(f'[state]\nurl = "{url}"\n')
    done = CliRunner().invoke(cli, ["cases", "--config", str(tmp_path / "playbook.toml")])
    assert isinstance(done.exception, ConfigError) and done.exception.exit_code == 2
    assert str(done.exception).startswith("state.url: ") and words in str(done.exception)
    assert "geheim" not in str(done.exception) and not (tmp_path / "state.db").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unreachable, match="file"):
        open_store("sqlite:///file/state.db", tmp_path)


def test_what_is_no_database_is_told(tmp_path):
    (tmp_path / "state.db").write_text("this is a text file, and long enough to be looked at as a database header")
    with pytest.raises(Incomplete, match=r"state\.db"):
        open_store("sqlite:///state.db", tmp_path)


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(Incomplete) as told:
        open_store("postgresql://u:geheim@/db?host=/nowhere&connect_timeout=1")
    assert "geheim" not in str(told.value)


def test_tokens_of_before_keep_what_their_role_reached_and_none_files_alerts(tmp_path):
    store = open_store("sqlite:///old.db", tmp_path, migrate=False)
    scripts = ScriptDirectory.from_config(settings := alembic_settings())
    with store.change() as conn:
        settings.attributes["connection"] = conn
        command.upgrade(settings, str(scripts.get_revision("0008").down_revision))
        conn.exec_driver_sql(
            "INSERT INTO accounts (name, role, password_hash, created_at, created_by, failures)"
            " VALUES ('anna', 'admin', '', '2026', 'test', 0)"
        )
        for role in ROLES:
            conn.exec_driver_sql(
                "INSERT INTO tokens (token_hash, account, label, scope, via, created_at)"
                f" VALUES ('{role}', 'anna', '', '{role}', 'cli', '2026')"
            )
    store.migrate()
    with store.reading() as conn:
        scopes = {row.token_hash: row.scopes for row in conn.execute(sa.select(tokens.c.token_hash, tokens.c.scopes))}
    assert scopes == {role: ",".join(scopes_of(role, ())) for role in ROLES}
    assert not any("intake" in text for text in scopes.values())
    store.close()


def alembic_settings():
    settings = Alembic()
    settings.set_main_option("script_location", "playbook.cases:migrations")
    return settings
