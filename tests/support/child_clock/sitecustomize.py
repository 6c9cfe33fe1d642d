"""Python imports this at its start where this folder is on its path: the clock that tests/support/shifted_clock.py set."""

from tests.support.shifted_clock import start

start()
