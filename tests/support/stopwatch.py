"""The clock of tests that wait for a real process or server: monotonic seconds, the only real clock they may read."""

from time import monotonic as seconds

__all__ = ("seconds",)
