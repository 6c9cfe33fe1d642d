"""Migrations of the record: env.py runs inside the store's own transaction; one module a revision."""
