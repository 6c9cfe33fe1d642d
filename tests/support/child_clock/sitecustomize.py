"""Python imports this at its start where this folder is on its path: the clock of tests/support/shifted_clock.py."""

from tests.support.shifted_clock import start

start()
