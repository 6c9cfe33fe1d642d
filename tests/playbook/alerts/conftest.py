"""A record on SQLite always, and on PostgreSQL where a server can be started."""

from tests.playbook.cases.conftest import pg_migrated, pg_server, url

__all__ = ["pg_migrated", "pg_server", "url"]
