"""Python imports this at its start where this folder is on its path: the clock that tests/shifted_clock.py set."""

from tests.shifted_clock import start

start()
